"""The claims: their verdicts over the published counts, their files, and the user's own runs."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from coig_writer import paper
from coig_writer.ballot import Ballot
from coig_writer.files import write_records
from eval_tasks import claims
from eval_tasks.claims.claim import VERDICTS, Claim
from eval_tasks.claims.quotes import QUOTES

FIXTURE = json.loads(
    (Path(__file__).parent / "fixtures" / "table-2-rankings.json").read_text(encoding="utf-8")
)
KEYS = {"id", "claim", "quote", "source", "estimate", "low", "high", "n", "p", "verdict", "reason"}
EXPECTED = {
    "zh-headline": "supported",
    "zh-only-one": "not testable here",
    "zh-parity": "not testable here",
    "zh-monotone": "supported",
    "zh-gain": "not supported",
    "en-baseline": "not supported",
    "en-monotone": "not supported",
    "no-transfer": "supported",
    "gap-89": "not supported",
    "gap-16": "supported",
    "confusion-cw": "supported",
    "confusion-trend": "supported",  # over the five models that the sentence names
    "queries-104": "not testable here",  # that 104 were written; what was judged are 557
    "ttr-paradox": "not supported",
    "ttr-lowest": "not supported",
    "length-verbosity": "not testable here",
    "length-variance": "not testable here",
    "genres-51": "not supported",
    "minimum-15": "not supported",
    "categories-7": "supported",
    "domains-8": "supported",  # the sentence is about the taxonomy; that one domain is empty is genres-51
    "sum-50": "not testable here",  # no score is released
    "cut-off": "not testable here",
    "data-availability": "not testable here",
    "ratings": "not testable here",
    "reasoning-zh": "not testable here",
    "reasoning-en": "not testable here",
    "disconnected": "not testable here",
    "thirty-percent": "not supported",
    "category-means": "not supported",
    "ratio-12": "not testable here",
    "agreement": "not testable here",
    "technical-genres": "not testable here",
    "abstract-genres": "not testable here",
    "two-components": "not testable here",
}


@pytest.fixture(scope="module")
def published() -> dict[str, Claim]:
    result = claims.published()
    assert len({c.id for c in result}) == len(result)
    return {c.id: c for c in result}


@pytest.mark.parametrize(("name", "verdict"), EXPECTED.items())
def test_verdict(published: dict[str, Claim], name: str, verdict: str) -> None:
    assert published[name].finding.verdict == verdict


def test_headline_numbers(published: dict[str, Claim]) -> None:
    result = published["zh-headline"].finding
    assert (result.estimate, result.n) == (128 / 204, 204)
    assert (round(result.low or 0, 3), round(result.high or 0, 3)) == (0.559, 0.691)
    assert result.p == pytest.approx(0.002, abs=1e-5)
    assert "8 prompts" in result.reason.en


def test_eleven_genres_have_fewer_than_fifteen_rows(published: dict[str, Claim]) -> None:
    """The published counts are 1, 1, 2, 2, 3, 4, 5, 7, 8, 10, 11 rows, and then 15."""
    told = published["minimum-15"].finding.reason.en
    assert re.match(r"11 of \d\d genres have fewer than 15 rows", told)


def test_paradox_points_the_other_way(published: dict[str, Claim]) -> None:
    finding = published["ttr-paradox"].finding
    assert finding.estimate == pytest.approx(0.51, abs=0.005)


def test_a_verdict_follows_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    from coig_writer.paper import Reported
    from eval_tasks.claims import chinese, counts

    weaker = dict(paper.TABLE_2["zh"])
    weaker["cw_10k", "g"] = Reported(110, 204, "changed")
    monkeypatch.setitem(paper.TABLE_2, "zh", weaker)
    counts.corrected.cache_clear()
    try:
        assert chinese.headline().finding.verdict == "not supported"
    finally:
        counts.corrected.cache_clear()


def test_every_claim_is_written_in_both_languages(published: dict[str, Claim]) -> None:
    for claim in published.values():
        for text in (claim.claim, claim.finding.reason):
            assert text.en.endswith((".", ")."))
            assert re.search("[一-鿿]", text.zh)
            assert not re.search("[一-鿿]", text.en)


PLACES = {
    "Abstract": "abstract",
    "1 Introduction": "introduction",
    "Contributions:": "contributions",
}


def place(heading: str) -> str | None:
    """Names a line of the paper as the claims do, if it is a heading."""
    if numbered := re.match(r"(\d(?:\.\d)?) [A-Z]", heading):
        return PLACES.get(heading, f"section {numbered[1]}")
    if lettered := re.match(r"Appendix [A-E]", heading):
        return lettered[0]
    return PLACES.get(heading)


def found_in(lines: list[str], quote: str) -> set[str | None]:
    """Returns the places of the paper that hold a quotation: what is in brackets may be anything."""
    here, places = None, set()
    parts = [re.sub(r" +", " ", re.sub(r"\[[^]]*\]", "", p)).strip() for p in quote.split("[…]")]
    wanted = re.compile(".{0,300}".join(map(re.escape, parts)))
    for line in lines:
        here = place(line) or here
        if wanted.search(re.sub(r"\s+", " ", line)):
            places.add(here)
    return places


def test_every_verdict_quotes_the_paper_from_a_place_that_it_names(
    published: dict[str, Claim], shared: Path
) -> None:
    (file,) = (shared / "paper").glob("*.txt")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert set(QUOTES) == set(published)
    for name, claim in published.items():
        assert found_in(lines, claim.quote) & set(claim.source.split("; ")), name


def test_a_quotation_that_the_paper_does_not_hold_is_not_found() -> None:
    lines = ["3.2 Main Results", "reaches parity (50.00%), while and underperform at 42.16%"]
    held = "[CW+5k] reaches parity (50.00%), while [A] and [B] underperform"
    assert found_in(lines, held) == {"section 3.2"}
    assert found_in(lines, "reaches parity […] at 42.16%") == {"section 3.2"}
    assert not found_in(lines, "[CW+5k] reaches parity (50.01%)")


def test_the_printed_pairs_sum_to_a_hundred(shared: Path) -> None:
    """So no tie was ever counted: what the claim on ratings rests on."""
    (file,) = (shared / "paper").glob("*.txt")
    cells = re.compile(r"\|((?: (?:–|\d\d\.\d\d) \|){10})")
    rows = [m[1].split("|")[:-1] for m in cells.finditer(file.read_text(encoding="utf-8"))]
    assert len(rows) == 5
    for start in (0, 5):
        for i, j in itertools.combinations(range(5), 2):
            assert float(rows[i][start + j]) + float(rows[j][start + i]) == pytest.approx(100)


def test_the_sum_stops_seven_ways_to_score(published: dict[str, Claim]) -> None:
    """Six scores of 8–10: one way to 48, six to 49, of 3 ** 6."""
    finding = published["sum-50"].finding
    assert (finding.estimate, finding.n) == (7 / 729, 729)


def test_only_one_and_parity_ask_the_same_open_question(published: dict[str, Claim]) -> None:
    only, even = published["zh-only-one"].finding, published["zh-parity"].finding
    assert only.verdict == even.verdict == "not testable here"
    assert (only.estimate, only.n) == (even.estimate, even.n) == (0.5, 204)


def test_the_trend_of_confusion_holds_over_five_models_and_is_that_of_cw_alone(
    published: dict[str, Claim],
) -> None:
    """43, 6, 5, 4 and 5 of 353 over shares of 0, .546, .857, .923 and 1; without the first no trend.

    By hand, of shares and counts: Sxy = -25.656, Sxx = .6723 and Syy = 1,157.2 give r = -.9198.
    """
    finding = published["confusion-trend"].finding
    assert (finding.unit, finding.n) == ("r", 5)
    assert finding.estimate == pytest.approx(-0.9198, abs=1e-4)
    assert finding.p == pytest.approx(0.0269, abs=1e-4)
    assert "no trend (p = 0.62), and from CW+1k to CW+10k a fall of 0.6 points" in (
        finding.reason.en.replace("\N{NO-BREAK SPACE}", " ")
    )


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((43, 6, 5, 4, 5), "supported"),
        ((43, 6, 4, 4, 5), "not supported"),  # CW+5k is not between CW and CW+10k
        ((20, 19, 5, 4, 18), "not supported"),  # r = -.58, p = .31
    ],
)
def test_the_trend_needs_a_correlation_and_rates_in_between(
    counts: tuple[int, ...], verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eval_tasks.claims import english

    for variant, count in zip(paper.LANGUAGE_CONFUSION, counts, strict=True):
        monkeypatch.setitem(paper.LANGUAGE_CONFUSION, variant, count)
    assert english.confusion_trend().finding.verdict == verdict


def test_the_last_step_in_english_carries_the_verdict(published: dict[str, Claim]) -> None:
    finding = published["en-monotone"].finding
    assert (finding.estimate, finding.n) == (179 / 353, 353)
    assert "23.51%, 30.03%, 42.21%, 46.46%" in finding.reason.en


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The claims of the paper beside those of the synthetic rankings that realise Table 2."""
    folder = tmp_path_factory.mktemp("claims")
    votes = []
    for language in ("zh", "en"):
        kinds = [kind for kind, count in FIXTURE[language].items() for _ in range(count)]
        for number, kind in enumerate(kinds):
            order = [FIXTURE["variants"][int(digit)] for digit in kind]
            name = f"{language}-{number}"
            votes.append(
                Ballot(
                    name,
                    "synthetic",
                    "ranking",
                    name,
                    name,
                    "r1",
                    0,
                    tuple(order),
                    json.dumps(order),
                )
            )
    write_records(folder / "ballots.jsonl", votes, Ballot)
    command = [
        sys.executable, "-m", "eval_tasks", "claims", "--json", str(folder / "claims.json"),
        "--html", str(folder / "claims.html"), "--ballots", str(folder / "ballots.jsonl"),
    ]  # fmt: skip
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    return {r["id"]: r for r in json.loads((folder / "claims.json").read_text(encoding="utf-8"))}


def test_json_has_one_object_per_claim(written: Path, published: dict[str, Claim]) -> None:
    result = rows(written)
    assert set(result) == set(published)
    for row in result.values():
        assert set(row) - {"own"} == KEYS
        assert row["verdict"] in VERDICTS


def test_runs_that_realise_table_2_get_the_papers_verdicts(written: Path) -> None:
    result = rows(written)
    answered = {name: row for name, row in result.items() if "own" in row}
    assert set(answered) == {
        "zh-headline", "zh-only-one", "zh-parity", "zh-monotone", "en-baseline", "en-monotone",
        "no-transfer", "gap-16",
    }  # fmt: skip
    for row in answered.values():
        assert row["own"]["verdict"] == row["verdict"]
        if row["id"] in ("zh-headline", "zh-parity", "zh-monotone", "gap-16"):
            assert row["own"]["estimate"] == pytest.approx(row["estimate"])
            assert row["own"]["p"] == pytest.approx(row["p"])


def test_the_page_is_whole_and_loads_nothing(written: Path, published: dict[str, Claim]) -> None:
    page = (written / "claims.html").read_text(encoding="utf-8")
    for name, claim in published.items():
        assert f'<article id="{name}"' in page
        assert f'<q lang="en">{escape(claim.quote)}</q>' in page
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)
    assert "@import" not in page
    assert "url(" not in page
    assert str(written) not in page
