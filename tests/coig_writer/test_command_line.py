"""Verbs of a folder: lists, help, lists of values, and what a wrong word answers."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Annotated

import pytest
import typer

from coig_writer.command_line import Group, Verb, command, run, spread
from coig_writer.errors import InputError, run_command

received: list[object] = []


def measure(
    card: Annotated[Path, typer.Argument(metavar="CARD", help="its folder")],
    scores: Annotated[list[Path] | None, typer.Option(metavar="PATH", help="score files")] = None,
    seed: Annotated[int, typer.Option(min=1, help="of the draw")] = 42,
    brief: Annotated[bool, typer.Option("--brief", help="less")] = False,
) -> int | None:
    """Reads [bold]scores[/bold] and prints them.

    Lines of a paragraph
    stay as they are written.
    """
    received[:] = [card, scores, seed, brief]
    return 3 if brief else None


def refuse() -> None:
    """Refuses."""
    raise InputError("row 3 is empty", "fill it in")


def stop() -> None:
    """Is stopped by the user."""
    raise KeyboardInterrupt


INNER = Group(
    "python -m folder inner", "Verbs of a verb.", {"refuse": Verb("verbs:refuse", "refuses a row")}
)
GROUP = Group(
    "python -m folder",
    "What it is for.",
    {
        "measure": Verb("verbs:measure", "measures a card", "build/card --seed 7"),
        "inner": Verb("verbs:INNER", "has verbs of its own"),
        "stop": Verb("verbs:stop", "is stopped"),
        "broken": Verb("no_such_module:main", "cannot be imported"),
    },
)


@pytest.fixture(autouse=True)
def verbs(monkeypatch):
    module = types.ModuleType("verbs")
    vars(module).update(measure=measure, refuse=refuse, stop=stop, INNER=INNER)
    monkeypatch.setitem(sys.modules, "verbs", module)
    received.clear()


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_verbs_are_listed_and_none_is_imported(words, capsys):
    assert run(GROUP, words) == 0  # one of them cannot be imported
    assert capsys.readouterr().out == (
        "Usage: python -m folder VERB [OPTIONS]\n\nWhat it is for.\n\nVerbs:\n"
        "  measure  measures a card\n  inner    has verbs of its own\n"
        "  stop     is stopped\n  broken   cannot be imported\n\nEach verb has its own --help.\n"
    )


def test_a_verb_gets_values_of_its_types_and_gives_its_exit_code():
    assert run(GROUP, ["measure", "a", "--scores", "x", "y", "--seed", "7"]) is None
    assert received == [Path("a"), [Path("x"), Path("y")], 7, False]
    assert run(GROUP, ["measure", "a", "--brief"]) == 3
    assert received == [Path("a"), None, 42, True]


def test_the_command_line_of_the_process_is_read(monkeypatch):
    monkeypatch.setattr("sys.argv", ["folder", "measure", "b"])
    assert run(GROUP) is None
    assert received[0] == Path("b")


def test_help_teaches_in_plain_text(capsys):
    assert run(GROUP, ["measure", "--help"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(
        "Usage: python -m folder measure [OPTIONS] {CARD}\n\n  Measures a card.\n"
    )
    assert "  Reads [bold]scores[/bold] and prints them.\n" in told
    assert "  Lines of a paragraph\n  stay as they are written.\n" in told
    assert "--seed <int range>  of the draw  [default: 42; x>=1]" in told
    assert told.endswith("  Example:\n    python -m folder measure build/card --seed 7\n")
    assert "\x1b" not in told
    assert received == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["mesure"], "error: unknown verb 'mesure'\n  → did you mean measure?\n"),
        (["\x1b[2J"], "error: unknown verb '\\x1b[2J'\n  → python -m folder --help\n"),
        (["inner", "refus"], "error: unknown verb 'refus'\n  → did you mean refuse?\n"),
        (["measure"], "error: Missing argument 'CARD'.\n  → python -m folder measure --help\n"),
        (["measure", "a", "--seed", "0"], "error: Invalid value for '--seed': "),
        (["measure", "a", "--seed", "x"], "error: Invalid value for '--seed': "),
        (["measure", "a", "--scores"], "error: Option '--scores' requires an argument.\n"),
        (["measure", "a", "--breef"], "error: No such option: --breef"),
        (["measure", "a", "b"], "error: Got unexpected extra argument"),
    ],
)
def test_a_wrong_command_line_ends_with_2_and_the_next_command_to_type(words, told, capsys):
    assert run_command(lambda: run(GROUP, words)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(told)
    assert "\n  → " in err
    assert received == []


def test_a_verb_may_have_verbs(capsys):
    assert run(GROUP, ["inner"]) == 0
    assert "  refuse  refuses a row\n" in capsys.readouterr().out
    assert run_command(lambda: run(GROUP, ["inner", "refuse"])) == 1
    assert capsys.readouterr().err == "error: row 3 is empty\n  → fill it in\n"


def test_ctrl_c_says_what_was_left(capsys):
    assert run_command(lambda: run(GROUP, ["stop"])) == 130
    assert capsys.readouterr().err.startswith("stopped: nothing half-made was left behind")


def test_a_group_may_run_a_verb_that_is_not_named(capsys):
    group = Group(GROUP.prog, GROUP.about, GROUP.verbs, default="stop")
    with pytest.raises(KeyboardInterrupt):
        run(group, [])
    assert run(group, ["--nonsense"]) == 2
    assert "python -m folder stop --help" in capsys.readouterr().err
    assert run(group, ["--help"]) == 0
    assert "Verbs (without one: stop):" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "repeated"),
    [
        ("c --s a b", "c --s a --s b"),
        ("--s a b --n 1 d", "--s a --s b --n 1 d"),
        ("--s a --s b c", "--s a --s b --s c"),
        ("--s --n 1", "--s --n 1"),
        ("--s a -- b c", "--s a -- b c"),
        ("--s=a b", "--s=a b"),
        ("--n 1 2", "--n 1 2"),
    ],
)
def test_the_flag_of_a_list_is_repeated_before_each_value(words, repeated):
    assert spread(words.split(), ["--s"]) == repeated.split()


def test_a_group_of_verbs_is_no_command():
    assert command(GROUP, "measure").params[0].name == "card"
    with pytest.raises(TypeError, match="folder inner is a group of verbs"):
        command(GROUP, "inner")
