"""Speed and memory of the streaming import: python -m benchmarks.import_speed [--gigabytes 2].

Makes a file of synthetic rows with the published lengths, then reads it in processes of their own:
``json.load`` (the whole file at once), the streaming reader alone, and the whole import (rules,
checksums, Parquet). Prints MB/s and peak memory of each.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from dataset_builder.official import synthetic
from dataset_builder.official.importing import import_file
from dataset_builder.official.reader import Reader

ROOT = Path(__file__).parents[1]
RUNS = ("json.load", "reader", "import")
LARGEST_FOR_JSON_LOAD = 1 << 30


def make(path: Path, size: int) -> None:
    """Writes a JSON array of at least ``size`` bytes; every row has an id of its own."""
    drawn = [row.official() for row in synthetic.rows(seed=1)]
    with path.open("w", encoding="utf-8") as handle:
        handle.write("[")
        number = 0
        while handle.tell() < size:
            for row in drawn:
                own = {"id": str(uuid.UUID(int=number)), "answer": f"{number}{row['answer']}"}
                text = json.dumps(row | own, ensure_ascii=False)
                handle.write((",\n" if number else "\n") + text)
                number += 1
        handle.write("\n]\n")


def read(name: str, path: Path) -> int:
    """Reads the file one way; returns the number of rows."""
    if name == "json.load":
        with path.open(encoding="utf-8") as handle:
            return len(json.load(handle))
    if name == "reader":
        with path.open("rb") as raw:
            return sum(piece.row is not None for piece in Reader(raw).pieces())
    with tempfile.TemporaryDirectory(dir=path.parent) as out:
        return import_file(path, Path(out)).rows


def measure(name: str, path: Path) -> None:
    """Prints one line of the table; run in a process of its own, so that peaks are its own."""
    start = time.perf_counter()
    rows = read(name, path)
    seconds = time.perf_counter() - start
    size = path.stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<10}{size:>9.0f}{rows:>9}{seconds:>9.1f}{size / seconds:>8.0f}{peak:>11.0f}")


def main() -> None:
    """Makes the file and runs the three readers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=0.2, help="file size (default: 0.2)")
    parser.add_argument("--run", choices=RUNS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        measure(arguments.run, arguments.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "all_human_data.json"
        make(path, int(arguments.gigabytes * 1e9))
        print(f"{'':<10}{'MB':>9}{'rows':>9}{'seconds':>9}{'MB/s':>8}{'peak MiB':>11}", flush=True)
        for name in RUNS:
            if name == "json.load" and path.stat().st_size > LARGEST_FOR_JSON_LOAD:
                print(f"{name:<10}  left out: would need several times the file in memory")
                continue
            command = [sys.executable, "-m", "benchmarks.import_speed", "--run", name]
            subprocess.run([*command, "--file", str(path)], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
