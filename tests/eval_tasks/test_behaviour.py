"""The behaviour stage: shares over position, and how far its labels can be trusted."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from coig_writer import command_line
from coig_writer.errors import MissingInputError
from coig_writer.files import write_records
from coig_writer.generation import Generation
from coig_writer.metrics.behaviour import BEHAVIOURS
from coig_writer.preference.agreement import cohen, kappa_interval
from coig_writer.score import Judgement
from coig_writer.triplet import Triplet
from eval_tasks import behaviour
from eval_tasks.__main__ import GROUP
from tests.generations import generation

THOUGHT = "因为下雨，所以意味着写屋里。\n\n雨声。\n\n不对，太顺了，删。"


def run(*arguments: object) -> None:
    command_line.run(GROUP, ["behaviour", *map(str, arguments)])


def test_shares_add_up_in_every_fifth_and_states_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Triplet("t1", "写", THOUGHT, "文", None, None, None, "zh", "s", "CC0-1.0", "sample")
    write_records(tmp_path / "data" / "d.jsonl", [row], Triplet)
    records = [
        generation("v", "q1", f"<think>\n{THOUGHT}\n</think>\n\n文"),
        generation("v", "q2", "<think>\n雨声。"),
        generation("v", "q3", "文"),
    ]
    write_records(tmp_path / "g.jsonl", records, Generation)
    verdict = json.dumps(["deep_reasoning", "normal_writing", "self_reflection"])
    judged = Judgement("j", "reasoning_behaviour", "q1", "v", None, "single", verdict, "scored",
                       None, None, None, None)  # fmt: skip
    write_records(tmp_path / "j.jsonl", [judged], Judgement)
    run("--dataset", tmp_path / "data", "--generations", tmp_path / "g.jsonl",
        "--judgements", tmp_path / "j.jsonl", "--out", tmp_path / "out")  # fmt: skip
    with (tmp_path / "out" / "shares.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    fifths: dict[tuple[str, str, str], float] = {}
    for found in rows:
        if found["start"]:
            key = (found["panel"], found["labeller"], found["start"])
            fifths[key] = fifths.get(key, 0) + float(found["share"])
    assert set(fifths.values()) == {1.0}
    assert {key[:2] for key in fifths} == {("dataset", "lexicon"), ("v", "lexicon"), ("v", "j")}
    states = {
        r["behaviour"]: r
        for r in rows
        if r["panel"] == "v" and not r["start"] and r["labeller"] == "lexicon"
    }
    assert states["absent"]["share"] == states["unterminated"]["share"] == str(1 / 3)
    assert "pass_1 with pass_2" in capsys.readouterr().out


def test_two_hundred_paragraphs_were_labelled_twice_and_most_a_third_time() -> None:
    with behaviour.LABELS.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) >= 200
    assert len({(r["source"], r["paragraph"]) for r in rows}) == len(rows)
    assert {r[p] for r in rows for p in ("pass_1", "pass_2")} == set(BEHAVIOURS)
    third = [r["pass_3"] for r in rows if r["pass_3"]]
    assert len(third) == 180
    assert set(third) == set(BEHAVIOURS)


def test_every_kappa_is_printed_with_its_n_and_a_paragraph_without_a_label_is_left_out() -> None:
    lines = behaviour.trust().splitlines()
    assert "none by a person" in lines[0]
    assert len(lines) == 1 + 2 * (3 + 3)
    assert next(x for x in lines if "zh  pass_1 with pass_2" in x).endswith("n=150")
    assert next(x for x in lines if "en  pass_1 with pass_3" in x).endswith("n=30")


def test_without_a_dataset_the_command_that_makes_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError) as caught:
        run("--dataset", tmp_path / "none")
    assert "dataset_builder pack" in caught.value.remedy


def test_kappa_by_hand() -> None:
    pairs = [("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15
    assert cohen(pairs) == pytest.approx(0.4)
    assert cohen([("a", "a")]) is None
    assert cohen([]) is None
    low, high = kappa_interval(pairs, [str(i) for i in range(50)])
    assert low is not None
    assert high is not None
    assert low < 0.4 < high
    assert kappa_interval(pairs, ["one"] * 50) == (None, None)
