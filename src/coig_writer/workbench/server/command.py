"""The workbench's command: people write and review a curation's triplets in a browser.

    python space/app.py workbench --curation build/curation           opens the page, prints a link for each person
    python space/app.py workbench invite --curation DIR --url URL     the links alone
    python space/app.py workbench label-studio --curation DIR [--annotations FILE]    its interface, or its answers taken in
    python space/app.py workbench --curation DIR --people FILE        who works there (people.yaml; docs/curate-a-new-set.md)

Entries and secret lie in DIR/workbench. The environment says the same as for the arena: ARENA_SECRET,
ARENA_STORE; WORKBENCH_CURATION in place of --curation.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from coig_writer.arena.server.app import serve
from coig_writer.arena.server.command import STORE_VARIABLE
from coig_writer.arena.server.database import sqlite_url
from coig_writer.arena.server.guard import LOCAL
from coig_writer.arena.server.identity import Identity, find_secret
from coig_writer.arena.study import people
from coig_writer.arena.study.people import Roster
from coig_writer.endpoint import Endpoint
from coig_writer.errors import ConfigError, InputError
from coig_writer.files import write_rows
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


def parser() -> argparse.ArgumentParser:
    """Returns the argument parser of ``python space/app.py workbench``."""
    named = os.environ.get(CURATION_VARIABLE)
    texts = _places(Path(named) if named else None, None)
    again = _places(argparse.SUPPRESS, argparse.SUPPRESS)  # after the operation's name, too
    root = argparse.ArgumentParser(
        prog="python space/app.py workbench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[texts],
    )
    root.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"))
    root.add_argument("--port", type=int, default=int(os.environ.get("GRADIO_SERVER_PORT", "7861")))
    root.add_argument(
        "--endpoint", metavar="URL", help="a model that may draft, up to and with /v1"
    )
    root.add_argument("--model", default="Qwen/Qwen3-235B-A22B", help="its name there")
    commands = root.add_subparsers(dest="operation", metavar="operation")
    invite = commands.add_parser("invite", parents=[again], help="a link for each person")
    invite.add_argument("--url", default="http://127.0.0.1:7861/", help="where the page will be")
    other = commands.add_parser("label-studio", parents=[again], help="answers written there")
    other.add_argument("--annotations", type=Path, metavar="FILE", help="its export, as JSON")
    return root


def _places(curation: Path | str | None, roster: str | None) -> argparse.ArgumentParser:
    places = argparse.ArgumentParser(add_help=False)
    about = "the folder that `curate --out` named"
    places.add_argument("--curation", type=Path, metavar="DIR", default=curation, help=about)
    about = "who works there (YAML)"
    places.add_argument("--people", type=Path, metavar="FILE", default=roster, help=about)
    return places


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command."""
    given = parser().parse_args(argv)
    if given.curation is None:
        raise ConfigError("no curation is named", "give --curation DIR, as `curate --out` has it")
    curation = Curation(given.curation)
    if given.operation == "label-studio":
        return take_in(curation, given.annotations)
    folder = given.curation / FOLDER
    roster, gold = read_people(
        given.people or folder / people.FILE, curation, named=bool(given.people)
    )
    identity = Identity(_secret(folder))
    if given.operation == "invite":
        sys.stdout.write(invitations(roster, identity, given.url))
        return 0
    if os.environ.get("SPACE_ID") and not os.environ.get(STORE_VARIABLE):
        raise ConfigError(
            "a Space forgets its disk at every restart, and drafts with it",
            f"set {STORE_VARIABLE} to a PostgreSQL URL",
        )
    store = EntryStore(os.environ.get(STORE_VARIABLE) or sqlite_url(folder / "entries.sqlite"))
    hosts = LOCAL | {given.host} if given.host in LOCAL | {"::1"} else None
    with store.lease(roster.workbench):
        workbench = Workbench(curation, roster, Threads(store.entries()), identity, gold)
        app = create_app(workbench, store, hosts, _assistant(given, folder))
        sys.stderr.write(invitations(roster, identity, f"http://{given.host}:{given.port}/"))
        return serve(app, given.host, given.port, "workbench")


def take_in(curation: Curation, annotations: Path | None) -> int:
    """Adds Label Studio's annotations to the answers; without any, prints the interface for its project.

    Raises:
        InputError: The file is no export of these tasks, or none was finished.
    """
    if annotations is None:
        sys.stdout.write(label_studio.INTERFACE + "\n")
        return 0
    rows = list(label_studio.answers(annotations))
    if not rows:
        raise InputError(f"{annotations}: no finished annotation", "export the project again once there are some")  # fmt: skip
    path = curation.annotating / "answers" / f"label-studio-{annotations.stem}.jsonl"
    write_rows(path, rows)
    sys.stdout.write(f"{path}: {len(rows)} answers; run curate again\n")
    return 0


def read_people(
    path: Path, curation: Curation, *, named: bool
) -> tuple[Roster, list[qualification.Gold]]:
    """Returns who works at a curation, and their gold items; without a file, the usual few."""
    if not named and not path.is_file():
        return people.usual(curation.reviewing / "items"), []
    roster = people.read(path)
    return roster, qualification.read(path.parent / roster.gold) if roster.gold else []


def _assistant(given: argparse.Namespace, folder: Path) -> Assistant | None:
    if not given.endpoint:
        return None
    endpoint = Endpoint(given.endpoint, given.model, cache=folder / "replies")
    return Assistant(Model(endpoint), published())


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
