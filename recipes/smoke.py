"""Makes the smoke model: python recipes/smoke.py [--out build/smoke].

A tiny Qwen2 and a byte-level BPE of 2,000 pieces, deterministic, in seconds. It lets every recipe run
on a laptop; it has learned nothing, and what it writes is called a smoke output.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from coig_writer.errors import MissingInputError, run_command
from coig_writer.files import read_rows
from coig_writer.training import smoke


def texts(folder: Path) -> list[str]:
    """Returns the sample texts that the tokenizer is fitted on."""
    triplets = sorted((folder / "dataset_builder" / "sample" / "triplets").glob("*.txt"))
    general = sorted((folder / "recipes" / "sample").glob("*.jsonl"))
    if not triplets:
        raise MissingInputError(f"{folder}: no sample texts", "run this from a clone of the kit")
    rows = [json.dumps(row, ensure_ascii=False) for file in general for _, row in read_rows(file)]
    return [file.read_text(encoding="utf-8") for file in triplets] + rows


def main() -> int | None:
    """Writes the model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("build/smoke"),
        help="the model folder to write (default: build/smoke)",
    )
    out = parser.parse_args().out
    if (out / "config.json").is_file():
        print(f"{out}: the smoke model is there already; remove the folder to make it again")
        return None
    smoke.make(out, texts(Path(__file__).parents[1]))
    print(f"{out}: smoke model and tokenizer")
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
