"""Answers the benchmark: python recipes/generate.py --models build/models --variants cw_10k g.

Writes generation records to ``build/generations/VARIANT.parquet``. Each answer has a seed of its own,
so the result does not depend on batch size or interruption; what is already there is kept. ``--base
MODEL`` adds the untuned model as variant ``base``. Decoding settings are in a YAML file.

Through a server instead, such as ``vllm serve build/models/cw_10k --max-model-len 16384``:
python recipes/generate.py --endpoint http://127.0.0.1:8000/v1 --model build/models/cw_10k --variants cw_10k
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coig_writer import benchmark
from coig_writer.endpoint import Endpoint
from coig_writer.errors import ConfigError, MissingInputError, run_command
from coig_writer.files import read_yaml
from coig_writer.generating import local, server
from coig_writer.generating.local import Writer
from coig_writer.generation import Sampling

KEYS = ("temperature", "top_p", "max_new_tokens", "seed", "batch_size", "languages", "slice")


def settings(path: Path) -> dict[str, Any]:
    """Reads the decoding settings; every key must be there and no other."""
    found = read_yaml(path)
    odd = sorted(set(found) ^ set(KEYS))
    if odd:
        raise ConfigError(
            f"{path}: key {odd[0]!r} is {'missing' if odd[0] in KEYS else 'unknown'}",
            f"keys are {', '.join(KEYS)}",
        )
    return found


def chosen_queries(chosen: dict[str, Any]) -> list[benchmark.Query]:
    """Returns the benchmark, or a slice of it: the first query of so many genres per language."""
    count = chosen["slice"]
    pick = benchmark.queries if count is None else lambda lang: benchmark.one_per_genre(lang, count)
    return [query for language in chosen["languages"] for query in pick(language)]


def serve(arguments: Any, queries: list[benchmark.Query], sampling: Sampling, seed: int) -> None:
    """Generates one variant through a server."""
    if not arguments.model or len(arguments.variants) != 1:
        raise ConfigError(
            "--endpoint needs --model and exactly one of --variants",
            "name the model as the server knows it",
        )
    cache = arguments.out / ".replies" / arguments.variants[0]
    endpoint = Endpoint(arguments.endpoint, arguments.model, cache=cache)
    print(
        server.generate(
            arguments.variants[0], endpoint, queries, sampling, seed=seed, out=arguments.out
        )
    )


def local_writers(variants: Sequence[str], models: Path, base: str | None) -> list[Writer]:
    """Returns the models to generate with: fine-tuned ones of a folder, and the untuned one.

    Raises:
        MissingInputError: A variant was not trained.
    """
    writers = [Writer(variant, str(models / variant)) for variant in variants]
    for writer in writers:
        files = (Path(writer.path) / name for name in ("config.json", "adapter_config.json"))
        if not any(file.is_file() for file in files):
            raise MissingInputError(
                f"{writer.path}: no model here",
                f"train it first: accelerate launch recipes/sft.py --variants {writer.variant}",
            )
    return [*writers, Writer("base", base)] if base else writers


def parser() -> argparse.ArgumentParser:
    """Returns the command line."""
    found = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = found.add_argument
    default = Path(__file__).parent / "configs" / "generate.yaml"
    add("--config", type=Path, default=default, help="decoding settings (default: generate.yaml)")
    add(
        "--models",
        type=Path,
        default=Path("build/models"),
        help="folder of fine-tuned models, one subfolder per variant",
    )
    add("--variants", nargs="*", default=["cw_10k"], help="which of them (default: cw_10k)")
    add("--base", help="also generate with this untuned model, as variant `base`")
    add("--out", type=Path, default=Path("build/generations"), help="folder for the records")
    add("--endpoint", help="address of an OpenAI-compatible server; one variant at a time")
    add("--model", help="the model's name on that server")
    return found


def main() -> int | None:
    """Generates for each model."""
    arguments = parser().parse_args()
    chosen = settings(arguments.config)
    queries = chosen_queries(chosen)
    sampling = Sampling(
        float(chosen["temperature"]), float(chosen["top_p"]), chosen["max_new_tokens"]
    )
    if arguments.endpoint:
        serve(arguments, queries, sampling, chosen["seed"])
        return None
    shared = {"seed": chosen["seed"], "batch_size": chosen["batch_size"], "out": arguments.out}
    for writer in local_writers(arguments.variants, arguments.models, arguments.base):
        print(local.generate(writer, queries, sampling, **shared), flush=True)
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
