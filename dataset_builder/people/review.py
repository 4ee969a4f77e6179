"""Stage 8, review: people accept, refine or remove each triplet, blind to each other (section 2.3).

    python -m dataset_builder review --out build/curation --reviewers r1 r2 r3 r4 r5 --gold gold.jsonl

Two reviewers per triplet, four for specialised ones (by genre with ``--specialised``, or flagged in
``reverse``). Items lie in ``work/review/items/``; answers go into ``work/review/answers/``; then run
the stage again. A tie goes to a reviewer who has not seen the item. ``refine`` goes back to
``reverse`` with the notes; ``remove`` is for factual errors and broken guidelines and is final.
``work/review/report.json`` has the acceptance rate, α and the workload. A guide: docs/reviewer-guide.md.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coig_writer.document import Document, dropped
from coig_writer.errors import ConfigError, InputError
from dataset_builder.people import qualifying, reviewing, rounds, work_items
from dataset_builder.people import report as review_report
from dataset_builder.people.reviewing import Assignment, Verdict
from dataset_builder.stages.flow import Counts, Flow, Outcome, folder, iterate, work
from dataset_builder.stages.options import Settings, parser, report, settings

STANDARD, SPECIALISED = 2, 4
SPECIALISED_GENRES = ("poetry", "script", "hip-hop-rap", "academic-abstract")


@dataclasses.dataclass(frozen=True)
class Options:
    """Who reviews, how many per item, and by which gold items they qualify."""

    reviewers: tuple[str, ...]
    specialised: tuple[str, ...] = SPECIALISED_GENRES
    gold: Path | None = None
    rounds: int = 3

    def needed(self, document: Document) -> int:
        """Returns how many reviewers a document needs."""
        flagged = any("specialised" in event.get("flags", ()) for event in document.history)
        return SPECIALISED if flagged or document.genre in self.specialised else STANDARD


def run(where: Settings, options: Options) -> Counts:
    """Assigns, reads what came back, and decides."""
    _check(where, options)
    place = work(where.root, "review")
    recorded = {
        "reviewers": list(options.reviewers),
        "specialised": list(options.specialised),
        "rounds": options.rounds,
        "answers": work_items.digest(place / "answers"),
    }
    flow = Flow(where.root, "review", recorded, part_size=where.part_size)
    done = flow.done()
    if done is not None and not done.open:
        return done
    verdicts = reviewing.read_verdicts(place / "answers")
    gold = qualifying.read(options.gold) if options.gold else []
    qualified = _qualified(gold, options, verdicts)
    documents = list(iterate(flow.input, Document, "score", where.root))
    wanted = [(reviewing.item_name(d), options.needed(d)) for d in documents]
    before = reviewing.read_assignments(place / "assignments.jsonl")
    # while nobody has qualified yet, only gold items go out
    made = reviewing.assign(wanted, qualified, before) if qualified else before
    reviewing.write_assignments(place / "assignments.jsonl", made)
    by_item = {a.item: a for a in made}
    counts = flow.run(lambda found: [decide(d, by_item, verdicts, options.rounds) for d in found])
    _hand_out(place, documents, made, verdicts, options=options, gold=gold)
    review_report.write(place / "report.json", made, verdicts, gold, options.reviewers)
    return counts


def _check(where: Settings, options: Options) -> None:
    if len(set(options.reviewers)) < len(options.reviewers):
        raise ConfigError("a reviewer is named twice", "give each an alias of their own")
    for name in options.reviewers:
        if not name.replace("-", "").replace("_", "").isalnum():
            raise ConfigError(f"reviewer {name!r}", "use letters, digits, - and _")
    known = {g.slug for g in where.names.genres}
    strange = [s for s in options.specialised if s not in known]
    if strange and options.specialised != SPECIALISED_GENRES:
        raise InputError(
            f"--specialised: unknown genre {strange[0]!r}", "use a slug of the taxonomy"
        )


def _qualified(
    gold: Sequence[qualifying.Gold], options: Options, verdicts: Mapping[tuple[str, str], Verdict]
) -> list[str]:
    if not gold:
        return list(options.reviewers)
    found = qualifying.qualify(gold, options.reviewers, verdicts)
    return [q.reviewer for q in found if q.passed()]


def decide(
    document: Document,
    by_item: Mapping[str, Assignment],
    verdicts: Mapping[tuple[str, str], Verdict],
    limit: int,
) -> Outcome:
    """Turns the verdicts on one document into an outcome."""
    assignment = by_item.get(reviewing.item_name(document))
    if assignment is None:
        return dropped(document, "review", "awaiting_qualified_reviewers")
    given = [v for r in assignment.reviewers if (v := verdicts.get((assignment.item, r)))]
    adjudicated = verdicts.get((assignment.item, assignment.adjudicator))
    decided = reviewing.decision(given, len(assignment.reviewers), adjudicated)
    if decided == "open":
        shown = f"{len(given)} of {len(assignment.reviewers)} reviews"
        return dropped(document, "review", "awaiting_review", shown)
    if decided == "tie":
        return dropped(document, "review", "awaiting_adjudication", _shown(given))
    document = _reviewed(document, given, adjudicated, decided)
    if decided == "accept":
        return document.noted("review", reviewers=len(given))
    heard = [v for v in (*given, *([adjudicated] if adjudicated else [])) if v.verdict == decided]
    notes = "; ".join(v.note for v in heard if v.note)
    if decided == "refine":
        more = rounds.judged(document) < limit
        reason = "returned_to_refine" if more else "refinement_rounds_spent"
        return dropped(document, "review", reason, notes)
    cause = Counter(v.cause for v in heard).most_common(1)[0][0]
    return dropped(document, "review", f"removed_{cause}", notes)


def _shown(verdicts: Sequence[Verdict]) -> str:
    return ", ".join(f"{n} {v}" for v, n in Counter(v.verdict for v in verdicts).items())


def _reviewed(
    document: Document, given: Sequence[Verdict], adjudicated: Verdict | None, decided: str
) -> Document:
    heard = [*given, *([adjudicated] if adjudicated else [])]
    entry = {
        "draft": rounds.draft(document),
        "decision": decided,
        "adjudicated": adjudicated is not None,
        "verdicts": [dataclasses.asdict(v) for v in heard],
    }
    older = [r for r in document.reviews if r["draft"] != entry["draft"]]
    return dataclasses.replace(document, reviews=(*older, entry))


def _hand_out(
    place: Path,
    documents: Sequence[Document],
    made: Sequence[Assignment],
    verdicts: Mapping[tuple[str, str], Verdict],
    *,
    options: Options,
    gold: Sequence[qualifying.Gold],
) -> None:
    """Writes what each reviewer still has to read, and the feedback on calibration items."""
    by_name = {reviewing.item_name(d): d for d in documents}
    waiting: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in gold:
        for name in options.reviewers:
            if (item.item, name) not in verdicts:
                waiting[name].append(
                    _item(item.item, item.genre, item.prompt, item.reasoning, text=item.article)
                )
    for assignment in made:
        document = by_name.get(assignment.item)
        for name in _asked(assignment, verdicts) if document else ():
            assert document is not None
            waiting[name].append(
                _item(
                    assignment.item,
                    document.genre,
                    document.prompt,
                    document.reasoning,
                    text=document.text,
                )
            )
    for name in options.reviewers:
        work_items.write_items(place / "items" / f"{name}.jsonl", waiting[name])
        told = qualifying.feedback(gold, name, verdicts)
        if told:
            work_items.write_items(place / "feedback" / f"{name}.jsonl", told)


def _item(
    name: str, genre: str | None, prompt: str | None, reasoning: str | None, *, text: str
) -> dict[str, Any]:
    return {"item": name, "genre": genre, "prompt": prompt, "reasoning": reasoning, "article": text}


def _asked(assignment: Assignment, verdicts: Mapping[tuple[str, str], Verdict]) -> list[str]:
    """Returns who still owes a verdict: reviewers, or after a tie the adjudicator."""
    owing = [r for r in assignment.reviewers if (assignment.item, r) not in verdicts]
    if owing:
        return owing
    given = [verdicts[assignment.item, r] for r in assignment.reviewers]
    adjudicated = verdicts.get((assignment.item, assignment.adjudicator))
    tie = reviewing.decision(given, len(given), adjudicated) == "tie"
    return [assignment.adjudicator] if tie else []


def add_options(to: argparse.ArgumentParser) -> None:
    """Adds the stage's own options."""
    to.add_argument(
        "--reviewers", nargs="+", default=[], metavar="NAME", help="aliases of those who review"
    )
    to.add_argument(
        "--specialised",
        nargs="*",
        default=list(SPECIALISED_GENRES),
        metavar="GENRE",
        help="genres that need four reviewers (default: %(default)s)",
    )
    to.add_argument(
        "--gold", type=Path, help="JSONL of gold items; only who agrees with them on 80 %% reviews"
    )


def options(given: argparse.Namespace, limit: int = 3) -> Options:
    """Builds the options from the command line."""
    if not given.reviewers:
        raise ConfigError("nobody to review", "give --reviewers r1 r2 r3 (aliases, not names)")
    return Options(tuple(given.reviewers), tuple(given.specialised), given.gold, limit)


def main() -> int | None:
    """Runs the stage."""
    command = parser(__doc__, model=False)
    add_options(command)
    given = command.parse_args()
    where = settings(given)
    report(run(where, options(given)))
    print(f"report: {folder(where.root, 'review')}, items: {work(where.root, 'review') / 'items'}")
    return None
