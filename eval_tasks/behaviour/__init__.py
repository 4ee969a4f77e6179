"""What a reasoning does, and where in it (paper, Appendix C)."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from coig_writer.errors import StatisticsError
from coig_writer.files import read_records
from coig_writer.generation import Generation
from coig_writer.metrics import behaviour
from coig_writer.metrics.behaviour import BEHAVIOURS, Step
from coig_writer.preference import bootstrap
from coig_writer.preference.agreement import cohen, kappa_interval
from coig_writer.record import to_row
from coig_writer.score import Judgement
from coig_writer.scoring.generations import read
from coig_writer.tables import spreadsheet
from coig_writer.triplet import Language, Triplet
from eval_tasks.runs import Generations

LABELS = Path(__file__).parent / "labels.csv"
DATASET = Path("COIG-Writer/data")
OUT = Path("build/behaviour")
PASSES = ("pass_1", "pass_2", "pass_3")
BINS = 5
OWN = "dataset"


@dataclasses.dataclass(frozen=True, slots=True)
class Reasoning:
    """One reasoning, labelled; ``state`` is a generation's reasoning state."""

    panel: str
    language: Language
    query_id: str
    labeller: str
    state: str
    steps: tuple[Step, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """The share of one behaviour in a fifth of the reasoning; n counts paragraphs, or answers.

    For ``absent`` and ``unterminated`` reasoning ``start`` and ``end`` are None and the share is of
    the answers. The interval resamples prompts, with all reasonings of each; None where there are too few.
    """

    panel: str
    language: str
    labeller: str
    start: float | None
    end: float | None
    behaviour: str
    share: float
    low: float | None
    high: float | None
    n: int


def main(
    dataset: Annotated[Path, typer.Option(metavar="FOLDER", help="rows of the dataset")] = DATASET,
    generations: Generations = None,
    judgements: Annotated[
        Path | None, typer.Option(metavar="PATH", help="a judge's labels of the same generations")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where shares.csv goes")] = OUT,
) -> None:
    """The labels come from the kit's cue lexicon, over position 0 to 1.

    They are normal writing, deep reasoning, self-exploration and self-reflection. The first panel
    is the dataset's own reasoning, then come the variants. Answers whose reasoning is absent or never
    ends are counted as such. --judgements puts the labels of a judge (rubric reasoning_behaviour)
    beside them.

    Prints how far the labels can be trusted: Cohen's kappa between three passes over 210 paragraphs
    (labels.csv), and of the lexicon with each. All passes are by language models that read the first
    170 characters of each paragraph under the rubric's definitions; no person labelled them. Passes 1
    and 2 are by one labeller in two different orders. Pass 3 is by another that had seen neither their
    labels nor the lexicon, and left out the 30 paragraphs of which it had. The lexicon was revised
    after the even-numbered half had been seen, so its kappa is of the other half.
    """
    print(trust())
    reasonings = list(_own(dataset))
    records = read(generations) if generations else []
    reasonings += [_lexicon(r) for r in records]
    if judgements:
        judged = read_records(judgements, Judgement, "python -m eval_tasks judge run")
        reasonings += _judged(judged, records)
    shares = [share for group in _panels(reasonings) for share in summarise(group)]
    path = out / "shares.csv"
    columns = [f.name for f in dataclasses.fields(Share)]
    spreadsheet.write(path, columns, map(to_row, shares), mark=False)
    print(table(shares))
    print(f"\nwrote {path}")


def _own(folder: Path) -> Iterable[Reasoning]:
    for row in read_records(folder, Triplet, "python -m dataset_builder pack"):
        steps = tuple(behaviour.steps(row.reasoning, row.language))
        yield Reasoning(OWN, row.language, row.id, "lexicon", "closed", steps)


def _lexicon(record: Generation) -> Reasoning:
    steps = tuple(behaviour.steps(record.reasoning or "", record.language))
    state = record.reasoning_state
    return Reasoning(record.variant, record.language, record.query_id, "lexicon", state, steps)


def _judged(judgements: Sequence[Judgement], records: Sequence[Generation]) -> list[Reasoning]:
    """Returns the labels of a judge as reasonings; missing judgements are left out."""
    by_key = {(r.variant, r.query_id, r.sample): r for r in records}
    reasonings = []
    for row in judgements:
        record = by_key.get((row.left, row.query_id, row.sample))
        if row.rubric == "reasoning_behaviour" and row.verdict is not None and record is not None:
            labels = json.loads(row.verdict)
            last = max(1, len(labels) - 1)
            steps = tuple(Step(i / last, label, ()) for i, label in enumerate(labels))
            state = record.reasoning_state
            reasonings.append(
                Reasoning(row.left, record.language, row.query_id, row.judge, state, steps)
            )
    return reasonings


def _panels(reasonings: Sequence[Reasoning]) -> list[list[Reasoning]]:
    groups: dict[tuple[str, str, str], list[Reasoning]] = {}
    for reasoning in reasonings:
        key = (reasoning.panel, reasoning.language, reasoning.labeller)
        groups.setdefault(key, []).append(reasoning)
    return list(groups.values())


def summarise(group: Sequence[Reasoning]) -> list[Share]:
    """Returns the shares of one panel: per fifth and behaviour, and of answers without reasoning."""
    first = group[0]
    key = (first.panel, first.language, first.labeller)
    states = Counter(reasoning.state for reasoning in group)
    shares = [
        Share(*key, None, None, state, states[state] / len(group), None, None, len(group))
        for state in ("absent", "unterminated")
        if first.panel != OWN
    ]
    for number in range(BINS):
        inside = [
            (reasoning.query_id, step.behaviour)
            for reasoning in group
            for step in reasoning.steps
            if min(int(step.position * BINS), BINS - 1) == number
        ]
        shares += [_share(key, number, name, inside) for name in BEHAVIOURS if inside]
    return shares


def _share(
    key: tuple[str, str, str], number: int, name: str, inside: Sequence[tuple[str, str]]
) -> Share:
    values = np.array([float(label == name) for _, label in inside])
    _, codes = np.unique([query for query, _ in inside], return_inverse=True)
    low = high = None
    try:
        interval = bootstrap.mean(values, codes, scale=bootstrap.SHARE)
        low, high = interval.low, interval.high
    except StatisticsError:
        pass
    start, end = number / BINS, (number + 1) / BINS
    return Share(*key, start, end, name, float(values.mean()), low, high, len(values))


def trust() -> str:
    """Renders the kappas of the passes with each other and of the lexicon with each."""
    with LABELS.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    lines = [
        f"{len(rows)} paragraphs labelled in three passes, none by a person (see --help); kappa [95 %]:"
    ]
    for language in ("zh", "en"):
        numbered = [(i, row) for i, row in enumerate(rows) if row["language"] == language]
        for a, b in itertools.combinations(PASSES, 2):
            both = [row for _, row in numbered if row[a] and row[b]]
            pairs = [(row[a], row[b]) for row in both]
            lines.append(_kappa(f"{language}  {a} with {b}", pairs, both))
        for name in PASSES:
            held = [row for i, row in numbered if i % 2 and row[name]]
            labelled = [(_label(row), row[name]) for row in held]
            lines.append(_kappa(f"{language}  lexicon with {name}", labelled, held))
    return "\n".join(lines)


def _label(row: dict[str, str]) -> str:
    language: Language = "zh" if row["language"] == "zh" else "en"
    return behaviour.label(row["text"], language)[0]


def _kappa(
    name: str, pairs: Sequence[tuple[object, object]], rows: Sequence[dict[str, str]]
) -> str:
    kappa = cohen(pairs)
    low, high = kappa_interval(pairs, [row["source"] for row in rows])
    interval = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
    shown = "none" if kappa is None else f"{kappa:.2f}"
    return f"  {name:<26}{shown}{interval}  n={len(pairs)}"


def table(shares: Sequence[Share]) -> str:
    """Renders the shares of each panel over position, one line per behaviour."""
    lines: list[str] = []
    panels = dict.fromkeys((s.panel, s.language, s.labeller) for s in shares)
    for panel in panels:
        of_panel = [s for s in shares if (s.panel, s.language, s.labeller) == panel]
        lines.append(f"\n{panel[0]} ({panel[1]}, by {panel[2]}); position 0 to 1 in fifths")
        for name in ("absent", "unterminated", *BEHAVIOURS):
            cells = [s for s in of_panel if s.behaviour == name]
            if cells:
                shown = "".join(f"{s.share:8.2f}" for s in cells)
                lines.append(f"  {name:<18}{shown}   n={sum(s.n for s in cells)}")
    return "\n".join(lines)
