"""Which documents each optimizer step takes, and how they are cut into micro-batches.

The order of an epoch is the one that transformers and accelerate draw at the same seed, so a step has
the same documents whatever the micro-batches are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler


def micro_batches(lengths: Sequence[int], limit: int, ranks: int = 1) -> list[list[int]]:
    """Puts the documents of a step into as few micro-batches as their limit allows.

    The longest comes first and goes to the emptiest micro-batch, so that they are about equal; their
    number is a multiple of the ranks, and those at the end may be empty.

    Args:
        lengths: Tokens of each document.
        limit: Most tokens of a micro-batch; a longer document has one to itself.
        ranks: Processes that share them.

    Returns:
        Positions in ``lengths``, the fullest micro-batch first.
    """
    longest_first = sorted(range(len(lengths)), key=lambda at: (-lengths[at], at))
    limit = max(limit, lengths[longest_first[0]])
    slots = -(-sum(lengths) // (limit * ranks))
    while True:
        batches: list[list[int]] = [[] for _ in range(slots * ranks)]
        sizes = [0] * len(batches)
        for at in longest_first:
            emptiest = sizes.index(min(sizes))
            batches[emptiest].append(at)
            sizes[emptiest] += lengths[at]
        if max(sizes) <= limit:
            order = sorted(range(len(batches)), key=lambda n: -sizes[n])
            return [batches[n] for n in order]
        slots += 1


def epoch_order(count: int, seed: int) -> list[int]:
    """Returns the order of an epoch, as transformers' sampler draws it at a seed plus the epoch's number."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()


class EvenSampler(Sampler[list[int]]):
    """Yields this process's batches, as many on every process: what is lacking at the end is ``filler``.

    accelerate would train the epoch's first documents once more there.

    Args:
        count: Documents.
        batch: Documents of a batch.
        seed: Of the order.
        rank: This process.
        ranks: All of them.
    """

    def __init__(self, count: int, batch: int, *, seed: int, rank: int, ranks: int) -> None:
        self.count, self.batch = count, batch
        self.seed, self.rank, self.ranks = seed, rank, ranks
        self.filler = count
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order of an epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self.count / (self.batch * self.ranks))

    def __iter__(self) -> Iterator[list[int]]:
        order = epoch_order(self.count, self.seed + self.epoch)
        order += [self.filler] * (len(self) * self.batch * self.ranks - self.count)
        for turn in range(len(self)):
            start = (turn * self.ranks + self.rank) * self.batch
            yield order[start : start + self.batch]


class StepSampler(Sampler[list[int]]):
    """Yields this process's micro-batches, the same number in every step; those not needed are empty.

    An empty micro-batch is empty on every process. Where one process has no document left for a
    micro-batch that others fill, it gets ``filler`` instead.

    Args:
        lengths: Tokens of each document.
        per_step: Documents of an optimizer step, over all processes.
        limit: Most tokens of a micro-batch.
        seed: Of the order.
        rank: This process.
        ranks: All of them.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        per_step: int,
        limit: int,
        *,
        seed: int,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self.lengths, self.per_step, self.limit = list(lengths), per_step, limit
        self.seed, self.rank, self.ranks = seed, rank, ranks
        self.slots = per_step // ranks
        self.filler = len(self.lengths)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order of an epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.per_step) * self.slots

    def __iter__(self) -> Iterator[list[int]]:
        order = epoch_order(len(self.lengths), self.seed + self.epoch)
        for start in range(0, len(order), self.per_step):
            yield from self._step(order[start : start + self.per_step])

    def _step(self, documents: Sequence[int]) -> list[list[int]]:
        """Returns this process's micro-batches of one step; the empty ones come first.

        Gradients are summed over the processes with the last micro-batch, which must not be empty.
        """
        batches = micro_batches([self.lengths[at] for at in documents], self.limit, self.ranks)
        mine = [[documents[at] for at in taken] for taken in batches[self.rank :: self.ranks]]
        empty: list[list[int]] = [[] for _ in range(self.slots - len(mine))]
        return empty + [taken or [self.filler] for taken in mine]
