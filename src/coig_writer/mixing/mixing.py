"""Builds a mixture: convert, decontaminate, length-filter, sample by hash, shuffle, lock.

Rows are visited in the order of their hash and tokenised only until the count is reached, so a
source of 114,000 rows costs little more than its sample. Nothing is dropped silently: every row
that was visited and not taken is in ``kept_aside.jsonl`` with its reason.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from coig_writer.errors import ConfigError, DriftError, InputError, MissingInputError
from coig_writer.facts import Fact
from coig_writer.files import (
    file_sha256,
    iterate,
    read_json,
    read_records,
    rows_sha256,
    write_json,
    write_records,
)
from coig_writer.mixing import chat
from coig_writer.mixing.chat import Tokenizer
from coig_writer.mixing.sources import (
    Source,
    Unconvertible,
    check_excluded,
    convert,
    excluded,
    load,
)
from coig_writer.mixture import SAMPLER_VERSION, Example, Lock, MixtureRow, Turn, ids_hash, rank
from coig_writer.text.contamination import contaminated
from coig_writer.triplet import messages

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

COMMAND = "python recipes/mix.py"
LOCK_VERSION = 2  # 1 (unwritten) held no hash of the content
HELD_OUT = "held_out.parquet"
CONTAMINATED = "contaminated"  # reason of a row whose prompt repeats a benchmark query

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """What may enter a mixture.

    Attributes:
        seed: Of the sampling and the shuffle.
        max_length_tokens: Longest row that is trained on whole.
        over_long: What happens to a longer creative row: ``cut`` keeps it, and the trainer sees its first tokens;
            ``drop`` keeps it aside. General rows are always dropped, since any other row can take their place
            (docs/decisions/0007-over-long-rows.md).
    """

    seed: int
    max_length_tokens: int
    over_long: str = "cut"


@dataclasses.dataclass(frozen=True, slots=True)
class Aside:
    """A row that was visited and not taken.

    Attributes:
        source: Name of the source in the recipe.
        source_id: Id of the row there.
        reason: Why: ``over_long``, ``held_out``, ``repeated``, ``contaminated_by_QUERY``, or what the row lacks.
    """

    source: str
    source_id: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Sampled:
    """What was taken from one source, and what was not; ``genres`` is by source id."""

    source: Source
    commit: str | None
    rows_at_hand: int
    taken: tuple[MixtureRow, ...]
    aside: tuple[Aside, ...]
    over_long: int
    genres: Mapping[str, str] = dataclasses.field(default_factory=dict)
    held_out: tuple[MixtureRow, ...] = ()


class HeldOut(TypedDict):
    """Rows that a control keeps from training.

    Attributes:
        rows: How many.
        content_sha256: Of every text, id and length.
    """

    rows: int
    content_sha256: str


class _LockedChoice(TypedDict, total=False):
    genres: list[str]
    excluded: int
    excluded_sha256: str
    max_rows: int


class LockedSource(_LockedChoice):
    """What a source gave to a mixture.

    Attributes:
        path: Id on the Hub, or a local file's name.
        revision: Its commit on the Hub; null for a local one.
        config: Of the source, as the recipe names it.
        genres: The genres that the recipe takes, if it names some.
        excluded: How many ids it may not take, if it excludes some.
        excluded_sha256: Of these ids.
        max_rows: Most rows that it may give, if the recipe sets it.
        format: By which its rows are converted.
        rows_at_hand: Rows that it has.
        rows: Rows that it gave.
        tokens: Tokens of these rows.
        over_long: How many of them are longer than the limit.
        kept_aside: Reason → rows that were visited and not taken.
        ids_sha256: Of the ids, whatever their order.
        content_sha256: Of every text, id and length.
    """

    path: str
    revision: str | None
    config: str | None
    format: str
    rows_at_hand: int
    rows: int
    tokens: int
    over_long: int
    kept_aside: dict[str, int]
    ids_sha256: str
    content_sha256: str


class _LockedControl(TypedDict, total=False):
    control: dict[str, object]
    held_out: HeldOut


class LockFile(_LockedControl):
    """A mixture, described so exactly that any drift shows.

    Attributes:
        lock_version: Of this file; locks of kits before 0.2.0 may lack it and what came with it.
        sample_scale: Whether the counts were shrunk to a sample.
        control: What a control changes, and of which variant; published variants have none.
        held_out: What a control keeps from training.
        variant: Name of the mixture.
        sampler_version: Of the order by hash.
        rules: How rows were chosen.
        tokenizer_sha256: Of the tokenizer that counted the lengths.
        rows: How many rows it has.
        tokens: Their tokens.
        ids_sha256: Of sources and ids, whatever their order.
        order_sha256: Of sources and ids in training order.
        content_sha256: Of every text, id and length, in training order.
        sources: Name in the recipe → what it gave.
    """

    lock_version: int
    sample_scale: bool
    variant: str
    sampler_version: int
    rules: Rules
    tokenizer_sha256: str
    rows: int
    tokens: int
    ids_sha256: str
    order_sha256: str
    content_sha256: str
    sources: dict[str, LockedSource]


def visit(
    source: Source, seed: int
) -> tuple[Dataset, str | None, list[tuple[bytes, int]], list[Aside]]:
    """Opens a source and orders its rows by hash.

    Returns:
        The dataset, its commit, (rank, row number) of the convertible rows in hash order with equal
        rows counted once, and the rows kept aside.

    Raises:
        InputError: It lacks a row that ``exclude`` lists.
    """
    rows, commit = load(source)
    held_out = excluded(source)
    order: dict[bytes, int] = {}
    aside: list[Aside] = []
    ids: set[str] = set()
    for number, row in enumerate(rows):
        try:
            example = convert(source, row)
        except Unconvertible as verdict:
            aside.append(Aside(source.name, f"row {number + 1}", str(verdict)))
            ids.add(str(row.get("id")))
            continue
        ids.add(example.source_id)
        place = rank(seed, source.name, example.source_id)
        if example.source_id in held_out:
            aside.append(Aside(source.name, example.source_id, "held_out"))
        elif place in order:
            aside.append(Aside(source.name, example.source_id, "repeated"))
        else:
            order[place] = number
    check_excluded(source, ids)
    return rows, commit, sorted(order.items()), aside


def sample(source: Source, count: int | None, rules: Rules, tokenizer: Tokenizer) -> Sampled:
    """Takes the first ``count`` admissible rows of a source in hash order (None: all of them).

    Raises:
        InputError: The source has fewer admissible rows, or none.
    """
    rows, commit, order, aside = visit(source, rules.seed)
    taken: list[MixtureRow] = []
    genres: dict[str, str] = {}
    over_long = 0
    most = min((n for n in (count, source.max_rows) if n is not None), default=None)
    for _, number in order:
        if len(taken) == most:
            break
        example = convert(source, rows[number])
        row, reason = admit(example, rules, tokenizer)
        if row is None:
            aside.append(Aside(source.name, example.source_id, reason))
            continue
        over_long += row.n_tokens > rules.max_length_tokens
        taken.append(row)
        genres[row.source_id] = example.genre
    if not taken or (count is not None and len(taken) < count):
        raise InputError(
            f"source {source.name} ({source.path}): {len(taken)} admissible rows of {len(rows)}, {count or 'some'} needed",
            f"the others: {dict(Counter(a.reason for a in aside))}; add rows, {'raise max_rows, ' if source.max_rows else ''}or lower the count",
        )
    return Sampled(source, commit, len(rows), tuple(taken), tuple(aside), over_long, genres)


def admit(example: Example, rules: Rules, tokenizer: Tokenizer) -> tuple[MixtureRow | None, str]:
    """Decides on one example: the row that enters the mixture, or None and the reason."""
    if repeats := contaminated(example.prompt):
        return None, f"{CONTAMINATED}_by_{repeats.of}"
    conversation = messages(example.prompt, example.reasoning, example.article)
    n_tokens = chat.count(tokenizer, conversation)
    if n_tokens > rules.max_length_tokens:
        if example.source != "creative" or rules.over_long == "drop":
            return None, "over_long"
        if chat.reasoning_end(tokenizer, conversation) >= rules.max_length_tokens:
            return None, "reasoning_fills_the_length"
    turns = tuple(Turn(m["role"], m["content"]) for m in conversation)
    return MixtureRow(turns, example.source, example.source_id, n_tokens), ""


def build(sampled: Sequence[Sampled], rules: Rules) -> list[MixtureRow]:
    """Joins the samples and shuffles them by the same hash; a run reads rows in this order."""
    rows = [row for part in sampled for row in part.taken]
    return sorted(rows, key=lambda r: rank(rules.seed, "shuffle/" + r.source, r.source_id))


def lock(
    variant: str,
    sampled: Sequence[Sampled],
    rows: Sequence[MixtureRow],
    rules: Rules,
    tokenizer_hash: str,
    **named: object,
) -> Lock:
    """Describes a mixture so exactly that any drift shows.

    Args:
        variant: Its name.
        sampled: What each source gave.
        rows: All of it, in training order; ``content_sha256`` covers every text, id and length.
        rules: By which it was made.
        tokenizer_hash: Of the tokenizer that counted the lengths.
        named: What else belongs to it: ``control`` (what it changes), ``sample_scale``.
    """
    held_out = held_out_rows(sampled)
    if held_out:
        named["held_out"] = {"rows": len(held_out), "content_sha256": rows_sha256(held_out)}
    return {"lock_version": LOCK_VERSION, **named} | {
        "variant": variant,
        "sampler_version": SAMPLER_VERSION,
        "rules": dataclasses.asdict(rules),
        "tokenizer_sha256": tokenizer_hash,
        "rows": len(rows),
        "tokens": sum(r.n_tokens for r in rows),
        "ids_sha256": ids_hash(f"{r.source}\t{r.source_id}" for r in rows),
        "order_sha256": hashlib.sha256(
            "\n".join(f"{r.source}\t{r.source_id}" for r in rows).encode()
        ).hexdigest(),
        "content_sha256": rows_sha256(rows),
        "sources": {s.source.name: _locked_source(s) for s in sampled},
    }


def held_out_rows(sampled: Sequence[Sampled]) -> list[MixtureRow]:
    """Returns what a control keeps from training, to measure the loss on, in the order of its parts."""
    return [row for part in sampled for row in part.held_out]


def _locked_source(part: Sampled) -> dict[str, object]:
    return {
        "path": part.source.path if not part.source.local else Path(part.source.path).name,
        "revision": part.commit,
        "config": part.source.config,
        **({"genres": list(part.source.genres)} if part.source.genres else {}),
        **_locked_exclusion(part.source),
        **({"max_rows": part.source.max_rows} if part.source.max_rows else {}),
        "format": part.source.format,
        "rows_at_hand": part.rows_at_hand,
        "rows": len(part.taken),
        "tokens": sum(r.n_tokens for r in part.taken),
        "over_long": part.over_long,
        "kept_aside": dict(sorted(Counter(_kind(a.reason) for a in part.aside).items())),
        "ids_sha256": ids_hash(r.source_id for r in part.taken),
        "content_sha256": rows_sha256(part.taken),
    }


def _locked_exclusion(source: Source) -> dict[str, int | str]:
    """Says which rows were excluded: where none of them would have been taken, the rows do not show it."""
    if source.exclude is None:
        return {}
    ids = excluded(source)
    return {"excluded": len(ids), "excluded_sha256": ids_hash(ids)}


def _kind(reason: str) -> str:
    return CONTAMINATED if reason.startswith(f"{CONTAMINATED}_by_") else reason


def write(
    folder: Path, rows: Sequence[MixtureRow], locked: Lock, sampled: Sequence[Sampled]
) -> None:
    """Writes ``train.parquet``, ``kept_aside.jsonl``, what is held out, and, last, the lock."""
    write_records(folder / "train.parquet", rows, MixtureRow)
    if held_out := held_out_rows(sampled):
        write_records(folder / HELD_OUT, held_out, MixtureRow)
    write_records(folder / "kept_aside.jsonl", [a for s in sampled for a in s.aside], Aside)
    write_json(folder / "mixture.lock.json", locked)


def read_lock(file: Path) -> Lock:
    """Reads ``mixture.lock.json``.

    Raises:
        InputError: It is not what ``write`` left there.
    """
    locked = read_json(file, f"{COMMAND} --config CONFIG")
    try:
        locked["sources"], locked["ids_sha256"], locked["rules"]["max_length_tokens"]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{file}: not the lock of a mixture ({error!r:.80})",
            "restore it from version control, or remove it and build the mixture again",
        ) from error
    return locked


def read(folder: Path, max_length: int, *, sample_scale: bool) -> tuple[list[MixtureRow], Lock]:
    """Reads a mixture and holds it against its lock and against the recipe that is to use it.

    A lock of an older kit is read too, with a warning of what it cannot prove.

    Args:
        folder: Of the mixture.
        max_length: The recipe's, in tokens.
        sample_scale: Whether the recipe is one for samples.

    Raises:
        MissingInputError: The mixture was not built.
        DriftError: Its rows are not those of its lock.
        ConfigError: It was built for another length or scale.
    """
    file, again = (
        folder / "mixture.lock.json",
        f"{COMMAND} --config CONFIG --variants {folder.name}",
    )
    if not file.is_file():
        raise MissingInputError(
            f"{folder}: no mixture {folder.name!r} here",
            f"run: {again}   (CONFIG as given here, or recipes/configs/cw_10k.yaml)",
        )
    locked = read_lock(file)
    rows = read_records(folder / "train.parquet", MixtureRow, made_by=again)
    if ids_hash(f"{r.source}\t{r.source_id}" for r in rows) != locked["ids_sha256"]:
        raise DriftError(
            f"{folder}: the rows are not those of mixture.lock.json", f"build it again: {again}"
        )
    if "content_sha256" not in locked:
        logger.warning(
            f"{file} is of an older kit: it proves which rows these are, not that their texts are "
            f"unchanged. To lock them too: {again}"
        )
    elif rows_sha256(rows) != locked["content_sha256"]:
        raise DriftError(
            f"{folder}: the rows are those of mixture.lock.json, but a text, a length or the order was "
            f"changed after it was built{_where(rows, locked)}",
            f"build it again: {again}",
        )
    limit, small = locked["rules"]["max_length_tokens"], locked.get("sample_scale", sample_scale)
    if limit != max_length:
        raise ConfigError(
            f"{folder} was built for {limit} tokens, the recipe says max_length: {max_length}",
            "build the mixture again, or set max_length to its length",
        )
    if small != sample_scale:
        scales = {True: "at sample scale", False: "at the published scale"}
        raise ConfigError(
            f"{folder} was built {scales[small]}, the recipe is {scales[sample_scale]}",
            f"give --mixtures another folder, or build it again: {again}",
        )
    return rows, locked


def read_held_out(folder: Path, locked: Lock) -> list[MixtureRow]:
    """Reads the rows that a control holds out of a mixture; none where it holds out none.

    Raises:
        DriftError: They are not those of the lock.
    """
    if "held_out" not in locked:
        return []
    again = f"{COMMAND} --config CONFIG --variants {folder.name}"
    rows = read_records(folder / HELD_OUT, MixtureRow, made_by=again)
    if rows_sha256(rows) != locked["held_out"]["content_sha256"]:
        raise DriftError(
            f"{folder / HELD_OUT}: the rows are not those of mixture.lock.json",
            f"build it again: {again}",
        )
    return rows


def _where(rows: Sequence[MixtureRow], locked: Lock) -> str:
    """Names the sources whose texts or lengths differ; nothing where only the order does."""
    seed = locked["rules"]["seed"]
    parts = {
        name: sorted(
            (r for r in rows if r.source == name), key=lambda r: rank(seed, r.source, r.source_id)
        )
        for name in locked["sources"]
    }
    odd = [
        n
        for n, part in parts.items()
        if rows_sha256(part) != locked["sources"][n]["content_sha256"]
    ]
    return f" (in {', '.join(odd)})" if odd else ""


def check_tokenizer(locked: Lock, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuses to train with another tokenizer than the mixture's lengths were counted with.

    Raises:
        DriftError: It is another.
    """
    digest, stated = chat.tokenizer_sha256(tokenizer), str(locked.get("tokenizer_sha256"))
    if digest != stated:
        raise DriftError(
            f"mixture {locked['variant']} was built with tokenizer {stated[:12]}, the model has {digest[:12]}",
            f"build it for this model: {COMMAND} --config CONFIG --variants {locked['variant']}",
        )


def facts(folder: Path) -> list[Fact]:
    """Measures a mixture from its rows: rows, tokens and ids, in all and per source.

    Of the lock only the limit, the names and the rows at hand are read, which the rows do not show.

    Args:
        folder: Holds ``train.parquet``, ``kept_aside.jsonl`` and ``mixture.lock.json``.
    """
    rows = read_records(folder / "train.parquet", MixtureRow, made_by=COMMAND)
    locked = read_lock(folder / "mixture.lock.json")
    kept_out = Counter(
        aside.source
        for aside in iterate(folder / "kept_aside.jsonl", Aside, made_by=COMMAND)
        if _kind(aside.reason) == CONTAMINATED
    )
    values: dict[str, int | str] = {
        "rows": len(rows),
        "tokens": sum(row.n_tokens for row in rows),
        "ids_sha256": ids_hash(f"{row.source}\t{row.source_id}" for row in rows),
    }
    if "control" in locked:
        values |= {f"control/{k}": locked["control"][k] for k in ("name", "of", "question")}
    if "held_out" in locked:
        values["held_out/rows"] = len(read_held_out(folder, locked))
    for source, part in locked["sources"].items():
        lengths = [row.n_tokens for row in rows if row.source == source]
        values |= {
            f"{source}/rows": len(lengths),
            f"{source}/tokens": sum(lengths),
            f"{source}/over_long": sum(n > locked["rules"]["max_length_tokens"] for n in lengths),
            f"{source}/contaminated": kept_out[source],
        }
        if "rows_at_hand" in part:
            values[f"{source}/rows_at_hand"] = part["rows_at_hand"]
    command = f"{COMMAND} --verify {locked['variant']}"
    digest = file_sha256(folder / "train.parquet")
    return [
        Fact(f"mixture/{key}", value, command=command, artefact=digest)
        for key, value in values.items()
    ]


def comparable(then: Lock, now: Lock) -> Lock:
    """Returns a lock without what an older kit's lock does not hold."""
    if "lock_version" in then:
        return now
    parts = {
        name: {k: v for k, v in part.items() if k != "content_sha256"}
        for name, part in now["sources"].items()
    }
    new = ("lock_version", "sample_scale", "content_sha256")
    return {k: v for k, v in now.items() if k not in new} | {"sources": parts}


def drift(then: Lock, now: Lock, path: str = "") -> Iterator[str]:
    """Yields one line per place in which two locks differ."""
    for key in sorted(set(then) | set(now)):
        a, b = then.get(key), now.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from drift(a, b, f"{path}{key}.")
        elif a != b:
            yield f"{path}{key}: locked {a!r}, now {b!r}"
