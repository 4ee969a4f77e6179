"""Writes docs/records.md, every column of every file that the kit writes: python -m docs.records.

A file's columns are the fields of a class: a frozen dataclass, or a ``TypedDict`` for JSON that is written as it is.
What a column means is in the class's docstring, under ``Attributes:``. Here is which file is of which class.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

from coig_writer.files import atomic_path
from coig_writer.record import column, optional

PAGE = Path(__file__).with_name("records.md")
OPENING = """\
# Records

Every column of every file that the kit writes. `python -m docs.records` makes this page from the classes that write the files.

A column is a field of a class, with the same name and type in Parquet, JSONL and JSON. An unknown column is an error. A value that may be unknown
is null; 0 and an empty text are values. Columns of an object follow with a dot: `length.unit`, `messages[].role` for each entry of a list,
`files.NAME.rows` for each name. *May be absent* marks a column that you need not write, or that the kit leaves out.

Beside these: `SHA256SUMS` lists the files of a folder as `sha256sum -c` checks them. The databases of arena and workbench are described by their
code (`arena/server/store.py`, `workbench/server/entries.py`); their exports are below. Names that begin with a dot are the kit's own while it works.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """A file that the kit writes, or reads from people, and the class of its rows.

    Attributes:
        title: What a row is.
        path: Where the file is by default; what is no path says which option names it.
        of: Module and name of the class.
        made_by: The command that writes it; empty where people write it.
        note: What the class does not say.
        extends: Title of the record whose columns it has too.
    """

    title: str
    path: str
    of: str
    made_by: str = ""
    note: str = ""
    extends: str = ""


BUILD, TASKS, ARENA = "python -m dataset_builder", "python -m eval_tasks", "python space/app.py"
CURATION, WORK = "build/curation", "build/curation/work"
ROOM = "coig_writer.workbench"
SECTIONS: Mapping[str, tuple[File, ...]] = {
    "The dataset": (
        File("Triplet", "COIG-Writer/data/GENRE/train-*.parquet", "coig_writer.triplet:Triplet", f"{BUILD} pack",
            "An import writes the same rows to `build/import/triplets.parquet`, and fields of the authors' file that have no column to `extra.jsonl`, each row with its `id`."),
        File("Curated triplet", "COIG-Writer/data/GENRE/train-*.parquet", "coig_writer.triplet:Curated", f"{BUILD} pack",
            f"The audit writes the same rows to `{CURATION}/09-audit/triplets.jsonl`.", extends="Triplet"),
        File("Benchmark query", "COIG-Writer/benchmark/{zh,en}-*.parquet", "coig_writer.benchmark:Query", f"{BUILD} pack"),
        File("Taxonomy", "COIG-Writer/taxonomy.json", "coig_writer.taxonomy:Taxonomy", f"{BUILD} pack"),
        File(
            "Note on a removal",
            "COIG-Writer.takedown-notes.jsonl",
            "dataset_builder.packing.layout:Note",
            f"{BUILD} remove",
        ),
        File("Removal", "COIG-Writer/removed.jsonl", "dataset_builder.packing.layout:Removal", f"{BUILD} remove"),
    ),
    "Import": (
        File("Problem", "build/import/{rejected,warnings}.jsonl", "dataset_builder.official.rows:Problem", f"{BUILD} import", "Warnings have no `raw`."),
        File("Import report", "build/import/import.json", "dataset_builder.official.importing:Imported", f"{BUILD} import"),
        File("Genre assignment", "build/import/assignments.jsonl", "dataset_builder.official.assign:Assignment", f"{BUILD} assign"),
    ),
    "Curation": (
        File("Document", f"{CURATION}/00-intake/documents.jsonl", "coig_writer.document:Document", f"{BUILD} collect", "Each stage writes the same rows to `NN-STAGE/kept.jsonl`."),
        File("Sources", f"{CURATION}/00-intake/sources.json", "dataset_builder.stages.collect:Gathered", f"{BUILD} collect"),
        File("Dropped document", f"{CURATION}/NN-STAGE/dropped.jsonl", "coig_writer.document:Dropped", f"{BUILD} STAGE"),
        File("Finished stage", f"{CURATION}/NN-STAGE/stage.json", "dataset_builder.stages.parts:Finished", f"{BUILD} STAGE"),
        File("Item to annotate", f"{WORK}/reverse/items.jsonl", f"{ROOM}.annotation:Item", f"{BUILD} reverse"),
        File("Annotation", f"{WORK}/reverse/answers/NAME.jsonl", f"{ROOM}.annotation:_Answer", note="One file for each annotator."),
        File("Assignment of reviewers", f"{WORK}/review/assignments.jsonl", f"{ROOM}.review:Assignment", f"{BUILD} review"),
        File("Item to review", f"{WORK}/review/items/NAME.jsonl", f"{ROOM}.review:Item", f"{BUILD} review"),
        File("Verdict of a reviewer", f"{WORK}/review/answers/NAME.jsonl", f"{ROOM}.review:_Row", note="One file for each reviewer."),
        File("Gold item", "the file of `--gold`", f"{ROOM}.qualification:Gold"),
        File("Feedback", f"{WORK}/review/feedback/NAME.jsonl", f"{ROOM}.qualification:Feedback", f"{BUILD} review"),
        File("Progress of a review", f"{WORK}/review/report.json", f"{ROOM}.progress:Progress", f"{BUILD} review"),
        File("Alias", f"{WORK}/review/annotators.jsonl", f"{ROOM}.review:Alias", f"{ARENA} workbench"),
        File("Withdrawn reviewer", f"{WORK}/review/withdrawn.jsonl", f"{ROOM}.review:Withdrawn", f"{ARENA} workbench"),
        File("Reply of a model", f"{CURATION}/replies/ab/abcdef….json", "coig_writer.endpoint.records:Reply", "each stage that asks a model", "A judge and a generating server keep theirs in folders of their own."),
        File("Call of a model", f"{CURATION}/replies/ledger.jsonl", "coig_writer.endpoint.cache:Call", "each stage that asks a model"),
    ),
    "Mixtures and runs": (
        File("Mixture row", "build/mixtures/VARIANT/train.parquet", "coig_writer.mixture:MixtureRow", "python recipes/mix.py", "What a control holds out is in `held_out.parquet`, with the same columns."),
        File("Row kept aside", "build/mixtures/VARIANT/kept_aside.jsonl", "coig_writer.mixing.mixing:Aside", "python recipes/mix.py"),
        File("Lock of a mixture", "build/mixtures/VARIANT/mixture.lock.json", "coig_writer.mixing.mixing:LockFile", "python recipes/mix.py", "A run keeps a copy beside its model."),
        File("Consumed rows", "build/models/VARIANT/consumed-RANK.jsonl", "coig_writer.training.recount:Line", "python recipes/sft.py",
            "Beside it are `recipe.json`, every setting of the recipe, of TRL and of the model that decides the weights; `training_log.jsonl`, what the trainer logged: `step`, `epoch`, `loss`, `loss/SOURCE`; and the `trainer_state.json` of transformers."),
        File("Consumed pairs", "build/dpo/consumed-RANK.jsonl", "coig_writer.reward.recount:Line", "python recipes/dpo.py", "`python recipes/reward.py` writes the same to `build/reward`."),
        File("Lock of preferences", "build/dpo/preferences.lock.json", "coig_writer.reward.recount:LockFile", "python recipes/dpo.py", "`python recipes/reward.py` writes the same to `build/reward`."),
        File("Preference", "build/dpo/preferences-{train,held-out}.jsonl", "coig_writer.reward.preferences:Preference", "python recipes/dpo.py", "`python recipes/reward.py` writes the same to `build/reward`."),
        File("Margin", "build/dpo/held-out-margins.jsonl", "coig_writer.reward.recount:Margin", "python recipes/dpo.py", "`python recipes/reward.py` writes the same to `build/reward`."),
        File("Held-out losses", "the file of `--out`", "recipes.loss:Losses", "python recipes/loss.py"),
        File("Planned run", "the file of `--json`", "coig_writer.planning.planner:PlannedRun", "python recipes/plan.py", "The file adds `variant`, `gib` (memory of one device in all) and `status` (what the plan rests on)."),
        File("Corpus of the base", "build/pretraining/corpus.json", "coig_writer.training.pretraining:Corpus", "python recipes/pretrain.py"),
        File("Epoch of the base", "recipes/base/training.jsonl", "coig_writer.training.pretraining:Epoch", "python recipes/pretrain.py"),
    ),
    "Answers and scores": (
        File("Generation", "build/generations/VARIANT.parquet", "coig_writer.generation:Generation", "python recipes/generate.py", "`python -m eval_tasks human` writes people's texts with the same columns."),
        File("Score", "build/scores/VARIANT.parquet", "coig_writer.score:Score", f"{TASKS} score", "A reward model's are in `build/reward-scores`."),
        File("Judgement", "build/judgements/JUDGE.parquet", "coig_writer.score:Judgement", f"{TASKS} judge"),
        File("Validation", "build/validation.json", "eval_tasks.validate:Validation", f"{TASKS} validate"),
        File("Table of a validation", "an entry of `tables` there", "eval_tasks.validate:Table", f"{TASKS} validate"),
        File("Claim", "the file of `--json`", "eval_tasks.claims.claim:JudgedTwice", f"{TASKS} claims", "The file is a list. An entry has `own` where runs of your own were given."),
        File("Form of a text", "the file of `--json`", "coig_writer.verse.verdict:Verdict", f"{TASKS} form", "The file is a list."),
    ),
    "Votes": (
        File("Ballot", "build/ballots/ballots.parquet", "coig_writer.ballot:Ballot", f"{ARENA} export", "A backup of the arena holds each row of its tables as JSON: `table` and `row`."),
        File("Withdrawn ballot", "build/ballots/tombstones.parquet", "coig_writer.ballot:Tombstone", f"{ARENA} export"),
        File("Comparison", "build/ballots/comparisons.parquet", "coig_writer.arena.server.export:ComparisonRow", f"{ARENA} export"),
        File("Rating", "build/ballots/scores.parquet", "coig_writer.arena.server.export:ScoreRow", f"{ARENA} export"),
        File("Rater", "build/ballots/raters.parquet", "coig_writer.arena.server.export:RaterRow", f"{ARENA} export"),
        File("Influence of a rater", "build/ballots/influence.parquet", "coig_writer.arena.server.export:InfluenceRow", f"{ARENA} export"),
        File("Agreement of raters", "build/ballots/agreement.parquet", "coig_writer.arena.server.results:AgreementRow", f"{ARENA} export"),
        File("Manifest of an export", "build/ballots/manifest.json", "coig_writer.arena.server.export:Manifest", f"{ARENA} export"),
    ),
    "Facts": (
        File("Fact", "facts.json", "coig_writer.facts:Fact", "each command, beside its output", "The file holds a list, `facts`."),
    ),
}  # fmt: skip
FILES: Mapping[str, File] = {file.title: file for files in SECTIONS.values() for file in files}


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column: its name behind those it is in, its type in words, and its meaning."""

    name: str
    type: str
    meaning: str


def record(file: File) -> type:
    """Imports the class of a file's rows."""
    module, _, name = file.of.partition(":")
    cls: type = getattr(importlib.import_module(module), name)
    return cls


def title_of(cls: object) -> str:
    """Returns the title of the record that a class is; empty for others."""
    return next((file.title for file in FILES.values() if record(file) is cls), "")


def link(title: str) -> str:
    """Returns a link to a record of the page."""
    return f"[{title.lower()}](#{title.lower().replace(' ', '-')})"


def meanings(cls: type) -> dict[str, str]:
    """Reads what the fields of a class mean, from its docstring and those of the classes it extends."""
    bases = list(cls.__mro__[::-1])
    if typing.is_typeddict(cls):  # it does not know its bases before Python 3.12
        other = vars(importlib.import_module(cls.__module__)).values()
        fields = cls.__annotations__.items()
        bases = [c for c in other if typing.is_typeddict(c) and c.__annotations__.items() <= fields]
    meaning: dict[str, str] = {}
    for base in bases:
        text = inspect.cleandoc(base.__doc__ or "")
        section = re.search(r"^Attributes:\n((?: {4}.*\n?|\n)+)", text, re.MULTILINE)
        entries = re.findall(
            r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", re.MULTILINE
        )
        meaning |= {name: " ".join(words.split()) for name, words in entries}
    return meaning


def is_record(annotation: object) -> bool:
    """Tells whether a type has columns of its own."""
    return dataclasses.is_dataclass(annotation) or typing.is_typeddict(annotation)


def columns(cls: type, within: str = "") -> Iterator[Column]:
    """Yields the columns of a class in order, each followed by those of the objects in it.

    The columns of an object that is a record of the page are not repeated.
    """
    meaning = meanings(cls)
    for name, annotation in typing.get_type_hints(cls).items():
        if annotation is typing.ClassVar or typing.get_origin(annotation) is typing.ClassVar:
            continue
        inner, nullable = optional(annotation)
        words = worded(inner) + " or null" * nullable + ", may be absent" * may_be_absent(cls, name)
        full = within + column(cls, name)
        yield Column(full, words, meaning.get(name, ""))
        item = item_of(inner)
        if is_record(item) and isinstance(item, type) and not title_of(item):
            yield from columns(item, full + OPENED.get(typing.get_origin(inner), "."))


OPENED: Mapping[object, str] = {tuple: "[].", list: "[].", dict: ".NAME."}
WORDS: Mapping[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
}


def item_of(annotation: object) -> object:
    """Returns the type of a list's entries or of an object's values; of other types the type itself."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list or (origin is tuple and arguments[-1] is ...):
        return arguments[0]
    return arguments[1] if origin is dict else annotation


def worded(annotation: object) -> str:
    """Says a type in words."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(worded(argument) for argument in arguments)
    if title := title_of(annotation):
        return f"object: {link(title)}"
    item = item_of(annotation)
    if origin in (tuple, list) and item is annotation:
        return f"pair ({', '.join(map(worded, arguments))})"
    if origin in (tuple, list):
        words = worded(item)
        return (
            "list" if words == "anything" else "list of " + re.sub(r"^[^:(]*\b", r"\g<0>s", words)
        )
    return "object" if is_record(annotation) or origin else WORDS.get(annotation, "anything")


def may_be_absent(cls: type, name: str) -> bool:
    """Tells whether a row may be without a column."""
    if typing.is_typeddict(cls):
        return name not in getattr(cls, "__required_keys__", ())
    field = next(f for f in dataclasses.fields(cls) if f.name == name)
    given = field.default, field.default_factory
    return given != (dataclasses.MISSING, dataclasses.MISSING)


def prose(cls: type) -> str:
    """Returns what a class's docstring says before its first section."""
    text = inspect.cleandoc(cls.__doc__ or "")
    before = re.split(r"^(?:Attributes|Args|Raises):$", text, maxsplit=1, flags=re.MULTILINE)[0]
    return " ".join(before.split())


def shown(words: str) -> str:
    """Returns a path or command as code; words that are neither stay."""
    return words if re.match(r"(the|an|each) ", words) else f"`{words}`"


def entry(file: File) -> str:
    """Renders one file: what a row is, its columns, and what each means."""
    cls = record(file)
    inherited = {c.name for c in columns(record(FILES[file.extends]))} if file.extends else set()
    also = f"It has the columns of a {link(file.extends)}, and:" if file.extends else ""
    rows = [
        f"| `{c.name}` | {c.type} | {c.meaning.replace('|', chr(92) + '|')} |"
        for c in columns(cls)
        if c.name not in inherited
    ]
    parts = (prose(cls), f"File: {shown(file.path)}.", file.note, also)
    head = ["| Column | Type | Meaning |", "| --- | --- | --- |"]
    return "\n".join([f"### {file.title}", "", " ".join(filter(None, parts)), "", *head, *rows, ""])


def contents() -> str:
    """Renders the list of records with their files and who writes them."""
    rows = [
        f"| {link(f.title)} | {shown(f.path)} | {shown(f.made_by) if f.made_by else 'people'} | `{f.of.partition(':')[0]}` |"
        for f in FILES.values()
    ]
    head = ["| Record | File | Written by | Defined in |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows, ""])


def page() -> str:
    """Renders the page; Python's None and reStructuredText's quotation marks are those of JSON and Markdown."""
    parts = [OPENING, contents()]
    for title, files in SECTIONS.items():
        parts += [f"## {title}\n", *map(entry, files)]
    return re.sub(r"\bNone\b", "null", "\n".join(parts)).replace("``", "`")


def main() -> None:
    """Writes the page."""
    with atomic_path(PAGE) as partial:
        partial.write_text(page(), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
