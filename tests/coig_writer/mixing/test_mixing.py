from __future__ import annotations

import hashlib
import json

import pytest

from coig_writer import benchmark
from coig_writer.errors import InputError
from coig_writer.mixing import mixing
from coig_writer.mixing.mixing import Rules
from coig_writer.mixing.sources import Source, convert
from coig_writer.mixture import Example
from tests.coig_writer.conftest import creative_row, general_row, write_jsonl

RULES = Rules(seed=42, max_length_tokens=4096)


def zh(folder):
    return Source("general_zh", str(folder / "zh.jsonl"), "congliu")


def taken(sampled):
    return [row.source_id for row in sampled.taken]


def test_counts_are_exact_nested_and_stable_under_new_rows(rows, smoke_tokenizer):
    three = taken(mixing.sample(zh(rows), 3, RULES, smoke_tokenizer))
    nine = taken(mixing.sample(zh(rows), 9, RULES, smoke_tokenizer))
    assert len(three) == 3
    assert nine[:3] == three
    write_jsonl(rows / "zh.jsonl", [general_row(i) for i in range(13)])
    again = taken(mixing.sample(zh(rows), 9, RULES, smoke_tokenizer))
    assert len(set(nine) - set(again)) <= 1


def test_rows_come_in_the_order_of_a_hash_that_anyone_can_compute(rows, smoke_tokenizer):
    found = mixing.sample(zh(rows), 12, RULES, smoke_tokenizer)

    def place(row_id):
        return hashlib.sha256(f"1\n42\ngeneral_zh\n{row_id}".encode()).digest()

    assert taken(found) == sorted(taken(found), key=place)


def test_equal_rows_count_once_and_bad_rows_are_kept_aside(rows, smoke_tokenizer):
    bad = {"input": "问", "reasoning_content": "", "content": "答"}
    write_jsonl(rows / "zh.jsonl", [general_row(1), general_row(1), bad, general_row(2)])
    found = mixing.sample(zh(rows), 2, RULES, smoke_tokenizer)
    assert sorted(a.reason for a in found.aside) == ["reasoning_empty", "repeated"]
    with pytest.raises(InputError, match="2 admissible rows of 4, 3 needed"):
        mixing.sample(zh(rows), 3, RULES, smoke_tokenizer)


def test_a_general_row_that_repeats_a_benchmark_query_is_out(rows, smoke_tokenizer):
    query = max(benchmark.queries("zh"), key=lambda q: len(q.query))
    leaked = general_row(99) | {"input": "老师布置的：" + query.query}
    write_jsonl(rows / "zh.jsonl", [leaked, *[general_row(i) for i in range(4)]])
    found = mixing.sample(zh(rows), 4, RULES, smoke_tokenizer)
    example = convert(zh(rows), leaked)
    reason = f"contaminated_by_{query.id}"
    assert mixing.admit(example, RULES, smoke_tokenizer) == (None, reason)
    assert len(found.taken) == 4
    assert all(query.query not in row.messages[0].content for row in found.taken)


@pytest.mark.parametrize(("over_long", "kept"), [("cut", 2), ("drop", 1)])
def test_over_long_rows(rows, smoke_tokenizer, over_long, kept):
    write_jsonl(rows / "creative.jsonl", [creative_row(1), creative_row(2, length=2000)])
    rules = Rules(seed=42, max_length_tokens=512, over_long=over_long)
    found = mixing.sample(
        Source("creative", str(rows / "creative.jsonl"), "coig_writer"),
        None,
        rules,
        smoke_tokenizer,
    )
    assert len(found.taken) == kept
    assert found.over_long == (over_long == "cut")
    assert [a.reason for a in found.aside] == (["over_long"] if over_long == "drop" else [])


def test_a_row_whose_reasoning_fills_the_length_is_out(smoke_tokenizer):
    example = Example("creative", "a", "写", "想" * 3000, "文")
    row, reason = mixing.admit(example, Rules(42, 512), smoke_tokenizer)
    assert row is None
    assert reason == "reasoning_fills_the_length"


def test_a_general_row_is_never_cut(smoke_tokenizer):
    example = Example("general_zh", "a", "问", "想", "答" * 3000)
    assert mixing.admit(example, Rules(42, 512), smoke_tokenizer) == (None, "over_long")


class Characters:
    """A tokenizer of one token per character, without any template: lengths can be counted by hand."""

    def apply_chat_template(self, conversation, **_):
        return {
            "input_ids": [c for turn in conversation for c in turn["content"]] + ["end", "newline"]
        }


# prompt 2 + "<think>\n" 8 + reasoning 3 + "\n</think>" 9 + two newlines + article 4 + turn's end 2
COUNTED = Example("creative", "a", "问题", "想一想", "文文文文")


@pytest.mark.parametrize(
    ("limit", "over_long", "taken", "why"),
    [
        (30, "drop", 30, ""),  # exactly the length is no over-length
        (29, "drop", None, "over_long"),
        (29, "cut", 30, ""),
        (23, "cut", 30, ""),  # the reasoning ends at 22: one token of what follows is seen
        (22, "cut", None, "reasoning_fills_the_length"),
    ],
)
def test_the_edges_of_the_length(limit, over_long, taken, why):
    row, reason = mixing.admit(COUNTED, Rules(42, limit, over_long), Characters())
    assert (row and row.n_tokens, reason) == (taken, why)


def build(rows, tokenizer):
    parts = [
        mixing.sample(
            Source("creative", str(rows / "creative.jsonl"), "coig_writer"), None, RULES, tokenizer
        ),
        mixing.sample(zh(rows), 4, RULES, tokenizer),
    ]
    mixed = mixing.build(parts, RULES)
    return mixed, mixing.lock("cw_1k", parts, mixed, RULES, "t"), parts


def test_the_lock_names_every_drift(rows, smoke_tokenizer, tmp_path):
    mixed, locked, parts = build(rows, smoke_tokenizer)
    assert locked["rows"] == len(mixed) == 12
    assert locked["sources"]["general_zh"]["rows"] == 4
    assert not list(mixing.drift(locked, build(rows, smoke_tokenizer)[1]))
    write_jsonl(rows / "creative.jsonl", [creative_row(i, length=29) for i in range(8)])
    lines = list(mixing.drift(locked, build(rows, smoke_tokenizer)[1]))
    assert any(line.startswith("sources.creative.tokens") for line in lines)
    mixing.write(tmp_path / "out", mixed, locked, parts)
    assert (
        json.loads((tmp_path / "out" / "mixture.lock.json").read_text())["ids_sha256"]
        == locked["ids_sha256"]
    )
    assert str(tmp_path) not in (tmp_path / "out" / "mixture.lock.json").read_text()
