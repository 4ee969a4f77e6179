"""Who may review, by gold items."""

from __future__ import annotations

import json

import pytest

from coig_writer.errors import InputError
from coig_writer.workbench import qualification, review
from coig_writer.workbench.review import Verdict


def verdict(value, reviewer="r", **more):
    return Verdict("x", reviewer, value, dict.fromkeys(review.CRITERIA, True), **more)


def test_who_disagrees_with_gold_is_not_qualified():
    gold = [
        qualification.Gold(f"gold:{n}", "qualification", None, "p", "r", "a", "accept", "")
        for n in range(5)
    ]
    verdicts = {
        (g.item, name): verdict("accept" if name == "r1" or n > 1 else "refine", note="x")
        for n, g in enumerate(gold)
        for name in ("r1", "r2")
    }
    qualifications = qualification.qualify(gold, ["r1", "r2", "r3"], verdicts)
    assert [(q.equal, q.passed()) for q in qualifications] == [(5, True), (3, False), (0, False)]


@pytest.mark.parametrize(("equal", "passed"), [(4, True), (3, False)])  # 0.8 of 5 is 4
def test_four_of_five_qualify(equal, passed):
    assert qualification.Qualification("r", equal, answered=5, asked=5).passed() is passed
    assert not qualification.Qualification("r", equal, answered=4, asked=5).passed()


def test_a_gold_file_is_read_and_a_wrong_row_is_named(tmp_path):
    row = {
        "item": "g1",
        "phase": "calibration",
        "genre": None,
        "prompt": "p",
        "reasoning": "r",
        "article": "a",
        "verdict": "refine",
        "note": "n",
    }
    path = tmp_path / "gold.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (gold,) = qualification.read(path)
    assert gold.item == "gold:g1"
    told = qualification.feedback([gold], "r", {("gold:g1", "r"): verdict("accept")})
    assert [(f.yours, f.gold, f.why) for f in told] == [("accept", "refine", "n")]
    path.write_text(json.dumps(row | {"phase": "final"}) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"gold\.jsonl line 1: column 'phase'"):
        qualification.read(path)
