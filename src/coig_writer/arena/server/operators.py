"""What who runs a study types: plan, invite, progress, export, import. Each prints and returns 0."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from coig_writer.arena.server.booth import Booth
from coig_writer.arena.server.export import export, read_rankings
from coig_writer.arena.server.store import DuplicateError
from coig_writer.arena.study.answers import Collection
from coig_writer.arena.study.assignment import Task
from coig_writer.arena.study.definition import Study
from coig_writer.arena.study.planner import Plan, plan
from coig_writer.ballot import Ballot
from coig_writer.errors import ConfigError, InputError


def show_plan(study: Study, collection: Collection) -> int:
    """Prints load, overlap and detectable win rate of every protocol and language."""
    models = ", ".join(sorted(collection.variants))
    _say(f"study {study.study}: {len(collection.prompts)} prompts, {models}")
    for planned in plan(study, collection):
        _say(_plan_text(planned))
    return 0


def _plan_text(of: Plan) -> str:
    low, high = of.per_seat
    lines = [
        f"\n{of.protocol}, {of.language}",
        f"  {of.items} items, {of.shared} of them by several raters, {of.repeats} shown again",
        f"  {of.seats} seats of {low if low == high else f'{low} to {high}'} items, about {of.minutes:.0f} minutes each",
    ]
    if of.protocol != "rating":
        lines.append(f"  two models meet on {of.prompts_per_pair} prompts (the sample size)")
        lines.append(
            f"  smallest win rate found with 80 % power: {_percent(of.detectable)} for one pair alone, "
            f"{_percent(of.detectable_holm)} for all pairs together (Holm)"
        )
    return "\n".join(lines + [f"  warning: {warning}" for warning in of.warnings])


def _percent(rate: float | None) -> str:
    return "none (too few prompts)" if rate is None else f"{100 * rate:.1f} %"


def warn(study: Study, collection: Collection) -> None:
    """Says on standard error what would weaken an invited study, such as raters tied to models."""
    for planned in plan(study, collection):
        for warning in planned.warnings:
            sys.stderr.write(f"plan: {planned.protocol}, {planned.language}: {warning}\n")


def show_invitations(booth: Booth, url: str) -> int:
    """Prints name and link of every rater, tab-separated, for a spreadsheet or a mail merge.

    Raises:
        ConfigError: The study is public.
    """
    if booth.study.mode != "invited":
        raise ConfigError("a public study has no invitations", "set `mode: invited` and `raters`")
    for name in booth.study.raters:
        token = booth.identity.invitation(booth.study.study, name)
        _say(f"{name}\t{url.rstrip('/')}/?{urlencode({'invite': token})}")
    return 0


def show_progress(booth: Booth) -> int:
    """Prints how many items are done by protocol and language, and by rater in an invited study."""
    cast = booth.store.ballots(booth.study.study)
    if not cast:
        _say("no votes yet")
    names = {booth.identity.rater("invited", name): name for name in booth.study.raters}
    for protocol in booth.study.protocols:
        for language in booth.collection.languages:
            dealt = booth.seats(protocol, language)
            here = [
                b
                for b in cast
                if b.protocol == protocol
                and b.query_id in booth.prompts
                and booth.prompts[b.query_id].language == language
            ]
            _say(
                f"{protocol}, {language}: {len(here)} ballots; one round is {sum(map(len, dealt))}"
            )
            for number, (rater, name) in enumerate(names.items()):
                cast_here = {(b.item, b.repeat) for b in here if b.rater == rater}
                _say(f"  {name}: {_how_far(booth, cast_here, dealt[number])}")
    return 0


def _how_far(booth: Booth, cast: set[tuple[str, int]], dealt: Sequence[Task]) -> str:
    assigned = {(booth.item_name(task), task.repeat) for task in dealt}
    beyond = len(cast - assigned)
    done = f"{len(cast & assigned)} of {len(assigned)}"
    return f"{done}, and {beyond} imported beyond the assignment" if beyond else done


def show_export(booth: Booth, folder: Path) -> int:
    """Exports and prints what was written."""
    for name, rows in export(booth, folder).items():
        _say(f"{folder / name}: {rows} rows")
    _say(f"{folder / 'manifest.json'}: study, rules, scan, hashes")
    return 0


def import_rankings(booth: Booth, path: Path, rater: str) -> int:
    """Adds one rater's ranking file to the store; what is there already is left as it is.

    Raises:
        InputError: The file ranks a model or a query that the study does not have, or not all models.
        ConfigError: The rater annotated the data, or is not among the raters of the study.
    """
    _check_listed(booth.study, rater)
    pseudonym = booth.identity.rater("invited", rater)
    ballots = read_rankings(path, study=booth.study.study, rater=pseudonym)
    for ballot in ballots:
        _check_fits(booth, ballot, path)
    stored = {b.id for b in booth.store.ballots(booth.study.study, pseudonym)}
    fresh = [ballot for ballot in ballots if ballot.id not in stored]
    added = sum(_added(booth, ballot) for ballot in fresh)
    _say(f"{added} rankings added, {len(ballots) - len(fresh)} were there already")
    if added < len(fresh):
        _say(f"{len(fresh) - added} left out: the rater already ranked those prompts otherwise")
    return 0


def _check_listed(study: Study, rater: str) -> None:
    if rater.casefold() in {name.casefold() for name in study.annotators}:
        raise ConfigError(f"{rater!r} annotated the data", "import rankings of others")
    if study.raters and rater.casefold() not in {name.casefold() for name in study.raters}:
        near = difflib.get_close_matches(rater, study.raters, 1)
        raise ConfigError(
            f"{rater!r} is none of the study's raters",
            f"did you mean {near[0]!r}?" if near else f"raters are {', '.join(study.raters)}",
        )


def _check_fits(booth: Booth, ballot: Ballot, path: Path) -> None:
    models = set(booth.collection.variants)
    strange, missing = sorted(set(ballot.shown) - models), sorted(models - set(ballot.shown))
    if strange or ballot.query_id not in booth.prompts:
        what = f"model {strange[0]!r}" if strange else f"query {ballot.query_id!r}"
        raise InputError(f"{path}: {what} is not in this study", "name the texts it ranks")
    if missing:
        raise InputError(
            f"{path}: query {ballot.query_id!r} has no rank for {missing[0]!r}",
            "rank every model of the study, or name fewer `models` in it",
        )


def _added(booth: Booth, ballot: Ballot) -> bool:
    try:
        booth.store.add(ballot)
    except DuplicateError:  # imported before
        return False
    return True


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
