"""Stage 2, assess: five dimensions, by rule where characters decide, by model where they do not.

Completeness, format, errors, logic and creativity (paper, section 2.1), each 1-10 with the words of
the text that gave the score; a score whose quotation is not in the text is unscored. Personal data is
masked before anything is sent. --rules-only asks no model.

Reads what collect kept; writes 02-assess/: kept.jsonl, and dropped.jsonl with reasons and evidence.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator

from coig_writer.document import HIGHEST, LOWEST, Document, Dropped, dropped
from coig_writer.text import (
    advertising,
    framing,
    injection,
    language,
    mojibake,
    refusal,
    repetition,
    truncation,
)
from coig_writer.text.masking import masked
from coig_writer.text.verdict import Verdict
from coig_writer.verse import form
from coig_writer.workbench.prompts import Answer, digests, quoted, slots
from dataset_builder.stages.options import option
from dataset_builder.stages.parts import Outcome
from dataset_builder.stages.stage import Settings, Stage, Step, deciding

DIMENSIONS = ("completeness", "format", "errors", "logic", "creativity")
MIN_SCORE = 6
RULES_VERSION = 9


@dataclasses.dataclass(frozen=True)
class Options:
    """How strict to be, and whether a model is asked."""

    min_score: int = option(
        MIN_SCORE, "least score of each dimension that assess keeps", min=LOWEST, max=HIGHEST
    )
    rules_only: bool = option(False, "assess asks no model: rules alone decide")


def steps(settings: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage."""
    recorded: dict[str, object] = {
        "least": options.min_score,
        "rules": RULES_VERSION,
        "rules_only": options.rules_only,
    }
    if not options.rules_only:
        recorded |= {"model": settings.required_model.name, "prompts": digests("assess")}
    parts = settings.parts("assess", recorded)
    return deciding(lambda: (parts, lambda documents: decide(documents, settings, options)))


def decide(documents: list[Document], settings: Settings, options: Options) -> list[Outcome]:
    """Applies the rules to all, and asks the model about those that pass."""
    outcomes: list[Outcome] = [by_rule(document) for document in documents]
    if options.rules_only:
        return outcomes
    passed = {i: o for i, o in enumerate(outcomes) if isinstance(o, Document)}
    to_ask = list(passed.values())
    answers = settings.required_model.ask(
        "assess",
        [slots(d, settings.taxonomy) for d in to_ask],
        lambda i, answer: _unquoted(to_ask[i], answer) is None,
    )
    for (i, document), answer in zip(passed.items(), answers, strict=True):
        outcomes[i] = by_model(document, answer, options.min_score, settings.required_model.name)
    return outcomes


def by_rule(document: Document) -> Outcome:
    """Masks personal data in text and title, then drops what a rule can decide."""
    hidden, title = masked(document.text), masked(document.title or "")
    document = document.changed(text=hidden.text, title=title.text or document.title)
    if verdict := first_broken(document):
        return dropped(document, "assess", verdict.rule, verdict.evidence)
    counts = dict(Counter(hidden.counts) + Counter(title.counts))
    details = ({"masked": counts} if counts else {}) | _claimed_form(document)
    return document.noted("assess", **details) if details else document


def _claimed_form(document: Document) -> dict[str, object]:
    """What comes of the form of verse that a title claims: noted for people, never a reason to drop."""
    claimed = form.claim(document.text, document.title)
    if claimed is None:
        return {}
    checked = form.check(document.text, claimed)
    broken = [rule.zh for rule in checked.rules if rule.state == "broken"]
    return {"form": {"claimed": claimed, "passes": checked.passes, "broken": broken}}


def first_broken(document: Document) -> Verdict | None:
    """Returns the verdict of the first rule that a document breaks."""
    return next(broken(document), None)


def broken(document: Document) -> Iterator[Verdict]:
    """Yields what each rule says, in order; a text that only might be broken goes on to the model.

    Args:
        document: The document; the rules that need them also get its genre and why its model stopped.
    """
    return filter(None, _verdicts(document.text, document.genre, document.finish_reason))


def _verdicts(text: str, genre: str | None, reason: str | None) -> Iterator[Verdict | None]:
    # The first rule that is broken gives the reason, so the order is part of the result.
    yield truncation.too_short(text)
    yield refusal.refusal(text)
    yield language.wrong_language(text, genre=genre)
    yield mojibake.mojibake(text)
    yield language.mixed_scripts(text, genre=genre)
    yield framing.opening(text)
    yield framing.closing(text, genre=genre)
    yield injection.addresses_model(text, genre=genre)
    yield advertising.advertisement_tail(text, genre=genre)
    yield repetition.repeated_paragraphs(text, genre=genre)
    yield repetition.loop(text)
    yield truncation.cut_off(text, genre=genre, finish_reason=reason)


def by_model(document: Document, answer: Answer, min_score: int, model: str) -> Outcome:
    """Reads the model's scores and drops what is below ``min_score`` in any dimension."""
    if not answer.given:
        return dropped(document, "assess", answer.state, answer.detail)
    if lost := _unquoted(document, answer):
        return lost
    scores = {name: answer.data[name] for name in DIMENSIONS}
    document = document.scored("assess", {**scores, "unsafe": answer.data["unsafe"], "by": model})
    if answer.data["unsafe"]:
        return dropped(document, "assess", "unsafe_content", "the model's judgement")
    for name, verdict in scores.items():
        if verdict["score"] < min_score:
            shown = f"{verdict['score']}: {verdict['evidence']}"
            return dropped(document, "assess", f"{name}_below_{min_score}", shown)
    return document.noted("assess")


def _unquoted(document: Document, answer: Answer) -> Dropped | None:
    for name in DIMENSIONS:
        evidence = answer.data[name]["evidence"]
        if not quoted(evidence, document.text, document.title):
            reason = "unscored_evidence_not_in_text"
            return dropped(document, "assess", reason, f"{name}: {evidence}")
    return None


STAGE = Stage("assess", __doc__, Options, steps, uses_model=True)
main = STAGE.main
