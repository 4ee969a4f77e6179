"""Table 2 of the paper, all 40 cells, out of the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from coig_writer import facts, paper
from coig_writer.ballot import Ballot
from coig_writer.facts import Fact
from coig_writer.files import write_records
from coig_writer.mixture import VARIANTS
from coig_writer.score import Score

RANKINGS = json.loads(
    (Path(__file__).parent / "fixtures" / "table-2-rankings.json").read_text(encoding="utf-8")
)
# Research on Table 2: these follow from the mean places, whatever the realisation.
MEAN_PLACES = {
    "zh": dict(zip(VARIANTS, (3.67, 3.25, 2.80, 2.37, 2.91), strict=True)),
    "en": dict(zip(VARIANTS, (3.87, 3.41, 2.71, 2.59, 2.42), strict=True)),
}
FRIEDMAN = {"zh": (77.3, 0.095), "en": (212.0, 0.150)}


def synthetic_ballots() -> list[Ballot]:
    """One ranking per query, as many of each kind as the fixture says."""
    found = []
    for language in ("zh", "en"):
        kinds = [kind for kind, count in RANKINGS[language].items() for _ in range(count)]
        for number, kind in enumerate(kinds):
            order = [RANKINGS["variants"][int(digit)] for digit in kind]
            found.append(
                Ballot(
                    f"{language}-{number}", "synthetic", "ranking", f"item-{number}",
                    f"{language}-synthetic-{number}", "r1", 0, tuple(sorted(order)), json.dumps(order),
                )
            )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Fact]:
    folder = tmp_path_factory.mktemp("report")
    write_records(folder / "ballots.jsonl", synthetic_ballots(), Ballot)
    # a sixth variant without votes must not disturb the five
    unvoted = [Score("base", "zh-synthetic-0", "ttr", 0.5, "scored")]
    write_records(folder / "scores.jsonl", unvoted, Score)
    command = [sys.executable, "-m", "eval_tasks", "report", "--ballots", str(folder / "ballots.jsonl"),
               "--scores", str(folder / "scores.jsonl"), "--out", str(folder / "out")]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    assert done.returncode == 0, done.stderr
    return facts.read(folder / "out" / "facts.json")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_cell_to_the_printed_digit(reported: dict[str, Fact], language: str) -> None:
    cells = paper.TABLE_2[language]
    assert len(cells) == 20
    for (row, column), published in cells.items():
        fact = reported[f"table-2/{language}/{row}/{column}"]
        assert f"{float(fact.value):.2f}" == f"{published.percent:.2f}"
        assert fact.n == published.n


@pytest.mark.parametrize("language", ["zh", "en"])
def test_mean_places_and_friedman(reported: dict[str, Fact], language: str) -> None:
    for variant, place in MEAN_PLACES[language].items():
        assert round(float(reported[f"mean-place/{language}/{variant}"].value), 2) == place
    statistic, kendall_w = FRIEDMAN[language]
    assert round(float(reported[f"friedman/{language}/statistic"].value), 1) == statistic
    assert round(float(reported[f"friedman/{language}/kendall-w"].value), 3) == kendall_w


def test_eight_prompts_undo_the_chinese_headline(reported: dict[str, Fact]) -> None:
    assert reported["flips/zh/cw_10k/g"].value == 8
    assert "flips/en/g/cw_10k" not in reported  # nothing to undo


def test_headline_interval(reported: dict[str, Fact]) -> None:
    fact = reported["table-2/zh/cw_10k/g"]
    assert (round(fact.low or 0, 1), round(fact.high or 0, 1)) == (55.9, 69.1)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_plackett_luce_stands_beside_bradley_terry(
    reported: dict[str, Fact], language: str
) -> None:
    for model in ("strength", "plackett-luce"):
        found = {v: reported[f"{model}/{language}/{v}"] for v in VARIANTS}
        assert sum(float(fact.value) for fact in found.values()) == pytest.approx(0, abs=1e-9)
        best = {"zh": "cw_10k", "en": "g"}[language]
        assert max(found, key=lambda v: float(found[v].value)) == best
