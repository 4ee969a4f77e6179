"""Options: dataclasses whose fields are the options of a command line, each written once.

A stage has a dataclass of its own options; ``RunOptions`` and ``ModelOptions`` are those that stages
share. ``CommandLine`` makes them into a function that Typer can call, of one stage (its command) or of
many (``curate``).
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import GenericAlias
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    TypeVar,
    get_args,
    get_type_hints,
)

import typer

from coig_writer.command_line import call, problem
from coig_writer.endpoint import Endpoint, Price, Structure
from coig_writer.errors import ConfigError
from coig_writer.workbench.prompts import Model
from dataset_builder.stages.parts import PART_SIZE

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OUT = Path("build/curation")
REQUIRED: Any = dataclasses.MISSING  # the default of an option that has to be given
T = TypeVar("T")
# What the help shows for a value of a type, unless the option says it better.
METAVARS: dict[object, str] = {int: "N", float: "NUMBER", str: "TEXT", Path: "PATH"}


def option(default: T, help: str, flag: str = "", **how: Any) -> T:  # noqa: A002 - as in Typer
    """Returns a field of an options class that is also an option of the command line.

    Args:
        default: Its value when it is not given; False makes it a switch.
        help: What it does.
        flag: Its name there, if it is not the field's; without dashes it is positional.
        how: What else ``typer.Option`` should know.
    """
    return dataclasses.field(default=default, metadata={"flag": flag, "help": help, "how": how})


@dataclasses.dataclass(frozen=True)
class NoOptions:
    """The options of a stage that has none of its own."""


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """What every stage asks: which curation, and by which genres."""

    out: Path = option(OUT, "folder of the curation", metavar="FOLDER")
    taxonomy: Path | None = option(
        None,
        "your own genres, in the form of src/coig_writer/data/taxonomy.json",
        metavar="FILE",
    )
    part_size: int = option(PART_SIZE, "documents per part", min=1)


@dataclasses.dataclass(frozen=True)
class ModelOptions:
    """Which language model a stage asks, and how."""

    endpoint: str | None = option(
        None, "base URL of an OpenAI-compatible model server, with /v1", metavar="URL"
    )
    model: str = option("Qwen/Qwen3-235B-A22B", "the model's name on that server", metavar="NAME")
    concurrency: int = option(32, "requests at once", min=1)
    timeout: float = option(300.0, "seconds until a request counts as lost", metavar="SECONDS")
    max_retries: int = option(
        0, "how often to ask again after a refusal or an answer that cannot be read", min=0
    )
    price: tuple[float, float] | None = option(
        None, "price of a million tokens, in and out", metavar="IN OUT"
    )
    budget: float | None = option(
        None, "the most that this run may cost; the rest stays unscored", metavar="COST"
    )
    structure: Structure = option("json_schema", "how the server is told the form of an answer")

    def open(self, out: Path) -> Model | None:
        """Returns the model, whose replies are kept in the curation; None without an endpoint."""
        if self.endpoint is None:
            return None
        endpoint = Endpoint(
            self.endpoint,
            self.model,
            cache=out / "replies",
            concurrency=self.concurrency,
            timeout=self.timeout,
            price=Price(*self.price) if self.price else None,
            budget=self.budget,
            structure=self.structure,
        )
        return Model(endpoint, self.max_retries)


class CommandLine(Generic[T]):
    """Options classes as one function, whose parameters are their options, for Typer to call.

    Args:
        about: The text of its ``--help``.
        run: Called with an instance of each class, in their order.
        kinds: The classes; their fields are made by ``option``, or are such classes themselves. An
            option that two of them have is given once, for both.
    """

    def __init__(
        self, about: str | None, run: Callable[..., T], *kinds: type[DataclassInstance]
    ) -> None:
        self.run, self.kinds = run, kinds
        self.__doc__, self.__name__ = about, "main"
        self.__annotations__: dict[str, object] = {}  # Typer finds them in the signature
        parameters = {p.name: p for kind in kinds for p in _parameters(kind)}
        self.__signature__ = inspect.Signature([*parameters.values()])

    def __call__(self, **given: object) -> T:
        """Makes an instance of each class from the values of its options, and runs."""
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        return self.run(*(_instance(kind, values) for kind in self.kinds))

    def read(self, prog: str, words: Sequence[str]) -> T:
        """Reads the words of a command line, and runs.

        Raises:
            ConfigError: They cannot be read.
        """
        try:
            return call(self, prog, words)
        except typer.TyperException as error:
            raise ConfigError(problem(error), f"see {prog} --help") from error


def _parameters(kind: type[DataclassInstance]) -> Iterator[inspect.Parameter]:
    types = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        if field.metadata:
            yield _parameter(field, types[field.name])
        elif dataclasses.is_dataclass(types[field.name]):
            yield from _parameters(types[field.name])


def _instance(kind: type[DataclassInstance], values: Mapping[str, object]) -> DataclassInstance:
    types = get_type_hints(kind)
    arguments: dict[str, object] = {}
    for field in dataclasses.fields(kind):
        if field.metadata:
            arguments[field.name] = values[field.name]
        elif dataclasses.is_dataclass(types[field.name]):
            arguments[field.name] = _instance(types[field.name], values)
    return kind(**arguments)


def _parameter(field: dataclasses.Field[Any], annotation: object) -> inspect.Parameter:
    """Returns a field that ``option`` made as a parameter that Typer reads."""
    flag = field.metadata["flag"] or "--" + field.name.replace("_", "-")
    inner = next(iter(get_args(annotation)), annotation)
    how = {"metavar": METAVARS.get(inner), **field.metadata["how"]}
    if parser := how.get("parser"):  # Typer also gives it the default
        how["parser"] = lambda value: parser(value) if isinstance(value, str) else value
    if get_args(annotation)[1:] == (...,):  # tuple[X, ...]: as many as are given
        annotation = GenericAlias(list, (inner,))
    given = field.default is not REQUIRED
    how["help"] = field.metadata["help"]
    how.setdefault("show_default", given and field.default not in ((), None, "", False))
    info = typer.Option(flag, **how) if flag.startswith("--") else typer.Argument(**how)
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=field.default if given else inspect.Parameter.empty,
        annotation=Annotated[annotation, info],
    )
