from __future__ import annotations

import copy
import dataclasses
import hashlib
import json

import pytest

from coig_writer import benchmark
from coig_writer.errors import ConfigError, DriftError, InputError, MissingInputError
from coig_writer.files import write_json, write_records
from coig_writer.mixing import chat, mixing
from coig_writer.mixing.mixing import Rules
from coig_writer.mixing.sources import Source, convert
from coig_writer.mixture import Example, MixtureRow
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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": 7}, "id_is_no_text"),
        ({"answer": None}, "article_empty"),
        ({"answer": "a<|im_end|>"}, "article_holds_a_marker"),
    ],
)
def test_a_source_that_gives_no_row_at_all_is_refused_with_the_reason(
    rows, smoke_tokenizer, change, reason
):
    write_jsonl(rows / "creative.jsonl", [creative_row(n) | change for n in range(3)])
    source = Source("creative", str(rows / "creative.jsonl"), "coig_writer")
    with pytest.raises(InputError, match="0 admissible rows of 3, some needed") as caught:
        mixing.sample(source, None, RULES, smoke_tokenizer)
    assert f"{{'{reason}': 3}}" in str(caught.value.remedy)


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


@pytest.fixture
def mixture(rows, smoke_tokenizer, tmp_path):
    mixed, _, parts = build(rows, smoke_tokenizer)
    tokenizer = chat.tokenizer_sha256(smoke_tokenizer)
    locked = mixing.lock("cw_1k", parts, mixed, RULES, tokenizer, sample_scale=False)
    mixing.write(tmp_path / "cw_1k", mixed, locked, parts)
    return tmp_path / "cw_1k", mixed, locked


def read(folder):
    return mixing.read(folder, 4096, sample_scale=False)


def test_a_mixture_is_read_back_as_it_was_locked(mixture):
    folder, mixed, locked = mixture
    assert read(folder) == (mixed, locked)
    assert locked["lock_version"] == 2


def edited(row, number, change):
    turns = [
        dataclasses.replace(t, content=change(t.content)) if i == number else t
        for i, t in enumerate(row.messages)
    ]
    return dataclasses.replace(row, messages=tuple(turns))


CHANGES = {
    "one character of a prompt": lambda rows: [edited(rows[0], 0, lambda t: t + "。"), *rows[1:]],
    "one character of a reasoning": lambda rows: [
        edited(rows[0], 1, lambda t: t.replace("<think>\n", "<think>\n又", 1)),
        *rows[1:],
    ],
    "an article": lambda rows: [edited(rows[0], 1, lambda t: t[:-1]), *rows[1:]],
    "an overwritten assistant turn": lambda rows: [edited(rows[0], 1, lambda _: "空"), *rows[1:]],
    "a length": lambda rows: [dataclasses.replace(rows[0], n_tokens=1), *rows[1:]],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_one_edited_character_is_drift_and_its_source_is_named(mixture, change):
    folder, mixed, _ = mixture
    write_records(folder / "train.parquet", change(mixed), MixtureRow)
    with pytest.raises(
        DriftError, match=rf"was changed after it was built \(in {mixed[0].source}\)"
    ) as caught:
        read(folder)
    assert "python recipes/mix.py --config CONFIG --variants cw_1k" in str(caught.value)


def test_another_order_and_other_rows_are_drift(mixture):
    folder, mixed, _ = mixture
    write_records(folder / "train.parquet", mixed[::-1], MixtureRow)
    with pytest.raises(DriftError, match=r"or the order was changed after it was built\n"):
        read(folder)
    write_records(folder / "train.parquet", mixed[1:], MixtureRow)
    with pytest.raises(DriftError, match="the rows are not those"):
        read(folder)


def older(locked):
    """The lock as kits before wrote it."""
    new = ("lock_version", "sample_scale", "content_sha256")
    found = {k: v for k, v in locked.items() if k not in new}
    parts = {n: {k: v for k, v in p.items() if k not in new} for n, p in locked["sources"].items()}
    return found | {"sources": parts}


def test_a_lock_of_an_older_kit_is_read_and_says_what_it_cannot_prove(mixture, caplog):
    folder, mixed, locked = mixture
    old = older(locked)
    write_json(folder / "mixture.lock.json", old)
    assert read(folder) == (mixed, old)
    assert "not that their texts are unchanged" in caplog.text
    assert not list(mixing.drift(old, mixing.comparable(old, locked)))
    moved = locked | {"rows": 7}
    assert list(mixing.drift(old, mixing.comparable(old, moved))) == ["rows: locked 12, now 7"]
    more = locked | {"sources": locked["sources"] | {"poems": locked["sources"]["creative"]}}
    assert "sources.poems" in "".join(mixing.drift(old, mixing.comparable(old, more)))
    assert mixing.comparable(locked, moved) == moved


def test_a_mixture_of_another_length_or_scale_is_refused_with_what_to_type(mixture):
    folder, _, locked = mixture
    with pytest.raises(
        ConfigError, match="was built for 4096 tokens, the recipe says max_length: 8192"
    ):
        mixing.read(folder, 8192, sample_scale=False)
    with pytest.raises(ConfigError, match="at the published scale, the recipe is at sample scale"):
        mixing.read(folder, 4096, sample_scale=True)
    write_json(folder / "mixture.lock.json", locked | {"sample_scale": True})
    with pytest.raises(
        ConfigError, match="at sample scale, the recipe is at the published"
    ) as caught:
        read(folder)
    assert "--mixtures" in str(caught.value)
    with pytest.raises(MissingInputError, match="no mixture 'cw' here"):
        read(folder.parent / "cw")


def test_another_tokenizer_than_the_locks_is_refused(mixture, smoke_tokenizer):
    _, _, locked = mixture
    mixing.check_tokenizer(locked, smoke_tokenizer)
    other = copy.deepcopy(smoke_tokenizer)
    other.chat_template += " "
    with pytest.raises(DriftError, match="was built with tokenizer") as caught:
        mixing.check_tokenizer(locked, other)
    assert "--variants cw_1k" in str(caught.value)
