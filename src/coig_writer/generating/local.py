"""Generation in batches with transformers: same seed, same text, whatever the batch.

Each row draws from a random generator of its own, seeded by (seed, query id): Gumbel noise is added
to the filtered logits and the largest is taken, which is sampling exactly. So a run that stops and
resumes, or runs with another batch size, writes the same answers (up to rounding in padded batches).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from coig_writer.benchmark import Query
from coig_writer.errors import InputError, MissingInputError
from coig_writer.generating.answers import Completion, row_seed
from coig_writer.generation import Sampling

if TYPE_CHECKING:
    import torch
    from transformers import (
        GenerationConfig,
        LogitsProcessor,
        PreTrainedModel,
        PreTrainedTokenizerBase,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class LocalModel:
    """A model on this machine or the Hub."""

    variant: str
    path: str
    revision: str | None = None
    batch_size: int = 1

    def complete(
        self, queries: Sequence[Query], sampling: Sampling, seed: int
    ) -> Iterator[Completion]:
        """Yields an answer per query; the model is loaded if there is anything to answer.

        Raises:
            MissingInputError: The model is missing.
        """
        from tqdm import tqdm

        if not queries:
            return
        model, tokenizer = load(self)
        with tqdm(total=len(queries), desc=f"generate {self.variant}", unit="answer") as bar:
            for start in range(0, len(queries), self.batch_size):
                batch = queries[start : start + self.batch_size]
                for answer in complete(model, tokenizer, batch, sampling, seed):
                    yield answer
                    bar.update()


def load(named: LocalModel) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Loads model and tokenizer for generation, on a GPU where there is one.

    Raises:
        MissingInputError: The model is missing.
        InputError: It is a reward model: transformers would put a random head on it, and it would write noise.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            named.path, revision=named.revision, padding_side="left"
        )
        model = AutoModelForCausalLM.from_pretrained(
            named.path,
            revision=named.revision,
            dtype=torch.bfloat16 if device == "cuda" else torch.float32,
        )
    except OSError as error:
        raise MissingInputError(
            f"{named.path}: no model here ({str(error)[:80]})",
            "train it first: accelerate launch recipes/sft.py",
        ) from error
    adapters = getattr(model, "peft_config", {}).values()
    heads = [*(model.config.architectures or ()), *(str(a.task_type) for a in adapters)]
    if any("SequenceClassification" in head or "SEQ_CLS" in head for head in heads):
        raise InputError(
            f"{named.path} is a reward model and writes no text",
            "name a model of recipes/sft.py or recipes/dpo.py",
        )
    torch.nn.Module.to(model, device)  # transformers' own `to` hides its arguments
    return model.eval(), tokenizer


def complete(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    queries: Sequence[Query],
    sampling: Sampling,
    seed: int,
) -> list[Completion]:
    """Answers a batch, one completion per query; the checkpoint's own decoding settings are not used."""
    import torch
    from transformers import BatchEncoding, LogitsProcessorList

    conversations = [[{"role": "user", "content": q.query}] for q in queries]
    encoded = tokenizer.apply_chat_template(
        conversations,
        add_generation_prompt=True,
        padding=True,
        return_tensors="pt",
        return_dict=True,
    )
    assert isinstance(encoded, BatchEncoding)
    inputs = encoded.to(model.device)
    stops = stop_ids(tokenizer, sampling)
    bare: Any = getattr(model, "get_base_model", lambda: model)()  # LoRA's layers stay in
    model_config = bare.generation_config
    # what is None in a configuration that is given is filled from the model's, so that one is exchanged too
    bare.generation_config = _settings(tokenizer, sampling, stops)
    try:
        with torch.inference_mode():
            ids = bare.generate(
                **inputs, logits_processor=LogitsProcessorList(_processors(queries, sampling, seed))
            )
    finally:
        bare.generation_config = model_config
    new = ids[:, inputs["input_ids"].shape[1] :].tolist()
    return [_finished(tokenizer, row, stops) for row in new]


def stop_ids(tokenizer: PreTrainedTokenizerBase, sampling: Sampling) -> list[int]:
    """Returns the ids of the tokens that end an answer; the tokenizer's own where none are named.

    Raises:
        InputError: The model's tokenizer has no such token.
    """
    if sampling.stop is None:
        return [tokenizer.eos_token_id]
    known = tokenizer.get_vocab()
    for name in sampling.stop:
        if name not in known:
            raise InputError(
                f"stop: {name!r} is not a token of this model",
                f"name its own, such as {tokenizer.eos_token!r}, under stop: in the decoding settings",
            )
    return [known[name] for name in sampling.stop]


def _settings(
    tokenizer: PreTrainedTokenizerBase, sampling: Sampling, stops: list[int]
) -> GenerationConfig:
    from transformers import GenerationConfig

    penalty = sampling.repetition_penalty
    return GenerationConfig(
        do_sample=False,  # temperature, top_k, top_p and the draw are logits processors of our own
        repetition_penalty=1.0 if penalty is None else penalty,
        max_new_tokens=sampling.max_new_tokens,
        eos_token_id=stops or None,
        pad_token_id=tokenizer.pad_token_id,
    )


def _finished(
    tokenizer: PreTrainedTokenizerBase, row: list[int], stops: Sequence[int]
) -> Completion:
    end = next((i for i, token in enumerate(row) if token in stops), None)
    kept = row if end is None else row[:end]
    text = str(tokenizer.decode(kept, skip_special_tokens=True))
    return Completion(text, "length" if end is None else "stop", len(kept))


def _processors(queries: Sequence[Query], sampling: Sampling, seed: int) -> list[LogitsProcessor]:
    """Returns what samples; with temperature 0 nothing, and the likeliest token is taken."""
    if sampling.temperature == 0:
        return []
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    return [
        TemperatureLogitsWarper(sampling.temperature),
        *([TopKLogitsWarper(sampling.top_k)] if sampling.top_k else []),
        TopPLogitsWarper(sampling.top_p),
        gumbel([row_seed(seed, q.id) for q in queries]),
    ]


def gumbel(seeds: Sequence[int]) -> LogitsProcessor:
    """Returns a logits processor that turns greedy decoding into sampling, one stream per row."""
    import torch
    from transformers import LogitsProcessor

    class Gumbel(LogitsProcessor):
        def __init__(self) -> None:
            self.streams = [torch.Generator().manual_seed(seed) for seed in seeds]

        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            noise = torch.stack([torch.rand(scores.shape[-1], generator=g) for g in self.streams])
            return scores - torch.log(-torch.log(noise.clamp_min(1e-20))).to(scores)

    return Gumbel()
