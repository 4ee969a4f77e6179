"""Answers the benchmark: python recipes/generate.py --models build/models --variants cw_10k g.

Writes generation records to ``build/generations/VARIANT.parquet``. Each answer has a seed of its own,
so the result does not depend on batch size or interruption; what is already there is kept. ``--base
MODEL`` adds the untuned model as variant ``base``. Decoding settings are in a YAML file.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from coig_writer import benchmark
from coig_writer.errors import ConfigError, MissingInputError, run_command
from coig_writer.generation import Sampling

KEYS = ("temperature", "top_p", "max_new_tokens", "seed", "batch_size", "languages", "slice")


def settings(path: Path) -> dict[str, Any]:
    """Reads the decoding settings; every key must be there and no other."""
    from coig_writer.training.recipe import read

    found = read(path)
    odd = sorted(set(found) ^ set(KEYS))
    if odd:
        raise ConfigError(
            f"{path}: key {odd[0]!r} is {'missing' if odd[0] in KEYS else 'unknown'}",
            f"keys are {', '.join(KEYS)}",
        )
    return found


def main() -> int | None:
    """Generates for each model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(__file__).parent / "configs" / "generate.yaml",
        help="decoding settings (default: recipes/configs/generate.yaml)",
    )
    parser.add_argument(
        "--models",
        type=Path,
        default=Path("build/models"),
        help="folder of fine-tuned models, one subfolder per variant",
    )
    parser.add_argument(
        "--variants", nargs="*", default=["cw_10k"], help="which of them (default: cw_10k)"
    )
    parser.add_argument("--base", help="also generate with this untuned model, as variant `base`")
    parser.add_argument(
        "--out", type=Path, default=Path("build/generations"), help="folder for the records"
    )
    arguments = parser.parse_args()
    chosen = settings(arguments.config)
    from coig_writer.training.generating import Writer, generate

    writers = [Writer(variant, str(arguments.models / variant)) for variant in arguments.variants]
    for writer in writers:
        if (
            not (Path(writer.path) / "config.json").is_file()
            and not (Path(writer.path) / "adapter_config.json").is_file()
        ):
            raise MissingInputError(
                f"{writer.path}: no model here",
                f"train it first: accelerate launch recipes/sft.py --variants {writer.variant}",
            )
    if arguments.base:
        writers.append(Writer("base", arguments.base))
    queries = [
        q
        for language in chosen["languages"]
        for q in (
            benchmark.queries(language)
            if chosen["slice"] is None
            else benchmark.one_per_genre(language, chosen["slice"])
        )
    ]
    sampling = Sampling(
        float(chosen["temperature"]), float(chosen["top_p"]), chosen["max_new_tokens"]
    )
    for writer in writers:
        print(
            generate(
                writer,
                queries,
                sampling,
                seed=chosen["seed"],
                batch_size=chosen["batch_size"],
                out=arguments.out,
            ),
            flush=True,
        )
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
