"""Generation in batches with transformers: same seed, same text, whatever the batch.

Each row draws from a random generator of its own, seeded by (seed, query id): Gumbel noise is added
to the filtered logits and the largest is taken, which is sampling exactly. So a run that stops and
resumes, or runs with another batch size, writes the same answers (up to rounding in padded batches).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from coig_writer import facts
from coig_writer.benchmark import Query
from coig_writer.errors import MissingInputError
from coig_writer.files import read_rows, write_records
from coig_writer.generation import Generation, Sampling, split
from coig_writer.record import from_row, to_row


def row_seed(seed: int, query_id: str) -> int:
    """Returns the seed of one answer: 63 bits of SHA-256."""
    return int.from_bytes(hashlib.sha256(f"{seed}\n{query_id}".encode()).digest()[:8], "big") >> 1


@dataclasses.dataclass(frozen=True, slots=True)
class Writer:
    """A model that answers: its name in the records, and what it is loaded from."""

    variant: str
    path: str
    revision: str | None = None

    @property
    def label(self) -> str:
        """The model's name for records: a Hub id, or a local folder's own name."""
        return Path(self.path).name if Path(self.path).exists() else self.path

    @property
    def version(self) -> str | None:
        """The Hub revision, or a local run's fingerprint."""
        file = Path(self.path) / "facts.json"
        if self.revision or not file.is_file():
            return self.revision
        found = facts.read(file).get("run/fingerprint")
        return str(found.value)[:16] if found else None


@dataclasses.dataclass(frozen=True, slots=True)
class Completion:
    """What a model emitted: text, ``stop`` or ``length``, and the number of new tokens."""

    text: str
    finish_reason: str
    n_tokens: int


def generate(
    writer: Writer,
    queries: Sequence[Query],
    sampling: Sampling,
    *,
    seed: int,
    batch_size: int,
    out: Path,
) -> Path:
    """Answers all queries and writes ``OUT/VARIANT.parquet``; resumes where it stopped.

    Raises:
        MissingInputError: The model is not there.
    """
    final = out / f"{writer.variant}.parquet"
    partial = out / f".{writer.variant}.partial.jsonl"
    done = _resumable(final, partial, writer, sampling, seed)
    missing = [q for q in queries if q.id not in done]
    if missing:
        out.mkdir(parents=True, exist_ok=True)
        with partial.open("a", encoding="utf-8") as handle:
            for answer in _answers(writer, missing, sampling, seed, batch_size):
                done[answer.query_id] = answer
                handle.write(json.dumps(to_row(answer), ensure_ascii=False) + "\n")
                handle.flush()
    elif final.is_file():
        return final
    write_records(final, [done[q.id] for q in queries], Generation)
    partial.unlink(missing_ok=True)
    return final


def _resumable(
    final: Path, partial: Path, writer: Writer, sampling: Sampling, seed: int
) -> dict[str, Generation]:
    """Returns the answers that an earlier call with the same model and settings has written."""
    found: dict[str, Generation] = {}
    for file in (final, partial):
        if not file.is_file():
            continue
        for where, row in read_rows(file):
            answer = from_row(Generation, row, where)
            same = (answer.model, answer.revision, answer.sampling) == (
                writer.label,
                writer.version,
                sampling,
            )
            if same and answer.seed == row_seed(seed, answer.query_id):
                found[answer.query_id] = answer
    return found


def _answers(
    writer: Writer, queries: Sequence[Query], sampling: Sampling, seed: int, batch_size: int
) -> Iterator[Generation]:
    from tqdm import tqdm

    model, tokenizer = load(writer)
    with tqdm(total=len(queries), desc=f"generate {writer.variant}", unit="answer") as bar:
        for start in range(0, len(queries), batch_size):
            batch = queries[start : start + batch_size]
            for query, answer in zip(
                batch, complete(model, tokenizer, batch, sampling, seed), strict=True
            ):
                yield _record(writer, query, answer, sampling, seed)
                bar.update()


def _record(
    writer: Writer, query: Query, answer: Completion, sampling: Sampling, seed: int
) -> Generation:
    parts = split(answer.text)
    return Generation(
        variant=writer.variant,
        query_id=query.id,
        language=query.language,
        genre=query.genre,
        prompt=query.query,
        text=answer.text,
        reasoning=parts.reasoning,
        article=parts.article,
        reasoning_state=parts.state,
        finish_reason=answer.finish_reason,
        n_tokens=answer.n_tokens,
        seed=row_seed(seed, query.id),
        sampling=sampling,
        model=writer.label,
        revision=writer.version,
    )


def load(writer: Writer) -> tuple[Any, Any]:
    """Loads model and tokenizer for generation, on a GPU where there is one."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            writer.path, revision=writer.revision, padding_side="left"
        )
        model = AutoModelForCausalLM.from_pretrained(
            writer.path,
            revision=writer.revision,
            dtype=torch.bfloat16 if device == "cuda" else torch.float32,
        )
    except OSError as error:
        raise MissingInputError(
            f"{writer.path}: no model here ({str(error)[:80]})",
            "train it first: accelerate launch recipes/sft.py",
        ) from error
    return model.to(device).eval(), tokenizer


def complete(
    model: Any, tokenizer: Any, queries: Sequence[Query], sampling: Sampling, seed: int
) -> list[Completion]:
    """Answers a batch, one completion per query."""
    import torch
    from transformers import LogitsProcessorList

    conversations = [[{"role": "user", "content": q.query}] for q in queries]
    inputs = tokenizer.apply_chat_template(
        conversations,
        add_generation_prompt=True,
        padding=True,
        return_tensors="pt",
        return_dict=True,
    ).to(model.device)
    with torch.inference_mode():
        ids = model.generate(
            **inputs,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            max_new_tokens=sampling.max_new_tokens,
            logits_processor=LogitsProcessorList(_processors(queries, sampling, seed)),
            pad_token_id=tokenizer.pad_token_id,
        )
    new = ids[:, inputs["input_ids"].shape[1] :].tolist()
    return [_finished(tokenizer, row, model.generation_config.eos_token_id) for row in new]


def _finished(tokenizer: Any, row: list[int], eos: int | list[int] | None) -> Completion:
    stops = {tokenizer.eos_token_id, *(eos if isinstance(eos, list) else [eos])}
    end = next((i for i, token in enumerate(row) if token in stops), None)
    kept = row if end is None else row[:end]
    text = tokenizer.decode(kept, skip_special_tokens=True)
    return Completion(text, "length" if end is None else "stop", len(kept))


def _processors(queries: Sequence[Query], sampling: Sampling, seed: int) -> list[Any]:
    if sampling.temperature == 0:
        return []
    from transformers import TemperatureLogitsWarper, TopPLogitsWarper

    return [
        TemperatureLogitsWarper(sampling.temperature),
        TopPLogitsWarper(sampling.top_p),
        gumbel([row_seed(seed, q.id) for q in queries]),
    ]


def gumbel(seeds: Sequence[int]) -> Any:
    """Returns a logits processor that turns greedy decoding into sampling, one stream per row."""
    import torch
    from transformers import LogitsProcessor

    class Gumbel(LogitsProcessor):  # type: ignore[misc]
        def __init__(self) -> None:
            self.streams = [torch.Generator().manual_seed(seed) for seed in seeds]

        def __call__(self, input_ids: Any, scores: Any) -> Any:
            noise = torch.stack([torch.rand(scores.shape[-1], generator=g) for g in self.streams])
            return scores - torch.log(-torch.log(noise.clamp_min(1e-20))).to(scores)

    return Gumbel()
