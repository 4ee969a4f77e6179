"""Controls: the published recipe with one thing changed, each to answer one question.

A control is one more variant: ``recipes/mix.py``, ``recipes/sft.py`` and ``recipes/generate.py`` take
its name where they take ``cw_10k``. Its rows are those of the variant it is held against, sampled by
the same hash, and only then changed, so nothing else differs (docs/decisions/0080-controls.md).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from coig_writer import generation, paper
from coig_writer.errors import ConfigError, InputError, MissingInputError
from coig_writer.files import read_json, read_yaml
from coig_writer.mixing import chat
from coig_writer.mixing.chat import Tokenizer
from coig_writer.mixing.mixing import Aside, Rules, Sampled
from coig_writer.mixture import PUBLISHED, MixtureRow, Turn, rank, steps
from coig_writer.record import from_row
from coig_writer.triplet import messages

if TYPE_CHECKING:
    from trl import SFTConfig

Reasoning = Literal["own", "absent", "shuffled"]
SOURCES = ("creative", "general_zh", "general_en")
FILE = Path("recipes/configs/controls.yaml")


@dataclasses.dataclass(frozen=True, slots=True)
class Control:
    """A variant and what it changes; None and ``own`` change nothing.

    Args:
        name: Of the control; a published variant is a control that changes nothing.
        of: The published variant it is held against.
        question: What the comparison of the two answers.
        creative: Creative rows, the first in hash order.
        general_zh: Chinese general rows.
        general_en: English general rows.
        rows: Of any further sources of the recipe, by name.
        reasoning: Of the creative rows: their own, none at all, or another creative row's.
        steps_of: Train for as many optimizer steps as this variant takes.
        seed: Of the trainer.
        holdout: Share of the creative rows of each genre that is not trained on but measured.
    """

    name: str
    of: str
    question: str
    creative: int | None = None
    general_zh: int | None = None
    general_en: int | None = None
    rows: dict[str, int] = dataclasses.field(default_factory=dict)
    reasoning: Reasoning = "own"
    steps_of: str | None = None
    seed: int | None = None
    holdout: float | None = None

    @property
    def changes(self) -> dict[str, object]:
        """What differs from ``of``, by the names of ``controls.yaml``."""
        fixed = ("name", "of", "question")
        return {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if f.name not in fixed and getattr(self, f.name) not in (f.default, {})
        }

    @property
    def locked(self) -> dict[str, object] | None:
        """What a lock says of it; None for a published variant."""
        if self.name in PUBLISHED:
            return None
        return {"name": self.name, "of": self.of, "question": self.question} | self.changes


def read(path: Path = FILE) -> dict[str, Control]:
    """Reads ``controls.yaml``.

    Raises:
        MissingInputError: There is no such file.
        ConfigError: A key is unknown or a value does not fit.
    """
    return {name: _parse(name, entry, path) for name, entry in read_yaml(path).items()}


def _parse(name: str, entry: object, path: Path) -> Control:
    where = f"{path}: control {name!r}"
    given = entry if isinstance(entry, dict) else {}
    try:
        control = from_row(Control, {**given, "name": name}, where, "key")
    except InputError as error:
        raise ConfigError(error.message, error.remedy) from error
    numbers = [control.creative, control.general_zh, control.general_en, *control.rows.values()]
    checks = {
        "the name of a published variant": control.name in PUBLISHED,
        f"of: {control.of!r} is not a published variant": control.of not in PUBLISHED,
        f"steps_of: {control.steps_of!r} is not a published variant": control.steps_of
        not in (None, *PUBLISHED),
        "a count is below 0": any(n is not None and n < 0 for n in numbers),
        "rows: the published sources have keys of their own": not control.rows.keys().isdisjoint(
            SOURCES
        ),
        "nothing is changed": not control.changes,
        f"holdout: {control.holdout} is not a share between 0 and 1": control.holdout is not None
        and not 0 < control.holdout < 1,
        "holdout: is of creative rows, and there are none": control.holdout is not None
        and control.of in PUBLISHED
        and not counts(control).get("creative"),
    }
    for wrong in (what for what, is_so in checks.items() if is_so):
        raise ConfigError(f"{where}: {wrong}", f"variants are {', '.join(PUBLISHED)}; see {FILE}")
    return control


def resolve(variant: str, path: Path = FILE) -> Control:
    """Returns a published variant or a control by its name.

    Raises:
        ConfigError: It is neither.
    """
    if variant in PUBLISHED:
        return Control(variant, variant, "")
    listed = read(path)
    if variant not in listed:
        raise ConfigError(
            f"unknown variant {variant!r}",
            f"variants are {', '.join(PUBLISHED)}, and the controls of {path}: {', '.join(listed)}",
        )
    return listed[variant]


def counts(control: Control) -> dict[str, int]:
    """Returns the rows that each source gives, at the published scale."""
    base = PUBLISHED[control.of]
    published = (base.creative, base.general_per_language, base.general_per_language)
    changed = (control.creative, control.general_zh, control.general_en)
    wanted = {
        source: count if count is not None else usual
        for source, usual, count in zip(SOURCES, published, changed, strict=True)
    }
    return {source: count for source, count in (wanted | control.rows).items() if count}


def held_out(rows: int, share: float) -> int:
    """Returns how many rows of a genre are held out: its share, one at least from ten rows up."""
    return max(round(share * rows), int(rows >= 10))


def trained(control: Control) -> dict[str, int]:
    """Returns the rows that each source gives to training, at the published scale."""
    rows = counts(control)
    if control.holdout is not None:
        genres = (genre.count for genre in paper.genres().values() if genre is not None)
        rows["creative"] -= sum(held_out(count, control.holdout) for count in genres)
    return rows


def at_sample_scale(wanted: Mapping[str, int], at_hand: Mapping[str, int]) -> dict[str, int]:
    """Shrinks counts to the rows at hand, for samples only.

    All creative rows stand for 1,665. All general rows (of the shorter source) stand for 10,000, or
    for the largest general count where a control asks for more. Counts are rounded down. Of any other
    source the count is taken as it is, or all rows where there are fewer.
    """
    general = {
        source: n for source, n in at_hand.items() if source in SOURCES[1:] and source in wanted
    }
    whole = max([PUBLISHED["cw_10k"].general_per_language, *(wanted[s] for s in general)])
    rows = min(general.values(), default=0)
    return {
        source: count * at_hand[source] // PUBLISHED["cw"].creative
        if source == "creative"
        else count * rows // whole
        if source in SOURCES
        else min(count, at_hand[source])
        for source, count in wanted.items()
    }


def rework(part: Sampled, control: Control, rules: Rules, tokenizer: Tokenizer) -> Sampled:
    """Applies a control to the creative rows that were sampled; other parts pass unchanged.

    Shuffled reasoning is that of the next row in hash order, the last row's that of the first: no
    row keeps its own, and a row added upstream changes two pairs. A row whose new reasoning fills
    the length is kept aside, as it would be in any mixture.
    """
    if control.reasoning == "own" or part.source.name != "creative":
        return part
    rows = sorted(part.taken, key=lambda r: rank(rules.seed, r.source, r.source_id))
    donors = [*rows[1:], *rows[:1]]
    taken: list[MixtureRow] = []
    aside: list[Aside] = []
    for row, donor in zip(rows, donors, strict=True):
        reasoning = None if control.reasoning == "absent" else _parts(donor)[1]
        changed, fits = _with_reasoning(row, reasoning, rules, tokenizer)
        if fits:
            taken.append(changed)
        else:
            aside.append(Aside(row.source, row.source_id, "reasoning_fills_the_length"))
    over_long = sum(r.n_tokens > rules.max_length_tokens for r in taken)
    return dataclasses.replace(
        part, taken=tuple(taken), aside=(*part.aside, *aside), over_long=over_long
    )


def hold_out(part: Sampled, control: Control, rules: Rules) -> Sampled:
    """Keeps a share of the creative rows of each genre from training, those with the lowest hashes.

    The hash is not the one they were sampled by, so a control with fewer creative rows would not hold
    out the first of them. Where no genre has enough, as in a sample, all of them are taken as one.

    Raises:
        ConfigError: None is left to train on.
    """
    if control.holdout is None or part.source.name != "creative":
        return part
    order = sorted(part.taken, key=lambda r: rank(rules.seed, "holdout/creative", r.source_id))
    by_genre: dict[str, list[MixtureRow]] = {}
    for row in order:
        by_genre.setdefault(part.genres.get(row.source_id, ""), []).append(row)
    kept = tuple(
        row for rows in by_genre.values() for row in rows[: held_out(len(rows), control.holdout)]
    )
    if not kept:  # a sample has two rows of a genre
        kept = tuple(order[: max(1, held_out(len(order), control.holdout))])
    ids = {row.source_id for row in kept}
    taken = tuple(row for row in part.taken if row.source_id not in ids)
    if not taken:
        raise ConfigError(
            f"control {control.name!r}: holdout {control.holdout} leaves none of {len(part.taken)} creative rows to train on",
            "give a smaller share, or more rows",
        )
    aside = (*part.aside, *(Aside(row.source, row.source_id, "held_out") for row in kept))
    over_long = sum(r.n_tokens > rules.max_length_tokens for r in taken)
    return dataclasses.replace(part, taken=taken, aside=aside, over_long=over_long, held_out=kept)


def _parts(row: MixtureRow) -> tuple[str, str | None, str]:
    parts = generation.split(row.messages[-1].content)
    return row.messages[0].content, parts.reasoning, parts.article


def _with_reasoning(
    row: MixtureRow, reasoning: str | None, rules: Rules, tokenizer: Tokenizer
) -> tuple[MixtureRow, bool]:
    prompt, _, article = _parts(row)
    conversation = messages(prompt, reasoning, article)
    turns = tuple(Turn(m["role"], m["content"]) for m in conversation)
    tokens = chat.count(tokenizer, conversation)
    fits = tokens <= rules.max_length_tokens or (
        chat.reasoning_end(tokenizer, conversation) < rules.max_length_tokens
    )
    return dataclasses.replace(row, messages=turns, n_tokens=tokens), fits


class Recipe(Protocol):
    """What a control reads of a recipe: where mixtures lie, and how many rows a step takes."""

    mixtures: str
    global_batch_size: int


def applied(control: Control, recipe: Recipe, sft: SFTConfig) -> SFTConfig:
    """Returns the training settings of a control: its seed and its number of steps.

    Raises:
        MissingInputError: It trains as long as another variant whose mixture was not built.
    """
    if control.seed is not None:
        sft = dataclasses.replace(sft, seed=control.seed)
    if control.steps_of is not None:
        rows = _rows(Path(recipe.mixtures) / control.steps_of / "mixture.lock.json", control)
        longest = steps(rows, recipe.global_batch_size, int(sft.num_train_epochs))
        sft = dataclasses.replace(sft, max_steps=longest)
    return sft


def _rows(lock: Path, control: Control) -> int:
    if not lock.is_file():
        raise MissingInputError(
            f"{control.name} trains as many steps as {control.steps_of}, and {lock} is missing",
            f"build that mixture too: python recipes/mix.py --variants {control.steps_of}",
        )
    return int(read_json(lock)["rows"])
