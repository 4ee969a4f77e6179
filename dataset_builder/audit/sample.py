"""Measures the kit's own texts: python -m dataset_builder audit --kit-samples [--reference FILE].

Per genre, counts and lengths of the sample triplets. For samples and benchmark queries, how similar
they are and which habits they share (they forbid something, name a length, report a cut). With
``--reference`` (JSONL, may be gzipped, with ``prompt_id`` and ``prompt``) the same figures of those
prompts are printed beside those of random subsets of as many Chinese queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from coig_writer import benchmark
from coig_writer.errors import InputError
from coig_writer.files import read_rows
from coig_writer.taxonomy import published
from coig_writer.triplet import Language, Triplet
from dataset_builder.audit import habits
from dataset_builder.audit.diversity import FALLING, FIGURES, Diversity, measure
from dataset_builder.packing import samples, summary

BEGINNING = 100
SUBSETS = 100
SEED = 20251016


def reference(path: Path) -> list[str]:
    """Reads distinct prompts, one per ``prompt_id``.

    Raises:
        MissingInputError: There is no such file.
        InputError: A line is not an object with ``prompt_id`` and ``prompt``.
    """
    prompts: dict[str, str] = {}
    for location, row in read_rows(path):
        for name in ("prompt_id", "prompt"):
            if not isinstance(row.get(name), (str, int)):
                raise InputError(
                    f"{location}: {name} is missing or not text",
                    "each line needs prompt_id and prompt",
                )
        prompts[str(row["prompt_id"])] = str(row["prompt"])
    return list(prompts.values())


def show_genres(triplets: Sequence[Triplet]) -> None:
    """Prints rows and lengths per genre."""
    groups = summary.summarize(triplets)
    print(f"{'genre':<30}{'rows':>5}{'prompt':>12}{'reasoning':>13}{'article':>15}")
    for genre in published().genres:
        group = groups.get(f"genre/{genre.slug}")
        if group is None:
            print(f"{genre.slug:<30}{0:>5}")
            continue
        cells = {part: f"{v.min}–{v.max}" for part, v in group.lengths.items()}
        print(
            f"{genre.slug:<30}{group.count:>5}{cells['prompt']:>12}{cells['reasoning']:>13}{cells['article']:>15}"
        )


def show(name: str, figures: Diversity) -> None:
    """Prints one line of figures."""
    cells = "".join(f"{getattr(figures, figure):> 14.4f}" for figure in FIGURES)
    print(f"{name:<40}{figures.n:>5}{cells}")


def show_header() -> None:
    """Prints the names of the figures."""
    print(f"\n{'':<40}{'n':>5}" + "".join(f"{figure:>14}" for figure in FIGURES))


def show_set(name: str, texts: Sequence[str], language: Language = "zh") -> None:
    """Prints the figures of whole texts and of their beginnings."""
    if len(texts) < 2:
        print(f"{name:<40}{len(texts):>5}  too few to compare")
        return
    show(name, measure(texts, language))
    beginnings = [text[:BEGINNING] for text in texts]
    show(f"{name}, first {BEGINNING} characters", measure(beginnings, language))


def show_habits(triplets: Sequence[Triplet], reference_prompts: Sequence[str]) -> None:
    """Prints how many texts have each habit; those of the reference beside them, if given."""
    habits_found = habits.of_triplets(triplets)
    for language in benchmark.LANGUAGES:
        texts = [q.query for q in benchmark.queries(language)]
        habits_found |= habits.of_prompts(f"{language} queries", texts, language)
    if reference_prompts:
        habits_found |= habits.of_prompts("reference prompts", reference_prompts)
    print()
    for name, value in habits_found.items():
        print(f"{name:<46}{value:>11}")


def compare(queries: Sequence[str], prompts: Sequence[str]) -> None:
    """Prints the figures of the reference beside those of random subsets of as many queries.

    Raises:
        InputError: There are fewer queries than prompts.
    """
    if len(queries) < len(prompts):
        raise InputError(
            f"{len(queries)} queries cannot give subsets of {len(prompts)}",
            "give a smaller reference",
        )
    for length, name in ((None, "whole"), (BEGINNING, f"first {BEGINNING} characters")):
        print(f"\n{name}: {SUBSETS} random subsets of {len(prompts)} Chinese queries")
        theirs = measure([text[:length] for text in prompts])
        ours = subsets([text[:length] for text in queries], len(prompts))
        print(f"  {'':<14}{'reference':>11}{'ours':>9}{'95 % of subsets':>22}  ours as diverse in")
        for figure in FIGURES:
            values = np.array([getattr(subset, figure) for subset in ours])
            line = float(getattr(theirs, figure))
            good = values >= line if figure in FALLING else values <= line
            low, high = np.percentile(values, [2.5, 97.5])
            span = f"[{low:.4f}, {high:.4f}]"
            print(
                f"  {figure:<14}{line:>11.4f}{values.mean():>9.4f}{span:>22}  {good.mean():.0%} of subsets"
            )


def subsets(texts: Sequence[str], size: int, count: int = SUBSETS) -> list[Diversity]:
    """Measures random subsets; the same ones every time."""
    random = np.random.default_rng(SEED)
    return [
        measure([texts[i] for i in random.choice(len(texts), size, replace=False)])
        for _ in range(count)
    ]


def show_all(compared: Path | None = None) -> None:
    """Prints all tables; ``compared`` is a file of prompts to set beside the Chinese queries."""
    triplets = samples.read(published())
    show_genres(triplets)
    show_header()
    for part in ("prompt", "reasoning", "article"):
        show_set(f"sample {part}s", [getattr(t, part) for t in triplets])
    for language in benchmark.LANGUAGES:
        show_set(f"{language} queries", [q.query for q in benchmark.queries(language)], language)
    prompts = reference(compared) if compared else []
    show_habits(triplets, prompts)
    if prompts:
        compare([q.query for q in benchmark.queries("zh")], prompts)
