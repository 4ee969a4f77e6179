"""All stages of curation in one command, from raw texts to a packed dataset.

    python -m dataset_builder curate --demo --out build/curation
    python -m dataset_builder curate --demo --by-hand --out build/by-hand   # you are its people
    python -m dataset_builder curate texts/ --endpoint URL --model NAME --author model --reviewers r1 r2 r3

Stages that are done are skipped, a killed run goes on where it stopped, and what validation or
review sends back is drafted and judged again, up to ``--rounds`` times. The run stops where people
are needed and says which files to fill in; the same command then goes on. ``--demo`` takes the 60
sample texts, a scripted endpoint and scripted people, and says so on every page; with ``--by-hand`` nobody
is scripted, and the workbench has something to open.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from coig_writer import taxonomy
from coig_writer.document import Dropped
from coig_writer.endpoint import Endpoint
from coig_writer.errors import InputError
from coig_writer.files import iterate
from coig_writer.workbench.prompts import Model
from dataset_builder.audit import audit
from dataset_builder.demo import answer_key, scripted_endpoint, scripted_people
from dataset_builder.packing import pack
from dataset_builder.people import reverse, review
from dataset_builder.stages import assess, collect, dedup, score, screen, validate
from dataset_builder.stages.parts import Counts, folder, made_by, work
from dataset_builder.stages.stage import Settings, Stage, add_model, parser, report, settings

CHOOSING: tuple[Stage[Any], ...] = (collect.STAGE, assess.STAGE, dedup.STAGE, screen.STAGE)
WRITING: tuple[Stage[Any], ...] = (reverse.STAGE, validate.STAGE, score.STAGE, review.STAGE)


@dataclasses.dataclass(frozen=True)
class Plan:
    """The options of each stage.

    Attributes:
        people: Called after each round of stages; the demonstration lets its scripted people
            work here and says whether any did. Real people work between runs.
    """

    collect: collect.Options
    review: review.Options
    assess: assess.Options = dataclasses.field(default_factory=assess.Options)
    dedup: dedup.Options = dataclasses.field(default_factory=dedup.Options)
    reverse: reverse.Options = dataclasses.field(default_factory=reverse.Options)
    validate: validate.Options = dataclasses.field(default_factory=validate.Options)
    audit: audit.Options = dataclasses.field(default_factory=audit.Options)
    people: Callable[[Settings], bool] | None = None


def run(where: Settings, plan: Plan) -> list[Counts]:
    """Runs all stages and returns what each did last."""
    done: dict[str, Counts] = {}
    for stage in CHOOSING:
        done[stage.name] = stage.run(where, getattr(plan, stage.name, None))
        _something_left(where, done[stage.name])
    for _ in range(2 * plan.validate.rounds + 2):  # a draft is judged by a model, then by people
        for stage in WRITING:
            done[stage.name] = stage.run(where, getattr(plan, stage.name, None))
        worked = plan.people is not None and plan.people(where)
        if not worked and not _sent_back(done):
            break
    done["audit"] = audit.STAGE.run(where, plan.audit)
    if done["audit"].kept:
        triplets = pack.read_source(str(folder(where.root, "audit")), where.names)
        pack.pack(triplets, where.names, folder(where.root, "pack"))
        done["pack"] = Counts("pack", len(triplets), len(triplets), {})
    return list(done.values())


def demonstration(root: Path, plan: Plan | None = None) -> tuple[Settings, list[Counts]]:
    """Runs all stages over the 60 sample texts, with a scripted model."""
    script = scripted_endpoint.Script(scripted_endpoint.sample_texts())
    with scripted_endpoint.serving(script) as server:
        endpoint = Endpoint(
            server.url,
            scripted_endpoint.MODEL,
            cache=root / "replies",
            concurrency=8,
            backoff=0.05,
        )
        where = Settings(root, taxonomy.published(), Model(endpoint))
        return where, run(where, plan or demo_plan())


def demo_plan(
    people: Callable[[Settings], bool] | None = scripted_people.work_once,
    author: str = "model",
) -> Plan:
    """Returns the demonstration's options, with scripted people unless others work, or nobody yet."""
    samples = (scripted_endpoint.SAMPLE,)
    return Plan(
        collect=collect.Options(samples, "sample", thresholds=answer_key.THRESHOLDS),
        review=review.Options(answer_key.REVIEWERS),
        reverse=reverse.Options(author),
        people=people,
    )


def _something_left(where: Settings, counts: Counts) -> None:
    """Stops a run whose stage has left nothing to go on with.

    Raises:
        InputError: No document was kept; one of them is shown.
    """
    if counts.kept:
        return
    reasons = ", ".join(f"{n} {reason}" for reason, n in counts.reasons.items())
    path = folder(where.root, counts.stage) / "dropped.jsonl"
    first = next(iterate(path, Dropped, made_by(where.root, counts.stage)))
    raise InputError(
        f"{counts.stage} kept none of {counts.read} documents ({reasons}); the first: {first.evidence}",
        f"see {path} for the reason of each, mend the texts or the options, and run again",
    )


def _sent_back(done: Mapping[str, Counts]) -> bool:
    """Says whether something went back to ``reverse`` that it can draft without people."""
    returned = any(
        reason.startswith("returned")
        for name in ("validate", "review")
        for reason in done[name].reasons
    )
    waiting = any(reason.startswith("awaiting") for reason in done["reverse"].reasons)
    return returned and not waiting


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
    if found:
        found.append(
            f"or do both in a browser: python space/app.py workbench --curation {where.root}"
        )
    if any(r.startswith("unscored") for row in reasons.values() for r in row):
        found.append(
            "some answers are missing (unscored): run again, with --max-retries 1 for refusals"
        )
    return found


def main() -> int | None:
    """Runs all stages and prints the funnel."""
    command = parser(__doc__)
    add_model(command)
    command.add_argument(
        "--demo",
        action="store_true",
        help="the 60 sample texts with a scripted endpoint and scripted people",
    )
    command.add_argument(
        "--by-hand",
        action="store_true",
        help="with --demo: drafts wait for people, nobody is scripted",
    )
    for stage in (*CHOOSING, *WRITING, audit.STAGE):
        stage.add_options(command)
    given = command.parse_args()
    if given.by_hand and not given.demo:
        command.error(
            "--by-hand is of the demo: add --demo; your own texts wait for people as they are"
        )
    start = time.monotonic()
    if given.demo:
        plan = demo_plan(None, "draft") if given.by_hand else None
        where, counts = demonstration(given.out, plan)
    else:
        where = settings(given)
        counts = run(where, read_plan(given))
    for done in counts:
        report(done, where.root)
    for told in collect.told(where.root):
        print(told)
    for step in next_steps(where, counts):
        print(f"next: {step}")
    page = folder(where.root, "audit") / "index.html"
    print(f"{time.monotonic() - start:.0f} s; page: {page}")
    return None


def read_plan(given: argparse.Namespace) -> Plan:
    """Reads the options of all stages from a command line."""
    stages = (*CHOOSING, *WRITING, audit.STAGE)
    named = {field.name for field in dataclasses.fields(Plan)}
    return Plan(**{stage.name: stage.read(given) for stage in stages if stage.name in named})
