"""Verdicts become outcomes."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from coig_writer.document import Document, Dropped
from coig_writer.errors import ConfigError, InputError
from coig_writer.files import iterate, write_records, write_rows
from coig_writer.taxonomy import published
from coig_writer.workbench import progress, review
from coig_writer.workbench.review import Assignment
from dataset_builder.people import review as reviewing_stage
from dataset_builder.stages import parts
from dataset_builder.stages.stage import Settings


def test_two_reviewers_at_once_write_files_of_their_own(tmp_path):
    row = {"item": "x", "verdict": "accept", "criteria": dict.fromkeys(review.CRITERIA, True)}
    for name in ("r1", "r2"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    document = Document("d", "文", prompt="p", reasoning="r")
    item = review.item_name(document)
    found = {
        (item, r): dataclasses.replace(v, item=item)
        for (_, r), v in review.read_verdicts(tmp_path).items()
    }
    outcome = reviewing_stage.decide(document, Assignment(item, ("r1", "r2"), "r3").state(found))
    assert isinstance(outcome, Document)
    assert [v["reviewer"] for v in outcome.reviews[0]["verdicts"]] == ["r1", "r2"]


@pytest.mark.parametrize(
    ("genre", "flags", "needed"),
    [
        ("essay", [], 2),
        (None, [], 2),
        ("essay", ["specialised"], 4),
        *((genre, [], 4) for genre in reviewing_stage.SPECIALISED_GENRES),
    ],
)
def test_two_reviewers_and_four_where_special_knowledge_is_needed(genre, flags, needed):
    document = Document("d", "文", genre=genre).noted("reverse", flags=flags)
    assert reviewing_stage.Options(("r1",)).needed(document) == needed


@pytest.mark.parametrize(
    ("drafts", "reason"), [(2, "returned_to_refine"), (3, "refinement_rounds_spent")]
)
def test_refinement_ends_after_three_drafts(drafts, reason):
    document = Document("d", "文", prompt="p", reasoning="r", validation={"rounds": [{}] * drafts})
    said = review.Verdict("x", "r1", "refine", {}, "改结尾")
    outcome = reviewing_stage.decide(document, review.State((said,), None, "refine", ()))
    assert isinstance(outcome, Dropped)
    assert (outcome.reason, outcome.evidence) == (reason, "改结尾")


@pytest.mark.parametrize(
    ("reviewers", "said"),
    [
        ((), "no reviewers"),
        (("a", "a"), "duplicate reviewer"),
        (("a b",), "reviewer 'a b'"),
    ],
)
def test_reviewers_are_aliases(reviewers, said):
    with pytest.raises(ConfigError, match=said):
        reviewing_stage.Options(reviewers).check_reviewers()


def test_gold_goes_out_first_and_only_who_passes_gets_drafts(tmp_path):
    gold = tmp_path / "gold.jsonl"
    row = dict.fromkeys(("genre", "prompt", "reasoning", "article", "note"), "x")
    write_rows(
        gold,
        [row | {"item": "g", "phase": "qualification", "verdict": "accept", "genre": None}],
    )
    settings = Settings(tmp_path / "root", published())
    document = Document("d", "文", prompt="p", reasoning="r", genre="essay")
    write_records(parts.folder(settings.root, "score") / "kept.jsonl", [document], Document)
    options = reviewing_stage.Options(("r1", "r2", "r3", "r4"), gold=gold)
    place = parts.work(settings.root, "review")

    def handed_out(name):
        return [i.item for i in iterate(place / "items" / f"{name}.jsonl", review.Item)]

    counts = reviewing_stage.STAGE.run(settings, options)
    assert counts.reasons == {"awaiting_qualified_reviewers": 1}
    assert handed_out("r1") == ["gold:g"]
    criteria = dict.fromkeys(review.CRITERIA, True)
    for name, verdict in (("r1", "accept"), ("r2", "accept"), ("r3", "accept"), ("r4", "refine")):
        answer = {"item": "gold:g", "verdict": verdict, "criteria": criteria, "note": "x"}
        write_rows(place / "answers" / f"{name}.jsonl", [answer])
    counts = reviewing_stage.STAGE.run(settings, options)
    assert counts.reasons == {"awaiting_review": 1}
    (assignment,) = review.read_assignments(place / "assignments.jsonl")
    assert {*assignment.reviewers, assignment.adjudicator} == {"r1", "r2", "r3"}
    item = review.item_name(document)
    assert {n: handed_out(n) for n in options.reviewers} == {
        n: [item] if n in assignment.reviewers else [] for n in options.reviewers
    }


def test_annotators_who_review_are_not_given_their_own(tmp_path):
    settings = Settings(tmp_path, published())
    document = Document("d", "文", prompt="p", reasoning="r", genre="essay")
    write_records(parts.folder(settings.root, "score") / "kept.jsonl", [document], Document)
    answer = {"id": "d", "round": 1, "prompt": "p", "prompt_fields": {}, "reasoning_fields": {}}
    answers = parts.work(settings.root, "reverse") / "answers"
    write_rows(answers / "workbench-p7.jsonl", [answer | {"annotator": "p7"}])
    write_rows(answers / "r2.jsonl", [answer])
    place = parts.work(settings.root, "review")
    write_rows(place / review.ANNOTATORS, [{"annotator": "p7", "reviewer": "r1"}])
    options = reviewing_stage.Options(("r1", "r2", "r3", "r4", "r5"))
    reviewing_stage.STAGE.run(settings, options)
    (assignment,) = review.read_assignments(place / "assignments.jsonl")
    assert {*assignment.reviewers, assignment.adjudicator} == {"r3", "r4", "r5"}


@pytest.mark.parametrize(
    ("file", "item", "said"),
    [
        ("R1", None, "no reviewer has this name"),
        ("r1", "d@000000000000", "no item has this name"),
        ("outsider", None, "was not given to this reviewer"),
    ],
)
def test_a_verdict_that_nobody_was_asked_for_is_named(tmp_path, file, item, said):
    settings = Settings(tmp_path, published())
    document = Document("d", "文", prompt="p", reasoning="r", genre="essay")
    write_records(parts.folder(settings.root, "score") / "kept.jsonl", [document], Document)
    options = reviewing_stage.Options(("r1", "r2", "r3", "r4"))
    reviewing_stage.STAGE.run(settings, options)
    place = parts.work(settings.root, "review")
    (assignment,) = review.read_assignments(place / "assignments.jsonl")
    (outsider,) = {*options.reviewers} - {*assignment.reviewers, assignment.adjudicator}
    verdict = {
        "item": item or review.item_name(document),
        "verdict": "accept",
        "criteria": dict.fromkeys(review.CRITERIA, True),
    }
    name = outsider if file == "outsider" else file
    write_rows(place / "answers" / f"{name}.jsonl", [verdict])
    with pytest.raises(InputError, match=rf"answers/{name}\.jsonl, item 'd@.*{said}"):
        reviewing_stage.STAGE.run(settings, options)


@pytest.mark.parametrize("folder", ["answers", "feedback", "items"])
def test_a_file_of_nobody_who_reviews_is_named(tmp_path, folder):
    settings = Settings(tmp_path, published())
    document = Document("d", "文", prompt="p", reasoning="r", genre="essay")
    write_records(parts.folder(settings.root, "score") / "kept.jsonl", [document], Document)
    options = reviewing_stage.Options(("r1", "r2", "r3"))
    reviewing_stage.STAGE.run(settings, options)
    stray = parts.work(tmp_path, "review") / folder / "nobody.jsonl"
    write_rows(stray, [])
    with pytest.raises(
        InputError, match=rf"{folder}/nobody\.jsonl: no reviewer is called 'nobody'"
    ):
        reviewing_stage.STAGE.run(settings, options)
    stray.rename(stray.with_name(".nobody.jsonl"))  # a system's own file
    # one who was assigned and reviews no more keeps the files of that time
    fewer = reviewing_stage.Options(("r1", "r2"))
    assert reviewing_stage.STAGE.run(settings, fewer).reasons == {"awaiting_review": 1}


def test_acceptance_at_first_is_of_first_drafts():
    criteria = dict.fromkeys(review.CRITERIA, True)
    made, verdicts = [], {}

    def decided(item, verdict):
        made.append(Assignment(item, ("r1", "r2"), "r3"))
        for name in ("r1", "r2"):
            verdicts[item, name] = review.Verdict(item, name, verdict, criteria, "注")

    for n in range(10):
        decided(f"d{n}@1", "accept" if n < 3 else "refine")
    for n in range(3, 10):
        decided(f"d{n}@2", "accept")
    made.append(Assignment("new@1", ("r1", "r2"), "r3"))  # not decided
    found = progress.acceptance(made, verdicts)
    assert (found["value"], found["n"]) == (0.3, 10)
    every: Any = progress.acceptance_of_all(made, verdicts)
    assert (round(every["value"], 4), every["n"]) == (0.5882, 17)
    assert progress.acceptance([], {}) == {"state": "nothing is decided yet"}
