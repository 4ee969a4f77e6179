"""A stage is described once: its options are a dataclass and a command line, its steps a list."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

import pytest

from coig_writer.endpoint import Price
from coig_writer.errors import ConfigError, InputError
from coig_writer.taxonomy import published
from dataset_builder import curate
from dataset_builder.audit import audit
from dataset_builder.people import review
from dataset_builder.stages import assess, collect, dedup
from dataset_builder.stages.options import CommandLine
from dataset_builder.stages.stage import Settings, alone

STAGES = (*curate.CHOOSING, *curate.WRITING, audit.STAGE)


def read(stage, *words):
    command = stage.command(lambda _settings, options: options)
    return command.read(f"python -m dataset_builder {stage.name}", words)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_what_is_not_given_is_as_in_code(stage):
    assert read(stage) == stage.options()


def test_options_are_read_with_their_types():
    given = ["a.jsonl", "b", "--since", "2023-02-01", "--max-gap-days", "3", "--engagement", "off"]
    assert read(collect.STAGE, *given) == collect.Options(
        (Path("a.jsonl"), Path("b")), "curated", datetime.date(2023, 2, 1), 3, {}
    )
    made = read(review.STAGE, "--reviewers", "r1", "r2", "--specialised", "essay")
    assert made == review.Options(("r1", "r2"), ("essay",))


def test_the_model_is_one_for_all_stages():
    words = ["--endpoint", "http://127.0.0.1:9/v1", "--model", "m", "--max-retries", "2"]
    command = assess.STAGE.command(lambda settings, _options: settings)
    model = command.read("assess", [*words, "--price", "1", "2.5"]).required_model
    assert (model.name, model.max_retries) == ("m", 2)
    assert model.endpoint.price == Price(1.0, 2.5)


def test_columns_are_named_on_the_command_line():
    made = read(collect.STAGE, "raw.csv", "--column", "text=正文", "--column", "likes=点赞")
    assert made.columns == ("text=正文", "likes=点赞")


def test_two_stages_share_an_option():
    command = CommandLine("", lambda options: options, curate.CurationOptions)
    made = command.read("curate", ["a", "--rounds", "2", "--reviewers", "r1"])
    assert (made.validate.rounds, made.review.rounds) == (2, 2)
    assert made.collect.sources == (Path("a"),)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--part-size", "0"], "--part-size"),
        (["--min-score", "11"], "--min-score"),
        (["--structure", "xml"], "'xml' is not one of"),
        (["--price", "1"], "--price"),
        (["--similar", "1"], "No such option: --similar"),
    ],
)
def test_a_wrong_word_is_named_with_the_help_to_read(words, said):
    with pytest.raises(ConfigError, match="see python -m dataset_builder assess --help") as caught:
        read(assess.STAGE, *words)
    assert said in caught.value.message
    assert "Value error" not in caught.value.message


@pytest.mark.parametrize(
    ("threshold", "right"), [(0.0, False), (0.01, True), (1.0, True), (1.01, False)]
)
def test_a_similarity_lies_above_0_and_up_to_1(threshold, right):
    if right:
        assert dedup.Options(threshold).similarity_threshold == threshold
    else:
        with pytest.raises(ConfigError, match="--similarity-threshold"):
            dedup.Options(threshold)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"p": {"views": 1}}', "'p' holds more than likes"),
        ('{"p": 1}', "'p' holds more than likes"),
        ('{"p": {"likes": true}}', "'p' is not a number"),
        ("[]", "a list, not an object"),
    ],
)
def test_a_wrong_file_of_thresholds_is_named(tmp_path, content, said):
    path = tmp_path / "thresholds.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        collect.read_thresholds(str(path))
    path.write_text('{"p": {"likes": 5}}', encoding="utf-8")
    assert collect.read_thresholds(str(path)) == {"p": {"likes": 5}}


@pytest.mark.parametrize(
    ("name", "error"), [(".01-assess.parts/000001", ConfigError), ("lost", FileNotFoundError)]
)
def test_shares_that_another_process_took_away_are_a_sentence(tmp_path, name, error):
    def steps(settings, _options):
        return [alone("share", (settings.root / name).read_text)]

    stage = dataclasses.replace(assess.STAGE, steps=steps)
    with pytest.raises(error):
        stage.run(Settings(tmp_path, published()))
