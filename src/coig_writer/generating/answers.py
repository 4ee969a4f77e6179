"""Answers to the benchmark, kept: one file per variant that only ever grows.

What is there and was made in the same way is kept, whatever is asked for now; what was made in another way
(another state of the model, other decoding, another seed) is set aside beside it under a hidden name.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from coig_writer import facts
from coig_writer.benchmark import Query
from coig_writer.files import appending, iterate, rows_sha256, write_records
from coig_writer.generation import Generation, Sampling, split
from coig_writer.record import to_row

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Completion:
    """What a model emitted: text, ``stop`` or ``length``, and the number of new tokens."""

    text: str
    finish_reason: str
    n_tokens: int | None


class Model(Protocol):
    """A model that answers, on this machine or behind a server."""

    @property
    def variant(self) -> str:
        """Its name in the records."""

    @property
    def path(self) -> str:
        """Where it is loaded from, or the name that its server knows."""

    @property
    def revision(self) -> str | None:
        """Its state, where the caller knows it."""

    def complete(
        self, queries: Sequence[Query], sampling: Sampling, seed: int
    ) -> Iterator[Completion]:
        """Yields an answer per query, in order."""


def row_seed(seed: int, query_id: str) -> int:
    """Returns the seed of one answer: 63 bits of SHA-256."""
    return int.from_bytes(hashlib.sha256(f"{seed}\n{query_id}".encode()).digest()[:8], "big") >> 1


def sample_seed(seed: int, sample: int) -> int:
    """Returns the seed that one sample of all queries is drawn from; the first has the plain one."""
    return row_seed(seed, f"sample {sample}") if sample else seed


def version(path: str, revision: str | None) -> str | None:
    """Returns a model's state: the revision that was named, or the fingerprint of a run on this machine."""
    file = Path(path) / "facts.json"
    if revision or not file.is_file():
        return revision
    fingerprint = facts.read(file).get("run/fingerprint")
    return str(fingerprint.value)[:16] if fingerprint else None


def generate(
    model: Model,
    queries: Sequence[Query],
    sampling: Sampling,
    *,
    seed: int,
    out: Path,
    samples: int = 1,
) -> Path:
    """Answers what is not yet answered and writes ``OUT/VARIANT.parquet``; resumes where it stopped.

    Answers to other queries that are already there stay, and so do further samples.

    Args:
        model: Who answers.
        queries: What is asked.
        sampling: How it decodes.
        seed: Each sample of each query has a seed of its own that follows from this one.
        out: Folder.
        samples: Answers to each query.

    Raises:
        MissingInputError: The model is missing.
        EndpointError: A server left queries unanswered.
    """
    final = out / f"{model.variant}.parquet"
    partial = out / f".{model.variant}.partial.jsonl"
    with appending(partial) as add:
        done, moved = _kept([final, partial], model, sampling, seed)
        before = len(done)
        for sample in range(samples):
            missing = [query for query in queries if (query.id, sample) not in done]
            answered = model.complete(missing, sampling, sample_seed(seed, sample))
            for query, answer in zip(missing, answered, strict=True):
                record = _record(model, query, sample, answer, sampling, seed)
                add(to_row(record))
                done[query.id, sample] = record
    if len(done) > before or moved or not final.is_file():
        write_records(final, list(done.values()), Generation)
    partial.unlink(missing_ok=True)
    return final


def _kept(
    files: Sequence[Path], model: Model, sampling: Sampling, seed: int
) -> tuple[dict[tuple[str, int], Generation], bool]:
    """Returns what an earlier call has made in the same way, and whether anything was set aside."""
    answers = [a for file in files if file.is_file() for a in iterate(file, Generation)]
    how = (_label(model.path), version(model.path, model.revision), sampling)
    same = {
        (a.query_id, a.sample): a
        for a in answers
        if (a.model, a.revision, a.sampling) == how
        and a.seed == row_seed(sample_seed(seed, a.sample), a.query_id)
    }
    other = [a for a in answers if same.get((a.query_id, a.sample)) != a]
    if other:
        aside = files[0].with_name(f".{model.variant}.{rows_sha256(other)[:12]}.parquet")
        write_records(aside, other, Generation)
        logger.warning(
            f"{model.variant}: {len(other)} answers were made in another way (model, decoding or seed);"
            f" they are kept in {aside}"
        )
    return same, bool(other)


def _label(path: str) -> str:
    """Returns a model's name for records: a local folder's own name, or the name as it is."""
    return Path(path).name if Path(path).exists() else path


def _record(
    model: Model, query: Query, sample: int, answer: Completion, sampling: Sampling, seed: int
) -> Generation:
    parts = split(answer.text)
    return Generation(
        variant=model.variant,
        query_id=query.id,
        sample=sample,
        language=query.language,
        genre=query.genre or None,
        prompt=query.query,
        text=answer.text,
        reasoning=parts.reasoning,
        article=parts.article,
        reasoning_state=parts.state,
        finish_reason=answer.finish_reason,
        n_tokens=answer.n_tokens,
        seed=row_seed(sample_seed(seed, sample), query.id),
        sampling=sampling,
        model=_label(model.path),
        revision=version(model.path, model.revision),
    )
