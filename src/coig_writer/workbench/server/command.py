"""The workbench's verbs: people write and review a curation's triplets (python space/app.py workbench).

Entries and secret lie in the curation's folder, under workbench.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer

from coig_writer.arena.server.app import address, serve
from coig_writer.arena.server.command import PORTS, STORE_VARIABLE, Host, place_named_in
from coig_writer.arena.server.database import sqlite_url
from coig_writer.arena.server.guard import known_hosts
from coig_writer.arena.server.identity import Identity, find_secret
from coig_writer.arena.study import people
from coig_writer.arena.study.people import Roster
from coig_writer.command_line import Group, Verb
from coig_writer.endpoint import Endpoint
from coig_writer.errors import ConfigError, InputError
from coig_writer.files import read_rows, write_rows
from coig_writer.taxonomy import published
from coig_writer.workbench import label_studio, qualification
from coig_writer.workbench.drafting import Assistant
from coig_writer.workbench.prompts import Model
from coig_writer.workbench.server.app import create_app
from coig_writer.workbench.server.curation import Curation
from coig_writer.workbench.server.entries import EntryStore
from coig_writer.workbench.server.service import Workbench
from coig_writer.workbench.server.threads import Threads

CURATION_VARIABLE = "WORKBENCH_CURATION"
FOLDER = "workbench"
FETCHED = Path("build/workbench")  # a copy of the dataset that a Space's variable names
MODEL = "Qwen/Qwen3-235B-A22B"
PAGE_URL = "http://127.0.0.1:7861/"
CurationFolder = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", envvar=CURATION_VARIABLE, help="which curate --out made"),
]
RosterFile = Annotated[
    Path | None,
    typer.Option(
        "--people",
        metavar="FILE",
        help="who works there (default: workbench/people.yaml in the curation; docs/curate-a-new-set.md)",
    ),
]
GROUP = Group(
    "python space/app.py workbench",
    "The workbench: people write and review a curation's triplets in a browser.",
    {
        "serve": Verb(
            "coig_writer.workbench.server.command:serve_workbench",
            "opens the workbench, and prints a link for each person",
            "--curation build/by-hand",
        ),
        "invite": Verb(
            "coig_writer.workbench.server.command:invite",
            "prints a link for each person",
            "--curation build/by-hand --url https://example.org/",
        ),
        "label-studio": Verb(
            "coig_writer.workbench.server.command:exchange_with_label_studio",
            "takes in answers that were written in Label Studio, or prints the interface for its project",
            "--curation build/by-hand --annotations export.json",
        ),
    },
    default="serve",
)


def serve_workbench(
    *,
    curation: CurationFolder = None,
    roster_file: RosterFile = None,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="server of a model that may draft, up to and with /v1"),
    ] = None,
    model: Annotated[str, typer.Option(metavar="NAME", help="its name there")] = MODEL,
    host: Host = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            envvar="GRADIO_SERVER_PORT",
            help="its port (default: 7861; on a Space 7860)",
            min=PORTS[0],
            max=PORTS[1],
        ),
    ] = None,
) -> int:
    """The links name aliases and roles; the page is served until Ctrl-C."""
    content, roster, gold, identity = _people(curation, roster_file)
    on_space = bool(os.environ.get("SPACE_ID"))
    host = address(host)
    port = port or (7860 if on_space else 7861)
    if on_space and not os.environ.get(STORE_VARIABLE):
        raise ConfigError(
            "a Space forgets its disk at every restart, and drafts with it",
            f"set {STORE_VARIABLE} to a PostgreSQL URL",
        )
    folder = content.root / FOLDER
    store = EntryStore(os.environ.get(STORE_VARIABLE) or sqlite_url(folder / "entries.sqlite"))
    with store.lease(roster.workbench):
        workbench = Workbench(content, roster, Threads(store.entries()), identity, gold)
        app = create_app(workbench, store, known_hosts(host), _assistant(endpoint, model, folder))
        at = os.environ.get("SPACE_HOST")
        url = f"https://{at}/" if at else f"http://{host}:{port}/"
        sys.stderr.write(invitations(roster, identity, url))
        sys.stderr.writelines(f"note: {note}\n" for note in unmatched(content, roster))
        return serve(app, host, port, "workbench")


def invite(
    curation: CurationFolder = None,
    roster_file: RosterFile = None,
    url: Annotated[str, typer.Option(metavar="URL", help="where the page will be")] = PAGE_URL,
) -> None:
    """A line holds alias, roles and link of a person, tab-separated."""
    _, roster, _, identity = _people(curation, roster_file)
    sys.stdout.write(invitations(roster, identity, url))


def exchange_with_label_studio(
    curation: CurationFolder = None,
    annotations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Label Studio's export, as JSON")
    ] = None,
    review: Annotated[
        bool, typer.Option("--for-review", help="print the reviewers' interface")
    ] = False,
) -> int:
    """Without --annotations, prints the labeling interface for a project there: annotators' or reviewers'."""
    return take_in(_curation(curation), annotations, review=review)


def _curation(folder: Path | None) -> Curation:
    if folder is None:
        raise ConfigError("no curation is given", "give --curation FOLDER, which curate --out made")
    if str(folder) == os.environ.get(CURATION_VARIABLE):
        folder = place_named_in(CURATION_VARIABLE, str(folder), Path.cwd(), into=FETCHED)
    return Curation(folder)


def _people(
    folder: Path | None, roster_file: Path | None
) -> tuple[Curation, Roster, list[qualification.Gold], Identity]:
    curation = _curation(folder)
    own = curation.root / FOLDER
    roster, gold = read_people(
        roster_file or own / people.FILE, curation, named=roster_file is not None
    )
    return curation, roster, gold, Identity(_secret(own))


def take_in(curation: Curation, annotations: Path | None, *, review: bool = False) -> int:
    """Adds Label Studio's annotations to the answers; without any, prints the interface for its project.

    Args:
        curation: Where the tasks come from.
        annotations: An export of annotation or of review tasks; the tasks in it say which.
        review: Whether the interface for reviewers is printed.

    Raises:
        InputError: The file is no export of these tasks, an item is not the reviewer's, or none was finished.
    """
    if annotations is None:
        interface = label_studio.REVIEW_INTERFACE if review else label_studio.INTERFACE
        sys.stdout.write(interface + "\n")
        return 0
    if label_studio.holds_reviews(annotations):
        added = _take_verdicts_in(curation, annotations)
    else:
        added = _take_answers_in(curation, list(label_studio.answers(annotations)))
    if not added:
        raise InputError(f"{annotations}: no finished annotation", "export the project again once there are some")  # fmt: skip
    for path, n in added.items():
        sys.stdout.write(f"{path}: {n} answers; run curate again\n")
    return 0


def _take_answers_in(curation: Curation, rows: Sequence[dict[str, object]]) -> dict[Path, int]:
    """Adds answers to those of earlier exports; a person's newer answer to an item takes the place of theirs."""
    if not rows:
        return {}
    path = curation.annotating / "answers" / "label-studio.jsonl"
    before = (row for _, row in read_rows(path)) if path.is_file() else ()
    by_key = {(row["id"], row["round"], row["annotator"]): row for row in (*before, *rows)}
    write_rows(path, by_key.values())
    return {path: len(rows)}


def _take_verdicts_in(curation: Curation, annotations: Path) -> dict[Path, int]:
    """Adds verdicts to the reviewers' files, all or none; returns how many each export held."""
    verdicts = label_studio.verdicts(annotations)
    for reviewer, rows in verdicts.items():
        items = curation.to_review(reviewer) if reviewer in curation.reviewers() else {}
        for row in rows:
            if row["item"] not in items:
                raise InputError(
                    f"{annotations}: item {row['item']!r} is not among those of reviewer {reviewer!r}",
                    f"export the project of the tasks in {curation.reviewing / 'items'}",
                )
    for reviewer, rows in verdicts.items():
        curation.add_verdicts(reviewer, rows)
    answers = curation.reviewing / "answers"
    return {answers / f"{reviewer}.jsonl": len(rows) for reviewer, rows in verdicts.items()}


def read_people(
    path: Path, curation: Curation, *, named: bool
) -> tuple[Roster, list[qualification.Gold]]:
    """Returns who works at a curation, and their gold items; without a file, the usual few."""
    if not named and not path.is_file():
        return people.usual(curation.reviewing / "items"), []
    roster = people.read(path)
    return roster, qualification.read(path.parent / roster.gold) if roster.gold else []


def unmatched(curation: Curation, roster: Roster) -> list[str]:
    """Names reviewers whose drafts nobody can open, and those who get none, once there are drafts to review."""
    assigned = set(curation.reviewers())
    listed = {person.alias for person in roster.people if "review" in person.roles}
    if not assigned:
        return []
    return [
        *(
            f"drafts wait for {name}, but people.yaml has no reviewer of that alias"
            for name in sorted(assigned - listed)
        ),
        *(
            f"{name} gets no drafts: curate has --reviewers {' '.join(sorted(assigned))}"
            for name in sorted(listed - assigned)
        ),
    ]


def _assistant(url: str | None, model: str, folder: Path) -> Assistant | None:
    if url is None:
        return None
    return Assistant(Model(Endpoint(url, model, cache=folder / "replies")), published())


def _secret(folder: Path) -> bytes:
    try:
        return find_secret(folder)
    except OSError as error:
        raise ConfigError(
            f"{error.filename or folder} cannot be made, read or written ({error.strerror})",
            "give a curation that you may write to",
        ) from error


def invitations(roster: Roster, identity: Identity, url: str) -> str:
    """Returns a line with alias, roles and link for each person, tab-separated."""
    lines = []
    for person in roster.people:
        token = identity.invitation(roster.workbench, person.alias)
        link = f"{url.rstrip('/')}/?{urlencode({'invite': token})}"
        lines.append(f"{person.alias}\t{' '.join(person.roles)}\t{link}\n")
    return "".join(lines)
