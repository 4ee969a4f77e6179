"""A stage of curation, described once: its options, its steps, and how a command line runs it.

A module per stage holds what that stage decides, and at its end a ``STAGE``. The command of the
stage, ``curate`` (all stages) and ``cluster`` (many processes) run the same steps. Every share of a
step ends before the next step begins. What a share makes are files that are renamed when they are
complete and never made again, so that a share may be killed and restarted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from coig_writer.errors import ConfigError, shown
from coig_writer.record import to_row
from coig_writer.taxonomy import Taxonomy, load, published
from coig_writer.workbench.prompts import Model
from dataset_builder.stages.options import CommandLine, ModelOptions, RunOptions
from dataset_builder.stages.parts import PART_SIZE, Counts, Parts, Process, folder

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
O = TypeVar("O", bound="DataclassInstance")  # noqa: E741 - the options of a stage


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run of any stage needs: its folder, its genres, and a model (None: no model)."""

    root: Path
    taxonomy: Taxonomy
    model: Model | None = None
    part_size: int = PART_SIZE

    @property
    def genres(self) -> str:
        """Twelve digits that change with the taxonomy."""
        content = json.dumps(to_row(self.taxonomy), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @property
    def required_model(self) -> Model:
        """The model, for a stage that cannot do without.

        Raises:
            ConfigError: None was given.
        """
        if self.model is None:
            raise ConfigError(
                "this stage asks a language model, and none is given",
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


@dataclasses.dataclass(frozen=True)
class Stage(Generic[O]):
    """What the command line, ``curate`` and ``cluster`` know about a stage.

    Attributes:
        name: Its name, also that of its folder.
        about: The docstring of its module: a title, and what its ``--help`` says.
        options: A dataclass whose fields are made by ``option``.
        steps: Returns the steps of a run.
        uses_model: It can ask a language model.
        closing: Returns what else to print at the end, line by line.
    """

    name: str
    about: str | None
    options: type[O]
    steps: Callable[[Settings, O], list[Step]]
    uses_model: bool = False
    closing: Callable[[Settings], Iterable[str]] = lambda _settings: ()

    def command(self, then: Callable[[Settings, O], T]) -> CommandLine[T]:
        """Returns the stage's command line: it calls ``then`` with what was typed."""

        def called(options: O, run: RunOptions, model: ModelOptions | None = None) -> T:
            return then(run_settings(run, model), options)

        shared = [RunOptions, ModelOptions] if self.uses_model else [RunOptions]
        return CommandLine(self.help, called, self.options, *shared)

    @property
    def help(self) -> str:
        """What the stage reads, decides and writes, without the title."""
        return (self.about or "").partition("\n\n")[2]

    @property
    def main(self) -> CommandLine[None]:
        """The stage as a command."""
        return self.command(self.run_and_report)

    def run_and_report(self, settings: Settings, options: O) -> None:
        """Runs the stage and prints what it did."""
        report(self.run(settings, options), settings.root)
        for sentence in self.closing(settings):
            print(sentence)

    def run(self, settings: Settings, options: O | None = None) -> Counts:
        """Runs the stage in this process; a finished one returns what it counted then.

        Raises:
            ConfigError: Another process finished the stage meanwhile, and took its shares away.
        """
        with self.undisturbed(settings.root):
            return run(self.steps(settings, self.options() if options is None else options))

    @contextlib.contextmanager
    def undisturbed(self, root: Path) -> Iterator[None]:
        """Says it when another process takes away the shares of a run.

        Raises:
            ConfigError: It finished the stage meanwhile.
        """
        try:
            yield
        except FileNotFoundError as error:
            if re.search(r"/\.\d\d-\w+\.(parts|search-\w+)/", str(error.filename)):
                raise ConfigError(
                    f"{root}: another process ran {self.name} here at the same time",
                    "wait until it is done, then run the same command again",
                ) from error
            raise


def run_settings(run: RunOptions, model: ModelOptions | None = None) -> Settings:
    """Builds the settings of a run from what the command line says."""
    taxonomy = load(run.taxonomy) if run.taxonomy else published()
    opened = model.open(run.out) if model else None
    return Settings(run.out, taxonomy, opened, run.part_size)


def report(counts: Counts, root: Path) -> None:
    """Prints what a stage did: read, kept, dropped, open, every reason, and the file with the evidence."""
    print(counts)
    for reason, number in sorted(counts.reasons.items(), key=lambda item: -item[1]):
        print(f"    {number:>7}  {shown(reason)}")
    if counts.reasons:
        print(f"    each with its evidence: {folder(root, counts.stage) / 'dropped.jsonl'}")
