"""All stages of curation in one command, from raw texts to a packed dataset.

    python -m dataset_builder curate --demo --out build/curation
    python -m dataset_builder curate texts/ --endpoint URL --model NAME --author model --reviewers r1 r2 r3

Stages that are done are skipped, a killed run goes on where it stopped, and what validation or
review sends back is drafted and judged again, up to ``--rounds`` times. The run stops where people
are needed and says which files to fill in; the same command then goes on. ``--demo`` takes the 60
sample texts, a scripted endpoint and scripted people, and says so on every page.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from coig_writer.document import Dropped
from coig_writer.errors import ConfigError, InputError
from dataset_builder.audit import audit
from dataset_builder.packing import pack
from dataset_builder.people import review
from dataset_builder.stages import assess, collect, dedup, reverse, score, screen, validate
from dataset_builder.stages.flow import Counts, folder, iterate, work
from dataset_builder.stages.options import Settings, add_model, parser, settings, shown


@dataclasses.dataclass(frozen=True)
class Plan:
    """Options of all stages.

    Attributes:
        people: Called before each round of stages; the demonstration lets its scripted people
            work here, real people work between runs.
    """

    collect: collect.Options
    review: review.Options
    author: reverse.By = "people"
    rounds: int = validate.ROUNDS
    least: int = assess.LEAST
    rules_only: bool = False
    similar: float = dedup.LEAST
    minimums: tuple[int, int] = (audit.CATEGORY_MINIMUM, audit.GENRE_MINIMUM)
    people: Callable[[Settings], bool] | None = None


def run(where: Settings, plan: Plan) -> list[Counts]:
    """Runs all stages and returns what each did last."""
    done: dict[str, Counts] = {}

    def stage(counts: Counts) -> Counts:
        done[counts.stage] = counts
        return counts

    for counts in _texts(where, plan):
        stage(counts)
        _something_left(where, counts)
    for _ in range(2 * plan.rounds + 2):  # each draft is judged by a model, then by people
        stage(reverse.run(where, plan.author))
        stage(validate.run(where, plan.rounds))
        stage(score.run(where))
        stage(review.run(where, plan.review))
        worked = plan.people is not None and plan.people(where)
        if not worked and not _sent_back(done):
            break
    stage(audit.run(where, *plan.minimums))
    if done["audit"].kept:
        stage(_pack(where))
    return list(done.values())


def _texts(where: Settings, plan: Plan) -> Iterator[Counts]:
    """Runs the stages that choose texts."""
    yield collect.run(where, plan.collect)
    yield assess.run(where, plan.least, rules_only=plan.rules_only)
    yield dedup.run(where, plan.similar)
    yield screen.run(where)


def _something_left(where: Settings, counts: Counts) -> None:
    """Stops a run whose stage has left nothing to go on with.

    Raises:
        InputError: No document was kept; one of them is shown.
    """
    if counts.kept:
        return
    reasons = ", ".join(f"{n} {reason}" for reason, n in counts.reasons.items())
    path = folder(where.root, counts.stage) / "dropped.jsonl"
    first = next(iterate(path, Dropped, counts.stage, where.root))
    raise InputError(
        f"{counts.stage} kept none of {counts.read} documents ({reasons}); the first: {first.evidence}",
        f"see {path} for the reason of each, mend the texts or the options, and run again",
    )


def _sent_back(done: dict[str, Counts]) -> bool:
    """Says whether something went back to ``reverse`` that it can draft without people."""
    returned = any(
        reason.startswith("returned")
        for name in ("validate", "review")
        for reason in done[name].reasons
    )
    waiting = any(reason.startswith("awaiting") for reason in done["reverse"].reasons)
    return returned and not waiting


def _pack(where: Settings) -> Counts:
    source = folder(where.root, "audit")
    triplets = pack.read_source(str(source), where.names)
    pack.pack(triplets, where.names, folder(where.root, "pack"))
    return Counts("pack", len(triplets), len(triplets), {})


def next_steps(where: Settings, counts: Sequence[Counts]) -> list[str]:
    """Returns what people have to do now, one sentence each."""
    reasons = {c.stage: c.reasons for c in counts}
    found = []
    if any(r.startswith("awaiting") for r in reasons.get("reverse", {})):
        place = work(where.root, "reverse")
        found.append(
            f"write for {place / 'items.jsonl'}, put the answers into {place / 'answers'}/"
        )
    if any(r.startswith("awaiting") for r in reasons.get("review", {})):
        place = work(where.root, "review")
        found.append(f"review {place / 'items'}/*.jsonl, put the answers into {place / 'answers'}/")
    if any(r.startswith("unscored") for row in reasons.values() for r in row):
        found.append("some answers are missing (unscored): run again, with --again 1 for refusals")
    return found


def _plan(given: argparse.Namespace) -> Plan:
    if not given.sources:
        raise ConfigError("no raw texts given", "give files or folders, or --demo for the samples")
    return Plan(
        collect=collect.options(given),
        review=review.options(given, given.rounds),
        author=given.author,
        rounds=given.rounds,
        least=given.assess_least,
        rules_only=given.rules_only,
        similar=given.similar,
        minimums=(given.category_minimum, given.genre_minimum),
    )


def main() -> int | None:
    """Runs all stages and prints the funnel."""
    command = parser(__doc__, model=False)
    add_model(command)
    command.add_argument(
        "--demo",
        action="store_true",
        help="the 60 sample texts with a scripted endpoint and scripted people",
    )
    collect.add_options(command, least="*")  # none with --demo
    for stage in (assess, dedup, reverse, validate, review, audit):
        stage.add_options(command)
    given = command.parse_args()
    start = time.monotonic()
    if given.demo:
        from dataset_builder.demo import walkthrough

        where, counts = walkthrough.run(given.out)
    else:
        where = settings(given)
        counts = run(where, _plan(given))
    for line in map(shown, counts):
        print(line)
    for step in next_steps(where, counts):
        print(f"next: {step}")
    print(f"{time.monotonic() - start:.0f} s; page: {Path(where.root) / '09-audit' / 'index.html'}")
    return None
