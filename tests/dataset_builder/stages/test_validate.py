"""Four criteria, each with a quotation; three drafts at most."""

from __future__ import annotations

import pytest

from coig_writer.document import Document, Dropped
from coig_writer.workbench.prompts import Answer
from dataset_builder.stages import validate

DOCUMENT = Document("d", "她有一把刀。", prompt="写一位长辈。", reasoning="从刀写起。")


def answer(quotation="她有一把刀", **unmet):
    verdict = {"verdict": "met", "quotation": quotation, "note": ""}
    notes = {name: verdict | {"verdict": "unmet", "note": note} for name, note in unmet.items()}
    return Answer(dict.fromkeys(validate.CRITERIA, verdict) | notes, "", "answered")


def judged(times, given):
    """The document after so many drafts that were judged alike."""
    outcome = DOCUMENT
    for _ in range(times):
        found = validate.with_round(outcome, given, "m")
        assert isinstance(found, Document)
        outcome = found
    return outcome


@pytest.mark.parametrize(
    ("drafts", "reason"),
    [(1, "returned_criterion_ii"), (2, "returned_criterion_ii"), (3, "unmet_criterion_ii")],
)
def test_the_third_draft_is_the_last(drafts, reason):
    outcome = validate.by_verdict(judged(drafts, answer(ii="跳步")), validate.Options().rounds)
    assert isinstance(outcome, Dropped)
    assert (outcome.reason, outcome.open) == (reason, drafts < 3)
    assert outcome.evidence == "准则 ii（构思的每一步都从提示和前面的决定推得出来）：跳步"


def test_a_coherent_triplet_is_kept_with_its_round():
    outcome = validate.by_verdict(judged(1, answer()), 3)
    assert isinstance(outcome, Document)
    assert outcome.history[-1] == {"stage": "validate", "round": 1}


@pytest.mark.parametrize("part", ["她有一把刀", "写一位长辈", "从刀写起"])
def test_a_verdict_may_quote_any_of_the_three(part):
    assert isinstance(validate.with_round(DOCUMENT, answer(part), "m"), Document)


def test_an_invented_quotation_is_no_verdict():
    outcome = validate.with_round(DOCUMENT, answer("她有两把刀"), "m")
    assert isinstance(outcome, Dropped)
    assert outcome.reason == "unscored_quotation_not_in_triplet"
