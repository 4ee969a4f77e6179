"""What all stages of curation take from the command line, and how they report."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
from pathlib import Path

from coig_writer import taxonomy
from coig_writer.endpoint import Endpoint, Price
from coig_writer.errors import ConfigError
from coig_writer.record import to_row
from coig_writer.taxonomy import Taxonomy
from dataset_builder.stages.asking import Model
from dataset_builder.stages.flow import PART_SIZE, Counts

OUT = Path("build/curation")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run of any stage needs: where, by which genres, with which model (None: no model)."""

    root: Path
    names: Taxonomy
    model: Model | None = None
    part_size: int = PART_SIZE

    @property
    def genres(self) -> str:
        """Twelve digits that change with the taxonomy."""
        content = json.dumps(to_row(self.names), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @property
    def asks(self) -> Model:
        """The model.

        Raises:
            ConfigError: None was given.
        """
        if self.model is None:
            raise ConfigError(
                "this stage asks a language model and none is given",
                "give --endpoint http://127.0.0.1:8000/v1 --model NAME "
                "(a server: vllm serve Qwen/Qwen3-235B-A22B --tensor-parallel-size 8)",
            )
        return self.model


def parser(description: str | None, *, model: bool) -> argparse.ArgumentParser:
    """Returns a parser with the shared options."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--out", type=Path, default=OUT, help=f"folder of the curation ({OUT})")
    made.add_argument(
        "--taxonomy",
        type=Path,
        help="your own genres, in the form of src/coig_writer/data/taxonomy.json",
    )
    made.add_argument(
        "--part-size", type=int, default=PART_SIZE, help=f"documents per part ({PART_SIZE})"
    )
    if model:
        add_model(made)
    return made


def add_model(to: argparse.ArgumentParser) -> None:
    """Adds the options of the language model."""
    group = to.add_argument_group("language model (any OpenAI-compatible server)")
    group.add_argument("--endpoint", metavar="URL", help="base address, up to and with /v1")
    group.add_argument(
        "--model",
        default="Qwen/Qwen3-235B-A22B",
        help="its name there (default: %(default)s, which the paper names)",
    )
    group.add_argument(
        "--concurrency",
        type=int,
        default=32,
        help="requests under way at once (default: %(default)s)",
    )
    group.add_argument(
        "--timeout", type=float, default=300.0, help="seconds until a call counts as lost"
    )
    group.add_argument(
        "--again",
        type=int,
        default=0,
        metavar="N",
        help="ask N more times after a refusal or an unparsable answer",
    )
    group.add_argument(
        "--price", type=float, nargs=2, metavar=("IN", "OUT"), help="price per million tokens"
    )
    group.add_argument(
        "--budget", type=float, help="most that this run may cost; the rest stays unscored"
    )
    group.add_argument(
        "--structure",
        choices=("json_schema", "json_object", "none"),
        default="json_schema",
        help="how the server is told the schema",
    )


def settings(given: argparse.Namespace) -> Settings:
    """Builds the settings from the command line."""
    if given.part_size < 1:
        raise ConfigError(f"--part-size is {given.part_size}", "give at least 1")
    names = taxonomy.load(given.taxonomy) if given.taxonomy else taxonomy.published()
    return Settings(given.out, names, _model(given), given.part_size)


def _model(given: argparse.Namespace) -> Model | None:
    if not getattr(given, "endpoint", None):
        return None
    endpoint = Endpoint(
        given.endpoint,
        given.model,
        cache=given.out / "replies",
        concurrency=given.concurrency,
        timeout=given.timeout,
        price=Price(*given.price) if given.price else None,
        budget=given.budget,
        structure=given.structure,
    )
    return Model(endpoint, given.again)


def report(counts: Counts) -> None:
    """Prints what a stage did: read, kept, dropped, open, and every reason."""
    print(shown(counts))
    for reason, number in sorted(counts.reasons.items(), key=lambda item: -item[1]):
        print(f"    {number:>7}  {reason}")


def shown(counts: Counts) -> str:
    """Returns one line of the funnel."""
    open_ = f", {counts.open} open" if counts.open else ""
    return f"{counts.stage:<9} {counts.read:>7} read, {counts.kept} kept, {counts.dropped} dropped{open_}"
