"""Answers the benchmark: python recipes/generate.py --models build/models --variants cw_10k g.

Writes generation records to ``build/generations/VARIANT.parquet``. Each answer has a seed of its own,
so the result does not depend on batch size or interruption; what is already there is kept. ``--base
MODEL`` adds the untuned model as variant ``base``. Decoding settings are in a YAML file.

Through a server instead, such as ``vllm serve build/models/cw_10k --max-model-len 16384``:
python recipes/generate.py --endpoint http://127.0.0.1:8000/v1 --model build/models/cw_10k --variants cw_10k
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from coig_writer import benchmark
from coig_writer.benchmark import Query
from coig_writer.errors import ConfigError, InputError, MissingInputError, run_command
from coig_writer.files import read_records, read_settings
from coig_writer.generating import local, server
from coig_writer.generating.answers import Model, generate
from coig_writer.generation import Generation, Sampling, check
from coig_writer.triplet import Language


@dataclasses.dataclass(frozen=True, slots=True)
class Decoding:
    """The decoding settings of ``generate.yaml``, which says what each key means."""

    temperature: float
    top_p: float
    top_k: int
    repetition_penalty: float
    max_new_tokens: int
    stop: tuple[str, ...]
    seed: int
    batch_size: int
    languages: tuple[Language, ...]
    slice: int | None
    samples: int = 1

    def __post_init__(self) -> None:
        _ = self.sampling  # refuses what is out of range
        for name in ("samples", "batch_size", "slice"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(
                    f"{name} is {value} and must be at least 1", "give a whole number above 0"
                )
        if not self.languages:
            raise InputError("languages is empty", "write languages: [zh, en]")

    @property
    def sampling(self) -> Sampling:
        """What decides a text; it is written into every record."""
        keys = (f.name for f in dataclasses.fields(Sampling))
        return Sampling(**{name: getattr(self, name) for name in keys})

    @property
    def queries(self) -> list[Query]:
        """The benchmark, or a slice of it: the first query of so many genres per language."""
        count = self.slice
        return [
            query
            for language in dict.fromkeys(self.languages)
            for query in (
                benchmark.queries(language)
                if count is None
                else benchmark.one_per_genre(language, count)
            )
        ]


def models(arguments: argparse.Namespace, batch_size: int) -> list[Model]:
    """Returns the models to generate with: one behind a server, or those of a folder and the untuned one.

    Raises:
        ConfigError: A server is named without a model and its one variant.
        MissingInputError: A variant was not trained.
    """
    variants, out = arguments.variants, arguments.out
    if not arguments.endpoint:
        return local_models(variants, arguments.models, arguments.base, batch_size)
    if not arguments.model or len(variants) != 1:
        raise ConfigError(
            "--endpoint needs --model and exactly one of --variants",
            "name the model as the server knows it",
        )
    cache = out / ".replies" / variants[0]
    return [
        server.served(variants[0], arguments.endpoint, arguments.model, arguments.revision, cache)
    ]


def local_models(
    variants: Sequence[str], models: Path, base: str | None, batch_size: int
) -> list[Model]:
    """Returns the models to generate with: fine-tuned ones of a folder, and the untuned one.

    Raises:
        MissingInputError: A variant was not trained.
    """
    for variant in variants:
        files = (models / variant / name for name in ("config.json", "adapter_config.json"))
        if not any(file.is_file() for file in files):
            raise MissingInputError(
                f"{models / variant}: no model here",
                f"train it first: accelerate launch recipes/sft.py --variants {variant}",
            )
    places = {variant: str(models / variant) for variant in variants}
    if base:
        places["base"] = base
    return [local.LocalModel(name, path, batch_size=batch_size) for name, path in places.items()]


def parser() -> argparse.ArgumentParser:
    """Returns the command line."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = options.add_argument
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
    add(
        "--prompts",
        type=Path,
        help="generation records whose prompts to answer in place of the benchmark, such as people's "
        "(python -m eval_tasks human)",
    )
    add("--samples", type=int, help="answers to each query (default: that of the settings, 1)")
    add("--endpoint", help="address of an OpenAI-compatible server; one variant at a time")
    add("--model", help="the model's name on that server")
    add(
        "--revision",
        help="that model's state (a commit, a date), unless it is a run of this machine",
    )
    return options


def main() -> int | None:
    """Generates for each model."""
    arguments = parser().parse_args()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    how = read_settings(arguments.config, Decoding, "recipes/configs/generate.yaml")
    if arguments.samples is not None:
        how = dataclasses.replace(how, samples=arguments.samples)
    queries, sampling = how.queries, how.sampling
    if arguments.prompts:
        records = read_records(arguments.prompts, Generation, "python -m eval_tasks human")
        prompts = {r.query_id: r for r in check(records)}
        queries = [
            benchmark.bare(r.query_id, r.language, r.genre, r.prompt) for r in prompts.values()
        ]
    for model in models(arguments, how.batch_size):
        path = generate(
            model, queries, sampling, seed=how.seed, out=arguments.out,
            samples=how.samples,
        )  # fmt: skip
        print(path, flush=True)
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
