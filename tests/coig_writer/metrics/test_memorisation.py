"""Copies from the training rows, against brute force."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coig_writer.metrics.memorisation import GRAM, Index
from coig_writer.text.normalise import reduced

LETTERS = st.text("ab，", max_size=60)


@given(st.lists(LETTERS, max_size=4), LETTERS)
def test_equal_to_brute_force(rows: list[str], text: str) -> None:
    known = {
        reduced(row)[i : i + GRAM] for row in rows for i in range(len(reduced(row)) - GRAM + 1)
    }
    flat = reduced(text)
    hits = [flat[i : i + GRAM] in known for i in range(len(flat) - GRAM + 1)]
    result = Index(rows).copied(text)
    if not hits:
        assert result is None
        return
    assert result is not None
    assert result.share == sum(hits) / len(hits)
    longest = max(map(len, "".join("x" if hit else " " for hit in hits).split()), default=0)
    assert result.longest == (longest + GRAM - 1 if longest else 0)


def test_punctuation_does_not_hide_a_copy() -> None:
    result = Index(["长亭外，古道边，芳草碧连天。晚风拂柳笛声残"]).copied(
        "他唱：长亭外古道边芳草碧连天——晚风！——笛"
    )
    assert result is not None
    assert result.longest == 13


def test_thirteen_characters_are_a_copy_and_twelve_are_too_few() -> None:
    known = Index(["长亭外古道边芳草碧连天晚风"])
    thirteen, twelve = (known.copied(f"长亭外古道边芳草碧连天晚{last}") for last in "风雨")
    assert thirteen is not None
    assert twelve is not None
    assert thirteen.share == 1
    assert twelve.longest == 0
    assert known.copied("长亭外古道边芳草碧连天晚") is None
