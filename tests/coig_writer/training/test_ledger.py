from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer.training import throughput
from coig_writer.training.ledger import Ledger


def documents(lengths):
    return [
        {"row": i, "input_ids": [0] * n, "labels": [-100] * (n // 2) + [1] * (n - n // 2)}
        for i, n in enumerate(lengths)
    ]


def test_tokens_supervised_and_padding_per_source():
    ledger = Ledger(["creative", "general_zh", "creative"])
    ledger.measure(documents([10, 4, 6]))
    assert ledger.spend([0, 1], 20, [5.0, 1.0]) == 6
    assert ledger.spend([2], 8, [2.0]) == 2
    creative, general = ledger.entries()
    assert (creative.documents, creative.tokens, creative.supervised) == (2, 16, 8)
    assert (general.documents, general.tokens, general.padding) == (1, 4, 6)
    assert creative.share_of_tokens == pytest.approx(0.8)
    losses, supervised, tokens = ledger.since_last_log()
    assert losses == [7.0, 1.0]
    assert supervised == [8, 2]
    assert tokens == [16, 4]
    assert ledger.since_last_log()[0] == [0, 0]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_nothing_is_lost_between_tokens_and_padding(lengths):
    ledger = Ledger(["a"] * len(lengths))
    ledger.measure(documents(lengths))
    width = max(lengths) * len(lengths)
    padding = ledger.spend(range(len(lengths)), width, [])
    (entry,) = ledger.entries()
    assert entry.tokens + padding == width
    assert abs(entry.padding - padding) <= len(lengths)


def test_the_padding_of_a_row_without_a_document_is_not_lost():
    ledger = Ledger(["a"])
    ledger.measure(documents([7]))
    assert ledger.spend([0], 14, []) == 7
    assert ledger.entries()[0].padding == 7


def test_processes_add_up():
    one, two = Ledger(["a", "b"]), Ledger(["a", "b"])
    for ledger, row in ((one, 0), (two, 1)):
        ledger.measure(documents([3, 5]))
        ledger.spend([row], 5, [])
    both = [
        [x + y for x, y in zip(*pair, strict=True)]
        for pair in zip(one.spent(), two.spent(), strict=True)
    ]
    whole = Ledger(["a", "b"])
    whole.measure(documents([3, 5]))
    whole.spend([0], 5, [])
    whole.spend([1], 5, [])
    assert one.entries(both) == whole.entries()


def test_a_resumed_run_counts_what_came_before():
    one, two = Ledger(["a", "b"]), Ledger(["a", "b"])
    for ledger in (one, two):
        ledger.measure(documents([3, 5]))
    padding = one.spend([0, 1], 10, [])
    two.restore([{"numbers": [0, 1], "padding": padding}])
    assert one.entries() == two.entries()


def test_strict_flops_of_qwen2_5_7b():
    class Config:
        hidden_size, num_hidden_layers, num_attention_heads, num_key_value_heads = 3584, 28, 28, 4
        intermediate_size, vocab_size, head_dim = 18944, 152064, 128

    assert throughput.matmul_parameters(Config) / 1e9 == pytest.approx(7.07, abs=0.01)
    assert throughput.flops_per_token(Config, 8192) / 1e9 == pytest.approx(47.36, abs=0.05)
