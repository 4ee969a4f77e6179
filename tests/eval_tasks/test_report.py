"""The report: what it says without votes, that hostile text stays text, and on real data."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from coig_writer import command_line, facts
from coig_writer.ballot import DIMENSIONS, Ballot
from coig_writer.errors import KitError
from coig_writer.files import write_records
from coig_writer.generation import Generation
from coig_writer.score import Judgement, Score
from coig_writer.triplet import Language
from eval_tasks.__main__ import GROUP
from tests.generations import generation as made

HOSTILE = '$\\frac{<script>alert(1)</script><img src=x onerror="alert(2)">{{ 7*7 }}</style>'


def answer(
    variant: str, query: str, article: str = "一篇文章。", reasoning: str = "首先，想一想。"
) -> Generation:
    language: Language = "zh" if query.startswith("zh") else "en"
    text = f"<think>{reasoning}</think>{article}"
    return made(
        variant,
        query,
        text,
        language,
        genre="essay",
        prompt=f"prompt {HOSTILE}",
        n_tokens=10,
        seed=1,
    )


def report(folder: Path, *arguments: str) -> None:
    """Runs the command in this process: importing matplotlib once is enough."""
    command_line.run(GROUP, ["report", "--out", str(folder / "out"), *arguments])


def page(folder: Path) -> str:
    return (folder / "out" / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def unvoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two published variants and a hostile one, scored, without votes."""
    folder = tmp_path_factory.mktemp("unvoted")
    names = ("cw", "g", HOSTILE)
    queries = ("zh-essay-1", "zh-essay-2", "en-essay-1")
    answers = [answer(v, q, HOSTILE, HOSTILE) for v in names for q in queries]
    scores = [
        Score(
            a.variant,
            a.query_id,
            metric,
            value,
            "scored" if value is not None else "missing",
            reason,
        )
        for a in answers
        for metric, value, reason in (
            ("ttr", 0.5, None),
            ("chars", 100.0, None),
            ("tokens", None, "no_tokens"),
        )
    ]
    write_records(folder / "g.jsonl", answers, Generation)
    write_records(folder / "s.jsonl", scores, Score)
    report(
        folder, "--generations", str(folder / "g.jsonl"), "--scores", str(folder / "s.jsonl"),
        "--cases", "zh-essay-1",
    )  # fmt: skip
    return folder


def test_without_votes_it_says_so_and_shows_the_papers_cells(unvoted: Path) -> None:
    text = page(unvoted)
    assert "no votes yet" in text
    assert "35.78" in text  # cw against g as published
    assert "0.678" in text
    assert not any(
        name.startswith("table-2") for name in facts.read(unvoted / "out" / "facts.json")
    )


def test_absences_are_counted_and_never_a_number(unvoted: Path) -> None:
    assert "2 missing" in page(unvoted)
    assert "table-3/zh/cw/tokens" not in facts.read(unvoted / "out" / "facts.json")


def test_language_confusion_stands_beside_the_papers(tmp_path: Path) -> None:
    scores = [
        Score(v, f"en-essay-{i}", "language_confusion_any", float(i < hits), "scored")
        for v, hits in (("cw", 5), ("g", 1))
        for i in range(40)
    ]
    write_records(tmp_path / "s.jsonl", scores, Score)
    report(tmp_path, "--scores", str(tmp_path / "s.jsonl"))
    fact = facts.read(tmp_path / "out" / "facts.json")["language-confusion/en/cw/any"]
    assert (fact.value, fact.n) == (12.5, 40)
    assert "12.18" in page(tmp_path)


def test_both_bad_and_skipped_are_counted_apart(tmp_path: Path) -> None:
    verdicts = ["left", "right", "tie", "both_bad", "both_bad", "skip"]
    votes = [
        Ballot(
            f"b{i}", "s", "pairwise", f"i{i}", f"zh-essay-{i}", "r", 0, ("cw", "g"), json.dumps(v)
        )
        for i, v in enumerate(verdicts)
    ]
    write_records(tmp_path / "b.jsonl", votes, Ballot)
    report(tmp_path, "--ballots", str(tmp_path / "b.jsonl"))
    english = "".join(re.findall(r'<span class="en">([^<]*)</span>', page(tmp_path)))
    assert "60.0 % ties, 2 both bad, 1 skipped." in english
    assert facts.read(tmp_path / "out" / "facts.json")["table-2/zh/cw/g"].n == 5


def test_hostile_text_stays_text(unvoted: Path) -> None:
    text = page(unvoted)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert" in text
    assert "{{ 7*7 }}" in text


def test_the_page_loads_nothing_and_names_no_path(unvoted: Path) -> None:
    text = page(unvoted)
    assert not re.search(r"(?:src|href)=[\"'](?!#)", text)
    assert str(unvoted) not in text
    assert str(unvoted) not in (unvoted / "out" / "facts.json").read_text(encoding="utf-8")


def test_ids_in_the_figures_do_not_collide(unvoted: Path) -> None:
    ids = re.findall(r' id="([^"]+)"', re.sub(r"<g id=[^>]*>", "", page(unvoted)))
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "nothing to report on"),
        (("--generations", "absent.parquet"), "no such file"),
        (("--generations", "g.jsonl", "--cases", "zh-none-9"), "no variant answered it"),
        (("--generations", "g.jsonl", "g.jsonl"), "twice"),
        (("--scores", "foreign.jsonl"), "unknown language"),
    ],
)
def test_wrong_input_is_named(
    unvoted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    score = Score("cw", "essay-1", "ttr", 0.5, "scored")
    write_records(unvoted / "foreign.jsonl", [score], Score)
    monkeypatch.chdir(unvoted)
    with pytest.raises(KitError, match=says):
        report(tmp_path, *arguments)
    assert not (tmp_path / "out").exists()


def ranking(number: int, query: str, rater: str, order: list[str]) -> Ballot:
    return Ballot(
        f"b{number}",
        "s",
        "ranking",
        query,
        query,
        rater,
        0,
        tuple(sorted(order)),
        json.dumps(order),
    )


def test_repeated_votes_widen_nothing_and_ratings_show_agreement(tmp_path: Path) -> None:
    votes: list[Ballot] = []
    for number in range(60):
        query = f"zh-essay-{number}"
        order = ["cw_10k", "g"] if number < 40 else ["g", "cw_10k"]
        votes += [ranking(4 * number + i, query, f"r{i}", order) for i in range(3)]
        verdict = json.dumps(dict.fromkeys(DIMENSIONS, number % 4))
        votes += [
            Ballot(f"a{number}{r}", "s", "rating", query, query, r, 0, ("g",), verdict)
            for r in "xy"
        ]
    write_records(tmp_path / "b.jsonl", votes, Ballot)
    report(tmp_path, "--ballots", str(tmp_path / "b.jsonl"))
    found = facts.read(tmp_path / "out" / "facts.json")
    rate = found["table-2/zh/cw_10k/g"]
    assert rate.n == 180
    assert (rate.high or 0) - (rate.low or 0) > 20  # 60 prompts, not 180 votes
    assert found["flips/zh/cw_10k/g"].value == 2  # 40 of 60; 39 is the fewest that differ
    assert found["alpha/zh/overall_preference"].value == pytest.approx(1)
    assert "other prompts, other raters, both" in page(tmp_path)
    assert "One rater cast every vote" not in page(tmp_path)


def test_votes_of_one_rater_are_called_so(tmp_path: Path) -> None:
    votes = [
        ranking(i, f"zh-essay-{i}", "r", ["cw_10k", "g"] if i % 3 else ["g", "cw_10k"])
        for i in range(30)
    ]
    write_records(tmp_path / "b.jsonl", votes, Ballot)
    report(tmp_path, "--ballots", str(tmp_path / "b.jsonl"))
    assert "One rater cast every vote" in page(tmp_path)


@pytest.mark.slow
def test_real_answers_of_twelve_models(shared: Path, tmp_path: Path) -> None:
    from tests.eval_tasks import preference_bench

    source = shared / "data" / "writing_preference_bench_zh.jsonl.gz"
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        models = {json.loads(line)["model"] for line in lines}
    preference_bench.convert(source, tmp_path)
    files = [f"--{n}={tmp_path / n}.parquet" for n in ("generations", "ballots", "scores")]
    report(tmp_path, *files)
    found = facts.read(tmp_path / "out" / "facts.json")
    assert {name.split("/")[2] for name in found if name.startswith("rating/zh/")} == models
    assert "implied by the ratings" in page(tmp_path)
    assert "Nothing is concluded from it" in page(tmp_path)
    assert not any(name.startswith("flips/") for name in found)
    drawn = {figure.stem for figure in (tmp_path / "out" / "figures").glob("*.png")}
    assert drawn >= {"preference-zh", "figure-4-length-zh", "figure-5-ttr-zh", "relation-zh",
                     "genres-wins-zh", "genres-ratings-zh"}  # fmt: skip


def numbers(html: str) -> list[str]:
    """The numbers of the page's English sentences, without the paper's own and the method's."""
    body = re.sub(r"<(svg|footer|nav|script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    body = re.sub(r'<span class="zh".*?</span>|<[^>]+ title="[^"]*">', "", body)
    found = []
    for paragraph in re.findall(r"<p\b[^>]*>(.*?)</p>", body, re.DOTALL):
        text = re.sub(r"<[^>]+>", "", paragraph)
        text = re.sub(
            r"\(Table \d\)|section 2\.4|\b0–3\b|95 %|80 %|&lt; 0\.001|10 %|5 %|2\.5 to 2\.6|χ²\(\d+\)|cw_1?\d+k",
            "",
            text,
        )
        found += re.findall(r"\d[\d,]*(?:\.\d+)?", text)
    return found


def test_every_number_in_the_text_is_a_fact(tmp_path: Path) -> None:
    """Votes and ratings by three raters, lengths and formats: whatever a sentence says is in facts.json."""
    rng, votes, scores = np.random.default_rng(0), [], []
    names = ("cw", "cw_10k", "g")
    for number in range(60):
        query = f"zh-essay-{number}"
        chars = {v: float(rng.integers(500, 3000)) for v in names}
        for rater in range(3):
            order = sorted(names, key=lambda v: -chars[v] * rng.random() * (1 + (v == "cw_10k")))
            votes.append(ranking(3 * number + rater, query, f"r{rater}", order))
            verdict = json.dumps({"overall_preference": int(rng.integers(0, 4))})
            shown = names[(number + rater) % 3]
            votes.append(
                Ballot(
                    f"a{number}{rater}",
                    "s",
                    "rating",
                    query,
                    query,
                    f"r{rater}",
                    0,
                    (shown,),
                    verdict,
                )
            )
        for v in names:
            scores += [
                Score(v, query, metric, value, "scored")
                for metric, value in (("chars", chars[v]), ("bold", float(rng.integers(0, 9))))
            ]
    write_records(tmp_path / "b.jsonl", votes, Ballot)
    write_records(tmp_path / "s.jsonl", scores, Score)
    report(tmp_path, "--ballots", str(tmp_path / "b.jsonl"), "--scores", str(tmp_path / "s.jsonl"))
    found = facts.read(tmp_path / "out" / "facts.json").values()
    known = {
        float(x) for f in found for x in (f.value, f.low, f.high, f.n) if isinstance(x, int | float)
    }
    # a percentage, a count of losses, and what the sentence about the runs counts
    known |= {
        f.n - f.value
        for f in found
        if f.id.endswith("/prompts") and f.n and isinstance(f.value, int | float)
    }
    known |= {3.0, 60.0, float(len(scores)), float(len(votes)), 0.0}
    said = numbers(page(tmp_path))
    assert len(said) > 40
    unknown = []
    for text in said:
        digits = len(text.partition(".")[2])
        value = float(text.replace(",", ""))
        if not any(abs(abs(x) - value) < 0.5001 * 10**-digits for x in known):
            unknown.append(text)
    assert unknown == []


def test_a_judges_board_is_called_so_and_its_worth_in_votes_is_told(tmp_path: Path) -> None:
    """Forty voted of a hundred judged prompts; the judge is right on nine of ten."""
    asked: tuple[tuple[str, Literal["left_first", "right_first"]], ...] = (
        ("pairwise", "left_first"),
        ("pairwise", "right_first"),
        ("pairwise#1", "left_first"),
    )
    rng, votes, verdicts = np.random.default_rng(0), [], []
    for i in range(100):
        query, won = f"zh-essay-{i}", bool(rng.random() < 0.6)
        right = rng.random() < 0.9
        side = "left" if won == right else "right"
        verdicts += [
            Judgement(
                "judge-x",
                rubric,
                query,
                "cw_10k",
                "g",
                order,
                json.dumps(side),
                "scored",
                None,
                1,
                1,
                None,
            )
            for rubric, order in asked
        ]
        if i < 40:
            best = ["cw_10k", "g"] if won else ["g", "cw_10k"]
            votes.append(ranking(i, query, "r", best))
    write_records(tmp_path / "b.jsonl", votes, Ballot)
    write_records(tmp_path / "j.jsonl", verdicts, Judgement)
    report(
        tmp_path, "--ballots", str(tmp_path / "b.jsonl"), "--judgements", str(tmp_path / "j.jsonl")
    )
    text, found = page(tmp_path), facts.read(tmp_path / "out" / "facts.json")
    assert "not votes" in text
    assert found["judge/zh/judge-x/verdicts"].value == 200  # the repeat is no verdict of its own
    powered = found["votes-and-judge/zh/judge-x/cw_10k/g"]
    alone = found["votes-and-judge/zh/judge-x/cw_10k/g/votes-alone"]
    assert (powered.high or 0) - (powered.low or 0) < 0.9 * ((alone.high or 0) - (alone.low or 0))
    worth = float(found["votes-and-judge/zh/judge-x/cw_10k/g/worth"].value)
    assert f"worth {worth:.0f} more voted prompts" in text
    assert found["votes/zh/comparisons"].value == 40  # the board of votes holds votes alone
