"""Makes a new version of a packed dataset without some rows, and logs it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import taxonomy
from coig_writer.errors import InputError
from coig_writer.hub.versions import REASONS, REMOVED
from dataset_builder.packing import describe, layout, pack
from dataset_builder.packing.layout import Note, Removal


def remove(
    folder: Path, ids: Sequence[str], reason: str, after: str | None = None, note: str = ""
) -> list[Removal]:
    """Removes rows from a packed dataset.

    Args:
        folder: The dataset; it is replaced as a whole, or left as it is.
        ids: Of the rows.
        reason: For the log, which is public: a name of ``REASONS``.
        after: The newest version on the Hub, which the new one has to sort after.
        note: Words of your own, for a file beside the folder, which is not published.

    Returns:
        The log, old and new entries.

    Raises:
        MissingInputError: There is no dataset.
        InputError: An id is not in it, nothing would be left, or the reason is not on the list.
    """
    if reason not in REASONS:
        raise InputError(
            f"--reason {reason!r} is not on the list, and no other words are published",
            f"write one of {', '.join(REASONS)}; words of your own go into --note",
        )
    triplets = describe.read_packed(folder)
    log = layout.removals(folder)
    unknown = sorted(set(ids) - {t.id for t in triplets})
    if unknown:
        gone = unknown[0] in {removal.id for removal in log}
        raise InputError(
            f"{folder}: no row has id {unknown[0]!r}{' (it was removed before)' if gone else ''}",
            "copy the id from the column id",
        )
    if len(set(ids)) == len(triplets):
        raise InputError(f"{folder}: no row would be left", "delete the folder instead")
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    # After the log and after what is on the Hub, so that the takedown is the newest version.
    *first, last = max(layout.order(layout.version(log)), layout.order(after or "0.0.0"))
    version = ".".join(str(number) for number in (*first, last + 1))
    log += [Removal(row_id, reason, version, now) for row_id in dict.fromkeys(ids)]
    notes = [Note(row_id, now, note) for row_id in dict.fromkeys(ids) if note]
    pack.pack(triplets, taxonomy.of(folder), folder, log, notes)
    return layout.removals(folder)


def main(
    ids: Annotated[list[str], typer.Option("--id", metavar="ID", help="id of a row to take out")],
    reason: Annotated[
        str, typer.Option(metavar="REASON", help=f"for the public log: {', '.join(REASONS)}")
    ],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="packed dataset")] = pack.OUT,
    after: Annotated[
        str | None,
        typer.Option(
            "--published-version",
            metavar="VERSION",
            help="newest version on the Hub, to sort after it: v1.1.0",
        ),
    ] = None,
    note: Annotated[
        str,
        typer.Option(metavar="TEXT", help="who asked, and how: kept beside FOLDER, not published"),
    ] = "",
) -> None:
    """Reads a packed dataset and writes it again, with statistics, figures and card.

    Its log (removed.jsonl: id, reason, version, time) holds nothing of the text; packing into the same
    folder leaves logged rows out. The reason is one word of a fixed list, so that nothing you type is published;
    a note stays on this machine, in FOLDER.takedown-notes.jsonl.

    Older versions on the Hub keep the row in their history until that history is squashed there.
    """
    log = remove(folder, ids, reason, after, note)
    print(
        f"{folder}: version {layout.version(log)}, {len(log)} rows removed in all, "
        f"listed in {REMOVED}"
    )
    if note:
        print(f"your note is in {layout.notes_file(folder)}, which is not published")
    print("publish the folder again; copies that others have made keep these rows")
