"""Builds the mixtures of a recipe: python recipes/mix.py --config recipes/configs/cw_10k.yaml [--variants …].

Writes ``build/mixtures/VARIANT/{train.parquet,mixture.lock.json,kept_aside.jsonl,facts.json}``, and
``held_out.parquet`` for a control that holds rows out. With
``--verify`` nothing is written: the mixture is built again in memory and compared with its lock, and
any difference is named. A Hub source without a ``revision`` is resolved once: its commit is in the lock
and is read from then on; to move on, name a newer revision or build into another folder.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from coig_writer import facts
from coig_writer.errors import ConfigError, DriftError, MissingInputError, run_command
from coig_writer.mixing import chat, controls, mixing, sources
from coig_writer.mixing.controls import Control
from coig_writer.mixing.mixing import Sampled
from coig_writer.mixing.sources import Source
from coig_writer.mixture import Lock
from coig_writer.training import recipe as recipes
from coig_writer.training.recipe import RecipeArguments

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def main() -> int | None:
    """Builds or verifies mixtures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("recipes/configs/cw_10k.yaml"),
        help="the recipe (default: recipes/configs/cw_10k.yaml)",
    )
    parser.add_argument(
        "--out", type=Path, help="folder for the mixtures (default: the recipe's `mixtures`)"
    )
    parser.add_argument(
        "--variants", nargs="+", help="build these instead of the recipe's `variants`"
    )
    parser.add_argument(
        "--verify", action="store_true", help="compare with the locks instead of writing"
    )
    arguments = parser.parse_args()
    overrides = ["--variants", *arguments.variants] if arguments.variants else []
    # a mixture is built on any machine; the recipe's own GPU check belongs to the run
    given = ["--config", str(arguments.config), "--use_cpu", "true", *overrides]
    recipe, sft, model = recipes.parse(given)
    out = arguments.out or Path(recipe.mixtures)
    for variant in recipe.variants:
        model_name = recipes.base(model)
        build(
            variant,
            recipe,
            recipes.longest(sft),
            model_name,
            out / variant,
            verify=arguments.verify,
        )
    return None


def build(
    variant: str, recipe: RecipeArguments, max_length: int, model: str, out: Path, *, verify: bool
) -> None:
    """Builds one mixture, and writes it or compares it with its lock."""
    tokenizer, tokenizer_hash = load_tokenizer(model)
    rules = mixing.Rules(recipe.mixture_seed, max_length, recipe.over_long)
    before = locks(out)
    named = {name: sources.pinned(s, before) for name, s in sources.parse(recipe.sources).items()}
    control = controls.resolve(variant, Path(recipe.controls))
    wanted = counts(control, named, sample_scale=recipe.sample_scale)
    sampled = [
        mixing.sample(named[name], count, rules, tokenizer) for name, count in wanted.items()
    ]
    sampled = [controls.rework(part, control, rules, tokenizer) for part in sampled]
    sampled = [controls.hold_out(part, control, rules) for part in sampled]
    rows = mixing.build(sampled, rules)
    also: dict[str, object] = {"sample_scale": recipe.sample_scale}
    if control.locked is not None:
        also["control"] = control.locked
    locked = mixing.lock(variant, sampled, rows, rules, tokenizer_hash, **also)
    if verify:
        compare(out / "mixture.lock.json", locked)
        return
    mixing.write(out, rows, locked, sampled)
    facts.write(out / "facts.json", mixing.facts(out))
    parts = ", ".join(described(part) for part in sampled)
    print(
        f"{out}: {len(rows)} rows, {locked['tokens']:,} tokens ({parts}); lock {locked['ids_sha256'][:12]}",
        flush=True,
    )


def locks(out: Path) -> list[Lock]:
    """Returns the locks of a mixtures folder, that of the mixture in ``out`` first."""
    files = sorted(out.parent.glob("*/mixture.lock.json"), key=lambda f: (f.parent != out, f))
    return [mixing.read_lock(file) for file in files]


def described(part: Sampled) -> str:
    """Says how many rows of a source were taken, and at which commit."""
    commit = f" at {part.commit[:12]}" if part.commit else ""
    held_out = f" and {len(part.held_out)} held out" if part.held_out else ""
    return f"{part.source.name} {len(part.taken)}{held_out} of {part.rows_at_hand}{commit}"


def counts(
    control: Control, named: dict[str, Source], *, sample_scale: bool
) -> dict[str, int | None]:
    """Returns how many rows each source gives; None means all of them."""
    wanted = controls.counts(control)
    missing = sorted(set(wanted) - set(named))
    if missing:
        raise ConfigError(
            f"mixture {control.name} needs source {missing[0]!r}",
            "add it under sources: in the recipe",
        )
    if control.locked is None and any(
        named[s].genres or (named[s].narrowed and not sample_scale) for s in wanted
    ):
        raise ConfigError(
            f"mixture {control.name} is a published one, and a source of it gives only some of its rows "
            "(genres, exclude or max_rows)",
            "name the narrowed source otherwise, and a control that takes its rows: docs/extend-a-recipe.md",
        )
    if sample_scale:
        wanted = controls.at_sample_scale(wanted, {s: at_hand(named[s]) for s in wanted})
    elif "creative" in wanted:
        rows, _ = sources.load(named["creative"])
        sources.refuse_samples(named["creative"], rows, control.name)
    whole = {"creative": None} if control.creative is None and "creative" in wanted else {}
    return {source: count for source, count in wanted.items() if count} | whole


def at_hand(source: Source) -> int:
    """Counts the rows that a source can give."""
    rows, _ = sources.load(source)
    excluded = sources.excluded(source)
    ids = rows["id"] if excluded and "id" in rows.column_names else ()
    count = len(rows) - len(excluded.intersection(ids))
    return min(count, source.max_rows or count)


def load_tokenizer(model: str) -> tuple[PreTrainedTokenizerBase, str]:
    """Loads the tokenizer of the model to be trained, and its hash."""
    from transformers import AutoTokenizer

    if not Path(model).exists() and model.startswith("build/"):
        raise MissingInputError(
            f"{model}: no model here", "for the smoke model type: python recipes/smoke.py"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
    except OSError as error:
        raise MissingInputError(
            f"no tokenizer for {model} on this machine or the Hub",
            "download it while online, or set model_name_or_path to a local folder",
        ) from error
    return tokenizer, chat.tokenizer_sha256(tokenizer)


def compare(lock_file: Path, now: Lock) -> None:
    """Fails on any difference between a lock and what would be built now."""
    if not lock_file.is_file():
        raise MissingInputError(
            f"{lock_file}: no lock to verify", "build the mixture first, without --verify"
        )
    then = mixing.read_lock(lock_file)
    differences = list(mixing.drift(then, json.loads(json.dumps(mixing.comparable(then, now)))))
    if differences:
        raise DriftError(
            f"{lock_file} has drifted:\n    " + "\n    ".join(differences),
            "restore the sources at the locked revision, or build the mixture anew",
        )
    old = (
        ""
        if "content_sha256" in then
        else " in what an older kit's lock holds: no hash of the texts"
    )
    print(f"{lock_file}: equal{old}")


if __name__ == "__main__":
    sys.exit(run_command(main))
