"""Shows which tokens of a row are trained: python recipes/show.py [--mixture build/mixtures/cw_10k --row 0].

Prints the row as the model sees it: trained tokens in green, masked ones in grey, each separated by a dot.
With ``--generations build/generations`` it shows the answers to the first query side by side instead.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coig_writer.errors import InputError, run_command
from coig_writer.files import read_records
from coig_writer.generation import Generation
from coig_writer.mixing import chat
from coig_writer.mixture import MixtureRow
from coig_writer.record import to_row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

GREEN, GREY, RESET = "\x1b[32m", "\x1b[90m", "\x1b[0m"


def main() -> int | None:
    """Prints one row of a mixture, or the answers to one query."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--mixture", type=Path, default=Path("build/mixtures/cw_10k"), help="a built mixture"
    )
    parser.add_argument("--row", type=int, default=0, help="which row, from 0, in training order")
    parser.add_argument(
        "--model", default="build/smoke", help="model or tokenizer folder, or a Hub id"
    )
    parser.add_argument("--max-length", type=int, default=8192, help="where the trainer cuts")
    parser.add_argument(
        "--generations", type=Path, help="show answers from these generation records instead"
    )
    parser.add_argument("--variants", nargs="*", default=[], help="whose answers (default: all)")
    arguments = parser.parse_args()
    if arguments.generations:
        print(answers(arguments.generations, arguments.variants))
        return None
    rows = read_records(
        arguments.mixture / "train.parquet",
        MixtureRow,
        made_by="python recipes/mix.py --config CONFIG",
    )
    if not 0 <= arguments.row < len(rows):
        raise InputError(
            f"{arguments.mixture}: no row {arguments.row}", f"rows are 0 to {len(rows) - 1}"
        )
    print(coloured(rows[arguments.row], arguments.model, arguments.max_length))
    return None


def answers(folder: Path, variants: Sequence[str] = ()) -> str:
    """Renders the answers to the first query side by side, of some variants or all, for a person to read.

    Raises:
        InputError: None of the variants has an answer.
    """
    records = read_records(folder, Generation, made_by="python recipes/generate.py")
    wanted = [r for r in records if not variants or r.variant in variants]
    if not wanted:
        known = ", ".join(sorted({r.variant for r in records}))
        raise InputError(f"{folder}: no answers of {', '.join(variants)}", f"variants are {known}")
    first = wanted[0]
    shown = [f"--- {r.variant}:\n{r.text.strip()}" for r in wanted if r.query_id == first.query_id]
    return "\n".join([f"{first.query_id}: {first.prompt}", *shown])


def coloured(row: MixtureRow, model: str, max_length: int) -> str:
    """Renders a row token by token."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    encoded = chat.encode(tokenizer, to_row(row)["messages"], chat.training_template(tokenizer))
    kept = list(zip(encoded.ids, encoded.trained, strict=True))[:max_length]
    pieces = [f"{GREEN if t else GREY}{text}{RESET}" for text, t in whole(kept, tokenizer)]
    trained = sum(bit for _, bit in kept)
    cut = len(encoded.ids) - len(kept)
    title = f"{row.source} {row.source_id}: {len(kept)} tokens, {trained} trained" + (
        f", {cut} cut" if cut else ""
    )
    return title + "\n\n" + "·".join(pieces)


def whole(
    tokens: list[tuple[int, bool]], tokenizer: PreTrainedTokenizerBase
) -> list[tuple[str, bool]]:
    """Decodes tokens, joining those that are only together a character."""
    pieces: list[tuple[str, bool]] = []
    waiting: list[int] = []
    for token, trained in tokens:
        waiting.append(token)
        text = str(tokenizer.decode(waiting))
        if "\ufffd" not in text or len(waiting) == 4:
            pieces.append((text, trained))
            waiting = []
    return pieces


if __name__ == "__main__":
    sys.exit(run_command(main))
