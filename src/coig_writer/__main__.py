"""The kit's own command: coig-writer publish PATH --to ORG/NAME, coig-writer check PATH.

``publish`` shows what would change on the Hub and changes nothing; ``--commit`` sends it as one
commit, tags it and reads it back; ``--create-pr`` opens a pull request instead. ``check`` runs every
check without a network.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from coig_writer import __version__, facts
from coig_writer.errors import STOPPED, PublicationError, run_command
from coig_writer.hub import checks, measured, space, versions
from coig_writer.hub import publish as steps
from coig_writer.hub import release as releases
from coig_writer.hub.problem import Problem
from coig_writer.hub.publish import Difference, Outcome
from coig_writer.hub.remote import Repository
from coig_writer.workbench import publication

FIRST = "1.0.0"  # version of a dataset from which no row was removed
STATIC = "static"  # a Space of pages alone: nothing is installed there
NEXT = "\nnext: the Space's variable WORKBENCH_CURATION={name}, then restart it (docs/curate-a-new-set.md)"
SHOWN = 12  # paths listed per kind of change


def main() -> int:
    """Runs the command line; returns its exit code."""
    code = run_command(run)
    if code == STOPPED:  # the client's uploads go on in threads, for which Python would wait
        sys.stdout.flush()
        os._exit(code)
    return code


def run(words: Sequence[str] | None = None) -> int | None:
    """Runs one of the kit's commands."""
    options = _parser().parse_args(words)
    return check(options) if options.command == "check" else publish(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="coig-writer",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("check", "run every check of a publication, without a network"),
        (
            "publish",
            "publish a dataset, model or Space, or a curation's items for a workbench on a Space; a dry run unless told otherwise",
        ),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "path", type=Path, metavar="PATH", help="the folder, with its card; or a curation"
        )
        command.add_argument("--type", choices=releases.KINDS, help="its kind (default: found out)")
        command.add_argument(
            "--build",
            type=Path,
            help="holds the mixture that a model was trained on (default: two above PATH)",
        )
        command.add_argument(
            "--to", metavar="ORG/NAME", required=name == "publish", help="repository"
        )
    publish_ = commands.choices["publish"]
    how = publish_.add_mutually_exclusive_group()
    how.add_argument("--commit", action="store_true", help="send it: one commit on the main branch")
    how.add_argument("--create-pr", action="store_true", help="send it as a pull request")
    publish_.add_argument(
        "--tag", help=f"its version (default: a dataset's own, else the kit's, v{__version__})"
    )
    publish_.add_argument("--public", action="store_true", help="make a new repository public")
    publish_.add_argument("--wheel", type=Path, help="the kit's wheel for a Space (default: built)")
    return parser


def check(options: argparse.Namespace) -> int:
    """Prints every problem of a folder, its numbers and words measured again; the checkout may be dirty."""
    release = _read(options)
    found = checks.problems(release, options.to or f"org/{options.path.resolve().name}")
    found += [] if release.private else measured.problems(release, options.build)
    kind = "curation" if release.private else release.kind
    print(_problems(found) or f"{options.path}: a {kind} of {len(release.files)} files, no problem")
    return 1 if found else 0


def publish(options: argparse.Namespace) -> int | None:
    """Checks a folder, shows the difference and, if asked, sends it."""
    from huggingface_hub import HfApi

    release = _read(options)
    version = None if release.private else versions.checked(options.tag or _version(release))
    home = _checkout(options.path)
    found = checks.problems(release, options.to)
    if not release.private:
        found += checks.dirty(home)
        found = found or list(measured.problems(release, options.build))
    if found:
        raise PublicationError(f"{options.path} is not published:\n{_problems(found)}")
    remote = Repository(HfApi(), options.to, release.kind, release.sdk)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if release.sdk not in (None, STATIC):
            wheel = options.wheel or space.build_wheel(Path.cwd(), scratch / "wheel")
            release = space.with_wheel(release, options.to, remote.api.endpoint, wheel, scratch)
        change = steps.difference(release, remote, version, scratch)
        if version:
            _refuse_other_version(change, release, version)
        source = checks.commit(home)
        notes = _notes(change, remote, options, source, private=release.private)
        print("\n".join([_difference(change, remote, release), *notes]))
        print(_sent(change, remote, version, options, steps.describe(source)))
    return None


def _read(options: argparse.Namespace) -> releases.Release:
    """Reads what is to be published: a folder with a card, or a curation that people still work on."""
    if options.type or not publication.is_curation(options.path):
        return releases.read(options.path, options.type)
    for name in ("public", "tag", "create_pr"):
        if getattr(options, name, None):
            raise PublicationError(
                f"{options.path}: a curation goes to a private dataset, without versions",
                f"leave --{name.replace('_', '-')} out; what is ready is published from its 10-pack",
            )
    return publication.read(options.path)


def _notes(
    change: Difference,
    remote: Repository,
    options: argparse.Namespace,
    source: str | None,
    *,
    private: bool,
) -> list[str]:
    """Returns what a reader of the difference should know."""
    notes = []
    if remote.sdk not in (None, STATIC) and change.state.head is None and not options.public:
        notes.append("a private Space cannot fetch its wheel while it is built; add --public")
    if private:
        notes.append("private: the texts are read by you, and by the Space whose token may")
        return [f"  note: {note}" for note in notes]
    if source is None:
        notes.append("no git checkout around it: the release will not say what it was made from")
    return [f"  note: {note}" for note in notes]


def _sent(
    change: Difference,
    remote: Repository,
    version: str | None,
    options: argparse.Namespace,
    description: str,
) -> str:
    """Sends a change as the options say; returns what came of it."""
    if options.create_pr and version:
        return _outcome(steps.propose(change, remote, version, description), remote)
    if options.commit:
        private = not options.public
        done = steps.publish(change, remote, version, description, private=private)
        next_step = "" if version else NEXT.format(name=remote.repo_id)
        return _outcome(done, remote) + next_step
    proposal = ", or --create-pr to propose it" if version else ""
    return f"dry run: nothing was sent; add --commit to publish{proposal}"


def _version(release: releases.Release) -> str:
    """Returns the default tag: rows that were removed give a dataset its version."""
    if release.kind != "dataset":
        return f"v{__version__}"
    removed = facts.read(release.folder / "facts.json").get("removed/version")
    return f"v{removed.value if removed else FIRST}"


def _refuse_other_version(change: Difference, release: releases.Release, version: str) -> None:
    """Refuses to take rows out under another version than the one that their log names."""
    stated = facts.read(release.folder / "facts.json").get("removed/version")
    if stated and change.rows and change.rows.removed and version != f"v{stated.value}":
        raise PublicationError(
            f"the log of removed rows says version {stated.value}, the tag would be {version}",
            f"give --tag v{stated.value}, or remove the rows again with --published-version and the newest version",
        )


def _checkout(path: Path) -> Path:
    """Returns a place inside the checkout that a release is made from: PATH's, or the kit's own."""
    places = (path, Path.cwd(), Path(__file__).parent)
    return next((place for place in places if checks.in_checkout(place)), path)


def _problems(found: Sequence[Problem]) -> str:
    return "\n".join(f"  {problem}" for problem in found)


def _difference(change: Difference, remote: Repository, release: releases.Release) -> str:
    lines = [f"{release.folder} → {remote.url} ({release.kind})"]
    if change.state.head is None:
        lines.append("  the repository is not there yet and would be made")
    for sign, paths in (
        ("+", [f.path for f in change.added]),
        ("~", [f.path for f in change.changed]),
        ("-", change.removed),
    ):
        lines += [f"  {sign} {path}" for path in paths[:SHOWN]]
        if len(paths) > SHOWN:
            lines.append(f"  {sign} … {len(paths) - SHOWN} more")
    size = sum(f.size for f in (*change.added, *change.changed))
    lines.append(
        f"  {len(change.added)} files added, {len(change.changed)} changed, "
        f"{len(change.removed)} removed, {len(change.files)} in all; {size:,} bytes to send"
    )
    if change.rows is not None:
        lines.append(f"  {change.rows} (of {change.rows.before} there)")
    if release.left_out:
        more = f", … {len(release.left_out) - SHOWN} more" if release.left_out[SHOWN:] else ""
        lines.append(f"  left here: {', '.join(release.left_out[:SHOWN])}{more}")
    return "\n".join(lines)


def _outcome(done: Outcome, remote: Repository) -> str:
    rows = f" and {done.rows:,} rows" if done.rows else ""
    verified = f"read back: {done.files} files{rows}, equal"
    if done.pull_request:
        return f"pull request {done.pull_request}; {verified}"
    what = (
        f"commit {done.revision[:12]}"
        if done.commit
        else f"no commit needed, {done.revision[:12]} holds this"
    )
    tag = f"; tag {done.tag}" if done.tag else ""
    return f"{what}{tag}; {verified}\n{remote.url}"


if __name__ == "__main__":
    sys.exit(main())
