"""The study file: which prompts, models, protocols and raters, and how they are assigned.

A study is a YAML file of the keys below; an unknown key is an error that names the nearest one.
Without a file the arena runs ``Study()``: public, all protocols, on the texts it is given.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from coig_writer.arena.study import people
from coig_writer.arena.study.people import Consent
from coig_writer.ballot import Protocol
from coig_writer.errors import ConfigError, InputError, MissingInputError
from coig_writer.files import read_yaml
from coig_writer.record import from_row

PROTOCOLS: tuple[Protocol, ...] = ("pairwise", "ranking", "rating")
Mode = Literal["public", "invited"]
LONGEST_NAME = 200  # characters that the store's columns take


@dataclasses.dataclass(frozen=True, slots=True)
class Overlap:
    """``share`` of the items goes to ``raters`` different raters each, the rest to one."""

    share: float = 0.2
    raters: int = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Study:
    """One study.

    Attributes:
        study: Its name; part of every ballot.
        mode: ``public`` lets anyone vote and tells who wrote what after a sitting;
            ``invited`` takes the listed raters only and never tells.
        protocols: What raters are asked; the first is the default of the page.
        generations: Files or folders of generation records, relative to the study file.
        sample: Which of several answers to a prompt is shown, by its number.
        models: Variants to compare; empty takes all.
        prompts: Query ids; empty takes all.
        raters: Names behind the invitations; only their pseudonyms are stored. Names may be added and
            replaced while the study runs.
        annotators: Who wrote or annotated the data; none of them may rate.
        roster: The workbench's roster, a path from the study file; whoever annotates there is one of the
            ``annotators``, by alias and by account.
        items_per_rater: Length of a public visitor's set.
        pairs_per_prompt: How many of a prompt's pairs are asked, spread evenly; null asks all.
        overlap: See ``Overlap``.
        repeats: Share of a rater's items shown to the same rater again, order reversed.
        ties: Whether a ranking may hold ties.
        seed: Seed of the assignment.
        results_after: Ballots a protocol and language need before a public board shows, and for each change.
        votes_per_minute: Limit per rater.
        raters_per_minute: Limit on new raters, per client address.
        scan: Whether texts are scanned for what gives a model away; false shows them as they came.
        allow: Phrases that the scan lets pass.
        sign_in: Whether visitors of a public study need an account; a cookie alone does not vote then.
        consent: See ``Consent``.
    """

    study: str = "demo"
    mode: Mode = "public"
    protocols: tuple[Protocol, ...] = PROTOCOLS
    generations: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    raters: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()
    roster: str | None = None
    items_per_rater: int = 10
    pairs_per_prompt: int | None = None
    overlap: Overlap = Overlap()
    repeats: float = 0.1
    ties: bool = False
    seed: int = 20251014
    results_after: int = 20
    votes_per_minute: int = 60
    raters_per_minute: int = 120
    scan: bool = True
    allow: tuple[str, ...] = ()
    sign_in: bool = False
    consent: Consent = dataclasses.field(default_factory=Consent)
    sample: int = 0

    def design(self, fingerprint: str, raters: tuple[str, ...] = ()) -> str:
        """Returns a digest of what must not change once votes are in: texts and who sees what.

        Args:
            fingerprint: Digest of the texts.
            raters: What stands for the raters: nothing, since they come and go; all of them in
                studies that were begun before they could.
        """
        free = {"results_after", "votes_per_minute", "raters_per_minute", "consent", "annotators"}
        free |= {"roster", "sign_in"}
        free |= {"scan", "sample"}  # the texts say what a scan left and which were taken
        fixed = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        fixed["raters"] = raters
        kept = [f"{name}={value!r}" for name, value in sorted(fixed.items()) if name not in free]
        return hashlib.sha256("\n".join([fingerprint, *kept]).encode()).hexdigest()


def load(path: Path) -> Study:
    """Reads a study file, and the roster that it names.

    Raises:
        MissingInputError: One of them does not exist.
        ConfigError: Not YAML, an unknown key, or a value that breaks a rule.
    """
    if not path.is_file():
        raise MissingInputError(
            f"{path}: no such study file", "copy space/study.example.yaml and edit it"
        )
    study = parse(read_yaml(path, "space/study.example.yaml"), str(path))
    if study.roster is None:
        return study
    wrote = people.read(path.parent / study.roster).annotators()
    return check(dataclasses.replace(study, annotators=(*study.annotators, *wrote)), str(path))


def parse(data: object, path: str) -> Study:
    """Builds a study from parsed YAML; see ``load``."""
    if not isinstance(data, Mapping):
        raise ConfigError(
            f"{path}: a {type(data).__name__}, not a mapping of keys", "start with `study: NAME`"
        )
    for key, known in (("", Study), ("overlap", Overlap), ("consent", Consent)):
        part = data.get(key, {}) if key else data
        if not isinstance(part, Mapping):
            named = ", ".join(f"{field.name}: …" for field in dataclasses.fields(known))
            raise ConfigError(f"{path}: `{key}` is {part!r}, not keys", f"write {{{named}}}")
        _known_keys(part, known, f"{path}: {key}".rstrip(": "))
    if "study" not in data:
        raise ConfigError(f"{path}: key 'study' is missing", "add `study: NAME`")
    try:
        return check(from_row(Study, data, path), path)
    except InputError as error:
        remedy = error.remedy if "one of" in error.remedy else "see space/study.example.yaml"
        raise ConfigError(error.message.replace("column", "key", 1), remedy) from error


def _known_keys(data: Mapping[str, object], cls: type, path: str) -> None:
    known = [field.name for field in dataclasses.fields(cls)]
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1)
            raise ConfigError(
                f"{path}: unknown key {key!r}",
                f"did you mean {near[0]!r}?" if near else f"keys are {', '.join(known)}",
            )


def check(study: Study, path: str) -> Study:
    """Returns the study unchanged if its values can be run.

    Raises:
        ConfigError: A value breaks a rule; the message names both.
    """
    for broken, rule, remedy in _rules(study):
        if broken:
            raise ConfigError(f"{path}: {rule}", remedy)
    return study


def _rules(study: Study) -> list[tuple[bool, str, str]]:
    n_raters = len(study.raters)
    return [
        *_rules_of_names(study),
        (
            study.mode == "invited" and not study.raters,
            "an invited study without `raters`",
            "list the raters, or set `mode: public`",
        ),
        (
            study.mode == "public" and bool(study.raters),
            "`raters` in a public study",
            "set `mode: invited`, or take the list out",
        ),
        (
            study.sign_in and study.mode == "invited",
            "`sign_in` in an invited study",
            "leave it out: the invitation says who votes",
        ),
        (not 0 <= study.overlap.share <= 1, "`overlap.share` must lie in 0..1", "try 0.2"),
        (study.overlap.raters < 2, "`overlap.raters` must be at least 2", "try 2"),
        (
            study.mode == "invited" and study.overlap.share > 0 and study.overlap.raters > n_raters,
            f"`overlap.raters` is {study.overlap.raters}, but there are {n_raters} raters",
            "invite more raters or lower it",
        ),
        (not 0 <= study.repeats <= 0.5, "`repeats` must lie in 0..0.5", "try 0.1"),
        (study.sample < 0, "`sample` must be 0 or more", "the first answer to a prompt is 0"),
        (study.items_per_rater < 1, "`items_per_rater` must be at least 1", "try 10"),
        (
            study.pairs_per_prompt is not None and study.pairs_per_prompt < 1,
            "`pairs_per_prompt` must be at least 1",
            "leave it out to ask all pairs",
        ),
        (
            study.votes_per_minute < 1 or study.raters_per_minute < 1,
            "a rate limit below 1 lets nobody vote",
            "leave it out for the default",
        ),
    ]


def _rules_of_names(study: Study) -> list[tuple[bool, str, str]]:
    both = sorted(set(map(str.casefold, study.raters)) & set(map(str.casefold, study.annotators)))
    n_raters = len(study.raters)
    return [
        (not study.study.strip(), "`study` is empty", "give the study a name"),
        (
            len(study.study) > LONGEST_NAME,
            f"`study` has {len(study.study)} characters; the store takes {LONGEST_NAME}",
            "shorten it",
        ),
        (not study.protocols, "`protocols` is empty", "list some of pairwise, ranking, rating"),
        (
            len(study.protocols) > len(set(study.protocols)),
            "duplicate name in `protocols`",
            "name each protocol once",
        ),
        (
            any(not name.strip() or set(name) & set("\t\r\n") for name in study.raters),
            "a name in `raters` is blank, or holds a tab or line end",
            "write each name on one line: `invite` prints name, tab, link",
        ),
        (
            bool(both),
            f"rater {both[0] if both else ''!r} also annotated the data",
            "take the name out of `raters`: annotators must not judge what they wrote",
        ),
        (
            n_raters != len({r.casefold() for r in study.raters}),
            "duplicate name in `raters`",
            "name each rater once",
        ),
    ]
