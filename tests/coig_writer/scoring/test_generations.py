"""Saved generations are checked where they enter."""

from __future__ import annotations

from pathlib import Path

import pytest

from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import write_records
from coig_writer.generation import Generation
from coig_writer.scoring.generations import of_variant, read, variants, write_queries
from tests.generations import generation


def write(path: Path, *records: Generation) -> Path:
    write_records(path, records, Generation)
    return path


def test_files_and_folders_are_read_and_grouped(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", generation("b", "q2", "文"), generation("b", "q1", "文"))
    write(tmp_path / "folder" / "a.parquet", generation("a", "q1", "文"))
    result = variants(read([one, tmp_path / "folder"]))
    assert {name: [r.query_id for r in rows] for name, rows in result.items()} == {
        "a": ["q1"],
        "b": ["q1", "q2"],
    }


def test_an_answer_given_twice_is_an_error(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", generation("a", "q1", "文"))
    with pytest.raises(InputError, match="answers query q1 twice"):
        read([file, file])


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "x" * 101])
def test_a_variant_that_is_no_file_name_is_an_error(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "a.jsonl", generation(name, "q1", "文"))
    with pytest.raises(InputError, match="not a valid file name"):
        read([file])


@pytest.mark.parametrize("variant", ["a", "b"])
def test_one_query_id_cannot_have_two_prompts(tmp_path: Path, variant: str) -> None:
    other = generation(variant, "q1", "文", prompt="别的", sample=1)
    records = [generation("a", "q1", "文"), other]
    with pytest.raises(InputError, match="different prompts"):
        write_queries(tmp_path, records)
    with pytest.raises(InputError, match="different prompts"):
        read([write(tmp_path / "g.jsonl", *records)])


def test_several_answers_to_a_prompt_are_samples_and_a_file_without_them_holds_the_first(
    tmp_path: Path,
) -> None:
    file = write(tmp_path / "a.jsonl", generation("a", "q1", "文"))
    old = file.read_text(encoding="utf-8").replace('"sample": 0, ', "")
    assert "sample" not in old
    file.write_text(old, encoding="utf-8")
    more = write(tmp_path / "b.parquet", generation("a", "q1", "另一篇", sample=1))
    assert [r.sample for r in variants(read([more, file]))["a"]] == [0, 1]


def test_an_unknown_variant_names_those_that_are_there() -> None:
    with pytest.raises(MissingInputError) as caught:
        of_variant([generation("a", "q1", "文")], "b")
    assert caught.value.remedy == "variants here: a"


def test_nothing_to_read_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="no such file") as caught:
        read([tmp_path / "none.parquet"])
    assert "recipes/generate.py" in caught.value.remedy
