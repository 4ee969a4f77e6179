"""The card of exported votes: summaries by protocol and language, as facts and as text."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import benchmark, facts
from coig_writer.ballot import Ballot
from coig_writer.cards import card, citation
from coig_writer.cards.card import Literal
from coig_writer.facts import Fact
from coig_writer.files import file_sha256, read_records
from coig_writer.folder import atomic_folder
from coig_writer.preference.summary import Summary, summary

TEMPLATE = Path(__file__).parent / "arena.md.jinja"
OUT = Path("build/release/votes")
TABLES = ("ballots", "comparisons", "scores", "agreement", "influence", "tombstones")
LANGUAGES = {"zh": "Chinese", "en": "English", "other": "prompts outside the benchmark"}
Group = tuple[str, str]


def _queries() -> dict[str, benchmark.Query]:
    return {q.id: q for language in benchmark.LANGUAGES for q in benchmark.queries(language)}


def grouped(ballots: Sequence[Ballot]) -> dict[Group, list[Ballot]]:
    """Returns ballots by protocol and language of their prompts, in that order."""
    queries = _queries()
    groups: dict[Group, list[Ballot]] = defaultdict(list)
    for ballot in ballots:
        known = queries.get(ballot.query_id)
        groups[ballot.protocol, known.language if known else "other"].append(ballot)
    return dict(sorted(groups.items()))


def summaries(ballots: Sequence[Ballot]) -> dict[Group, Summary]:
    """Summarises each group of ballots."""
    queries = _queries()
    genre = {
        b.query_id: queries[b.query_id].genre if b.query_id in queries else "unknown"
        for b in ballots
    }
    return {
        group: summary(cast, sorted({v for b in cast for v in b.shown}), genre)
        for group, cast in grouped(ballots).items()
    }


def measure(ballots: Sequence[Ballot], artefact: str) -> list[Fact]:
    """Returns every number of the card."""
    numbers = [Fact("arena/ballots", len(ballots))]
    for group, votes in summaries(ballots).items():
        numbers += _facts(key(group), votes)
    command = "python -m model_cards arena"
    return [Fact(f.id, f.value, f.n, f.low, f.high, f.unit, command, artefact) for f in numbers]


def key(group: Group) -> str:
    """Returns what the fact ids of a group begin with."""
    return f"arena/{'/'.join(group)}"


def _facts(start: str, votes: Summary) -> Iterator[Fact]:
    for name in ("ballots", "raters", "queries", "skips", "both_bad"):
        yield Fact(f"{start}/{name}", getattr(votes, name))
    if (alpha := votes.agreement) is not None:
        yield Fact(f"{start}/alpha", alpha.value, alpha.units, alpha.low, alpha.high)
    if (tau := votes.tau) is not None:
        yield Fact(f"{start}/tau", tau.estimate, tau.n, tau.low, tau.high)
    for cell in votes.matrix:
        if cell.rate is not None and cell.row < cell.column:
            rate, name = cell.rate, f"{start}/rate/{facts.part(cell.row)}/{facts.part(cell.column)}"
            yield Fact(name, rate.estimate, rate.n, rate.low, rate.high)
    for score in votes.scores:
        if score.mean is not None:
            name = f"{start}/score/{facts.part(score.model)}/{score.dimension}"
            yield Fact(name, score.mean.estimate, score.n, score.mean.low, score.mean.high)


def render(stated: Mapping[str, Fact], groups: Sequence[Group], tables: Sequence[str]) -> str:
    """Renders the card."""
    return card.render(
        TEMPLATE,
        stated,
        front_matter=card.front_matter(metadata(tables)),
        links=citation.links(),
        title="Votes of the COIG-Writer arena",
        groups=[_shown(group, stated) for group in groups],
    )


def _shown(group: Group, stated: Mapping[str, Fact]) -> dict[str, object]:
    start = key(group)
    rates = [
        (*_names(name), fact, _verdict(fact))
        for name, fact in stated.items()
        if name.startswith(f"{start}/rate/")
    ]
    scores = [
        (*_names(name), fact) for name, fact in stated.items() if name.startswith(f"{start}/score/")
    ]
    header = ("Model", "Against", "Share of points", "")
    return {
        "key": start,
        "title": f"{group[0].capitalize()}, {LANGUAGES[group[1]]}",
        "alpha": f"{start}/alpha" in stated,
        "tau": f"{start}/tau" in stated,
        "rates": card.table(header, rates) if rates else None,
        "scores": card.table(("Model", "Dimension", "Mean"), scores) if scores else None,
    }


def _names(fact_id: str) -> tuple[Literal, Literal]:
    first, second = fact_id.split("/")[-2:]
    return card.code(facts.name_of(first)), card.code(facts.name_of(second))


def _verdict(fact: Fact) -> str:
    assert fact.low is not None
    assert fact.high is not None
    return "undecided" if fact.low <= 1 / 2 <= fact.high else ""


def metadata(tables: Sequence[str]) -> dict[str, object]:
    """Returns the card's YAML: a config per table, the ballots as default."""
    configs = [
        {
            "config_name": name,
            **({"default": True} if name == "ballots" else {}),
            "data_files": [{"split": "train", "path": f"{name}.parquet"}],
        }
        for name in tables
    ]
    tags = ["human-preferences", "creative-writing"]
    return {
        "license": "other",
        "license_name": "none-stated",  # whoever collected the votes has to state one
        "language": ["zh", "en"],
        "tags": tags,
        "configs": configs,
    }


def write(source: Path, out: Path) -> None:
    """Writes card, facts and the tables that have rows to a folder, whole or not at all."""
    import pyarrow.parquet as pq

    ballots = read_records(source / "ballots.parquet", Ballot, "python space/app.py export")
    tables = [
        name
        for name in TABLES
        if (source / f"{name}.parquet").is_file()
        and pq.read_metadata(source / f"{name}.parquet").num_rows
    ]
    measured = measure(ballots, file_sha256(source / "ballots.parquet"))
    with atomic_folder(out, "card of votes") as folder:
        for name in (*(f"{table}.parquet" for table in tables), "manifest.json"):
            shutil.copyfile(source / name, folder / name)
        facts.write(folder / "facts.json", measured)
        text = render(facts.read(folder / "facts.json"), list(grouped(ballots)), tables)
        (folder / "README.md").write_text(text, encoding="utf-8")


def main(
    ballots: Annotated[
        Path, typer.Argument(metavar="BALLOTS", help="folder that space/app.py export wrote")
    ],
    facts_only: Annotated[
        Path | None,
        typer.Option("--facts", metavar="FILE", help="only measure, and write the facts there"),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the card goes")] = OUT,
) -> None:
    """The card's folder holds the tables that have rows, the card and its facts.

    It can be published as a dataset: coig-writer publish FOLDER --to ORG/NAME.
    """
    if facts_only:
        file = ballots / "ballots.parquet"
        facts.write(facts_only, measure(read_records(file, Ballot), file_sha256(file)))
        return
    write(ballots, out)
    print(out / "README.md")
