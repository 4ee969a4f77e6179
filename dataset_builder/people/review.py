"""Stage 8, review: people accept, refine or remove each triplet, blind to each other (section 2.3).

Two reviewers per triplet, four for specialised ones (by genre with --specialised, or flagged in
reverse). Items are in work/review/items/; answers go into work/review/answers/; then run the stage
again. A tie goes to a reviewer who has not seen the item. "refine" goes back to reverse with the
notes; "remove" is for factual errors and broken guidelines, and is final. work/review/report.json has
the acceptance rate, α and the workload. A guide: docs/reviewer-guide.md

Reads what score kept; writes 08-review/: kept.jsonl, and dropped.jsonl with reasons and evidence.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from coig_writer.document import Document, dropped
from coig_writer.errors import ConfigError, InputError
from coig_writer.files import write_records
from coig_writer.workbench import progress, qualification, review
from coig_writer.workbench.annotation import ROUNDS, each_answer
from coig_writer.workbench.qualification import Feedback, Gold
from coig_writer.workbench.review import SPECIALISED, STANDARD, Assignment, Item, State, Verdict
from dataset_builder.people import inbox
from dataset_builder.stages.options import option
from dataset_builder.stages.parts import Outcome, Parts, answers_digest, work
from dataset_builder.stages.stage import Settings, Stage, Step, alone, deciding

SPECIALISED_GENRES = ("poetry", "script", "hip-hop-rap", "academic-abstract")
NO_GENRE = "none"  # --specialised none: every genre has two reviewers


@dataclasses.dataclass(frozen=True)
class Options:
    """Who reviews, how many per item, and by which gold items they qualify.

    Raises:
        ConfigError: A reviewer is named twice, or the name is not an alias.
    """

    reviewers: tuple[str, ...] = option(
        (), "aliases of those who review (r1 r2 r3), no real names", metavar="ALIAS..."
    )
    specialised: tuple[str, ...] = option(
        SPECIALISED_GENRES, "genres that need four reviewers, or none", metavar="GENRE..."
    )
    gold: Path | None = option(
        None,
        "gold items (JSONL); a reviewer first has to agree with 80 % of them",
        metavar="FILE",
    )
    rounds: int = option(ROUNDS, "most drafts of one document", min=1)

    def __post_init__(self) -> None:
        if len(set(self.reviewers)) < len(self.reviewers):
            raise ConfigError("duplicate reviewer", "give each reviewer an alias of their own")
        for name in self.reviewers:
            if not name.replace("-", "").replace("_", "").isalnum():
                raise ConfigError(f"reviewer {name!r}", "use letters, digits, - and _")

    def check_reviewers(self) -> None:
        """Checks that somebody reviews.

        Raises:
            ConfigError: Nobody does.
        """
        if not self.reviewers:
            raise ConfigError("no reviewers", "give --reviewers r1 r2 r3 (aliases, not names)")

    def needed(self, document: Document) -> int:
        """Returns how many reviewers a document needs."""
        flagged = any("specialised" in event.get("flags", ()) for event in document.history)
        return SPECIALISED if flagged or document.genre in self.specialised else STANDARD


def steps(settings: Settings, options: Options) -> list[Step]:
    """Returns the steps of the stage: assign, decide, then hand out what is still to be read.

    Raises:
        ConfigError: There are no reviewers.
        InputError: A specialised genre is not in the taxonomy.
    """
    options.check_reviewers()
    known = {genre.slug for genre in settings.taxonomy.genres} | {NO_GENRE}
    unknown = sorted(set(options.specialised) - known)
    if unknown and options.specialised != SPECIALISED_GENRES:
        raise InputError(
            f"--specialised: unknown genre {unknown[0]!r}", "use a slug of the taxonomy"
        )
    recorded = {
        "reviewers": list(options.reviewers),
        "specialised": list(options.specialised),
        "rounds": options.rounds,
        "answers": answers_digest(settings.root, "review"),
    }
    inbox.check(settings.root)
    panel = Panel(settings.parts("review", recorded), options)
    return [
        alone("assign", panel.assign),
        *deciding(lambda: (panel.parts, panel.decide)),
        alone("hand-out", panel.hand_out),
    ]


class Panel:
    """The reviewers of a set: who reads what, and what they said."""

    def __init__(self, parts: Parts, options: Options) -> None:
        self.parts, self.options = parts, options
        self.place = work(parts.root, "review")

    @functools.cached_property
    def gold(self) -> list[Gold]:
        """Items whose verdict is known."""
        return qualification.read(self.options.gold) if self.options.gold else []

    @functools.cached_property
    def verdicts(self) -> review.Verdicts:
        """What was answered, by item and reviewer."""
        return review.read_verdicts(self.place / "answers")

    @functools.cached_property
    def assignments(self) -> dict[str, Assignment]:
        """Who reviews each item; while nobody has qualified yet, nothing new is assigned."""
        made = review.read_assignments(self.place / "assignments.jsonl")
        qualified = [
            q.reviewer
            for q in qualification.qualify(self.gold, self.options.reviewers, self.verdicts)
            if q.passed() or not self.gold
        ]
        if qualified:
            wanted = ((review.item_name(d), self.options.needed(d)) for d in self.parts.documents())
            made = review.assign(wanted, qualified, made, self._writers())
        return {assignment.item: assignment for assignment in made}

    def _writers(self) -> dict[str, set[str]]:
        """Returns by document who annotated it, as they are called here."""
        aliases, writers = review.annotators(self.place), dict[str, set[str]]()
        for answer in each_answer(work(self.parts.root, "reverse") / "answers"):
            writers.setdefault(answer.id, set()).add(
                aliases.get(answer.annotator, answer.annotator)
            )
        return writers

    def assign(self) -> None:
        """Writes who reviews what.

        Raises:
            InputError: A verdict was given without an assignment, or a file belongs to no reviewer.
        """
        made = list(self.assignments.values())
        gold = {g.item for g in self.gold}
        review.check_verdicts(self.verdicts, made, gold, self.options.reviewers)
        self._check_names(made)
        write_records(self.place / "assignments.jsonl", made, Assignment)

    def _check_names(self, made: Sequence[Assignment]) -> None:
        known = {*self.options.reviewers}.union(*({*a.reviewers, a.adjudicator} for a in made))
        for file in sorted(self.place.glob("*/*.jsonl")):
            if file.stem not in known and not file.name.startswith((".", "~$")):
                raise InputError(
                    f"{file}: no reviewer is called {file.stem!r}",
                    f"reviewers are {', '.join(sorted(known))}: name {file.stem} with --reviewers, or move the file away",
                )

    def decide(self, documents: Sequence[Document]) -> list[Outcome]:
        """Turns the verdicts on documents into outcomes."""
        outcomes: list[Outcome] = []
        for document in documents:
            assignment = self.assignments.get(review.item_name(document))
            if assignment is None:
                outcomes.append(dropped(document, "review", "awaiting_qualified_reviewers"))
            else:
                state = assignment.state(self.verdicts)
                outcomes.append(decide(document, state, self.options.rounds))
        return outcomes

    def hand_out(self) -> None:
        """Writes what each reviewer still has to read, the feedback on gold, and the report."""
        made = list(self.assignments.values())
        drafts = {review.item_name(d): d for d in self.parts.documents()}
        owing = {a.item: a.state(self.verdicts).owing for a in made if a.item in drafts}
        for name in self.options.reviewers:
            waiting = [
                Item(g.item, g.genre, g.prompt, g.reasoning, g.article)
                for g in self.gold
                if (g.item, name) not in self.verdicts
            ]
            waiting += [
                _item(drafts[item]) for item, reviewers in owing.items() if name in reviewers
            ]
            write_records(self.place / "items" / f"{name}.jsonl", waiting, Item)
            if feedback := qualification.feedback(self.gold, name, self.verdicts):
                write_records(self.place / "feedback" / f"{name}.jsonl", feedback, Feedback)
        progress.write(
            self.place / "report.json", made, self.verdicts, self.gold, self.options.reviewers
        )


def _item(document: Document) -> Item:
    return Item(
        review.item_name(document),
        document.genre,
        document.prompt,
        document.reasoning,
        document.text,
    )


def decide(document: Document, state: State, limit: int = ROUNDS) -> Outcome:
    """Turns what is known about a document's draft into an outcome.

    Args:
        document: With the draft that was reviewed.
        state: The verdicts on it.
        limit: After how many drafts ``refine`` is no longer sent back.
    """
    if state.decision == "open":
        reviewers = len(state.given) + len(state.owing)
        shown = f"{len(state.given)} of {reviewers} reviews"
        return dropped(document, "review", "awaiting_review", shown)
    if state.decision == "tie":
        votes = Counter(v.verdict for v in state.given).items()
        shown = ", ".join(f"{n} {verdict}" for verdict, n in votes)
        return dropped(document, "review", "awaiting_adjudication", shown)
    document = _reviewed(document, state)
    if state.decision == "accept":
        return document.noted("review", reviewers=len(state.given))
    agreeing: list[Verdict] = [v for v in state.heard if v.verdict == state.decision]
    notes = "; ".join(v.note for v in agreeing if v.note)
    if state.decision == "refine":
        more = document.judged < limit
        reason = "returned_to_refine" if more else "refinement_rounds_spent"
        return dropped(document, "review", reason, notes)
    cause = Counter(v.cause for v in agreeing).most_common(1)[0][0]
    return dropped(document, "review", f"removed_{cause}", notes)


def _reviewed(document: Document, state: State) -> Document:
    """Returns a document with this round of review; an older one of the same draft is replaced."""
    entry = {
        "draft": document.draft,
        "decision": state.decision,
        "adjudicated": state.adjudicated is not None,
        "verdicts": [dataclasses.asdict(v) for v in state.heard],
    }
    older = [r for r in document.reviews if r["draft"] != document.draft]
    return dataclasses.replace(document, reviews=(*older, entry))


STAGE = Stage(
    "review",
    __doc__,
    Options,
    steps,
    closing=lambda settings: [
        f"report: {work(settings.root, 'review') / 'report.json'}, items: {work(settings.root, 'review') / 'items'}"
    ],
)
main = STAGE.main
