"""The sources of a mixture: local files or Hub datasets, each row converted to an ``Example``.

Creative rows come from the packed dataset. The two general sources (paper, section 3.1) are
Congliu/Chinese-DeepSeek-R1-Distill-data-110k and open-thoughts/OpenThoughts-114k; the larger
OpenThoughts3 is an option. A recipe may name others; a control says how many rows they give. Rows are
memory-mapped, so a source of any size fits.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from coig_writer import taxonomy
from coig_writer.errors import ConfigError, InputError, MissingInputError
from coig_writer.mixture import Example, Lock, content_id
from coig_writer.record import from_row

if TYPE_CHECKING:
    from datasets import Dataset

Row: TypeAlias = Mapping[str, object]
Parts: TypeAlias = tuple[object, object, object, object]  # prompt, reasoning, article, id
NAME = re.compile(r"[a-z][a-z0-9_]*")
MARKERS = ("</think>", "<|im_", "<|endoftext|>")  # a text that holds one would end its own turn


class Unconvertible(Exception):
    """A row that gives no example; the message is the reason it is kept aside with."""


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of one part of a mixture come from.

    Attributes:
        name: Of the part.
        path: A local file or folder, or a Hub dataset id; naming one is what allows the network.
        format: How a row is read: a name of ``ADAPTERS``.
        revision: Of a Hub dataset; resolved to a commit and written to the lock.
        config: Of a Hub dataset, or of a local folder whose card lists configs, such as a genre.
        genres: Only rows of these genres (slugs), by the column ``genre``; None takes all.
        exclude: A text file with one row id per line; these rows never enter a mixture.
        max_rows: At most this many admissible rows, those with the lowest hashes; None takes all.
    """

    name: str
    path: str
    format: str
    revision: str | None = None
    config: str | None = None
    genres: tuple[str, ...] | None = None
    exclude: str | None = None
    max_rows: int | None = None

    @property
    def narrowed(self) -> bool:
        """Whether only some of its rows may enter a mixture."""
        return any(key is not None for key in (self.genres, self.exclude, self.max_rows))

    @property
    def local(self) -> bool:
        """Whether the path is on this machine."""
        return Path(self.path).exists()


def parse(settings: Row) -> dict[str, Source]:
    """Reads the ``sources:`` block of a recipe.

    Raises:
        ConfigError: A name, key, format or genre is wrong.
    """
    return {name: _parsed(name, entry) for name, entry in settings.items()}


def _parsed(name: object, entry: object) -> Source:
    where = f"source {name}"
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigError(
            f"{where}: not a name for a source", "use lower-case letters, digits and underscores"
        )
    if not isinstance(entry, Mapping) or "name" in entry:
        raise ConfigError(f"{where}: not keys and values", f"write {name}: {{path: …, format: …}}")
    try:
        source = from_row(Source, {"name": name, **entry}, where, "key")
    except InputError as error:
        raise ConfigError(error.message, error.remedy) from error
    if source.format not in ADAPTERS:
        raise ConfigError(
            f"{where}: unknown format {source.format!r}", f"use {', '.join(ADAPTERS)}"
        )
    if source.max_rows is not None and source.max_rows < 1:
        raise ConfigError(f"{where}: max_rows must be at least 1", "leave it out to take all rows")
    known = [genre.slug for genre in taxonomy.of(Path(source.path)).genres]
    for genre in source.genres or ():
        if genre not in known:
            close = difflib.get_close_matches(genre, known, 3) or known
            raise ConfigError(f"{where}: unknown genre {genre!r}", f"genres are {', '.join(close)}")
    return source


def excluded(source: Source) -> frozenset[str]:
    """Returns the ids of the rows that never enter a mixture.

    Raises:
        MissingInputError: The file that lists them is missing.
        InputError: It is no text, or lists no id.
    """
    if source.exclude is None:
        return frozenset()
    file = Path(source.exclude)
    if not file.is_file():
        raise MissingInputError(
            f"source {source.name}: no file {file}",
            "give exclude: a text file with one row id per line",
        )
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 text", "write one row id per line") from error
    if not (ids := frozenset(line.strip() for line in lines if line.strip())):
        raise InputError(f"{file}: no id in it", "write one row id per line, or leave exclude out")
    return ids


def check_excluded(source: Source, ids: Collection[str]) -> None:
    """Refuses a list of excluded ids that the source does not hold: a mistyped one would let its row in.

    Args:
        source: With ``exclude``, or without.
        ids: Of all its rows.

    Raises:
        InputError: Some listed ids are not among them.
    """
    listed = excluded(source)
    if missing := sorted(listed.difference(ids)):
        raise InputError(
            f"{source.exclude}: {len(missing)} of {len(listed)} ids are not in {source.path}, the first {missing[0]}",
            "mend the ids, or name the dataset they were taken from",
        )


def load(source: Source) -> tuple[Dataset, str | None]:
    """Opens a source as a memory-mapped dataset.

    Returns:
        The ``datasets.Dataset`` and the commit it was read at (None for local files).

    Raises:
        MissingInputError: It is neither on this machine nor a Hub id, or the Hub has no such id.
    """
    import datasets

    if source.local:
        return _load_local(source), None
    if not _hub_id(source.path):
        raise MissingInputError(
            f"source {source.name}: no file or folder {source.path!r}", _remedy(source)
        )
    try:
        commit = _commit(source)
        rows = datasets.load_dataset(source.path, source.config, revision=commit, split="train")
    except (OSError, ValueError) as error:
        raise MissingInputError(
            f"source {source.name}: cannot read {source.path} from the Hub ({str(error)[:120]})",
            _remedy(source),
        ) from error
    _check_commit(source, rows, commit)
    return rows, commit


def _check_commit(source: Source, rows: Dataset, commit: str) -> None:
    """Refuses rows of another commit: without a network, datasets reads the newest that it has cached."""
    files = [Path(entry["filename"]) for entry in rows.cache_files]
    if files and not all(commit in file.parts for file in files):
        raise MissingInputError(
            f"source {source.name}: {source.path} is cached here, but not alone at {commit[:12]}",
            "run the same command online",
        )


def _hub_id(path: str) -> bool:
    """Whether a path that is not on this machine can be a Hub id; a mistyped file must not be one."""
    if path.startswith((".", "build/")) or Path(path).suffix in (".jsonl", ".json", ".parquet"):
        return False
    return re.fullmatch(r"[\w.-]+/[\w.-]+", path) is not None


def _commit(source: Source) -> str:
    """Returns the commit that a revision stands for; one that is written out needs no network."""
    if source.revision and re.fullmatch("[0-9a-f]{40}", source.revision):
        return source.revision
    from huggingface_hub import HfApi

    return str(HfApi().dataset_info(source.path, revision=source.revision).sha)


def pinned(source: Source, locks: Sequence[Lock]) -> Source:
    """Returns a source at the commit that a lock names, where its recipe names none.

    So ``revision: null`` is resolved once: a mixture that is built again or verified, and every
    other one in the same folder, reads the same rows although the Hub has moved on.

    Args:
        source: As the recipe has it.
        locks: The mixture's own lock first, then those beside it.
    """
    if source.revision or source.local:
        return source
    for lock in locks:
        entry = lock["sources"].get(source.name, {})
        if entry.get("path") == source.path and entry.get("revision"):
            return dataclasses.replace(source, revision=entry["revision"])
    return source


def _load_local(source: Source) -> Dataset:
    import datasets

    path, card = Path(source.path), Path(source.path) / "README.md"
    if card.is_file() and "\nconfigs:" in card.read_text(encoding="utf-8"):
        try:  # as `pack` leaves it: the card says which files are rows
            return datasets.load_dataset(source.path, source.config, split="train")
        except (ValueError, OSError) as error:
            config = f"config {source.config!r}" if source.config else "the default config"
            raise MissingInputError(
                f"source {source.name}: cannot read {config} of {path} ({str(error)[:160]})",
                "name a config of its card, or pack it again: python -m dataset_builder pack",
            ) from error
    if source.config is not None:
        raise ConfigError(
            f"source {source.name}: {path} has no card with configs, so none is {source.config!r}",
            "leave config: out, or name a folder with a README.md that lists configs",
        )
    files = (
        [path]
        if path.is_file()
        else sorted(
            p
            for p in path.rglob("*")
            if p.suffix in (".parquet", ".jsonl", ".json")
            and "benchmark" not in p.parts
            and p.name != "facts.json"
        )
    )
    if not files:
        raise MissingInputError(
            f"{path}: no Parquet or JSON files", "give a file, or a folder that holds some"
        )
    kinds = {"parquet" if f.suffix == ".parquet" else "json" for f in files}
    if len(kinds) > 1:
        raise MissingInputError(f"{path}: Parquet and JSON side by side", "name the file to read")
    try:
        return datasets.load_dataset(kinds.pop(), data_files=[str(f) for f in files], split="train")
    except (ValueError, OSError, StopIteration, datasets.exceptions.DatasetsError) as error:
        cause = " ".join(str(error.__cause__ or error or "it holds no row").split())
        raise InputError(
            f"source {source.name}: {path} cannot be read as rows ({cause:.160})",
            "give Parquet, or JSON in UTF-8 with one row per line, every row with the same columns",
        ) from error


def refuse_samples(source: Source, rows: Dataset, variant: str) -> None:
    """Refuses the kit's own samples as the creative rows of a mixture at the published scale.

    Raises:
        ConfigError: Some rows are samples.
    """
    states_provenance = source.format == "coig_writer" and "provenance" in rows.column_names
    samples = sum(kind == "sample" for kind in rows["provenance"]) if states_provenance else 0
    if samples:
        raise ConfigError(
            f"source {source.name}: {samples} of {len(rows)} rows in {source.path} are the kit's own "
            f"samples, and {variant} is to be built at the published scale",
            "import the authors' file and pack it (python -m dataset_builder pack --source import), "
            "or take recipes/configs/demo.yaml",
        )


def _remedy(source: Source) -> str:
    if source.name == "creative":
        return "run: python -m dataset_builder pack"
    return f"put the dataset on this machine and set sources.{source.name}.path, or name its Hub id while online"


def convert(source: Source, row: Row) -> Example:
    """Converts a row.

    Raises:
        Unconvertible: The row gives no example.
    """
    if source.genres is not None and row.get("genre") not in source.genres:
        raise Unconvertible("other_genre")
    prompt, reasoning, article, row_id = ADAPTERS[source.format](row)
    texts = {"prompt": prompt, "reasoning": reasoning, "article": article}
    prompt_text, thought, written = (_text(part, found) for part, found in texts.items())
    if row_id is not None and not (isinstance(row_id, str) and row_id.strip()):
        raise Unconvertible("id_is_no_text")
    found_id, genre = (
        row_id or content_id(prompt_text, thought, written),
        str(row.get("genre") or ""),
    )
    return Example(source.name, found_id, prompt_text, thought, written, genre)


def _text(part: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Unconvertible(f"{part}_empty")
    if any(marker in value for marker in MARKERS):
        raise Unconvertible(f"{part}_holds_a_marker")
    return value.strip()


def _coig_writer(row: Row) -> Parts:
    return row.get("query"), row.get("thought"), row.get("answer"), row.get("id")


def _congliu(row: Row) -> Parts:
    return row.get("input"), row.get("reasoning_content"), row.get("content"), None


_OPEN_THOUGHTS = re.compile(
    r"<\|begin_of_thought\|>(.*?)<\|end_of_thought\|>\s*<\|begin_of_solution\|>(.*?)(?:<\|end_of_solution\|>)?",
    re.DOTALL,
)
_THINK = re.compile(r"<think>(.*?)</think>(.*)", re.DOTALL)


def _conversation(row: Row, marked: Callable[[str], re.Match[str] | None]) -> Parts:
    """Reads one question and one answer, with keys from and value or role and content."""
    turns = row.get("conversations") or row.get("messages") or []
    if (
        not isinstance(turns, list)
        or len(turns) != 2
        or not all(isinstance(turn, Mapping) for turn in turns)
    ):
        raise Unconvertible("not_one_question_and_one_answer")
    question, answer = (turn.get("value") or turn.get("content") or "" for turn in turns)
    match = marked(answer.strip()) if isinstance(answer, str) else None
    if match is None:
        raise Unconvertible("thought_markers_missing")
    return question, match[1], match[2], None


ADAPTERS: dict[str, Callable[[Row], Parts]] = {
    "coig_writer": _coig_writer,
    "congliu": _congliu,
    "openthoughts": lambda row: _conversation(row, _OPEN_THOUGHTS.fullmatch),
    "openthoughts3": lambda row: _conversation(row, _THINK.fullmatch),
}
