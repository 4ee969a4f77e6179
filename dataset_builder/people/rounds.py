"""Rounds of refinement: what validation and review sent back, and their feedback.

A draft is known by the hash of its prompt and reasoning (``Document.draft``). Validation records a
round per draft, so that stages may run again in any order: a judged draft keeps its judgement, and one
that was sent back is written again once, as round ``judged + 1``. Later stages do not see a draft that
waits for somebody, so the waiting document itself keeps the feedback.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

from coig_writer.document import Document
from dataset_builder.stages.parts import folder, read_dropped, read_kept

SENT_BACK_BY = ("validate", "review")
WAITING = "reverse"  # the stage in which a draft that was sent back waits
FEEDBACK = "sent_back"  # key of the feedback in a document's ``validation``; the next validation removes it
DRAFTED = ("prompt", "prompt_fields", "reasoning", "reasoning_fields", "authorship")


@dataclasses.dataclass(frozen=True)
class Earlier:
    """A document as a later stage last saw it; ``feedback`` is None unless it was sent back."""

    document: Document
    feedback: str | None


def earlier(root: Path) -> dict[str, Earlier]:
    """Returns the last state of every document that validation or review has seen or sent back, by id."""
    newest: dict[str, Earlier] = {}
    for stage in (WAITING, *SENT_BACK_BY):
        for state in _seen(root, stage):
            known = newest.get(state.document.id)
            # a review of an older draft has been answered already
            if known is None or state.document.judged >= known.document.judged:
                newest[state.document.id] = state
    return newest


def _seen(root: Path, stage: str) -> Iterator[Earlier]:
    if not folder(root, stage).is_dir():
        return
    if stage == WAITING:
        waiting = (lost.document for lost in read_dropped(root, stage) if lost.open)
        yield from (Earlier(d, d.validation[FEEDBACK]) for d in waiting if FEEDBACK in d.validation)
        return
    for document in read_kept(root, stage):
        yield Earlier(document, None)
    for lost in read_dropped(root, stage):
        returned = lost.reason.startswith("returned")
        yield Earlier(lost.document, lost.evidence if returned else None)


def digest(root: Path) -> str:
    """Returns a hash of all that ``earlier`` reads."""
    hashed = hashlib.sha256()
    for state in _seen(root, WAITING):
        hashed.update(f"{state.document.id}\0{state.document.draft}\0{state.feedback}\0".encode())
    for stage in SENT_BACK_BY:
        for name in ("kept.jsonl", "dropped.jsonl"):
            path = folder(root, stage) / name
            hashed.update(path.read_bytes() if path.is_file() else b"-")
    return hashed.hexdigest()[:16]


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
