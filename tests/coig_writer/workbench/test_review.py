"""Who reviews what, and what follows from the verdicts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer.errors import ConfigError, InputError
from coig_writer.workbench import review
from coig_writer.workbench.review import Assignment, Verdict


def verdict(value, reviewer="r", **more):
    return Verdict("x", reviewer, value, dict.fromkeys(review.CRITERIA, True), **more)


@pytest.mark.parametrize(
    ("given", "needed", "adjudicated", "expected"),
    [
        (["accept"], 2, None, "open"),
        (["accept", "accept"], 2, None, "accept"),
        (["accept", "refine"], 2, None, "tie"),
        (["accept", "refine"], 2, "remove", "remove"),
        (["accept", "accept", "refine", "refine"], 4, None, "tie"),
        (["accept", "accept", "accept", "remove"], 4, None, "accept"),
        (["accept", "refine", "remove", "accept"], 4, None, "tie"),
    ],
)
def test_more_than_half_decides(given, needed, adjudicated, expected):
    third = verdict(adjudicated) if adjudicated else None
    assert review.decision([verdict(v) for v in given], needed, third) == expected


@given(st.lists(st.sampled_from([2, 4]), max_size=40), st.integers(5, 9))
def test_assignment_is_balanced_blind_and_stable(needs, people):
    names = [f"r{n}" for n in range(people)]
    items = [(f"item-{n}", need) for n, need in enumerate(needs)]
    made = review.assign(items, names)
    for (_, need), assignment in zip(items, made, strict=True):
        assert len({*assignment.reviewers, assignment.adjudicator}) == need + 1
    load = [sum(n in a.reviewers for a in made) for n in names]
    assert max(load, default=0) - min(load, default=0) <= 1
    assert review.assign([*items, ("late", 2)], names, made)[: len(made)] == made


def test_who_wrote_a_draft_neither_reviews_it_nor_decides_about_it():
    items = [(f"d{n}@aa", 2) for n in range(20)]
    wrote = {f"d{n}": {f"r{n % 4}"} for n in range(20)}
    made = review.assign(items, ["r0", "r1", "r2", "r3"], (), wrote)
    assert all(not wrote[a.item[:-3]] & {*a.reviewers, a.adjudicator} for a in made)
    with pytest.raises(ConfigError, match=r"2 reviewers who did not write it, and d0@aa needs 2"):
        review.assign([("d0@aa", 2)], ["r0", "r1", "r2"], (), wrote)


def test_too_few_reviewers_are_refused():
    with pytest.raises(ConfigError, match="needs 4"):
        review.assign([("x", 4)], ["r1", "r2", "r3", "r4"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "maybe"}, "verdict"),
        ({"verdict": "refine"}, "needs a note"),
        ({"verdict": "remove", "note": "错"}, "needs a cause"),
        ({"criteria": {"consistency": True}}, "criteria must be"),
        ({"criteria": dict.fromkeys(review.CRITERIA, 1)}, "column 'criteria'"),
        ({"note": 5}, "column 'note'"),
        ({"criteria": dict.fromkeys(review.CRITERIA, False)}, "accepted although"),
        ({"score": 9}, "unknown column 'score'"),
    ],
)
def test_a_wrong_answer_is_named_by_file_and_row(tmp_path, change, said):
    row = {"item": "x", "verdict": "accept", "criteria": dict.fromkeys(review.CRITERIA, True)}
    (tmp_path / "r1.jsonl").write_text(json.dumps(row | change), encoding="utf-8")
    with pytest.raises(InputError, match=rf"r1\.jsonl line 1: .*{said}"):
        review.read_verdicts(tmp_path)


@pytest.mark.parametrize(
    ("start", "end", "quotation", "there"),
    [
        (0, 2, "🦑墨", True),
        (1, 3, "墨鱼", True),
        (1, 3, "🦑墨", False),
        (-2, 3, "墨鱼", False),
        (3, 3, "", False),
        (1, 4, "墨鱼", False),
    ],
)
def test_a_marked_passage_is_where_it_says(start, end, quotation, there):
    item = review.Item("x", None, "🦑墨鱼", None, "")
    assert review.Span("prompt", start, end, quotation).is_in(item) == there
    assert not review.Span("reasoning", start, end, quotation).is_in(item)


@pytest.mark.parametrize("name", review.CRITERIA)
def test_diversity_alone_does_not_prevent_acceptance(name):
    given = Verdict("x", "r", "accept", dict.fromkeys(review.CRITERIA, True) | {name: False})
    assert (given.problem() == "") == (name == "diversity")


def test_who_still_has_to_read():
    assignment = Assignment("x", ("a", "b"), "c")
    said = {("x", n): verdict(v, n) for n, v in (("a", "accept"), ("b", "refine"), ("c", "remove"))}

    def owing(*names):
        return assignment.state({k: v for k, v in said.items() if k[1] in names}).owing

    assert owing() == ("a", "b")
    assert owing("a") == ("b",)
    assert owing("a", "b") == ("c",)  # a tie
    assert owing("a", "b", "c") == ()
    assert assignment.state(said).decision == "remove"
