"""The stage ``human``: rows in, places and a study out, and rows that a model was trained on refused."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from coig_writer import command_line, taxonomy
from coig_writer.arena.server.database import sqlite_url
from coig_writer.arena.server.identity import Identity
from coig_writer.arena.server.service import StudyService, Vote
from coig_writer.arena.server.store import Store
from coig_writer.arena.study.answers import collect, read_generations
from coig_writer.arena.study.definition import load
from coig_writer.arena.study.planner import plan
from coig_writer.ballot import Ballot
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import read_records, write_records
from coig_writer.generation import Generation
from coig_writer.metrics.reference import HUMAN
from coig_writer.mixing.controls import Control
from coig_writer.mixture import MixtureRow, Turn
from coig_writer.score import Score
from coig_writer.scoring import run as scoring
from coig_writer.triplet import Triplet
from dataset_builder.packing import samples
from eval_tasks import human
from eval_tasks.__main__ import GROUP
from tests.coig_writer.training import mixtures


def run(*words: str | Path) -> None:
    command_line.run(GROUP, ["human", *map(str, words)])


@pytest.fixture(scope="module")
def rows() -> list[Triplet]:
    return samples.read(taxonomy.published())[::4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, rows: list[Triplet]) -> Path:
    """Rows of people, and a model `g` that answers them by repeating each article's start."""
    at = tmp_path_factory.mktemp("human")
    write_records(at / "rows.parquet", rows, Triplet)
    people = [human.written(t.id, t.language, t.genre, t.prompt, t.article) for t in rows]
    answers = [
        dataclasses.replace(
            p, variant="g", model="g", text=p.text[:99] * 5, article=p.text[:99] * 5
        )
        for p in people
    ]
    write_records(at / "answers.parquet", answers, Generation)
    write_records(at / "scores.parquet", scoring.score(answers, at), Score)
    return at


def test_places_study_and_report(
    folder: Path, rows: list[Triplet], capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    given = ("--generations", folder / "answers.parquet", "--scores", folder / "scores.parquet")
    run(
        "--rows",
        folder / "rows.parquet",
        *given,
        "--mixtures",
        folder,
        "--out",
        tmp_path,
    )
    told = capsys.readouterr().out
    (repetition,) = (x for x in told.splitlines() if "repetition_4" in x)
    assert float(repetition.split()[3]) > 95
    assert f"seats g, human on {len(rows)} prompts" in told
    study = load(tmp_path / "study.yaml")
    texts = read_generations([Path(p) for p in study.generations])
    seen = collect(texts, models=study.models, prompts=study.prompts, scanned=False)
    assert set(seen.variants) == {"g", HUMAN}
    assert all(p.items for p in plan(study, seen))
    people = read_records(tmp_path / "human.parquet", Generation)
    assert {p.reasoning for p in people} == {None}
    service = StudyService(
        study, seen, Store(sqlite_url(tmp_path / "ballots.sqlite")), Identity(b"s" * 32)
    )
    for _ in range(12):  # a rater who always finds the person's
        queue = service.admit("r", "pairwise", "zh")
        item = queue.next()
        assert item is not None
        first = seen.variants[queue.tasks[item].shown[0]]
        service.vote("r", "pairwise", "zh", Vote(item, "left" if first == HUMAN else "right"))
    write_records(tmp_path / "ballots.parquet", service.store.ballots(study.study), Ballot)
    out = tmp_path / "report"
    voted = (
        *given,
        "--human",
        tmp_path / "human.parquet",
        "--ballots",
        tmp_path / "ballots.parquet",
    )
    command_line.run(GROUP, ["report", *map(str, (*voted, "--out", out))])
    page = (out / "report.html").read_text(encoding="utf-8")
    section = page[page.index('id="human"') :]
    assert re.search(
        r'<th scope="row">g</th>.*?<td>0\.0<span class="ci">0\.0–\d+\.\d · n \d+', section
    )
    assert '"percentile/zh/g/repetition_4"' in (out / "facts.json").read_text(encoding="utf-8")


def test_models_whose_training_rows_are_not_at_hand_are_named(
    folder: Path, rows: list[Triplet], capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    """With answers that were not scored there is no percentile either, and that is said."""
    given = ("--rows", folder / "rows.parquet", "--generations", folder / "answers.parquet",
             "--mixtures", tmp_path, "--out", tmp_path / "human")  # fmt: skip
    run(*given)
    told = capsys.readouterr().out
    assert "NOT CHECKED for g: no" in told
    assert "no scores were given" in told
    turns = (Turn("user", "别的"), Turn("assistant", "<think>\n想\n</think>\n\n别的文章"))
    write_records(tmp_path / "g" / "train.parquet", [MixtureRow(turns, "creative", "x", 9)], MixtureRow)  # fmt: skip
    run(*given)
    told = capsys.readouterr().out
    assert "no human article is a training row of g" in told
    assert "NOT CHECKED" not in told


def test_half_a_character_can_be_stored() -> None:
    made = human.written("q\ud800", "zh", None, "提示\udfff", "\ud83d文")
    assert (made.query_id, made.prompt, made.article) == ("q\ufffd", "提示\ufffd", "\ufffd文")


def test_a_models_answers_are_no_people(folder: Path) -> None:
    with pytest.raises(InputError, match="answers of g, not of human"):
        human.read_people(folder / "answers.parquet")


def test_people_stand_alone_before_any_model_has_answered(
    folder: Path, rows: list[Triplet], capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> None:  # fmt: skip
    given = ("--rows", folder / "rows.parquet", "--out", tmp_path)
    run(*given)
    assert f"--prompts {tmp_path}/human.parquet" in capsys.readouterr().out
    assert {p.name for p in tmp_path.iterdir()} == {"human.parquet", "SHA256SUMS"}
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"holds notes\.txt, which the kit did not write"):
        run(*given)
    assert len(read_records(tmp_path / "human.parquet", Generation)) == len(rows)


def test_rows_that_a_mixture_holds_out_are_people(tmp_path: Path, root: Path) -> None:
    from transformers import AutoTokenizer

    control = Control(mixtures.NAME, "cw", "?", holdout=0.1)
    tokenizer = AutoTokenizer.from_pretrained(root / "recipes" / "base")
    held_out = mixtures.build(tmp_path, tokenizer, control)
    folder, out = tmp_path / mixtures.NAME, tmp_path / "out"
    run("--held-out", folder, "--out", out)
    people = read_records(out / "human.parquet", Generation)
    assert {(p.query_id, p.prompt, p.language, p.genre) for p in people} == {
        (row.source_id, row.messages[0].content, "zh", None) for row in held_out
    }
    assert {p.variant for p in people} == {HUMAN}
    assert all(p.article and "想" not in p.text for p in people)
    # a model that this mixture trained has not seen them
    answers = [dataclasses.replace(p, variant=mixtures.NAME, model="m") for p in people]
    write_records(tmp_path / "answers.parquet", answers, Generation)
    run("--held-out", folder, "--generations", tmp_path / "answers.parquet",
        "--mixtures", tmp_path, "--out", out)  # fmt: skip


@pytest.mark.parametrize("by", ["id", "text"])
def test_a_row_that_a_model_was_trained_on_is_refused(
    folder: Path, rows: list[Triplet], tmp_path: Path, by: str
) -> None:
    seen = rows[3]
    name, article = (seen.id, "别的文章") if by == "id" else ("other", f"{seen.article}\n")
    turns = (Turn("user", seen.prompt), Turn("assistant", f"<think>\n想\n</think>\n\n{article}"))
    write_records(tmp_path / "g" / "train.parquet", [MixtureRow(turns, "creative", name, 9)], MixtureRow)  # fmt: skip
    with pytest.raises(
        InputError, match=f"1 human articles are training rows of g, {seen.id} first"
    ):
        run("--rows", folder / "rows.parquet", "--scores", folder / "scores.parquet",
            "--generations", folder / "answers.parquet", "--mixtures", tmp_path, "--out", tmp_path / "out")  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_no_article_is_an_error(folder: Path) -> None:
    with pytest.raises(MissingInputError, match="no human article"):
        run("--scores", folder / "scores.parquet")
