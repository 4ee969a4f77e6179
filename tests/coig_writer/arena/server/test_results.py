from __future__ import annotations

import itertools
import json
import math
import random
import zlib
from typing import Any

import pytest

from coig_writer.arena.server.board import Board
from coig_writer.arena.server.database import sqlite_url
from coig_writer.arena.server.identity import Identity
from coig_writer.arena.server.results import overview, results, weight
from coig_writer.arena.server.service import StudyService, Vote
from coig_writer.arena.server.store import Store
from coig_writer.arena.server.tally import Tally, compute
from coig_writer.arena.study.answers import collect, read_preference_bench
from coig_writer.arena.study.definition import Overlap, Study
from coig_writer.arena.study.exclusions import excluded
from coig_writer.ballot import DIMENSIONS, Ballot
from coig_writer.preference.board import PRIOR
from coig_writer.preference.rates import wilson
from coig_writer.preference.summary import Influence, consistency, influence, summary

GENRE = {f"q{i}": ("poetry", "essay")[i % 2] for i in range(40)}


def cast(number, shown, verdict, **changes):
    fields: dict[str, Any] = {
        "protocol": "pairwise",
        "rater": "r",
        "repeat": 0,
        "query_id": f"q{number}",
    }
    fields |= changes
    item = fields.pop("item", f"{fields['query_id']}:{'+'.join(sorted(shown))}")
    return Ballot(
        id=f"{number}-{zlib.crc32(repr((shown, verdict, changes)).encode())}",
        study="s",
        item=item,
        shown=tuple(shown),
        verdict=json.dumps(verdict),
        **fields,
    )


def test_wins_losses_and_ties_are_counted_from_both_sides():
    ballots = [
        cast(0, "ab", "left"),
        cast(1, "ba", "right"),
        cast(2, "ab", "right"),
        cast(3, "ab", "tie"),
        cast(4, "ab", "both_bad"),
        cast(5, "ab", "skip"),
    ]
    result: Any = summary(ballots, ("a", "b"), GENRE)
    cells = {(c.row, c.column): c for c in result.matrix}
    assert (cells["a", "b"].wins, cells["a", "b"].losses, cells["a", "b"].ties) == (2, 1, 2)
    assert (cells["b", "a"].wins, cells["b", "a"].losses, cells["b", "a"].ties) == (1, 2, 2)
    assert (result.skips, result.both_bad, result.ballots) == (1, 1, 6)
    assert (result.tie_rate.estimate, result.tie_rate.n) == (2 / 5, 5)
    assert result.tie_rate.high >= wilson(2, 5).high


def test_without_votes_nothing_is_a_number():
    result = results([], "pairwise", ("a", "b"), genre={}, language={})
    assert result.everything.matrix == ()
    assert result.everything.tie_rate is None
    assert result.everything.agreement is None


def test_unanimous_votes_do_not_claim_certainty():
    result: Any = summary([cast(i, "ab", "left") for i in range(6)], ("a", "b"), GENRE)
    (rate,) = {c.rate for c in result.matrix if c.row == "a"}
    assert (rate.low, rate.high) == (wilson(6, 6).low, 1.0)


def test_an_unbeaten_model_is_flagged_with_its_prior():
    ballots = [cast(i, "ab", "left") for i in range(8)] + [cast(i, "bc", "left") for i in range(8)]
    result: Any = summary(ballots, ("a", "b", "c"), GENRE)
    assert [s.model for s in result.standings] == ["a", "b", "c"]
    assert {s.prior for s in result.standings} == {PRIOR}
    assert all(math.isfinite(s.strength.estimate) for s in result.standings)


def test_one_prompt_gives_counts_but_no_strengths_and_says_why():
    result: Any = summary(
        [cast(0, "ab", "left"), cast(0, "ab", "right", rater="t")], ("a", "b"), GENRE
    )
    assert result.standings == ()
    assert "one prompt" in result.notes[0]
    assert result.matrix[0].rate.n == 2


def test_repeats_count_for_consistency_and_for_nothing_else():
    ballots = [cast(i, "ab", "left") for i in range(4)]
    ballots += [cast(0, "ba", "right", repeat=1), cast(1, "ba", "left", repeat=1)]
    result: Any = summary(ballots, ("a", "b"), GENRE)
    assert result.ballots == 4
    assert (result.consistency.estimate, result.consistency.n) == (1 / 2, 2)
    assert result.consistency.low <= wilson(1, 2).low
    assert consistency(ballots[:4]) is None


def test_agreement_is_perfect_when_raters_agree_and_none_without_overlap():
    verdicts = [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]
    both = [
        cast(i, "abc", v, protocol="ranking", rater=rater)
        for i, v in enumerate(verdicts)
        for rater in ("r", "t")
    ]
    result: Any = summary(both, ("a", "b", "c"), GENRE)
    assert result.agreement.value == pytest.approx(1.0)
    assert summary(both[::2], ("a", "b", "c"), GENRE).agreement is None


def test_ratings_are_averaged_by_model_and_dimension():
    ballots = [
        cast(i, [model], dict.fromkeys(DIMENSIONS, score), protocol="rating")
        for i, (model, score) in enumerate([("a", 3), ("a", 2), ("b", 0), ("b", 1)])
    ]
    result: Any = summary(ballots, ("a", "b"), GENRE)
    means = {(s.model, s.dimension): s.mean.estimate for s in result.scores}
    assert means == {(m, d): {"a": 2.5, "b": 0.5}[m] for m in "ab" for d in DIMENSIONS}


def test_a_genre_of_few_prompts_has_no_rate_of_its_own():
    ballots = [cast(i, "ab", ("left", "right", "left")[i % 3]) for i in range(24)]
    few = [b for b in ballots if GENRE[b.query_id] == "poetry" or b.query_id in ("q1", "q3")]
    raw = {(s.model, s.genre): s.pooled.raw for s in summary(few, ("a", "b"), GENRE).slices}
    assert raw["a", "essay"] is None
    assert raw["a", "poetry"] is not None


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("too_fast", {"velocity": 41.0}),
        ("not_scrolled", {"scroll": 0.49}),
        ("reported", {"reported": True}),
        ("no_reading", {"consent": True, "elapsed_s": 9.0, "velocity": None, "scroll": None}),
    ],
)
def test_rules_name_what_they_leave_out_and_both_views_are_kept(rule, changes):
    good = {"velocity": 40.0, "scroll": 0.5}
    ballots = [cast(i, "ab", "left", **good) for i in range(5)]
    ballots.append(cast(5, "ab", "right", **(good | changes)))
    language = dict.fromkeys(GENRE, "zh")
    result = results(ballots, "pairwise", ("a", "b"), genre=GENRE, language=language)
    assert {name: n for name, n in result.excluded.items() if n} == {rule: 1}
    assert (result.everything.ballots, result.after_exclusions.ballots) == (6, 5)


def test_a_rater_who_always_takes_one_side_is_noticed_after_ten_votes():
    language = dict.fromkeys(GENRE, "zh")
    always = [cast(i, "ab", "left", rater="x") for i in range(10)]
    mixed = [cast(i, "ab", ("left", "right")[i % 2], rater="y") for i in range(10)]
    assert excluded(always + mixed, language)["one_sided"] == {b.id for b in always}
    assert excluded(always[:9], language)["one_sided"] == set()
    nine_of_ten = [*always[:9], cast(9, "ab", "right", rater="x")]
    assert excluded(nine_of_ten, language)["one_sided"] == set()
    ten_of_eleven = [*always, cast(10, "ab", "right", rater="x")]
    assert len(excluded(ten_of_eleven, language)["one_sided"]) == 11


def test_readers_of_the_board_cost_one_computation_at_a_time(service, monkeypatch):
    calls = []
    real = Tally.view

    def counted(*arguments):
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(Tally, "view", counted)
    board = Board(Tally(service))
    views = [board.view("pairwise", "zh") for _ in range(20)]
    assert len(calls) == 1
    assert views[0]["ballots"] == 0


@pytest.mark.parametrize(("cast", "shown"), [(2, False), (3, True)])
def test_results_are_shown_from_the_stated_number_of_votes(service, cast, shown):
    """``results_after`` is 3; a repeat is no further vote."""
    rater = service.identity.rater("public", "visitor")
    queue = service.admit(rater, "pairwise", "zh")
    for _ in range(cast):
        service.vote(rater, "pairwise", "zh", Vote(queue.next(), "left"))
    view = Board(Tally(service)).view("pairwise", "zh")
    assert (view["ballots"], view["needed"]) == (cast, 3)
    assert (view["results"] is not None) == shown


@pytest.fixture(scope="module")
def voted(tmp_path_factory, shared):
    """The published answers as a study of five models, ranked by raters of known strengths."""
    texts = read_preference_bench(shared / "data" / "writing_preference_bench_zh.jsonl.gz")
    models = sorted({t.variant for t in texts})[:5]
    raters = tuple(f"rater {i}" for i in range(4))
    study = Study(
        study="wpb",
        mode="invited",
        protocols=("ranking", "pairwise"),
        raters=raters,
        overlap=Overlap(0.3, 2),
    )
    folder = tmp_path_factory.mktemp("wpb")
    store = Store(sqlite_url(folder / "b.sqlite"))
    service = StudyService(study, collect(texts, models=models), store, Identity(b"k" * 32))
    truth = dict(zip(models, (1.0, 0.5, 0.0, -0.5, -1.0), strict=True))
    rng = random.Random(11)
    for name, protocol in itertools.product(raters, study.protocols):
        rater = service.identity.rater("invited", name)
        queue = service.admit(rater, protocol, "zh")
        while token := queue.next():
            shown = [service.collection.variants[m] for m in queue.tasks[token].shown]
            worth = [truth[m] - math.log(-math.log(rng.random())) for m in shown]
            order = sorted(range(len(shown)), key=lambda i: -worth[i])
            verdict = order if protocol == "ranking" else ("left", "right")[order[0]]
            service.vote(rater, protocol, "zh", Vote(token, verdict))
    return service, truth


@pytest.mark.parametrize("protocol", ["ranking", pytest.param("pairwise", marks=pytest.mark.slow)])
def test_the_board_recovers_known_strengths_within_its_intervals(voted, protocol):
    service, truth = voted
    result = compute(service, protocol, "zh").everything
    assert result.queries > 90
    assert {s.model for s in result.standings} == set(truth)
    held = [s.strength.low <= truth[s.model] <= s.strength.high for s in result.standings]
    assert sum(held) >= len(truth) - 1  # of five intervals at 95 %, one may miss
    for standing in result.standings:
        strength = standing.strength
        assert strength.high - strength.low < 1.0
        assert standing.prior == 0
    assert [s.model for s in result.standings] == sorted(truth, key=lambda m: -truth[m])


def test_who_always_gives_one_order_or_the_same_scores_is_noticed_too():
    language = dict.fromkeys(GENRE, "zh")
    orders = [
        cast(i, o, [*o], protocol="ranking", rater="x") for i, o in enumerate(["abc", "cab"] * 5)
    ]
    assert excluded(orders, language)["one_sided"] == {
        b.id for b in orders
    }  # as they stood, every time
    by_name = [
        cast(i, o, ["a", "b", "c"], protocol="ranking") for i, o in enumerate(["abc", "cab"] * 5)
    ]
    assert excluded(by_name, language)["one_sided"] == set()
    flat = [cast(i, "a", dict.fromkeys(DIMENSIONS, 2), protocol="rating") for i in range(10)]
    assert excluded(flat, language)["one_sided"] == {b.id for b in flat}
    other = cast(9, "a", dict.fromkeys(DIMENSIONS, 1), protocol="rating")
    assert excluded([*flat[:9], other], language)["one_sided"] == set()
    skipped = [cast(i, "ab", "skip") for i in range(10)]
    assert excluded(skipped, language)["one_sided"] == set()


@pytest.mark.parametrize(
    ("told", "marked"),
    [
        ({}, True),
        ({"dwell_s": 0.0, "depths": (0.0, 0.0)}, True),
        ({"dwell_s": 0.1}, False),
        ({"depths": (0.0, 0.1)}, False),
        ({"consent": False}, False),
    ],
)
def test_no_reading_is_neither_time_nor_depth(told, marked):
    ballot = cast(0, "ab", "left", **({"consent": True, "elapsed_s": 1.0} | told))
    assert bool(excluded([ballot], {"q0": "zh"})["no_reading"]) == marked


def influenced(pairs):
    return [cast(i, "ab", side, rater=rater) for i, (rater, side) in enumerate(pairs)]


def test_a_rater_whose_leaving_turns_a_pair_is_told_with_what_changes():
    """Three votes for a, two of them x's; two for b: without x b leads, without y nobody does."""
    ballots = influenced(
        [("x", "left"), ("x", "left"), ("y", "left"), ("z", "right"), ("w", "right")]
    )
    assert influence(ballots) == (
        Influence("x", 2, 1, ("b",), True),
        Influence("w", 1, 0, ("a",), False),
        Influence("y", 1, 1, (), True),
        Influence("z", 1, 0, ("a",), False),
    )
    of = weight(ballots, {"x": "cookie", "y": "account", "w": "account"})
    assert (of.raters, of.by_cookie, of.most_flips, of.another_first) == (4, 2, 1, 2)
    assert of.flips_by_cookie == 1  # x and z: y's vote for a against w's for b
    assert weight(ballots, {}).flips_by_cookie is None  # nobody would be left


def test_the_influence_on_ratings_is_by_mean_score():
    scores = [("x", "a", 3), ("y", "a", 1), ("x", "b", 1), ("y", "b", 2)]
    ballots = [
        cast(i, [model], dict.fromkeys(DIMENSIONS, score), protocol="rating", rater=rater)
        for i, (rater, model, score) in enumerate(scores)
    ]
    assert influence(ballots) == (
        Influence("x", 2, 1, ("b",), True),
        Influence("y", 2, 0, ("a",), False),
    )


def test_an_attackers_cookies_show_as_one_group():
    honest = [("h1", "left"), ("h2", "left"), ("h3", "left")]
    ballots = influenced(honest + [(f"bot{i}", "right") for i in range(64)])
    of = weight(ballots, dict.fromkeys(("h1", "h2", "h3"), "account"))
    assert (of.most_flips, of.by_cookie, of.flips_by_cookie) == (0, 64, 1)


def test_an_overview_says_what_lacks_votes_and_who_gave_them(make_service, invited):
    service = make_service(invited)
    rater = next(iter(service.raters))
    queue = service.admit(rater, "ranking", "zh")
    service.vote(rater, "ranking", "zh", Vote(queue.next(), [0, 1, 2, 3, 4], dwell_s=60.0))
    result = overview(service)
    of = next(p for p in result.progress if (p.protocol, p.language) == ("ranking", "zh"))
    shared = queue.tasks[next(iter(queue.tasks))].unit in {
        t.unit for s in service.seats("ranking", "zh")[1:] for t in s
    }
    assert (of.items, of.judged, of.lacking, of.ballots) == (6, 1, 6 if shared else 5, 1)
    one, other = [r for r in result.raters if (r.protocol, r.language) == ("ranking", "zh")][:2]
    assert (one.name, one.done, one.assigned, one.known_by) == (
        "甲",
        1,
        len(queue.tasks),
        "invitation",
    )
    assert (other.name, other.done, other.influence) == ("乙", 0, None)
