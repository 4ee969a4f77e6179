"""Page, words and code together: every --help, its example, and what a flag means in several commands."""

from __future__ import annotations

import re
import shlex
from collections import Counter

import pytest

from coig_writer import command_line
from coig_writer.command_line import Group, Verb
from docs import commands

COMMANDS = list(commands.commands())


def verbs(group: Group):
    for name, verb in group.verbs.items():
        below = verb.load()
        if isinstance(below, Group):
            yield from verbs(below)
        else:
            yield pytest.param(group, name, verb, id=f"{group.prog} {name}")


VERBS = [verb for group in commands.groups() for verb in verbs(group)]


def test_the_page_is_that_of_the_commands():
    assert commands.PAGE.read_text(encoding="utf-8") == commands.page(), (
        "type: python -m docs.commands"
    )


def test_every_command_is_listed_once():
    assert {t: n for t, n in Counter(c.typed for c in COMMANDS).items() if n > 1} == {}
    headings = re.findall(r"^### (.*)$", commands.PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [c.typed for c in COMMANDS]


@pytest.mark.parametrize(("group", "name", "verb"), VERBS)
def test_the_help_of_a_verb_has_what_the_page_has(group: Group, name: str, verb: Verb, capsys):
    assert command_line.run(group, [name, "--help"]) == 0
    told = capsys.readouterr().out
    (shown,) = (c for c in COMMANDS if c.typed == f"{group.prog} {name}")
    assert shown.sentence[1:] in told
    assert f"Example:\n    {shown.example}" in told
    assert set(re.findall(r"^  (--[\w-]+)", told, re.MULTILINE)) == shown.flags | {"--help"}
    assert all(meaning for _, meaning in shown.options)


@pytest.mark.parametrize(("group", "name", "verb"), VERBS)
def test_the_example_of_a_verb_can_be_typed(group: Group, name: str, verb: Verb):
    made, words = command_line.command(group, name), shlex.split(verb.example)
    many = [] if verb.verbatim else [f for p in made.params if p.multiple for f in p.opts]
    with made.make_context(name, command_line.spread(words, many)) as context:
        assert context.params


def test_a_flag_of_several_commands_means_one_thing():
    uses = Counter(flag for command in COMMANDS for flag in command.flags)
    several = {flag for flag, n in uses.items() if n > 1}
    assert several - commands.WORDS.keys() == set(), "say in WORDS what it means, or rename it"
    assert commands.WORDS.keys() - uses.keys() == set()


def test_what_has_one_meaning_has_one_flag():
    """Old names of the vocabulary, and names that mean something else elsewhere."""
    flags = {flag for command in COMMANDS for flag in command.flags}
    assert (
        flags & {"--vote", "--similar", "--again", "--assess-least", "--beside", "--server"}
        == set()
    )
    asking = [c for c in COMMANDS if "--endpoint" in c.flags]
    assert all({"--model"} <= c.flags and "--url" not in c.flags for c in asking)
