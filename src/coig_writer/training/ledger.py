"""The token ledger: what each source puts in, what of it is trained, and what padding costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TypedDict

from coig_writer.facts import Fact


class Prepared(TypedDict):
    """A document as the trainer has prepared it: its row, and its tokens with what of them is trained."""

    row: int
    input_ids: list[int]
    labels: list[int]


class Consumed(TypedDict):
    """What a line of ``consumed-RANK.jsonl`` says of its documents; see ``recount.Line``."""

    numbers: list[int]
    padding: int


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One source's line, summed over all epochs.

    ``documents``, ``tokens`` and ``supervised`` count what gradients were computed from; ``padding``
    is the filling of its batches, shared among their documents by what each lacked.
    """

    source: str
    documents: int
    tokens: int
    supervised: int
    padding: int
    share_of_tokens: float


class Ledger:
    """Counts documents and tokens per source while a run consumes them."""

    def __init__(self, source_of_row: Sequence[str]) -> None:
        self.source_of_row = list(source_of_row)
        self.sources = sorted(set(source_of_row))
        self.length: dict[int, int] = {}
        self.supervised: dict[int, int] = {}
        self._spent = {source: [0, 0, 0, 0] for source in self.sources}
        self._open = self._zero()

    def _zero(self) -> list[list[float]]:
        return [[0.0] * len(self.sources) for _ in range(3)]

    def measure(self, documents: Iterable[Prepared]) -> None:
        """Reads length and supervised tokens of every prepared document (after truncation)."""
        for document in documents:
            row = document["row"]
            self.length[row] = len(document["input_ids"])
            self.supervised[row] = sum(label != -100 for label in document["labels"])

    @property
    def mean_length(self) -> float:
        """Mean document length in tokens."""
        return sum(self.length.values()) / max(1, len(self.length))

    def spend(self, rows: Sequence[int], width: int, losses: Sequence[float]) -> int:
        """Enters one micro-batch.

        Args:
            rows: Its documents.
            width: Its size in tokens, padding included.
            losses: Summed loss per document, empty where unknown.

        Returns:
            Its padding in tokens.
        """
        if not rows:  # a process that had no document left
            return width
        lengths = [self.length[row] for row in rows]
        padding = width - sum(lengths)
        longest = max(lengths)
        lack = [longest - n for n in lengths]
        for row, length, short in zip(rows, lengths, lack, strict=True):
            # equal documents are padded only beside a row without one: they share it evenly
            share = round(padding * short / sum(lack) if sum(lack) else padding / len(rows))
            self._enter(row, length, share)
        for row, loss in zip(rows, losses, strict=False):
            at = self.sources.index(self.source_of_row[row])
            self._open[0][at] += loss
            self._open[1][at] += self.supervised[row]
        for row, length in zip(rows, lengths, strict=True):
            self._open[2][self.sources.index(self.source_of_row[row])] += length
        return padding

    def _enter(self, row: int, length: int, padding: int) -> None:
        spent = self._spent[self.source_of_row[row]]
        for at, amount in enumerate((1, length, self.supervised[row], padding)):
            spent[at] += amount

    def restore(self, lines: Sequence[Consumed]) -> None:
        """Enters what an interrupted run had consumed before its checkpoint."""
        self._spent = {source: [0, 0, 0, 0] for source in self.sources}
        self._open = self._zero()
        for line in lines:
            self.spend(
                line["numbers"],
                line["padding"] + sum(self.length[row] for row in line["numbers"]),
                [],
            )
        self._open = self._zero()

    def since_last_log(self) -> list[list[float]]:
        """Returns loss, supervised tokens and tokens per source since the last call."""
        taken, self._open = self._open, self._zero()
        return taken

    def spent(self) -> list[list[int]]:
        """Returns documents, tokens, supervised tokens and padding of each source, in the order of ``sources``."""
        return [self._spent[source] for source in self.sources]

    def entries(self, spent: Sequence[Sequence[int]] | None = None) -> list[Entry]:
        """Returns the ledger, one line per source.

        Args:
            spent: Sums of ``spent()`` over all processes; None for this one's.
        """
        counts = self.spent() if spent is None else spent
        total = sum(tokens for _, tokens, _, _ in counts)
        return [
            Entry(source, documents, tokens, supervised, padding, tokens / total if total else 0.0)
            for source, (documents, tokens, supervised, padding) in zip(
                self.sources, counts, strict=True
            )
        ]


def facts(entries: Sequence[Entry]) -> list[Fact]:
    """Returns what of a ledger only the run itself can know; the rest shows in the rows it consumed."""
    return [
        Fact(f"ledger/{entry.source}/{name}", getattr(entry, name))
        for entry in entries
        for name in ("supervised", "padding")
    ]
