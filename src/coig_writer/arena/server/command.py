"""The arena's verbs: they open the page, and prepare, watch and export studies (python space/app.py)."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer

from coig_writer.arena.server.app import address, create_app, serve, settle
from coig_writer.arena.server.backup import EVERY_S_ON_DISK, Backup, Folder, HubRepository
from coig_writer.arena.server.database import DuplicateError, sqlite_url
from coig_writer.arena.server.export import export, read_rankings
from coig_writer.arena.server.guard import known_hosts
from coig_writer.arena.server.identity import Identity, find_secret
from coig_writer.arena.server.results import RaterProgress, overview
from coig_writer.arena.server.service import StudyService
from coig_writer.arena.server.store import Store
from coig_writer.arena.study import definition as studies
from coig_writer.arena.study.answers import (
    Collection,
    collect,
    read_generations,
    read_preference_bench,
)
from coig_writer.arena.study.definition import Study
from coig_writer.arena.study.planner import ProtocolPlan, needed, plan
from coig_writer.arena.study.scan import counted
from coig_writer.ballot import Ballot
from coig_writer.errors import ConfigError, InputError

STORE_VARIABLE, BACKUP_VARIABLE, STUDY_VARIABLE = "ARENA_STORE", "ARENA_BACKUP", "ARENA_STUDY"
STUDY_FILE = "study.yaml"
_DATASET = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
FOLDER = Path("build/arena")
APP = Path(sys.argv[0]).parent  # the folder of app.py
DEMO_PACK = Path("data") / "demo_pack.jsonl"
PAGE_URL = "http://127.0.0.1:7860/"
StudyFile = Annotated[Path | None, typer.Option(metavar="FILE", help="study file (YAML)")]
Texts = Annotated[
    list[Path] | None, typer.Option(metavar="PATH…", help="your own generation records")
]
PreferenceBench = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="the published answers of WritingPreferenceBench"),
]
Kept = Annotated[Path, typer.Option(metavar="FOLDER", help="where ballots and secret are kept")]
PageUrl = Annotated[str, typer.Option(metavar="URL", help="where the page will be")]
Host = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        envvar="GRADIO_SERVER_NAME",
        help="address to serve on (default: 127.0.0.1; on a Space 0.0.0.0)",
    ),
]
PORTS = 1, 65535
MOST_TO_RANK = 9


def serve_arena(  # noqa: PLR0913 - a command line
    *,
    study: StudyFile = None,
    generations: Texts = None,
    wpb: PreferenceBench = None,
    folder: Kept = FOLDER,
    host: Host = None,
    port: Annotated[
        int,
        typer.Option(
            metavar="N", envvar="GRADIO_SERVER_PORT", help="its port", min=PORTS[0], max=PORTS[1]
        ),
    ] = 7860,
    no_gradio: Annotated[
        bool, typer.Option("--no-gradio", help="leave out the tables at /gradio")
    ] = False,
) -> int:
    """Without a study and texts it shows the demo pack. The page is served until Ctrl-C."""
    definition, collection = named_texts(study, generations, wpb)
    service, backup = _opened(definition, collection, folder)
    _check_sign_in(definition)
    host = address(host)
    app = create_app(service, backup, known_hosts(host), with_tables=not no_gradio, apart=True)
    settle(service)
    if not no_gradio:
        page = "" if os.environ.get("SPACE_ID") else f"http://{host}:{port}"
        sys.stderr.write(f"operator: {_operator_link(service, page)}  (for your eyes alone)\n")
    with service.store.lease(definition.study):
        code = serve(app, host, port)
    return code if backup is None or backup.complete else 1


def plan_study(
    *,
    study: StudyFile = None,
    generations: Texts = None,
    wpb: PreferenceBench = None,
    rate: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="win rate to find: says how many votes it takes"),
    ] = None,
    correlation: Annotated[
        float | None,
        typer.Option(
            metavar="RHO",
            help="of a judge's verdicts with votes, as python -m eval_tasks judge audit prints it: "
            "says how many votes it takes then",
        ),
    ] = None,
    judged: Annotated[
        int | None,
        typer.Option(metavar="N", help="prompts that the judge sees (default: those of the texts)"),
    ] = None,
) -> int:
    """Prints load, overlap and the smallest win rate that would be found, for each protocol and language."""
    definition, collection = named_texts(study, generations, wpb)
    return show_plan(definition, collection, rate, correlation, judged)


def invite_raters(
    study: StudyFile = None,
    generations: Texts = None,
    wpb: PreferenceBench = None,
    folder: Kept = FOLDER,
    url: PageUrl = PAGE_URL,
) -> int:
    """A line holds name and link, tab-separated, for a spreadsheet or a mail merge."""
    return show_invitations(_service(study, generations, wpb, folder), url)


def link_operator(
    study: StudyFile = None,
    generations: Texts = None,
    wpb: PreferenceBench = None,
    folder: Kept = FOLDER,
    url: PageUrl = PAGE_URL,
) -> int:
    """That page shows progress, agreement and withdrawals. Keep the link to yourself."""
    _say(_operator_link(_service(study, generations, wpb, folder), url))
    return 0


def report_progress(
    study: StudyFile = None,
    generations: Texts = None,
    wpb: PreferenceBench = None,
    folder: Kept = FOLDER,
) -> int:
    """Also prints how far raters agree."""
    return show_progress(_service(study, generations, wpb, folder))


def export_ballots(
    study: StudyFile = None,
    generations: Texts = None,
    wpb: PreferenceBench = None,
    folder: Kept = FOLDER,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the tables go")] = Path(
        "build/ballots"
    ),
) -> int:
    """Writes ballots.parquet, what follows from it (comparisons, scores, agreement), and a manifest."""
    return show_export(_service(study, generations, wpb, folder), out)


def import_ballots(
    rankings: Annotated[
        Path,
        typer.Option(metavar="FILE", help="one rater's ranking file, as the authors wrote them"),
    ],
    rater: Annotated[str, typer.Option(metavar="NAME", help="who ranked")],
    study: StudyFile = None,
    generations: Texts = None,
    wpb: PreferenceBench = None,
    folder: Kept = FOLDER,
) -> int:
    """What is in the store already is left as it is; a second import adds nothing."""
    service, backup = _opened(*named_texts(study, generations, wpb), folder)
    code = import_rankings(service, rankings, rater)
    if backup:
        backup.close()
    return code if backup is None or backup.complete else 1


def named_texts(
    study_file: Path | None, generations: Sequence[Path] | None, wpb: Path | None
) -> tuple[Study, Collection]:
    """Returns the study and texts that a command names, else those of ``ARENA_STUDY``, else the demo pack.

    Raises:
        ConfigError: Two kinds of texts are named.
    """
    if generations and wpb:
        raise ConfigError("--generations and --wpb exclude each other", "give one of them")
    named = os.environ.get(STUDY_VARIABLE)
    if named and not (study_file or generations or wpb):
        study_file = find_study(named, APP)
    return chosen(study_file, generations or [], wpb)


def _service(
    study_file: Path | None, generations: Sequence[Path] | None, wpb: Path | None, folder: Path
) -> StudyService:
    return _opened(*named_texts(study_file, generations, wpb), folder)[0]


def _opened(
    study: Study, collection: Collection, folder: Path
) -> tuple[StudyService, Backup | None]:
    if study.mode == "invited":
        warn(study, collection)
    return opened(study, collection, folder)


def _check_sign_in(study: Study) -> None:
    if study.sign_in and not os.environ.get("OAUTH_CLIENT_ID"):
        raise ConfigError(
            "the study requires sign-in, but nobody can sign in here",
            "serve it on a Space with `hf_oauth: true`, or take `sign_in` out of the study file",
        )


def find_study(named: str, beside: Path) -> Path:
    """Returns the study file that ``ARENA_STUDY`` names; see ``place_named_in``."""
    place = place_named_in(STUDY_VARIABLE, named, beside)
    return place / STUDY_FILE if place.is_dir() else place


def place_named_in(variable: str, named: str, beside: Path, into: Path | None = None) -> Path:
    """Returns the file or folder that a Space's variable names; a dataset's files are fetched from the Hub.

    Args:
        variable: The variable, for messages.
        named: Its value: a file, a folder, or a dataset as ``ORG/NAME[@REVISION]``.
        beside: The folder of ``app.py``, from which paths count.
        into: Where a dataset's files go; None takes the Hub client's cache, in which nothing is written.

    Raises:
        ConfigError: There is no such file, and no dataset can be read by that name.
    """
    import huggingface_hub

    place = beside / named
    if os.path.exists(place):  # noqa: PTH110 - a name too long for a path is no file either
        return place
    if not _DATASET.fullmatch(named):
        raise ConfigError(
            f"{variable} is {named!r}: no file or folder beside app.py",
            "name one that was published with the Space, or a dataset as ORG/NAME",
        )
    repo_id, _, revision = named.partition("@")
    try:
        folder = huggingface_hub.snapshot_download(
            repo_id, repo_type="dataset", revision=revision or None, local_dir=into
        )
    except (huggingface_hub.errors.HfHubHTTPError, OSError, ValueError) as error:
        raise ConfigError(
            f"{variable}: the dataset {repo_id} cannot be read ({type(error).__name__})",
            "check the name, and that the secret HF_TOKEN may read it",
        ) from error
    return Path(folder)


def chosen(
    study_file: Path | None, generations: Sequence[Path] = (), wpb: Path | None = None
) -> tuple[Study, Collection]:
    """Returns the study and its texts, the demo pack where none are named; the scan's findings are printed.

    Without a study file the study is named after its texts, so that votes on other texts never mix.
    """
    study = studies.load(study_file) if study_file else Study()
    if wpb:
        texts = read_preference_bench(wpb)
    else:
        named = [study_file.parent / path for path in study.generations] if study_file else []
        texts = read_generations(generations or named or [APP / DEMO_PACK], study.sample)
    collection = collect(
        texts,
        models=study.models,
        prompts=study.prompts,
        allowed=study.allow,
        scanned=study.scan,
    )
    for finding in collection.findings:
        sys.stderr.write(f"scan: {finding.describe()}\n")
    if not study_file:
        study = dataclasses.replace(study, study=f"open-{collection.fingerprint()[:12]}")
    return _rankable(study, len(collection.variants), chosen=study_file is not None), collection


def _rankable(study: Study, n_models: int, *, chosen: bool) -> Study:
    """Takes the ranking out where there are more answers than number keys, unless it was chosen."""
    if "ranking" not in study.protocols or n_models <= MOST_TO_RANK:
        return study
    if chosen:
        raise ConfigError(
            f"a ranking of {n_models} models: a rater can order {MOST_TO_RANK} at most",
            "name fewer `models`, or take `ranking` out of `protocols`",
        )
    sys.stderr.write(f"arena: no ranking of {n_models} models; pairs and ratings only\n")
    kept = tuple(p for p in study.protocols if p != "ranking")
    return dataclasses.replace(study, protocols=kept)


def opened(
    study: Study, collection: Collection, folder: Path
) -> tuple[StudyService, Backup | None]:
    """Opens the store, reads a backup back into it, and builds the service.

    Raises:
        DriftError: The study was begun on other texts or with another design.
        ConfigError: A Space has nowhere to keep ballots, or a secret is missing.
        PublicationError: The backup cannot be read back.
    """
    url = os.environ.get(STORE_VARIABLE)
    if os.environ.get("SPACE_ID") and not (url or os.environ.get(BACKUP_VARIABLE)):
        raise ConfigError(
            "a Space forgets its disk at every restart, and votes with it",
            f"set {STORE_VARIABLE}, or {BACKUP_VARIABLE} to a mounted bucket, or to a private dataset with HF_TOKEN",
        )
    try:
        secret = find_secret(folder)
        place = url or sqlite_url(folder / "ballots.sqlite")
    except OSError as error:
        raise ConfigError(
            f"{error.filename or folder} cannot be made, read or written ({error.strerror})",
            "name a folder of the arena's own: --folder DIR",
        ) from error
    store = Store(place)
    backup = _backup_of(store)
    identity, texts = Identity(secret), collection.fingerprint()
    founders = [identity.rater("invited", name) for name in study.raters]
    store.begin(study.study, study.design(texts), founders, study.design(texts, study.raters))
    return StudyService(study, collection, store, identity), backup


def _backup_of(store: Store) -> Backup | None:
    named = os.environ.get(BACKUP_VARIABLE)
    if not named:
        return None
    token = os.environ.get("HF_TOKEN")
    if named.startswith("/"):
        backup = Backup(store, Folder(Path(named)), every_s=EVERY_S_ON_DISK)
    elif token:
        backup = Backup(store, HubRepository(named, token))
    else:
        raise ConfigError(f"{BACKUP_VARIABLE} is set, but HF_TOKEN is not", "add it as a secret")
    sys.stderr.write(f"backup: {backup.restore()} rows read back from {named}\n")
    return backup


def show_plan(
    study: Study,
    collection: Collection,
    rate: float | None = None,
    correlation: float | None = None,
    judged: int | None = None,
) -> int:
    """Prints load, overlap and detectable win rate of every protocol and language.

    Where a ``rate`` is to be found, also how many voted prompts that takes, alone and with a judge.

    Raises:
        ConfigError: A correlation without a rate.
    """
    if correlation is not None and rate is None:
        raise ConfigError("--correlation needs --rate", "add the win rate: --rate 0.6")
    if judged is not None and correlation is None:
        raise ConfigError(
            "--judged needs --correlation", "add --correlation, as `judge audit` prints it"
        )
    models = ", ".join(sorted(collection.variants))
    _say(f"study {study.study}: {len(collection.prompts)} prompts, {models}")
    for line in scan_lines(study, collection):
        _say(line)
    for planned in plan(study, collection):
        _say(_plan_text(planned))
        if rate is not None and planned.protocol != "rating":
            prompts = judged or len(collection.in_language(planned.language))
            _say(_needed_text(rate, correlation, prompts, len(collection.variants)))
    return 0


def _needed_text(rate: float, correlation: float | None, prompts: int, models: int) -> str:
    pairs = models * (models - 1) // 2
    lines = []
    for tests, family in ((1, "for one pair alone"), (pairs, "for all pairs together (Holm)")):
        sizes = needed(rate, prompts, correlation, tests=tests)
        lines.append(
            f"  a win rate of {_percent(rate)} is found with 80 % power, {family}, by {sizes.alone} voted prompts"
        )
        if isinstance(sizes.judged, str):
            lines.append(f"    with this judge: {sizes.judged}")
        elif sizes.judged is not None:
            lines.append(
                f"    with a judge of correlation {correlation:g} on all {prompts}: by {sizes.judged}"
            )
    return "\n".join(lines)


def scan_lines(study: Study, collection: Collection) -> list[str]:
    """Says how many answers of each model the scan changed, refused or noted, by rule."""
    if not study.scan:
        return ["scan: switched off; texts are shown as they came"]
    counts = counted(collection.findings)
    lines = [
        f"scan: {variant}: {n} answers {action}, {rule}"
        for (variant, action, rule), n in counts.items()
    ]
    if collection.dropped:
        lines.append(f"scan: prompts left out: {', '.join(sorted(collection.dropped))}")
    return lines or ["scan: nothing to change"]


def _plan_text(planned: ProtocolPlan) -> str:
    low, high = planned.per_seat
    lines = [
        f"\n{planned.protocol}, {planned.language}",
        f"  {planned.items} items, {planned.shared} of them by several raters, {planned.repeats} shown again",
        f"  {planned.seats} seats of {low if low == high else f'{low} to {high}'} items, {planned.minutes[0]:.0f} to {planned.minutes[1]:.0f} minutes of reading",
    ]
    if planned.protocol != "rating":
        lines.append(f"  two models meet on {planned.prompts_per_pair} prompts (the sample size)")
        lines.append(
            f"  smallest win rate found with 80 % power: {_percent(planned.detectable)} for one pair alone, "
            f"{_percent(planned.detectable_holm)} for all pairs together (Holm)"
        )
    return "\n".join(lines + [f"  warning: {warning}" for warning in planned.warnings])


def _percent(rate: float | None) -> str:
    return "none (too few prompts)" if rate is None else f"{100 * rate:.1f} %"


def warn(study: Study, collection: Collection) -> None:
    """Says on standard error what would weaken an invited study, such as raters tied to models."""
    for planned in plan(study, collection):
        for warning in planned.warnings:
            sys.stderr.write(f"plan: {planned.protocol}, {planned.language}: {warning}\n")


def show_invitations(service: StudyService, url: str) -> int:
    """Prints name and link of every rater, tab-separated, for a spreadsheet or a mail merge.

    Raises:
        ConfigError: The study is public.
    """
    if service.study.mode != "invited":
        raise ConfigError("a public study has no invitations", "set `mode: invited` and `raters`")
    for name in service.study.raters:
        token = service.identity.invitation(service.study.study, name)
        _say(f"{name}\t{url.rstrip('/')}/?{urlencode({'invite': token})}")
    return 0


def _operator_link(service: StudyService, url: str) -> str:
    token = service.identity.operator(service.study.study)
    return f"{url.rstrip('/')}/?{urlencode({'operator': token})}"


def show_progress(service: StudyService) -> int:
    """Prints how far each protocol and language is, how far raters agree, and each invited rater."""
    if not service.store.ballots(service.study.study):
        _say(f"no votes yet in {service.store.place}")
    standing = overview(service)
    for progress in standing.progress:
        _say(
            f"{progress.protocol}, {progress.language}: {progress.ballots} ballots; one round is {progress.assigned}"
        )
        _say(
            f"  {progress.judged} of {progress.items} items judged, {progress.lacking} short of their raters"
        )
        for row in progress.agreement:
            _say(f"  {row.measure} {row.value:.2f} [{row.low:.2f}, {row.high:.2f}] (n = {row.n})")
        for rater in standing.raters:
            if rater.name and (rater.protocol, rater.language) == (
                progress.protocol,
                progress.language,
            ):
                _say(f"  {rater.name}: {_how_far(rater)}")
    return 0


def _how_far(rater: RaterProgress) -> str:
    if rater.assigned is None:
        return "has not begun; items are assigned at the first visit"
    done = f"{rater.done} of {rater.assigned}"
    return f"{done}, and {rater.beyond} imported beyond the assignment" if rater.beyond else done


def show_export(service: StudyService, folder: Path) -> int:
    """Exports and prints what was written."""
    for name, rows in export(service, folder).items():
        _say(f"{folder / name}: {rows} rows")
    _say(f"{folder / 'manifest.json'}: study, rules, scan, hashes")
    return 0


def import_rankings(service: StudyService, path: Path, rater: str) -> int:
    """Adds one rater's ranking file to the store; what is there already is left as it is.

    Raises:
        InputError: The file ranks a model or a query that the study does not have, or not all models.
        ConfigError: The rater annotated the data, or is not among the raters of the study.
    """
    _check_listed(service.study, rater)
    pseudonym = service.identity.rater("invited", rater)
    ranked = read_rankings(path, study=service.study.study, rater=pseudonym)
    dropped = service.collection.dropped
    ballots = [ballot for ballot in ranked if ballot.query_id not in dropped]
    for ballot in ballots:
        _check_fits(service, ballot, path)
    stored = {b.id for b in service.store.ballots(service.study.study, pseudonym)}
    fresh = [ballot for ballot in ballots if ballot.id not in stored]
    added = sum(_added(service, ballot) for ballot in fresh)
    _say(f"{added} rankings added, {len(ballots) - len(fresh)} were there already")
    for ballot in ranked:
        if ballot.query_id in dropped:
            _say(
                f"left out, since the scan dropped the prompt: {dropped[ballot.query_id].describe()}"
            )
    if added < len(fresh):
        _say(f"{len(fresh) - added} left out: the rater already ranked those prompts otherwise")
    return 0


def _check_listed(study: Study, rater: str) -> None:
    if rater.casefold() in {name.casefold() for name in study.annotators}:
        raise ConfigError(f"{rater!r} annotated the data", "import rankings of others")
    if study.raters and rater.casefold() not in {name.casefold() for name in study.raters}:
        near = difflib.get_close_matches(rater, study.raters, 1)
        raise ConfigError(
            f"{rater!r} is not a rater of this study",
            f"did you mean {near[0]!r}?" if near else f"raters are {', '.join(study.raters)}",
        )


def _check_fits(service: StudyService, ballot: Ballot, path: Path) -> None:
    models = set(service.collection.variants)
    strange, missing = sorted(set(ballot.shown) - models), sorted(models - set(ballot.shown))
    if strange or ballot.query_id not in service.prompts:
        what = f"model {strange[0]!r}" if strange else f"query {ballot.query_id!r}"
        raise InputError(f"{path}: {what} is not in this study", "name the texts it ranks")
    if missing:
        raise InputError(
            f"{path}: query {ballot.query_id!r} has no rank for {missing[0]!r}",
            "rank every model of the study, or name fewer `models` in it",
        )


def _added(service: StudyService, ballot: Ballot) -> bool:
    try:
        service.store.add(ballot)
    except DuplicateError:  # imported before
        return False
    return True


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
