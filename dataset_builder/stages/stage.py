"""A stage of curation, described once: its options, its steps, and how a command line runs it.

A module per stage holds what that stage decides, and at its end a ``STAGE``. The command of the
stage, ``curate`` (all stages) and ``cluster`` (many processes) run the same steps. Every share of a
step ends before the next step begins. What a share makes are files that are renamed when they are
whole and never made again, so that a share may be killed and started anew.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from coig_writer import taxonomy
from coig_writer.endpoint import Endpoint, Price
from coig_writer.errors import ConfigError, shown
from coig_writer.record import to_row
from coig_writer.taxonomy import Taxonomy
from coig_writer.workbench.prompts import Model
from dataset_builder.stages.parts import PART_SIZE, Counts, Parts, Process, folder

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OUT = Path("build/curation")
T = TypeVar("T")
O = TypeVar("O", bound="DataclassInstance")  # noqa: E741 - the options of a stage


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

    def parts(self, stage: str, options: Mapping[str, object], source: Path | None = None) -> Parts:
        """Returns the parts of a stage under these settings."""
        return Parts(self.root, stage, options, source, self.part_size)


@dataclasses.dataclass(frozen=True)
class Step:
    """A step of a stage.

    Attributes:
        name: What it does, one word.
        run: Does the share ``rank`` of ``world``; the one that joins a stage returns its counts.
        alone: It cannot be shared: one process does it all.
    """

    name: str
    run: Callable[[int, int], Counts | None]
    alone: bool = False


def alone(name: str, run: Callable[[], Counts | None]) -> Step:
    """Returns a step that one process does."""
    return Step(name, lambda _rank, _world: run(), alone=True)


def deciding(prepare: Callable[[], tuple[Parts, Process]]) -> list[Step]:
    """Returns the steps that every stage has: decide the parts, join them.

    Args:
        prepare: Gives the parts and what is done to documents; called when a step runs, once.
    """
    prepared = functools.cache(prepare)

    def decide(rank: int, world: int) -> None:
        parts, process = prepared()
        parts.decide(process, rank, world)

    def join() -> Counts:
        parts, _ = prepared()
        return parts.join()

    return [Step("decide", decide), alone("join", join)]


def run(steps: Iterable[Step]) -> Counts:
    """Runs all steps in this process and returns what was counted when the parts were joined."""
    counted = [step.run(0, 1) for step in steps]
    return next(counts for counts in counted if counts is not None)


def option(default: T, help: str, flag: str = "", **how: Any) -> T:  # noqa: A002 - as in argparse
    """Returns a field of an options class that is also an option of the command line.

    Args:
        default: Its value when it is not given; False makes it a switch.
        help: What it does.
        flag: Its name there, if it is not the field's; without dashes it is positional.
        how: What else ``argparse`` should know.
    """
    return dataclasses.field(default=default, metadata={"flag": flag, "help": help, "how": how})


@dataclasses.dataclass(frozen=True)
class NoOptions:
    """The options of a stage that has none of its own."""


@dataclasses.dataclass(frozen=True)
class Stage(Generic[O]):
    """What the command line, ``curate`` and ``cluster`` know about a stage.

    Attributes:
        name: Its name, also that of its folder.
        about: The text of its ``--help``.
        options: A dataclass whose fields are made by ``option``.
        steps: Returns the steps of a run.
        asks: It can ask a language model.
        closing: Returns what else to print at the end, line by line.
    """

    name: str
    about: str | None
    options: type[O]
    steps: Callable[[Settings, O], list[Step]]
    asks: bool = False
    closing: Callable[[Settings], Iterable[str]] = lambda _where: ()

    def add_options(self, to: argparse.ArgumentParser) -> None:
        """Adds the stage's own options; one that another stage has too is given once for both."""
        for field in dataclasses.fields(self.options):
            how = {
                "help": field.metadata["help"],
                "default": field.default,
                **field.metadata["how"],
            }
            if field.default is False:
                how["action"] = "store_true"
            elif field.default is not None and not isinstance(field.default, tuple):
                how.setdefault("type", type(field.default))
            if how.get("action") == "append":
                how["default"] = [*how["default"]]  # argparse adds to a copy of a list only
            to.add_argument(_flag(field), **how)

    def read(self, given: argparse.Namespace) -> O:
        """Reads the stage's own options from a command line."""
        fields = dataclasses.fields(self.options)
        values = {f.name: getattr(given, _flag(f).lstrip("-").replace("-", "_")) for f in fields}
        return self.options(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        )

    def run(self, where: Settings, options: O | None = None) -> Counts:
        """Runs the stage in this process; a finished one returns what it counted then."""
        return run(self.steps(where, self.options() if options is None else options))

    def from_command_line(
        self, arguments: Sequence[str] | None = None
    ) -> tuple[Settings, list[Step]]:
        """Returns settings and steps as a command line says."""
        command = parser(self.about)
        if self.asks:
            add_model(command)
        self.add_options(command)
        given = command.parse_args(arguments)
        where = settings(given)
        return where, self.steps(where, self.read(given))

    def main(self) -> int | None:
        """Runs the stage that the command line describes."""
        where, steps = self.from_command_line()
        report(run(steps), where.root)
        for told in self.closing(where):
            print(told)
        return None


def _flag(field: dataclasses.Field[Any]) -> str:
    return field.metadata["flag"] or "--" + field.name.replace("_", "-")


def parser(about: str | None) -> argparse.ArgumentParser:
    """Returns a parser with the options that all stages share."""
    made = argparse.ArgumentParser(
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        conflict_handler="resolve",  # two stages may share an option
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
    return made


def add_model(to: argparse.ArgumentParser) -> None:
    """Adds the options of the language model."""
    group = to.add_argument_group("language model (any OpenAI-compatible server)")
    add = group.add_argument
    add("--endpoint", metavar="URL", help="base address, up to and with /v1")
    add(
        "--model",
        default="Qwen/Qwen3-235B-A22B",
        help="its name there (default: %(default)s, which the paper names)",
    )
    add(
        "--concurrency",
        type=int,
        default=32,
        help="requests under way at once (default: %(default)s)",
    )
    add("--timeout", type=float, default=300.0, help="seconds until a call counts as lost")
    add(
        "--max-retries",
        type=int,
        default=0,
        metavar="N",
        help="ask N more times after a refusal or an unparsable answer",
    )
    add("--price", type=float, nargs=2, metavar=("IN", "OUT"), help="price per million tokens")
    add("--budget", type=float, help="most that this run may cost; the rest stays unscored")
    add(
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
    model = None
    if getattr(given, "endpoint", None):
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
        model = Model(endpoint, given.max_retries)
    return Settings(given.out, names, model, given.part_size)


def report(counts: Counts, root: Path) -> None:
    """Prints what a stage did: read, kept, dropped, open, every reason, and where the rest lies."""
    print(counts)
    for reason, number in sorted(counts.reasons.items(), key=lambda item: -item[1]):
        print(f"    {number:>7}  {shown(reason)}")
    if counts.reasons:
        print(f"    each with its evidence: {folder(root, counts.stage) / 'dropped.jsonl'}")
