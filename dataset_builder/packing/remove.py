"""Makes a new version of a packed dataset without some rows, and logs it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import taxonomy
from coig_writer.errors import InputError
from coig_writer.text.masking import masked
from dataset_builder.packing import describe, layout, pack
from dataset_builder.packing.layout import Removal


def remove(
    folder: Path, ids: Sequence[str], reason: str, after: str | None = None
) -> list[Removal]:
    """Removes rows from a packed dataset.

    Args:
        folder: The dataset; it is replaced as a whole, or left as it is.
        ids: Of the rows.
        reason: For the log, which is public: personal data in it are masked.
        after: The newest version on the Hub, which the new one has to sort after.

    Returns:
        The log, old and new entries.

    Raises:
        MissingInputError: There is no dataset.
        InputError: An id is not in it, or nothing would be left.
    """
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
    public_reason = " ".join(masked(reason).text.split())
    log += [Removal(row_id, public_reason, version, now) for row_id in dict.fromkeys(ids)]
    pack.pack(triplets, taxonomy.of(folder), folder, removals=log)
    return log


def main(
    ids: Annotated[list[str], typer.Option("--id", metavar="ID", help="id of a row to take out")],
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="one line for the public log, without names")
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
) -> None:
    """Reads a packed dataset and writes it again, with statistics, figures and card.

    Its log (removed.jsonl: id, reason, version, time) holds nothing of the text; packing into the same
    folder leaves logged rows out.

    Older versions on the Hub keep the row in their history until that history is squashed there.
    """
    log = remove(folder, ids, reason, after)
    if hidden := masked(reason).counts:
        print(f"masked in the reason, as the log is public: {', '.join(hidden)}")
    print(
        f"{folder}: version {layout.version(log)}, {len(log)} rows removed in all, "
        f"listed in {layout.REMOVED}"
    )
    print("publish the folder again; copies that others have made keep these rows")
