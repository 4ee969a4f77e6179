"""The audit beside people's votes: what is known of a made judge is found, with its interval."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coig_writer import command_line
from coig_writer.ballot import Ballot
from coig_writer.errors import ConfigError, StatisticsError
from coig_writer.files import write_records
from coig_writer.generation import Generation
from coig_writer.preference.association import correlate_within
from coig_writer.score import Judgement
from eval_tasks.__main__ import GROUP
from eval_tasks.judge.audit import audit
from eval_tasks.judge.bias import Shape
from eval_tasks.judge.people import of_ballots
from tests.generations import generation

QUERIES = [f"q{i:02}" for i in range(40)]


def verdicts(said: dict[str, str], name: str = "m") -> list[Judgement]:
    """One judge's verdicts on own:other, the same in both orders."""
    return [
        Judgement(name, "pairwise", q, "other", "own", order, json.dumps(verdict), "scored", None, 1, 1, None)
        for q, verdict in said.items()
        for order in ("left_first", "right_first")
    ]  # fmt: skip


def told(
    said: dict[str, str], people: list[float], own: Collection[str] = ("own",)
) -> dict[str, Any]:
    """The audit of own against other, ``people`` being the points of other; own is always longer."""
    shapes = {(v, q, 0): Shape(n, 0.0) for q in said for v, n in (("own", 200), ("other", 100))}
    preferred = {(q, "other", "own", 0): p for q, p in zip(said, people, strict=True)}
    categories = {q: ("poetry" if i < 10 else "novel") for i, q in enumerate(said)}
    found = audit(verdicts(said), shapes, preferred, categories=categories, own={"m": set(own)})
    return {f.name: f for f in found}


def test_what_a_judge_gives_its_own_beyond_people_is_its_self_preference() -> None:
    """The judge gives its own 30 of 40, people 20 of 40: ten prompts, .25 a prompt; longer is own too."""
    said = {q: "right" if i < 30 else "left" for i, q in enumerate(QUERIES)}
    found = told(said, [float(i >= 20) for i in range(40)])
    for name in ("self_preference", "verbosity"):
        finding = found[name]
        assert finding.value == 0.25
        assert finding.low is not None
        assert 0.1 < finding.low < 0.25 < finding.high < 0.4


def test_a_judge_who_agrees_with_people_prefers_itself_no_more_than_they() -> None:
    said = {q: "right" if i < 30 else "left" for i, q in enumerate(QUERIES)}
    found = told(said, [float(i >= 30) for i in range(40)])
    assert found["self_preference"].value == 0
    assert found["self_preference"].low < 0 < found["self_preference"].high  # no zero width
    assert found["people"].value == found["people_correlation"].value == 1
    assert found["people_correlation"].low < 0.98


def test_only_the_texts_that_people_saw_are_held_against_them() -> None:
    """Of two samples people voted on the first, where the judge agrees; the second it turns round."""
    said = dict.fromkeys(QUERIES, "right")
    further = [dataclasses.replace(row, sample=1, verdict='"left"') for row in verdicts(said)]
    shapes = {
        (v, q, s): Shape(100 + s, 0.0) for q in QUERIES for v in ("own", "other") for s in (0, 1)
    }
    preferred = {(q, "other", "own", 0): 0.0 for q in QUERIES}
    found = {f.name: f for f in audit([*verdicts(said), *further], shapes, preferred)}
    assert (found["people"].value, found["people"].n) == (1, 40)
    assert (found["consistent"].value, found["consistent"].n) == (1, 80)


def test_accuracy_stands_per_category() -> None:
    """Poetry: the judge is right on 5 of 10; the other thirty on 27."""
    said = {q: "right" if i < 5 or 10 <= i < 37 else "left" for i, q in enumerate(QUERIES)}
    found = told(said, [0.0] * 40)
    assert (found["people/poetry"].value, found["people/poetry"].n) == (0.5, 10)
    assert (found["people/novel"].value, found["people/novel"].n) == (0.9, 30)
    assert found["people/novel"].low > 0.7
    assert found["length"].value is None  # own is always longer: the two cannot be told apart
    assert "told from the variants" in found["length"].note


def test_without_a_variant_of_its_own_the_audit_says_so() -> None:
    found = told(dict.fromkeys(QUERIES, "left"), [1.0] * 40, ())["self_preference"]
    assert found.value is None
    assert "--own" in found.note


def test_repeats_of_a_vote_count_for_nothing() -> None:
    votes = [
        Ballot(f"b{i}", "s", "pairwise", "i", "q", "r", repeat, ("x", "a"), json.dumps(verdict))
        for i, (repeat, verdict) in enumerate([(0, "left"), (1, "right"), (2, "right")])
    ]
    assert of_ballots(votes) == {("q", "a", "x", 0): 0.0}


def test_a_vote_is_on_the_sample_that_its_ballot_names() -> None:
    first = Ballot("b", "s", "pairwise", "i", "q", "r", 0, ("a", "x"), '"left"')
    votes = [first, dataclasses.replace(first, id="c", sample=1, verdict='"right"')]
    assert of_ballots(votes) == {("q", "a", "x", 0): 1.0, ("q", "a", "x", 1): 0.0}
    assert of_ballots([first], sample=2) == {
        ("q", "a", "x", 2): 1.0
    }  # an old one, that does not say


def test_a_correlation_takes_group_means_out() -> None:
    """Within each group x and y are 0, 1 and 0, 1: perfect; between groups they go against each other."""
    x, y = [0.0, 1, 0, 1, 10, 11, 10, 11], [10.0, 11, 10, 11, 0, 1, 0, 1]
    groups, prompts = ["a"] * 4 + ["b"] * 4, list("pqrs") * 2
    found = correlate_within(x, y, groups, prompts)
    assert found.value == pytest.approx(1)
    assert found.low < 0.9
    with pytest.raises(StatisticsError, match="3 prompts"):
        correlate_within(x[:3], y[:3], groups[:3], prompts[:3])
    with pytest.raises(StatisticsError, match="no value varies"):
        correlate_within([1.0] * 8, y, groups, prompts)


def test_the_interval_of_a_correlation_holds_it() -> None:
    """200 prompts at a true .6; Fisher's half-width there is about .09."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=200)
    y = 0.6 * x + 0.8 * rng.normal(size=200)
    found = correlate_within(x.tolist(), y.tolist(), ["a"] * 200, [f"q{i}" for i in range(200)])
    assert found.low < 0.6 < found.high
    assert 0.12 < found.high - found.low < 0.25


def test_the_command_finds_a_judges_own_by_the_name_of_its_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [
        generation(v, q, v * n, genre="poetry", model=model)
        for q in QUERIES
        for v, n, model in (("own", 20, "build/models/judge-7b"), ("other", 10, "m"))
    ]
    write_records(tmp_path / "g.jsonl", answers, Generation)
    said = {q: "right" if i % 4 else "left" for i, q in enumerate(QUERIES)}
    write_records(tmp_path / "judged" / "j.jsonl", verdicts(said, "org/judge-7b"), Judgement)
    votes = [
        Ballot(f"b{q}", "s", "pairwise", q, q, "r", 0, ("other", "own"), '"left"') for q in QUERIES
    ]
    write_records(tmp_path / "votes.jsonl", votes, Ballot)
    where = ["audit", "--generations", str(tmp_path / "g.jsonl"), "--out", str(tmp_path / "judged")]
    where += ["--ballots", str(tmp_path / "votes.jsonl")]
    command_line.run(GROUP, ["judge", *where])
    facts = {f["id"]: f for f in json.loads((tmp_path / "judged/facts.json").read_text())["facts"]}
    found = facts["judge/org__judge-7b/pairwise/self_preference"]
    assert found["value"] == 0.75
    assert found["low"] > 0.5
    assert "judge/org__judge-7b/pairwise/people/poetry" in facts
    with pytest.raises(ConfigError, match="not in the judgements"):
        command_line.run(GROUP, ["judge", *where, "--own", "org/judge-7b=absent"])
    assert "self_preference" in capsys.readouterr().out
