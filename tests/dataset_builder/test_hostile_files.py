"""Whatever stands in a file that a person hands in, its reader ends in one sentence, and soon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coig_writer import files, taxonomy
from coig_writer.document import Document
from coig_writer.errors import KitError
from coig_writer.triplet import Triplet
from coig_writer.workbench import annotation, qualification, review
from dataset_builder.audit import sample
from dataset_builder.official import overrides
from dataset_builder.stages import collect, sources

DEPTH = 200_000
READERS: dict[str, Callable[[Path], Any]] = {
    "json": files.read_json,
    "settings": files.read_yaml,
    "triplets": lambda path: files.read_records(path, Triplet),
    "documents": lambda path: files.read_records(path, Document),
    "taxonomy": taxonomy.load,
    "reference": sample.reference,
    "gold": qualification.read,
    "answers": lambda path: annotation.read_answers(path.parent),
    "verdicts": lambda path: review.read_verdicts(path.parent),
    "assignments": review.read_assignments,
    "thresholds": lambda path: collect.read_thresholds(str(path)),
    "overrides": lambda path: overrides.read(path, taxonomy.published(), {"a"}),
}
# Read as they are by readers that know no columns.
PLAIN = {("list id", "json"), ("list id", "settings")}
CONTENTS = {
    "arrays": b"[" * DEPTH + b"]" * DEPTH,
    "objects": b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
    "a deep value": b'{"id":"a","text":' + b"[" * DEPTH + b"]" * DEPTH + b"}",
    "never closed": b'{"a":' * DEPTH,
    "list id": b'{"id":["a"],"item":["a"],"prompt_id":["a"],"text":"x","prompt":"x","round":1}',
    "broken byte": b'{"id":"\xff"}',
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_ends_in_one_sentence(tmp_path: Path, reader: str, content: str) -> None:
    path = tmp_path / ("a.csv" if reader == "overrides" else "a.jsonl")
    path.write_bytes(CONTENTS[content])
    if (content, reader) in PLAIN:
        READERS[reader](path)
        return
    with pytest.raises(KitError) as error:
        READERS[reader](path)
    assert len(str(error.value)) < 700
    assert error.value.remedy


# An array may open anywhere, and what is never closed takes in all that follows.
@pytest.mark.parametrize("content", sorted({*CONTENTS} - {"arrays", "never closed"}))
def test_raw_texts_keep_their_neighbours(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(CONTENTS[content] + b'\n{"text": "one"}\n')
    found = list(sources.Source(path, "curated").documents())
    assert "unreadable" in found[0].history[0]
    assert len(found[0].history[0]["unreadable"]) < 300
    assert found[-1].text == "one"


def test_a_taxonomy_names_the_field_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"categories":[{"slug":["a"],"zh":"a","en":"b"}],"genres":[]}')
    with pytest.raises(KitError, match=r"column 'slug' is list"):
        taxonomy.load(path)
