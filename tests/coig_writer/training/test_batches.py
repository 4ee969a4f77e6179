from __future__ import annotations

import pytest
import torch
from accelerate.data_loader import BatchSamplerShard, SeedableRandomSampler
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import BatchSampler

from coig_writer.training.batches import EvenSampler, StepSampler, micro_batches


def test_by_hand():
    # 8 + 2, 6 + 3, 5 + 4: the longest to the emptiest, three of them because 28 tokens need three
    lengths = [2, 8, 3, 6, 4, 5]
    assert micro_batches(lengths, 10) == [[1, 0], [3, 2], [5, 4]]
    # one token less, and three no longer hold them: 8, 5 + 2, 4 + 3, 6
    assert micro_batches(lengths, 9) == [[1], [5, 0], [4, 2], [3]]


def test_a_document_above_the_limit_has_a_micro_batch_to_itself():
    assert micro_batches([30, 4, 5], 10) == [[0], [2, 1]]


@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=40), st.integers(1, 120), st.integers(1, 8)
)
def test_every_document_once_within_the_limit_and_divided_by_the_ranks(lengths, limit, ranks):
    found = micro_batches(lengths, limit, ranks)
    assert sorted(at for taken in found for at in taken) == list(range(len(lengths)))
    assert all(sum(lengths[at] for at in taken) <= max(limit, *lengths) for taken in found)
    assert len(found) % ranks == 0
    assert found[0] != []


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_ranks_share_a_step_in_as_many_micro_batches_each(ranks):
    lengths = [7 + 13 * i % 90 for i in range(67)]  # 67 = 8 steps of 8 and 3 left over
    samplers = [
        StepSampler(lengths, 8, 100, seed=3, rank=rank, ranks=ranks) for rank in range(ranks)
    ]
    epochs = [list(s) for s in samplers]
    assert {len(e) for e in epochs} == {len(samplers[0])} == {9 * 8 // ranks}
    # empty for one is empty for all, and no step ends with an empty one
    assert len({tuple(not taken for taken in epoch) for epoch in epochs}) == 1
    slots = 8 // ranks
    assert all(epochs[0][end] for end in range(slots - 1, len(epochs[0]), slots))
    seen = [at for epoch in epochs for taken in epoch for at in taken if at != 67]
    assert sorted(seen) == list(range(67))  # none is trained twice
    fillers = sum(at == 67 for epoch in epochs for taken in epoch for at in taken)
    assert fillers <= ranks * slots


def test_steps_are_those_that_accelerate_draws_at_the_same_seed():
    lengths = [5] * 50
    ours = StepSampler(lengths, 8, 20, seed=11)
    theirs = SeedableRandomSampler(lengths, data_seed=11, generator=torch.Generator())
    for epoch in (0, 1, 2):
        ours.set_epoch(epoch)
        theirs.set_epoch(epoch)
        order = list(theirs)
        mine = list(ours)
        for step in range(7):
            taken = [at for micro in mine[8 * step : 8 * step + 8] for at in micro]
            assert sorted(taken) == sorted(order[8 * step : 8 * step + 8])


@pytest.mark.parametrize(("count", "fillers"), [(32, 0), (33, 3), (35, 1), (36, 0)])
def test_rows_that_do_not_divide_are_filled_up_and_none_comes_twice(count, fillers):
    """Where they divide, batches are accelerate's; where they do not, accelerate begins again at the first."""
    theirs = SeedableRandomSampler(range(count), data_seed=7, generator=torch.Generator())
    for epoch in (0, 1):
        seen = []
        for rank in (0, 1):
            ours = EvenSampler(count, 2, seed=7, rank=rank, ranks=2)
            ours.set_epoch(epoch)
            theirs.set_epoch(epoch)
            shard = BatchSamplerShard(BatchSampler(theirs, 2, False), 2, rank)
            mine, before = list(ours), list(shard)
            assert len(mine) == len(ours) == len(before)
            if not fillers:
                assert mine == before
            seen += [at for batch in mine for at in batch]
        assert sorted(seen) == [*range(count), *[count] * fillers]
