"""Who works at a workbench, as its operator lists them: aliases, never names.

A YAML file (``people.yaml`` in the workbench's folder)::

    workbench: zh-2026
    people:
      - {alias: a1, roles: [annotate], genres: [poetry, wuxia]}
      - {alias: r1, roles: [review], account: somebody-on-the-hub}
      - {alias: lead, roles: [operate]}
    overlap: 0.1        # share of the articles that two people write for
    gold: gold.jsonl    # the reviewers' calibration, the file that curate has as --gold

``genres`` empty means all. A study of the arena may name this file as its ``roster``. Whoever reviews has the alias that ``curate --reviewers`` has.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from coig_writer.errors import ConfigError
from coig_writer.files import read_settings
from coig_writer.taxonomy import published

Role = Literal["annotate", "review", "panel", "operate"]
FILE = "people.yaml"
GUIDE = "docs/curate-a-new-set.md"
_ALIAS = re.compile(r"[\w-]{1,40}")


@dataclasses.dataclass(frozen=True, slots=True)
class Consent:
    """The text that somebody agrees to, in both interface languages; empty takes the kit's own."""

    zh: str = ""
    en: str = ""


@dataclasses.dataclass(frozen=True)
class Person:
    """Somebody who works here.

    Attributes:
        alias: What the operator calls them.
        roles: What they may do.
        genres: What they write for; empty means everything.
        account: Their account on the Hub, if they sign in with it; it is compared and not stored.
    """

    alias: str
    roles: tuple[Role, ...]
    genres: tuple[str, ...] = ()
    account: str | None = None


@dataclasses.dataclass(frozen=True)
class Roster:
    """All who work here, and how.

    Attributes:
        workbench: Its name; part of every invitation.
        people: Who.
        overlap: Share of articles that two annotators write for, to see how alike they work.
        gold: The reviewers' gold items, a path from the roster's folder.
        qualify: Whether nobody annotates before the exercises are passed.
        consent: What is asked before the first item, by language; empty for the usual text.

    Raises:
        ConfigError: An alias or account is invalid or duplicate, somebody has no role, a genre is unknown,
            or the overlap is not from 0 to 1.
    """

    workbench: str = "workbench"
    people: tuple[Person, ...] = ()
    overlap: float = 0.0
    gold: str | None = None
    qualify: bool = False
    consent: Consent = dataclasses.field(default_factory=Consent)

    def __post_init__(self) -> None:
        aliases = [person.alias for person in self.people]
        for alias in aliases:
            if not _ALIAS.fullmatch(alias):
                raise ConfigError(
                    f"invalid alias {alias!r}", "use letters, digits, - and _, 40 at most"
                )
        _refuse_duplicates("alias", aliases)
        _refuse_duplicates("account", [p.account for p in self.people if p.account is not None])
        if idle := [person.alias for person in self.people if not person.roles]:
            raise ConfigError(
                f"{idle[0]} has no role", f"give some of {', '.join(typing.get_args(Role))}"
            )
        known = {genre.slug for genre in published().genres}
        for person in self.people:
            if unknown := sorted(set(person.genres) - known):
                raise ConfigError(
                    f"{person.alias}: unknown genre {unknown[0]!r}", "use a slug of the taxonomy"
                )
        if not 0 <= self.overlap <= 1:
            raise ConfigError(f"`overlap` is {self.overlap}", "give a share from 0 to 1")

    def annotators(self) -> tuple[str, ...]:
        """Returns the aliases and accounts of all who annotate."""
        people = [person for person in self.people if "annotate" in person.roles]
        return tuple(name for p in people for name in (p.alias, p.account) if name)


def _refuse_duplicates(kind: str, names: Sequence[str]) -> None:
    counts = Counter(map(str.casefold, names))
    if twice := [name for name in names if counts[name.casefold()] > 1]:
        raise ConfigError(f"duplicate {kind} {min(twice)!r}", "give everybody their own")


def read(path: Path) -> Roster:
    """Reads a roster.

    Raises:
        MissingInputError: There is no such file.
        ConfigError: The file is no roster.
    """
    try:
        return read_settings(path, Roster, GUIDE)
    except ConfigError as error:
        if error.message.startswith(str(path)):
            raise
        raise ConfigError(f"{path}: {error.message}", error.remedy) from error


def usual(reviewers: Path) -> Roster:
    """Returns the roster of a workbench that has none: two annotators, an operator, and the reviewers with items.

    Args:
        reviewers: The folder with one file of items per reviewer.
    """
    aliases = [file.stem for file in sorted(reviewers.glob("*.jsonl"))]
    return Roster(
        people=(
            *(Person(alias, ("annotate",)) for alias in ("a1", "a2")),
            *(Person(alias, ("review",)) for alias in aliases),
            Person("operator", ("operate",)),
        )
    )
