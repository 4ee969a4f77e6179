"""One set of ballots, four places that print it: board, card of votes, report and claims agree on every number.

Each number is also held against the one that ``coig_writer.preference`` gives, so that a place which
estimates by itself fails even where all four would err alike.
"""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

from coig_writer import benchmark
from coig_writer.arena.server import results as of_board
from coig_writer.arena.server.results import results
from coig_writer.ballot import DIMENSIONS, Ballot, Protocol
from coig_writer.facts import Fact
from coig_writer.preference import bootstrap
from coig_writer.preference import summary as summaries
from coig_writer.preference.board import board
from coig_writer.preference.summary import votes
from eval_tasks import runs as of_runs
from eval_tasks.claims import own
from eval_tasks.report import analysis as of_report
from eval_tasks.report import measured
from eval_tasks.report.analysis import analyse
from eval_tasks.runs import together
from model_cards import arena

PAIR = ("cw_10k", "g")
PROMPTS = [query.id for query in benchmark.queries("zh")[:12]]
RATERS = [f"r{i}" for i in range(8)]


def ballot(
    number: int, query: str, rater: str, shown: tuple[str, ...], verdict: object, **changes: Any
) -> Ballot:
    protocol: Protocol = changes.pop("protocol", "pairwise")
    item = f"{query}:{'+'.join(sorted(shown))}"
    fields = {"repeat": 0} | changes
    return Ballot(
        f"b{number}", "s", protocol, item, query, rater, fields["repeat"], shown, json.dumps(verdict)
    )  # fmt: skip


def pairwise() -> list[Ballot]:
    """96 votes of 8 raters on 12 prompts; raters lean, some votes are ties, four prompts are shown again."""
    rng = random.Random(16)
    lean = [0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.8, 0.85]
    found: list[Ballot] = []
    for query in PROMPTS:
        for rater, share in zip(RATERS, lean, strict=True):
            shown = PAIR if rng.random() < 0.5 else PAIR[::-1]
            won = "left" if (rng.random() < share) == (shown == PAIR) else "right"
            verdict = "tie" if rng.random() < 0.1 else won
            found.append(ballot(len(found), query, rater, shown, verdict))
    again = [ballot(100 + i, q, "r0", PAIR, "right", repeat=1) for i, q in enumerate(PROMPTS[:4])]
    return found + again


def rankings() -> list[Ballot]:
    """Three raters rank three models on twelve prompts, without a model that always wins."""
    rng = random.Random(3)
    found: list[Ballot] = []
    for query in PROMPTS:
        for rater in RATERS[:3]:
            order = sorted(("cw", *PAIR), key=lambda v: rng.gauss({"cw_10k": 0.8}.get(v, 0), 1))
            order.reverse()
            found.append(
                ballot(len(found), query, rater, tuple(sorted(order)), order, protocol="ranking")
            )
    return found


def ratings() -> list[Ballot]:
    """Two raters rate two models on twelve prompts."""
    rng = random.Random(5)
    return [
        ballot(
            i, query, rater, (model,), {d: rng.randint(1, 3) for d in DIMENSIONS}, protocol="rating"
        )
        for i, (query, rater, model) in enumerate(
            (q, r, m) for q in PROMPTS for r in RATERS[:2] for m in PAIR
        )
    ]


@dataclasses.dataclass(frozen=True)
class Printed:
    """What each place prints of the same ballots."""

    board: Mapping[str, Any]
    card: Mapping[str, Fact]
    report: Mapping[str, Fact]
    claims: Mapping[str, Any]


def printed(ballots: list[Ballot]) -> Printed:
    models = sorted({v for b in ballots for v in b.shown})
    genre, language = dict.fromkeys(PROMPTS, "poetry"), dict.fromkeys(PROMPTS, "zh")
    protocol = ballots[0].protocol
    summary = results(ballots, protocol, models, genre=genre, language=language).everything
    runs = together([], [], ballots)
    return Printed(
        dataclasses.asdict(summary),
        {f.id: f for f in arena.measure(ballots, "sha")},
        {f.id: f for f in measured.facts(runs, {"zh": analyse(runs, "zh")}, "command")},
        own.findings(runs),
    )


def numbers(found: Mapping[str, Any], scale: float = 1) -> tuple[float, ...]:
    keys = ("estimate", "low", "high") if "estimate" in found else ("value", "low", "high")
    return (*(float(found[k]) / scale for k in keys), float(found["n"]))


@pytest.mark.parametrize("cast", [pairwise, rankings])
def test_board_card_report_and_claims_print_the_same_rates(cast: Any) -> None:
    ballots = cast()
    told = printed(ballots)
    expected = board(votes(ballots))
    protocol = ballots[0].protocol
    cells = {(c["row"], c["column"]): c["rate"] for c in told.board["matrix"]}
    assert cells
    for (row, column), rate in cells.items():
        cell = expected.cell(row, column)
        assert cell is not None
        assert cell.rate is not None
        want = numbers(dataclasses.asdict(cell.rate))
        assert numbers(rate) == want
        fact = told.report[f"table-2/zh/{row}/{column}"]
        assert numbers(dataclasses.asdict(fact), 100) == pytest.approx(want)
        if row < column:
            fact = told.card[f"arena/{protocol}/zh/rate/{row}/{column}"]
            assert numbers(dataclasses.asdict(fact)) == want
        if (row, column) == PAIR:
            finding = dataclasses.asdict(told.claims["zh-headline"])
            assert numbers(finding) == want


@pytest.mark.parametrize("cast", [pairwise, rankings])
def test_board_and_report_print_the_same_strengths(cast: Any) -> None:
    told = printed(cast())
    assert len(told.board["standings"]) >= 2
    for standing in told.board["standings"]:
        fact = told.report[f"strength/zh/{standing['model']}"]
        assert numbers(dataclasses.asdict(fact)) == numbers(standing["strength"])


def test_board_card_and_report_print_the_same_means_and_claims_the_reports_alpha() -> None:
    told = printed(ratings())
    assert len(told.board["scores"]) == len(PAIR) * len(DIMENSIONS)
    for score in told.board["scores"]:
        want = numbers(score["mean"])
        name = f"{score['model']}/{score['dimension']}"
        for fact in (told.report[f"rating/zh/{name}"], told.card[f"arena/rating/zh/score/{name}"]):
            assert numbers(dataclasses.asdict(fact)) == want
    alpha = dataclasses.asdict(told.report["alpha/zh/overall_preference"])
    assert numbers(alpha) == numbers(dataclasses.asdict(told.claims["agreement"]))


def test_no_place_decides_what_another_leaves_open() -> None:
    """Eight raters of twelve prompts: resampling prompts alone decided, raters too leave it open."""
    ballots = pairwise()
    told = printed(ballots)
    cell = next(c for c in told.board["matrix"] if (c["row"], c["column"]) == PAIR)
    assert cell["rate"]["low"] < 0.5 < cell["rate"]["high"]
    assert told.claims["zh-headline"].verdict == "not supported"
    prompts_only = board([dataclasses.replace(v, rater="one") for v in votes(ballots)])
    assert prompts_only.raters == 1


@pytest.mark.parametrize("room", ["board", "card", "report", "claims"])
def test_a_place_that_estimates_by_itself_is_caught(
    room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutation that this file is for: one place stops using the common road."""

    def shifted(*arguments: Any) -> Any:
        found = board(*arguments)
        cells = tuple(
            dataclasses.replace(c, rate=dataclasses.replace(c.rate, low=c.rate.low + 0.01))
            for c in found.matrix
            if c.rate is not None
        )
        return dataclasses.replace(found, matrix=cells)

    def summary_by_itself(*arguments: Any) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(summaries, "board", shifted)
            return summaries.summary(*arguments)

    if room == "board":
        monkeypatch.setattr(of_board, "summary", summary_by_itself)
    elif room == "card":
        monkeypatch.setattr(arena, "summary", summary_by_itself)
    elif room == "claims":
        monkeypatch.setattr(of_runs, "board", shifted)
    else:
        real = of_report.preference

        def preference(*arguments: Any) -> Any:
            found = real(*arguments)
            return found and dataclasses.replace(found, board=shifted(votes(pairwise())))

        monkeypatch.setattr(of_report, "preference", preference)
    with pytest.raises(AssertionError):
        test_board_card_report_and_claims_print_the_same_rates(pairwise)


def test_the_published_resampling_is_named_in_every_interval() -> None:
    found = board(votes(pairwise()))
    assert {s.strength.cluster for s in found.standings} == {"query and rater"}
    assert {s.strength.rounds for s in found.standings} == {bootstrap.ROUNDS}
