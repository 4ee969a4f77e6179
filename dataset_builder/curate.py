"""All stages of curation in one command, from raw texts to a packed dataset."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

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
from dataset_builder.stages.options import CommandLine, ModelOptions, RunOptions, option
from dataset_builder.stages.parts import Counts, folder, made_by, read_dropped, work
from dataset_builder.stages.stage import Settings, Stage, report, run_settings

HELP = """Stages that are done are skipped, a killed run goes on where it stopped, and what validation or review
sends back is drafted and judged again, up to --rounds times. The run stops where people are needed and
says which files to fill in; type the same command again, and it goes on.

--demo takes the 60 sample texts, a scripted model and scripted people, and says so on every page. With
--by-hand, the drafts wait for you, in files or at the workbench.

Reads raw texts; writes a numbered folder per stage, work/ for people, and the dataset in 10-pack/.
A guide: docs/curate-a-new-set.md
"""
CHOOSING: tuple[Stage[Any], ...] = (collect.STAGE, assess.STAGE, dedup.STAGE, screen.STAGE)
WRITING: tuple[Stage[Any], ...] = (reverse.STAGE, validate.STAGE, score.STAGE, review.STAGE)


@dataclasses.dataclass(frozen=True)
class DemoOptions:
    """Whether the kit's own texts are curated, and by whom."""

    demo: bool = option(False, "curate the 60 sample texts, with a scripted model and people")
    by_hand: bool = option(False, "with --demo: drafts wait for you instead")


@dataclasses.dataclass(frozen=True)
class CurationOptions:
    """The options of each stage that has any.

    Attributes:
        people: Called after each round of stages; the demonstration lets its scripted people
            work here and says whether any did. Real people work between runs.
    """

    collect: collect.Options = dataclasses.field(default_factory=collect.Options)
    assess: assess.Options = dataclasses.field(default_factory=assess.Options)
    dedup: dedup.Options = dataclasses.field(default_factory=dedup.Options)
    reverse: reverse.Options = dataclasses.field(default_factory=reverse.Options)
    validate: validate.Options = dataclasses.field(default_factory=validate.Options)
    review: review.Options = dataclasses.field(default_factory=review.Options)
    audit: audit.Options = dataclasses.field(default_factory=audit.Options)
    people: Callable[[Settings], bool] | None = None


def run(settings: Settings, options: CurationOptions) -> list[Counts]:
    """Runs all stages and returns what each did last."""
    done: dict[str, Counts] = {}
    for stage in CHOOSING:
        done[stage.name] = stage.run(settings, getattr(options, stage.name, None))
        _something_left(settings, done[stage.name])
    for _ in range(2 * options.validate.rounds + 2):  # a draft is judged by a model, then by people
        for stage in WRITING:
            done[stage.name] = stage.run(settings, getattr(options, stage.name, None))
        # Scripted people answer here; real ones answer between two runs.
        worked = options.people is not None and options.people(settings)
        if not worked and not _sent_back(done):
            break
    done["audit"] = audit.STAGE.run(settings, options.audit)
    if done["audit"].kept:
        triplets = pack.read_source(str(folder(settings.root, "audit")), settings.taxonomy)
        pack.pack(triplets, settings.taxonomy, folder(settings.root, "pack"))
        done["pack"] = Counts("pack", len(triplets), len(triplets), {})
    return list(done.values())


def demonstration(
    root: Path, options: CurationOptions | None = None
) -> tuple[Settings, list[Counts]]:
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
        settings = Settings(root, taxonomy.published(), Model(endpoint))
        return settings, run(settings, options or demo_options())


def demo_options(
    people: Callable[[Settings], bool] | None = scripted_people.work_once,
    author: reverse.Author = "model",
) -> CurationOptions:
    """Returns the demonstration's options; ``people`` is None where real people work between runs."""
    samples = (scripted_endpoint.SAMPLE,)
    return CurationOptions(
        collect=collect.Options(samples, "sample", thresholds=answer_key.THRESHOLDS),
        review=review.Options(answer_key.REVIEWERS),
        reverse=reverse.Options(author),
        people=people,
    )


def _something_left(settings: Settings, counts: Counts) -> None:
    """Stops a run whose stage has left nothing to go on with.

    Raises:
        InputError: No document was kept; one of them is shown.
    """
    if counts.kept:
        return
    reasons = ", ".join(f"{n} {reason}" for reason, n in counts.reasons.items())
    path = folder(settings.root, counts.stage) / "dropped.jsonl"
    first = next(iterate(path, Dropped, made_by(settings.root, counts.stage)))
    # a column that is kept aside is often the one that was missed
    notes = collect.source_notes(settings.root) if counts.stage == "collect" else ()
    remedy = f"see {path} for the reason of each, mend the texts or the options, and run again"
    raise InputError(
        f"{counts.stage} kept none of {counts.read} documents ({reasons}); the first: {first.evidence}",
        "\n    ".join([remedy, *notes]),
    )


def _sent_back(done: Mapping[str, Counts]) -> bool:
    """Says whether something went back to ``reverse``, which drafts it or gives it to its writer."""
    return any(
        reason.startswith("returned")
        for name in ("validate", "review")
        for reason in done[name].reasons
    )


def next_steps(settings: Settings, counts: Sequence[Counts]) -> list[str]:
    """Returns what people have to do now, one sentence each."""
    reasons = {c.stage: c.reasons for c in counts}
    sentences = []
    if any(r.startswith("awaiting") for r in reasons.get("reverse", {})):
        place = work(settings.root, "reverse")
        sentences.append(
            f"write for {place / 'items.jsonl'}, put the answers into {place / 'answers'}/ "
            "(how: docs/annotator-guide.md)"
        )
        # what was answered and does not count yet; one is shown, all are in dropped.jsonl
        answered = (
            f"mend the answer to {lost.document.id}: {lost.evidence}"
            for lost in read_dropped(settings.root, "reverse")
            if lost.reason in ("awaiting_complete_answer", "awaiting_one_answer")
        )
        sentences += itertools.islice(answered, 1)
    if any(r.startswith("awaiting") for r in reasons.get("review", {})):
        place = work(settings.root, "review")
        sentences.append(
            f"review {place / 'items'}/*.jsonl, put the answers into {place / 'answers'}/ "
            "(how: docs/reviewer-guide.md)"
        )
    if sentences:
        sentences.append(
            f"or do both in a browser: python space/app.py workbench --curation {settings.root}"
        )
    if any(r.startswith("unscored") for row in reasons.values() for r in row):
        sentences.append(
            "some answers are missing (unscored): run the command again, with --max-retries 1 to repeat refusals"
        )
    return sentences


def _main(
    demo: DemoOptions, options: CurationOptions, run_options: RunOptions, model: ModelOptions
) -> None:
    """Runs all stages and prints the funnel."""
    start = time.monotonic()
    if demo.by_hand and not demo.demo:
        raise typer.BadParameter(
            "--by-hand is of the demo: add --demo; your own texts wait for people as they are"
        )
    if demo.demo:
        by_hand = demo_options(None, "draft") if demo.by_hand else None
        settings, counts = demonstration(run_options.out, by_hand)
    else:
        options.review.check_reviewers()  # not after a day of screening
        settings = run_settings(run_options, model)
        counts = run(settings, options)
    for counted in counts:
        report(counted, settings.root)
    for sentence in collect.source_notes(settings.root):
        print(sentence)
    for step in next_steps(settings, counts):
        print(f"next: {step}")
    if counts[-1].stage == "pack":
        print(f"dataset: {folder(settings.root, 'pack')}")
    page = folder(settings.root, "audit") / "index.html"
    print(f"{time.monotonic() - start:.0f} s; page: {page}")


main = CommandLine(HELP, _main, DemoOptions, CurationOptions, RunOptions, ModelOptions)
