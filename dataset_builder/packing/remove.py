"""Makes a new version of a packed dataset without some rows, and logs it.

    python -m dataset_builder remove --id d6544671-… --reason "asked by the author" [--after v1.1.0] [DATASET]

Statistics, figures and card are made again. The log (``removed.jsonl``: id, reason, version, time)
holds nothing of the text; packing again into the same folder leaves logged rows out. Older versions
on the Hub keep the row in their history until that history is squashed there.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Sequence
from pathlib import Path

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
            "give the value of the column id",
        )
    if len(set(ids)) == len(triplets):
        raise InputError(f"{folder}: no row would be left", "delete the folder instead")
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    *first, last = max(layout.order(layout.version(log)), layout.order(after or "0.0.0"))
    version = ".".join(str(number) for number in (*first, last + 1))
    told = " ".join(masked(reason).text.split())
    log += [Removal(row_id, told, version, now) for row_id in dict.fromkeys(ids)]
    pack.pack(triplets, taxonomy.of(folder), folder, removals=log)
    return log


def main() -> int | None:
    """Removes and prints the new version."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path("COIG-Writer"),
        help="the packed dataset (default: COIG-Writer)",
    )
    parser.add_argument(
        "--id", action="append", required=True, dest="ids", help="of a row; may be repeated"
    )
    parser.add_argument(
        "--reason", required=True, help="one line for the public log, without names"
    )
    parser.add_argument(
        "--after", metavar="VERSION", help="the newest version on the Hub, to sort after it: v1.1.0"
    )
    arguments = parser.parse_args()
    log = remove(arguments.folder, arguments.ids, arguments.reason, arguments.after)
    if hidden := masked(arguments.reason).counts:
        print(f"masked in the reason, as the log is public: {', '.join(hidden)}")
    print(
        f"{arguments.folder}: version {layout.version(log)}, {len(log)} rows removed in all, "
        f"listed in {layout.REMOVED}"
    )
    print("publish the folder again; copies that others have made are beyond its reach")
    return None
