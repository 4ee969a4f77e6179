"""Rounds of refinement: what validation and review sent back, and with which words.

A draft is known by the hash of its prompt and reasoning. Validation records a round per draft, so
that stages may run again in any order: a draft that was judged keeps its judgement, a draft that
was sent back is drafted again once, as round ``len(rounds) + 1``.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

from coig_writer.document import Document, Dropped
from dataset_builder.stages.flow import folder, iterate

SENT_BACK_BY = ("validate", "review")
DRAFTED = ("prompt", "prompt_fields", "reasoning", "reasoning_fields", "authorship")


@dataclasses.dataclass(frozen=True)
class Earlier:
    """A document as a later stage last saw it; ``feedback`` is None unless it was sent back."""

    document: Document
    feedback: str | None


def draft(document: Document) -> str:
    """Returns the hash of a document's prompt and reasoning, twelve digits."""
    content = f"{document.prompt}\x00{document.reasoning}".encode("utf-8", "replace")
    return hashlib.sha256(content).hexdigest()[:12]


def judged(document: Document) -> int:
    """Returns how many drafts of a document validation has judged."""
    return len(document.validation.get("rounds", ()))


def earlier(root: Path) -> dict[str, Earlier]:
    """Returns the last state of every document that validation or review has seen, by id."""
    found: dict[str, Earlier] = {}
    for stage in SENT_BACK_BY:
        for state in _seen(root, stage):
            known = found.get(state.document.id)
            # a review of an older draft has been answered already
            if known is None or judged(state.document) >= judged(known.document):
                found[state.document.id] = state
    return found


def _seen(root: Path, stage: str) -> Iterator[Earlier]:
    path = folder(root, stage)
    if not (path / "stage.json").is_file():
        return
    for document in iterate(path / "kept.jsonl", Document, stage, root):
        yield Earlier(document, None)
    for lost in iterate(path / "dropped.jsonl", Dropped, stage, root):
        returned = lost.reason.startswith("returned")
        yield Earlier(lost.document, lost.evidence if returned else None)


def state(root: Path) -> str:
    """Returns a hash of all that ``earlier`` reads."""
    digest = hashlib.sha256()
    for stage in SENT_BACK_BY:
        for name in ("kept.jsonl", "dropped.jsonl"):
            path = folder(root, stage) / name
            digest.update(path.read_bytes() if path.is_file() else b"-")
    return digest.hexdigest()[:16]


def carried(document: Document, known: Earlier) -> Document:
    """Returns a document with the draft and the judgements that it had before."""
    parts = {name: getattr(known.document, name) for name in DRAFTED}
    notes = (event for event in known.document.history if event["stage"] == "reverse")
    return dataclasses.replace(
        document,
        **parts,
        history=(*document.history, *notes),
        validation=known.document.validation,
        reviews=known.document.reviews,
    )
