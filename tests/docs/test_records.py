"""The page of records: made from the classes as they are, and nothing on it without a meaning."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, TypedDict

import pytest

from coig_writer.files import read_json, read_rows
from coig_writer.training.pretraining import Corpus, Epoch
from docs import records


def test_the_page_is_that_of_the_classes():
    assert records.PAGE.read_text(encoding="utf-8") == records.page(), (
        "type: python -m docs.records"
    )


@pytest.mark.parametrize("file", records.FILES.values(), ids=lambda file: file.title)
def test_every_column_has_a_meaning(file):
    columns = list(records.columns(records.record(file)))
    assert columns
    assert len({c.name for c in columns}) == len(columns)
    assert [c.name for c in columns if not c.meaning] == []


def test_titles_are_headings_of_their_own():
    text = records.page()
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    assert len(set(headings)) == len(headings)
    anchors = {h.lower().replace(" ", "-") for h in headings}
    assert set(re.findall(r"\(#([^)]*)\)", text)) <= anchors


@dataclasses.dataclass(frozen=True)
class Inner:
    """Of a row.

    Attributes:
        name: Its
            name | place.
    """

    name: str | None


class Base(TypedDict, total=False):
    """What a file has.

    Attributes:
        left_out: Seldom.
    """

    left_out: Inner


class Row(Base):
    """A row.

    Attributes:
        rows: All of them.
        by_name: Each.
        pair: Two.
        any: Whatever.
    """

    rows: list[Inner]
    by_name: dict[str, Inner]
    pair: tuple[int, float]
    any: Any


def test_types_nested_columns_and_absence_in_words():
    columns = {c.name: (c.type, c.meaning) for c in records.columns(Row)}
    assert columns == {
        "left_out": ("object, may be absent", "Seldom."),
        "left_out.name": ("text or null", "Its name | place."),
        "rows": ("list of objects", "All of them."),
        "rows[].name": ("text or null", "Its name | place."),
        "by_name": ("object", "Each."),
        "by_name.NAME.name": ("text or null", "Its name | place."),
        "pair": ("pair (whole number, number)", "Two."),
        "any": ("anything", "Whatever."),
    }


def test_the_bases_own_records_have_the_columns_that_the_page_says(root):
    base = root / "recipes" / "base"
    assert set(read_json(base / "corpus.json")) == set(Corpus.__annotations__)
    assert {frozenset(row) for _, row in read_rows(base / "training.jsonl")} == {
        frozenset(Epoch.__annotations__)
    }
