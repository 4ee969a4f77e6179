"""Writes docs/commands.md, every command with its sentence and flags: python -m docs.commands.

Verbs come from the groups of the folders' entries, the other commands from their argparse parsers, and the keys
of a recipe from its dataclass. ``WORDS`` says what a flag means that several commands have.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn
from unittest import mock

from coig_writer.command_line import Group, command
from coig_writer.files import atomic_path
from coig_writer.reward.run import PreferenceArguments, RewardArguments
from coig_writer.training.recipe import RecipeArguments

PAGE = Path(__file__).with_name("commands.md")
OPENING = """\
# Commands

Every command, once. `--help` behind any of them says the same and more. `python -m docs.commands` makes this page from the commands.

A folder's commands are verbs: `python -m dataset_builder VERB`, `python -m eval_tasks VERB`, `python -m model_cards VERB`,
`python space/app.py VERB`. Recipes are files, because accelerate launches files. `coig-writer` is what `pip install` brings.
The flags of the three trainers are the keys of their YAML files, with underscores. A flag that takes a list takes all words up to the next flag. Exit codes: 0 done, 1 an error with what to do next, 2 a command line that cannot be read, 130 Ctrl-C.

## Words that mean the same everywhere
"""
# In the order of a line from data to publication.
GROUPS = ("dataset_builder.__main__", "eval_tasks.__main__", "model_cards.__main__", "space.app")
RECIPES = ("mix", "show", "plan", "controls", "generate", "merge", "loss", "recount", "line", "smoke", "smollm2", "tokenizer", "pretrain")  # fmt: skip
TRAINERS: Mapping[str, type] = {
    "sft": RecipeArguments,
    "dpo": PreferenceArguments,
    "reward": RewardArguments,
}
_TYPE = re.compile(r" <(list\[)?\w+\]?>$")  # what Typer appends to an argument's name
WORDS = {
    "--config": "the recipe, a YAML file of settings",
    "--out": "where the results go",
    "--endpoint": "base address of a model's server, up to and with /v1",
    "--model": "which model: its name on the server, or its folder",
    "--base": "the base model",
    "--dataset": "a packed dataset, or its rows",
    "--generations": "answers of models: records of recipes/generate.py",
    "--scores": "scores of answers: records of eval_tasks score",
    "--ballots": "votes of people: records of space/app.py export",
    "--judgements": "verdicts of a language model: records of eval_tasks judge run",
    "--mixtures": "folder of training mixtures, one folder per variant",
    "--models": "folder of trained models, one folder per variant",
    "--variants": "which models, by the names of their mixtures",
    "--study": "study file (YAML)",
    "--taxonomy": "your own genres",
    "--part-size": "documents of a curation in one part",
    "--column": "what your files call a column",
    "--provenance": "what the rows of a source are",
    "--since": "first day of publication that counts",
    "--max-gap-days": "most days between two dates of one text",
    "--engagement": "least likes, comments or shares",
    "--min-score": "least score that is kept",
    "--rules-only": "rules alone decide, no model is asked",
    "--similarity-threshold": "least similarity of a duplicate",
    "--author": "who writes: people, people with a model's draft, or a model",
    "--rounds": "most drafts of one document",
    "--reviewers": "aliases of those who review",
    "--specialised": "genres that need four reviewers",
    "--gold": "items by which a reviewer is checked",
    "--category-minimum": "rows that each category should have",
    "--genre-minimum": "rows that each genre should have",
    "--region-most": "largest share of one region",
    "--month-most": "largest share of one month",
    "--alike-most": "largest mean similarity of the articles of a genre",
    "--curation": "folder of a curation, which curate --out made",
    "--samples": "how many answers to each prompt",
    "--sample": "which of several answers a vote is on, where it does not say",
    "--preferences": "pairs of prompt, chosen and rejected",
    "--held_out": "share of the prompts that is held out",
    "--max-length": "tokens that are read of each row",
    "--wpb": "the published answers of WritingPreferenceBench",
    "--folder": "where the arena keeps ballots and secret",
    "--people": "who works at a curation (YAML)",
    "--to": "repository on the Hub, as ORG/NAME",
    "--type": "what is published: dataset, model or space",
    "--facts": "facts file to write",
    "--card": "card to write",
    "--revision": "state of a repository or model: a commit, tag or date",
    "--json": "JSON file to write",
    "--html": "page to write",
    "--build": "folder of the artefacts from which numbers are measured again",
    "--benchmark": "the published benchmark, as ORG/NAME@COMMIT",
    "--url": "where a page will be, for links to it",
    "--host": "address to serve on",
    "--port": "port to serve on",
    "--dry-run": "says what it would take, and does nothing",
    "--price": "of a million tokens, to the model and from it",
    "--budget": "most that a run may cost; needs --price",
    "--concurrency": "requests under way at once",
    "--timeout": "seconds until a request counts as lost",
    "--max-retries": "how often a refused or unreadable reply is asked for again",
    "--structure": "how the server is told the form of a reply",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A command as the page shows it.

    Attributes:
        typed: What a user types before the options.
        sentence: What it does.
        example: A whole command line; may be empty.
        options: Name with its value, and what it does.
    """

    typed: str
    sentence: str
    example: str
    options: tuple[tuple[str, str], ...]

    @property
    def flags(self) -> set[str]:
        """The flags, without their values."""
        return {flag for name, _ in self.options for flag in re.findall(r"(?<!\S)--[\w-]+", name)}


def of_group(group: Group) -> Iterator[Command]:
    """Yields the verbs of a group, and those of the groups below it."""
    for name, verb in group.verbs.items():
        below = verb.load()
        if isinstance(below, Group):
            yield from of_group(below)
            continue
        made = command(group, name)
        with made.make_context(name, [], resilient_parsing=True) as context:
            records = [p.get_help_record(context) for p in made.params]
        options = tuple(
            (_TYPE.sub(lambda t: "…" if t[1] else "", n), h) for n, h in filter(None, records)
        )
        yield Command(
            f"{group.prog} {name}", verb.sentence, f"{group.prog} {name} {verb.example}", options
        )


def groups() -> Iterator[Group]:
    """Yields the group of each folder's entry."""
    for module in GROUPS:
        yield importlib.import_module(module).GROUP


class _Built(Exception):
    """Carries a parser out of the command that built it."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def parser_of(module: str) -> argparse.ArgumentParser:
    """Returns the parser that a command's ``main`` builds, at the moment when it would parse."""

    def stop(parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise _Built(parser)

    main = importlib.import_module(module)
    with mock.patch.object(argparse.ArgumentParser, "parse_known_args", stop):
        try:
            (main.run if module == "coig_writer.__main__" else main.main)()
        except _Built as built:
            return built.parser
    raise TypeError(f"{module} reads no command line")


def of_parser(parser: argparse.ArgumentParser, typed: str, doc: str) -> Iterator[Command]:
    """Yields a command with an argparse parser, or those below it."""
    sentence, example = lead(doc)
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    for action in below:
        told = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, inner in action.choices.items():
            yield from of_parser(inner, f"{typed} {name}", told[name])
    if not below:
        formatter = parser._get_formatter()
        options = tuple(
            (_named(action), formatter._expand_help(action) if action.help else "")
            for action in parser._actions
            if not isinstance(action, argparse._HelpAction)
        )
        yield Command(typed, sentence, example, options)


def _named(action: argparse.Action) -> str:
    values = "|".join(map(str, action.choices)) if action.choices else ""
    metavar = action.metavar if isinstance(action.metavar, str) else values or action.dest.upper()
    more = "…" if action.nargs in ("*", "+") else ""
    if not action.option_strings:
        return f"{action.metavar or action.dest.upper()}{more}"
    return action.option_strings[-1] + ("" if action.nargs == 0 else f" {metavar}{more}")


def of_trainer(name: str, keys: type) -> Command:
    """Returns a trainer; its flags are the keys of its recipe, those of TRL not listed."""
    sentence, example = lead(importlib.import_module(f"recipes.{name}").__doc__ or "")
    options = [("--config FILE", f"{WORDS['--config']}; every key may be a flag after it")]
    options += [
        (f"--{field.name} {field.name.upper()}", field.metadata.get("help", ""))
        for field in dataclasses.fields(keys)
    ]
    return Command(f"python recipes/{name}.py", sentence, example, tuple(options))


def lead(doc: str) -> tuple[str, str]:
    """Splits the first line of a command's docstring into sentence and example."""
    first = " ".join(doc.strip().partition("\n\n")[0].split())
    found = re.fullmatch(r"(.*?): ((?:accelerate launch|python|coig-writer) .*?)\.?", first)
    return (found[1], found[2]) if found else (first.partition(". ")[0].rstrip("."), "")


def commands() -> Iterator[Command]:
    """Yields every command, in the order of the page."""
    for group in groups():
        yield from of_group(group)
    for name in RECIPES:
        parser = parser_of(f"recipes.{name}")
        yield from of_parser(parser, f"python recipes/{name}.py", parser.description or "")
    for name, keys in TRAINERS.items():
        yield of_trainer(name, keys)
    yield from of_parser(parser_of("coig_writer.__main__"), "coig-writer", "")


def page() -> str:
    """Renders the page."""
    lines = [OPENING, "| Flag | Meaning |", "| --- | --- |"]
    lines += [f"| `{flag}` | {meaning} |" for flag, meaning in WORDS.items()]
    folder = ""
    for found in commands():
        above = re.sub(
            r"^(python -m \w+|python space/app\.py|python recipes|coig-writer).*",
            r"\1",
            found.typed,
        )
        if above != folder:
            lines += ["", f"## {above}"]
        folder = above
        lines += ["", f"### {found.typed}", "", _sentence(found), ""]
        if found.options:
            lines += ["| Option | |", "| --- | --- |"]
            lines += [f"| `{_cell(name)}` | {_cell(told)} |" for name, told in found.options]
    return "\n".join(lines) + "\n"


def _sentence(found: Command) -> str:
    example = f" For example: `{found.example}`" if found.example else ""
    return f"{found.sentence[:1].upper()}{found.sentence[1:]}.{example}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Writes the page."""
    with atomic_path(PAGE) as partial:
        partial.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
