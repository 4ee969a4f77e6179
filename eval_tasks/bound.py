"""Whether articles do what their reasoning settles on: names, quoted strings, numbers."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from scipy import stats

from coig_writer.errors import InputError, MissingInputError, StatisticsError
from coig_writer.files import read_records
from coig_writer.folder import atomic_folder
from coig_writer.generation import Parts
from coig_writer.metrics import binding
from coig_writer.metrics.answer import Answer, of_generation
from coig_writer.metrics.catalogue import measure_together
from coig_writer.metrics.definition import Missing
from coig_writer.preference import bootstrap
from coig_writer.record import to_row
from coig_writer.scoring.generations import read
from coig_writer.tables import spreadsheet
from coig_writer.triplet import Triplet
from eval_tasks.behaviour import OWN
from eval_tasks.runs import Generations

OUT = Path("build/bound")


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """An answer and whose it is."""

    variant: str
    query_id: str
    answer: Answer


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """An item that a reasoning settles on, and whether the article holds it."""

    variant: str
    query_id: str
    kind: str
    text: str
    stands: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Gain:
    """How much more of its own reasoning an article keeps than of others; no interval where prompts are too few."""

    n: int
    mean: float
    low: float | None
    high: float | None
    p: float | None


def main(
    generations: Generations = None,
    triplets: Annotated[
        Path | None, typer.Option(metavar="PATH", help="rows of a dataset, as another model")
    ] = None,
    show: Annotated[
        str | None, typer.Option(metavar="ID", help="list the items of one query or row")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where items.csv goes")] = OUT,
) -> None:
    """Counts what the reasoning settles on and the article holds.

    Items that the prompt holds do not count. "Kept" is the share that the article holds. "Bound" is kept less the
    same share for other reasonings of the genre: 0 is what chance keeps. A line per model
    and language gives both, an interval that resamples prompts, and Wilcoxon's signed-rank p. The line
    below swaps the articles within each genre and compares with reasonings of other genres: there the
    difference must vanish.

    --show lists what a reasoning settles on, + where the article holds it. items.csv holds all.
    """
    answers = [Written(r.variant, r.query_id, of_generation(r))
               for r in (read(generations) if generations else [])]  # fmt: skip
    answers += list(_triplets(triplets)) if triplets else []
    if not answers:
        raise MissingInputError("no answers", "give --generations or --triplets")
    items = [item for a in answers for item in items_of(a)]
    if show:
        print(_shown(items, show, {a.query_id for a in answers}))
    key = lambda a: (a.variant, a.answer.language)  # noqa: E731
    for (variant, language), group in itertools.groupby(sorted(answers, key=key), key=key):
        print(line(f"{variant} ({language})", [a.answer for a in group]))
    columns = [field.name for field in dataclasses.fields(Item)]
    with atomic_folder(out, "bound reasonings") as folder:
        spreadsheet.write(folder / "items.csv", columns, map(to_row, items), mark=False)
    print(f"\nwrote {out / 'items.csv'}")


def _triplets(path: Path) -> Iterable[Written]:
    seen: set[str] = set()
    for row in read_records(path, Triplet, "python -m dataset_builder pack"):
        if row.id in seen:
            raise InputError(f"{path}: duplicate id {row.id}", "give each row once")
        seen.add(row.id)
        parts = Parts(row.reasoning, row.article, "closed")
        answer = Answer(row.article, parts, row.language, None, None, row.prompt, row.genre)
        yield Written(OWN, row.id, answer)


def items_of(written: Written) -> list[Item]:
    """Returns what the reasoning of an answer settles on, and whether its article holds it."""
    answer = written.answer
    return [
        Item(written.variant, written.query_id, i.kind, i.text, answer.held.holds(i))
        for i in answer.settled
    ]


def _shown(items: Sequence[Item], query_id: str, known: set[str]) -> str:
    if query_id not in known:
        raise InputError(f"no answer to {query_id!r}", f"known ids: {', '.join(sorted(known)[:5])}")  # fmt: skip
    listed = [i for i in items if i.query_id == query_id]
    lines = [f"  {'+' if i.stands else '-'} {i.kind:<8}{i.text}   {i.variant}" for i in listed]
    return "\n".join([f"{query_id}: {len(listed)} items, + is in the article", *lines, ""])


def line(name: str, answers: Sequence[Answer]) -> str:
    """Renders one model in one language: as written, and with articles swapped."""
    shares = [binding.kept(a.settled, a.held) for a in answers if a.article]
    kept = [share for share in shares if share is not None]
    bound = [v for v in measure_together(answers)["reasoning_bound"] if not isinstance(v, Missing)]
    head = f"{name}: {len(answers)} answers, {len(kept)} with something settled on"
    if not bound:
        return f"{head}; no two reasonings of one genre to compare"
    lines = [f"{head}, kept {100 * sum(kept) / len(kept):.1f} %", f"  bound            {_span(gain(bound))}"]  # fmt: skip
    swaps = swapped(answers)
    return "\n".join([*lines, f"  articles swapped {_span(gain(swaps))}"] if swaps else lines)


def swapped(answers: Sequence[Answer]) -> list[float]:
    """Gives each article to the next reasoning of its genre, and compares with reasonings of other genres.

    Of other genres, because the article's own reasoning is of its genre.
    """
    able = [a for a in answers if a.settled and a.article and a.genre is not None]
    by_genre: dict[str | None, list[Answer]] = {}
    for answer in able:
        by_genre.setdefault(answer.genre, []).append(answer)
    gains = []
    for place, answer in enumerate(able):
        genre = by_genre[answer.genre]
        article = genre[(genre.index(answer) + 1) % len(genre)]
        others = [o.settled for o in (*able[place:], *able[:place]) if o.genre != answer.genre]
        prompt = binding.Holder(article.prompt, article.language)
        items = [item for item in answer.settled if not prompt.holds(item)]
        value = binding.beyond(items, others, article.held, prompt)
        if article.prompt != answer.prompt and value is not None:
            gains.append(value)
    return gains


def gain(values: Sequence[float]) -> Gain:
    """Returns the mean with an interval, and Wilcoxon's signed-rank p of no difference."""
    low = high = p = None
    try:
        interval = bootstrap.mean(np.array(values), np.arange(len(values)), scale=(-1.0, 1.0))
        low, high = interval.low, interval.high
        p = float(stats.wilcoxon(values).pvalue) if any(values) else 1.0
    except StatisticsError:
        pass
    return Gain(len(values), float(np.mean(values)), low, high, p)


def _span(difference: Gain) -> str:
    value = f"{100 * difference.mean:+.1f} points"
    if difference.low is None or difference.high is None or difference.p is None:
        return f"{value}, too few prompts for an interval, n={difference.n}"
    p = "< 0.001" if difference.p < 0.001 else f"{difference.p:.3f}"
    return f"{value} [{100 * difference.low:+.1f}, {100 * difference.high:+.1f}], p {p}, n={difference.n}"
