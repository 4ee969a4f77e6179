"""Loss of models on held-out rows: python recipes/loss.py MODEL [MODEL ...] [--base recipes/base].

Reads the rows of a packed dataset whose ids a file lists (recipes/base/held_out.txt: the demo's samples that no
model has seen), measures the loss of every model on each, and prints the difference from the model they started
from with a 95 % interval over rows. ``--out`` keeps the losses row by row as JSON.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from coig_writer.errors import (
    DriftError,
    InputError,
    MissingInputError,
    StatisticsError,
    run_command,
)
from coig_writer.files import read_json, write_json
from coig_writer.generating import local
from coig_writer.mixing import chat, sources
from coig_writer.mixing.chat import Encoded
from coig_writer.mixing.sources import Source, Unconvertible
from coig_writer.scoring import loss
from coig_writer.scoring.loss import Gap
from coig_writer.triplet import Message, messages


class Losses(TypedDict):
    """The loss of models on rows that none of them was trained on.

    Attributes:
        rows: Ids of the rows.
        losses: Model → nats per token of each row, in their order.
    """

    rows: list[str]
    losses: dict[str, list[float]]


def held_out(dataset: str, ids: Path) -> dict[str, list[Message]]:
    """Returns the conversations that a file of ids names, by id.

    Raises:
        InputError: Some ids are not in the dataset, or a row has no text.
    """
    source = Source("creative", dataset, "coig_writer", exclude=str(ids))
    wanted = sources.excluded(source)
    rows, _ = sources.load(source)
    named = {row["id"]: row for row in rows if row.get("id") in wanted}
    sources.check_excluded(source, named)
    conversations: dict[str, list[Message]] = {}
    for row_id in sorted(named):
        try:
            example = sources.convert(source, named[row_id])
        except Unconvertible as error:
            raise InputError(
                f"{dataset}: row {row_id}: {error}", f"leave it out of {ids}"
            ) from error
        conversations[row_id] = messages(example.prompt, example.reasoning, example.article)
    return conversations


def check_models(beside: Path, models: Sequence[Path], rows: Mapping[str, list[Message]]) -> None:
    """Refuses what cannot be compared, before a minute is spent on the first model.

    Raises:
        StatisticsError: There is a single row.
        MissingInputError: A model is missing.
        InputError: Two have one name.
        DriftError: One reads a row as other tokens, so that its loss is per something else.
    """
    from transformers import AutoTokenizer

    if len(rows) < 2:
        raise StatisticsError("a single row has no interval", "list more ids, at least two")
    tokens: dict[Path, list[Encoded]] = {}
    for folder in (beside, *models):
        if not any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
            raise MissingInputError(
                f"{folder}: no model here", "train it first: accelerate launch recipes/sft.py"
            )
        if folder.name in {other.name for other in tokens}:
            raise InputError(
                f"two models are called {folder.name!r}", "give their folders names of their own"
            )
        tokenizer = AutoTokenizer.from_pretrained(folder)
        template = chat.training_template(tokenizer)
        tokens[folder] = [chat.encode(tokenizer, row, template) for row in rows.values()]
        if tokens[folder] != tokens[beside]:
            raise DriftError(
                f"{folder} reads the rows as other tokens than {beside}: a loss per token compares nothing",
                "give --base, the model that it was trained from",
            )


def table(beside: str, base_loss: float, gaps: list[Gap]) -> str:
    """Renders the models' losses and their differences."""
    rows = gaps[0].difference.n if gaps else 0
    lines = [
        f"Loss on {rows} held-out samples, nats per token; lower is better",
        f"{'model':<12}{'loss':>8}{'beside ' + beside:>18}{'95 % interval over rows':>28}",
        f"{beside:<12}{base_loss:>8.3f}",
    ]
    for gap in gaps:
        d = gap.difference
        interval = f"{d.low:+.3f} to {d.high:+.3f}"
        lines.append(f"{gap.model:<12}{gap.loss:>8.3f}{d.estimate:>+18.3f}{interval:>28}")
    return "\n".join(lines)


def main() -> int | None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", type=Path, help="model folders")
    parser.add_argument("--base", type=Path, default=Path("recipes/base"), help="their base")
    parser.add_argument("--dataset", default="COIG-Writer", help="a packed dataset")
    parser.add_argument(
        "--ids",
        type=Path,
        default=Path("recipes/base/held_out.txt"),
        help="ids of the rows, a line each (default: recipes/base/held_out.txt)",
    )
    parser.add_argument("--max-length", type=int, default=1024, help="tokens read of each row")
    parser.add_argument("--out", type=Path, help="a JSON file for the losses, row by row")
    given = parser.parse_args()
    rows = held_out(given.dataset, given.ids)
    check_models(given.base, given.models, rows)
    if given.out is not None and given.out.exists() and "losses" not in read_json(given.out):
        raise InputError(f"{given.out} holds something else", "give --out another file")
    losses: dict[str, list[float]] = {}
    for folder in (given.base, *given.models):
        model, tokenizer = local.load(local.LocalModel(folder.name, str(folder)))
        losses[folder.name] = loss.of_rows(model, tokenizer, list(rows.values()), given.max_length)
    beside = given.base.name
    gaps = loss.gaps(losses, beside)
    print(table(beside, sum(losses[beside]) / len(rows), gaps))
    if given.out is not None:
        losses_by_row: Losses = {"rows": list(rows), "losses": losses}
        write_json(given.out, losses_by_row)
        print(f"{given.out}: the losses row by row")
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
