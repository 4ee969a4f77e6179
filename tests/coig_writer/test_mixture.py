from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from coig_writer import mixture, paper
from coig_writer.mixture import PUBLISHED, content_id, ids_hash, rank, steps

ids = st.sets(st.text(min_size=1, max_size=12), min_size=1, max_size=80)


def test_published_counts_and_steps():
    assert {v: m.total for v, m in PUBLISHED.items()} == {
        "cw": 1665,
        "cw_1k": 3665,
        "cw_5k": 11665,
        "cw_10k": 21665,
        "g": 20000,
    }
    training = paper.TRAINING
    found = {
        v: steps(m.total, training.global_batch_size, training.epochs) for v, m in PUBLISHED.items()
    }
    assert found == {"cw": 159, "cw_1k": 345, "cw_5k": 1095, "cw_10k": 2034, "g": 1875}


def first(rows, seed, count):
    return sorted(rows, key=lambda i: rank(seed, "s", i))[:count]


@given(rows=ids, seed=st.integers(0, 9), small=st.integers(0, 30), more=st.integers(0, 30))
def test_a_smaller_sample_lies_inside_a_larger_one(rows, seed, small, more):
    assert first(rows, seed, small) == first(rows, seed, small + more)[:small]


@given(
    rows=ids, seed=st.integers(0, 9), count=st.integers(1, 30), new=st.text(min_size=1, max_size=12)
)
def test_a_new_row_moves_nothing_but_its_own_place(rows, seed, count, new):
    before, after = first(rows, seed, count), first(rows | {new}, seed, count)
    assert set(after) - {new} <= set(before)
    assert len(set(before) - set(after)) <= 1


@given(st.lists(st.text(), min_size=3, max_size=3), st.lists(st.text(), min_size=3, max_size=3))
@settings(max_examples=200)
def test_content_ids_tell_rows_apart(a, b):
    assert (content_id(*a) == content_id(*b)) == (a == b)


def test_content_id_does_not_run_parts_together():
    assert content_id("ab", "c", "d") != content_id("a", "bc", "d")
    assert content_id("a", None, "b") != content_id("a", "", "b")


def test_the_set_hash_ignores_order_only():
    assert ids_hash(["a", "b"]) == ids_hash(["b", "a"]) != ids_hash(["a", "c"])


def test_the_sampler_is_pinned():
    assert mixture.SAMPLER_VERSION == 1
    assert (
        rank(42, "general_zh", "abc").hex()
        == "000cd6a9a45af2350bdc9bf5f4e15915e8750ccf0a0266932a567cbfb8370ddb"
    )
