"""A folder's command line: python -m FOLDER VERB [options].

A folder lists its verbs in a ``Group``. A verb names a function, and the function's signature is its
command line (Typer). Its docstring is the help, after the verb's sentence. The function's module is
imported when its verb is called, so that the list of verbs needs no heavy library. See
``model_cards/__main__.py`` for a group and ``model_cards/space.py`` for a verb's function. Pure work belongs in functions that take values; ``main`` calls them, and so do tests.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from coig_writer.errors import shown

if TYPE_CHECKING:
    from typer import TyperException
    from typer.core import TyperCommand

T = TypeVar("T")
WIDTH = 100  # columns of a help text, in a terminal that has them
USAGE = 2  # exit code of a command line that cannot be read


@dataclasses.dataclass(frozen=True)
class Verb:
    """A command of a folder.

    Attributes:
        target: Its function as ``module:name``; or a ``Group`` that has verbs of its own.
        sentence: What it does, in one line.
        example: What a user types after the verb.
        verbatim: All words from the first that is no option are handed on as they are.
    """

    target: str
    sentence: str
    example: str = ""
    verbatim: bool = False

    def load(self) -> Callable[..., int | None] | Group:
        """Imports the verb's module and returns its function or group."""
        module, _, name = self.target.partition(":")
        loaded: Callable[..., int | None] | Group = getattr(importlib.import_module(module), name)
        return loaded


@dataclasses.dataclass(frozen=True)
class Group:
    """The verbs of a folder.

    Attributes:
        prog: What a user types before the verb.
        about: What the folder is for.
        verbs: Its verbs, in the order in which they are listed.
        default: The verb that runs where none is named; empty: the verbs are listed.
    """

    prog: str
    about: str
    verbs: Mapping[str, Verb]
    default: str = ""

    def help(self) -> str:
        """Lists the verbs, each with its sentence."""
        width = max(map(len, self.verbs))
        listed = "\n".join(f"  {name:<{width}}  {v.sentence}" for name, v in self.verbs.items())
        without = f" (without one: {self.default})" if self.default else ""
        return (
            f"Usage: {self.prog} VERB [OPTIONS]\n\n{inspect.cleandoc(self.about)}\n\n"
            f"Verbs{without}:\n{listed}\n\nEach verb has its own --help.\n"
        )


def run(group: Group, words: Sequence[str] | None = None) -> int | None:
    """Runs the verb that a command line names, or lists the verbs.

    Args:
        group: The verbs.
        words: What was typed after ``group.prog``; None for the command line itself.

    Returns:
        The verb's exit code; 2 where the command line cannot be read, and the reason is printed.
    """
    words = sys.argv[1:] if words is None else list(words)
    if words[:1] in (["-h"], ["--help"]) or not (words or group.default):
        sys.stdout.write(group.help())
        return 0
    if group.default and (not words or words[0].startswith("-")):
        words = [group.default, *words]
    name, *rest = words
    if name not in group.verbs:
        near = difflib.get_close_matches(name, group.verbs, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"{group.prog} --help"
        return _misused(f"unknown verb {name!r}", hint)
    loaded = group.verbs[name].load()
    return run(loaded, rest) if isinstance(loaded, Group) else _run(group, name, rest)


def command(group: Group, name: str) -> TyperCommand:
    """Returns the Typer command of a verb, with the verb's sentence and example in its help.

    Raises:
        TypeError: The verb is a group.
    """
    verb = group.verbs[name]
    function = verb.load()
    if isinstance(function, Group):
        raise TypeError(f"{group.prog} {name} is a group of verbs")
    paragraphs = [f"{verb.sentence[0].upper()}{verb.sentence[1:]}.", inspect.getdoc(function) or ""]
    example = f"Example:\n  {group.prog} {name} {verb.example}".rstrip()
    return _command(function, _unwrapped(paragraphs), _unwrapped([example]), verb.verbatim)


def call(function: Callable[..., T], prog: str, words: Sequence[str]) -> T:
    """Calls a function with the words of its command line, and returns what it returns.

    Raises:
        typer.TyperException: The words cannot be read.
    """
    result: T = _invoke(_command(function), prog, words)
    return result


def _command(
    function: Callable[..., object], about: str = "", epilog: str = "", verbatim: bool = False
) -> TyperCommand:
    import typer
    from typer.core import TyperCommand
    from typer.main import get_command

    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    context = {"allow_interspersed_args": not verbatim}
    app.command(help=about, epilog=epilog, context_settings=context)(function)
    made = get_command(app)
    assert isinstance(made, TyperCommand)
    return made


def _invoke(made: TyperCommand, prog: str, words: Sequence[str]) -> Any:
    words = list(words)
    if made.context_settings["allow_interspersed_args"]:
        words = spread(words, [flag for p in made.params if p.multiple for flag in p.opts])
    # Not main(): that would end the process on Ctrl-C without a sentence.
    with made.make_context(prog, words, max_content_width=WIDTH) as context:
        return made.invoke(context)


def problem(error: TyperException) -> str:
    """Returns what is wrong with a command line, without the words of the libraries that found it."""
    message = error.format_message().removeprefix("Invalid value: ")
    return message.replace("Value error, ", "", 1)


def _unwrapped(paragraphs: Iterable[str]) -> str:
    """Marks paragraphs so that their lines stay as they are written."""
    return "\n\n".join(f"\b\n{p}" for text in paragraphs for p in text.split("\n\n") if p)


def _run(group: Group, name: str, words: list[str]) -> int | None:
    import typer

    called = command(group, name)
    try:
        code: int | None = _invoke(called, f"{group.prog} {name}", words)
    except typer.Exit as ended:
        return ended.exit_code
    except typer.TyperException as error:
        return _misused(problem(error), f"{group.prog} {name} --help", error.exit_code)
    return code


def spread(words: Sequence[str], many: Iterable[str]) -> list[str]:
    """Repeats the flag of a list before each of its values: ``--pairs a b`` → ``--pairs a --pairs b``.

    Shells expand ``--scores build/*.parquet`` to several words, and Typer takes one per flag.

    Args:
        words: A command line.
        many: The flags that take lists.
    """
    many, flag, repeated = set(many), "", list[str]()
    for at, word in enumerate(words):
        if word == "--":
            return [*repeated, *words[at:]]
        if word.startswith("-"):
            flag = word if word in many else ""
        elif flag and repeated[-1] != flag:
            repeated.append(flag)
        repeated.append(word)
    return repeated


def _misused(message: str, hint: str, code: int = USAGE) -> int:
    sys.stderr.write(shown(f"error: {message}\n  → {hint}\n"))
    return code
