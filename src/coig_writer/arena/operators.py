"""What who runs a study types: plan, invite, progress, export, import. Each prints and returns 0."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

from coig_writer.arena.answers import Collection
from coig_writer.arena.booth import Booth
from coig_writer.arena.export import export, read_rankings
from coig_writer.arena.planner import Plan, plan
from coig_writer.arena.store import DuplicateError
from coig_writer.arena.study import Study
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
    return "none, too few prompts" if rate is None else f"{100 * rate:.1f} %"


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
        _say(f"{name}\t{url}?{urlencode({'invite': token})}")
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
            done = Counter(b.rater for b in here)
            for number, (rater, name) in enumerate(names.items()):
                _say(f"  {name}: {done[rater]} of {len(dealt[number])}")
    return 0


def show_export(booth: Booth, folder: Path) -> int:
    """Exports and prints what was written."""
    for name, rows in export(booth, folder).items():
        _say(f"{folder / name}: {rows} rows")
    _say(f"{folder / 'manifest.json'}: study, rules, scan, hashes")
    return 0


def import_rankings(booth: Booth, path: Path, rater: str) -> int:
    """Adds one rater's ranking file to the store; what is there already is left as it is.

    Raises:
        InputError: The file ranks a model or a query that the study does not have.
        ConfigError: The rater annotated the data.
    """
    if rater.casefold() in {name.casefold() for name in booth.study.annotators}:
        raise ConfigError(f"{rater!r} annotated the data", "import rankings of others")
    pseudonym = booth.identity.rater("invited", rater)
    ballots = read_rankings(path, study=booth.study.study, rater=pseudonym)
    for ballot in ballots:
        strange = set(ballot.shown) - set(booth.collection.variants)
        if strange or ballot.query_id not in booth.prompts:
            what = f"model {sorted(strange)[0]!r}" if strange else f"query {ballot.query_id!r}"
            raise InputError(f"{path}: {what} is not in this study", "name the texts it ranks")
    added = sum(_added(booth, ballot) for ballot in ballots)
    _say(f"{added} rankings added, {len(ballots) - added} were there already")
    return 0


def _added(booth: Booth, ballot: Ballot) -> bool:
    try:
        booth.store.add(ballot)
    except DuplicateError:  # imported before
        return False
    return True


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
