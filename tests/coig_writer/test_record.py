from __future__ import annotations

import pytest

from coig_writer.ballot import Ballot
from coig_writer.errors import InputError
from coig_writer.generation import Generation, Sampling
from coig_writer.record import from_row, parse_line, to_row
from coig_writer.triplet import Triplet
from tests.generations import generation

GENERATION = generation(
    "cw",
    "zh-wuxia-1",
    "文",
    genre="wuxia",
    n_tokens=1,
    seed=7,
    sampling=Sampling(0.7, 0.9, 64),
)
TRIPLET = Triplet(
    "a", "写", "想", "文", "novel", "wuxia", "武侠小说", "zh", "s", "CC0-1.0", "sample"
)


def test_row_and_back_with_nested_record():
    row = to_row(GENERATION)
    unknown = dict.fromkeys(("top_k", "repetition_penalty", "stop"))
    assert row["sampling"] == {"temperature": 0.7, "top_p": 0.9, "max_new_tokens": 64} | unknown
    assert from_row(Generation, row) == GENERATION


def test_triplet_keeps_the_published_column_names():
    assert list(to_row(TRIPLET))[:4] == ["id", "query", "thought", "answer"]
    assert from_row(Triplet, to_row(TRIPLET)) == TRIPLET


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variant": 3}, "column 'variant' is int '3', not str"),
        ({"reasoning_state": "half"}, "column 'reasoning_state' is 'half'"),
        ({"article": None}, "column 'article' is null"),
        ({"sampling": {"temperature": 1.0}}, "column 'top_p' of Sampling is missing"),
        ({"colour": "red"}, "unknown column 'colour'"),
        ({"n_tokens": True}, "column 'n_tokens' is bool"),
        ({"sampling": "warm"}, "column 'sampling' is str"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(change, message):
    with pytest.raises(InputError) as caught:
        from_row(Generation, to_row(GENERATION) | change, "gen.jsonl line 4")
    assert message in str(caught.value)
    assert "gen.jsonl line 4" in str(caught.value)


def test_a_missing_column_without_default_is_an_error_and_with_default_is_not():
    ballot = Ballot("b", "s", "pairwise", "i", "q", "r", 0, ("x", "y"), '"left"')
    row = to_row(ballot)
    del row["comment"]
    assert from_row(Ballot, row) == ballot
    del row["rater"]
    with pytest.raises(InputError, match="'rater' of Ballot is missing"):
        from_row(Ballot, row)


def test_an_integer_serves_as_float_and_not_the_reverse():
    row = to_row(GENERATION)
    row["sampling"]["temperature"] = 0
    assert from_row(Generation, row).sampling == Sampling(0.0, 0.9, 64)
    row["sampling"]["max_new_tokens"] = 64.0
    with pytest.raises(InputError, match="max_new_tokens"):
        from_row(Generation, row)


def test_a_line_in_another_encoding_says_how_to_save_it():
    with pytest.raises(InputError, match="line 1: not UTF-8") as caught:
        parse_line('{"prompt": "渡口的老船夫"}'.encode("gb18030"), "a.jsonl line 1")
    assert "save the file as UTF-8" in str(caught.value)
