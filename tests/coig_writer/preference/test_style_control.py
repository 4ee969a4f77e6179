"""The board at equal style: equal to statsmodels, and right where the truth is known."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from scipy.special import expit

from coig_writer.ballot import Comparison
from coig_writer.errors import StatisticsError
from coig_writer.metrics import formatting
from coig_writer.preference import bradley_terry
from coig_writer.preference.control import style_control
from coig_writer.preference.control.logistic import covariance, fit
from coig_writer.preference.pairs import Floats, Ints, encode, win_matrix

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import statsmodels.api as sm

MODELS = ("a", "b", "c", "d")
TRUE = dict(zip(MODELS, (0.6, 0.2, -0.2, -0.6), strict=True))


def voted(
    prompts: int, seed: int, beta: float
) -> tuple[list[Comparison], dict[str, dict[tuple[str, str], float]]]:
    """Votes of three raters; the weaker a model, the longer it writes."""
    rng = np.random.default_rng(seed)
    chars = {
        (m, f"q{q:03}"): float(np.exp(7 - 0.5 * TRUE[m] + rng.normal(0, 0.4)))
        for m in MODELS
        for q in range(prompts)
    }
    rows = []
    for q, (a, b) in itertools.product(range(prompts), itertools.combinations(MODELS, 2)):
        query = f"q{q:03}"
        gap = np.log2((1 + chars[a, query]) / (1 + chars[b, query]))
        won = rng.random() < expit(TRUE[a] - TRUE[b] + beta * gap)
        outcome = 0.5 if rng.random() < 0.1 else float(won)
        rows.append(Comparison(query, f"r{q % 3}", a, b, outcome))
    return rows, {"chars": chars}


@pytest.mark.filterwarnings("ignore")
def test_coefficients_and_clustered_errors_are_statsmodels() -> None:
    rng = np.random.default_rng(0)
    design = np.column_stack([np.ones(400), rng.normal(size=(400, 3))])
    outcome = (rng.random(400) < expit(design @ [0.2, 0.5, -0.3, 0.0])).astype(np.float64)
    outcome[:40] = 0.5
    queries, raters = rng.integers(0, 50, 400), rng.integers(0, 12, 400)
    both = np.unique(np.column_stack([queries, raters]), axis=0, return_inverse=True)[1].ravel()
    model = sm.GLM(outcome, design, family=sm.families.Binomial())

    def peer(codes: Ints) -> Floats:
        kwds = {"groups": codes, "use_correction": False}
        fitted = model.fit(cov_type="cluster", cov_kwds=kwds, tol=1e-12)
        groups = len(np.unique(codes))
        return np.asarray(fitted.cov_params()) * groups / (groups - 1)

    theta, gradient = fit(design, outcome)
    assert theta == pytest.approx(np.asarray(model.fit(tol=1e-12).params), abs=1e-8)
    assert gradient < 1e-9
    assert covariance(design, outcome, theta, [queries]) == pytest.approx(peer(queries), rel=1e-6)
    two = covariance(design, outcome, theta, [queries, raters])
    assert two == pytest.approx(peer(queries) + peer(raters) - peer(both), rel=1e-6, abs=1e-9)


def test_the_plain_half_is_the_boards_bradley_terry() -> None:
    rows, covariates = voted(60, 1, beta=1.0)
    pairs = encode(rows)
    fitted = style_control.fit(pairs, covariates)
    plain = {m.model: m.plain.value for m in fitted.models}
    expected = bradley_terry.fit(win_matrix(pairs))
    assert plain == pytest.approx(
        dict(zip(expected.labels, expected.log_strengths, strict=True)), abs=1e-6
    )


def test_what_length_alone_won_is_taken_back_and_the_places_move() -> None:
    """Length is worth so much that the weakest model, which writes most, leads the plain board."""
    rows, covariates = voted(400, 2, beta=2.2)
    fitted = style_control.fit(encode(rows), covariates)
    assert [m.model for m in fitted.models] == list(MODELS)
    assert [m.plain_place for m in fitted.models] == [4, 3, 2, 1]
    assert len(fitted.moved) == 4
    for model in fitted.models:
        assert model.strength.low < TRUE[model.model] < model.strength.high
    effect = fitted.effects["chars"]
    assert effect.low < 2.2 < effect.high
    assert (fitted.n, fitted.left_out, fitted.prompts, fitted.raters) == (2400, 0, 400, 3)


def test_votes_that_length_does_not_sway_move_nowhere() -> None:
    rows, covariates = voted(200, 3, beta=0.0)
    fitted = style_control.fit(encode(rows), covariates)
    assert fitted.moved == ()
    assert fitted.effects["chars"].low < 0 < fitted.effects["chars"].high


def test_raters_who_differ_widen_the_interval() -> None:
    rows, covariates = voted(200, 4, beta=0.5)
    one = [Comparison(r.query_id, "r", r.left, r.right, r.outcome) for r in rows]
    swayed = [
        r if r.rater != "r0" else Comparison(r.query_id, r.rater, r.left, r.right, 1 - r.outcome)
        for r in rows
    ]
    flipped = [Comparison(r.query_id, "r", r.left, r.right, r.outcome) for r in swayed]
    wide, narrow = (
        style_control.fit(encode(x), covariates).effects["chars"] for x in (swayed, flipped)
    )
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert style_control.fit(encode(one), covariates).raters == 1


def test_what_cannot_be_fitted_is_refused() -> None:
    rows, covariates = voted(10, 5, beta=0.0)
    assert style_control.fit(encode(rows), covariates).prompts == 10
    few = [r for r in rows if r.query_id != "q000"]
    with pytest.raises(StatisticsError, match="9 prompts"):
        style_control.fit(encode(few), covariates)
    same = {"chars": dict.fromkeys(covariates["chars"], 5.0)}
    with pytest.raises(StatisticsError, match="that differ"):
        style_control.fit(encode(rows), same)
    with pytest.raises(StatisticsError, match="0 prompts"):
        style_control.fit(encode(rows), {"chars": {}})
    won = [Comparison(r.query_id, r.rater, r.left, r.right, 1.0) for r in rows]
    with pytest.raises(StatisticsError, match="no finite estimate"):
        style_control.fit(encode(won), covariates)


def test_an_unmeasured_answer_leaves_its_comparisons_out() -> None:
    rows, covariates = voted(30, 6, beta=0.0)
    chars = {key: value for key, value in covariates["chars"].items() if key != ("a", "q003")}
    fitted = style_control.fit(encode(rows), {"chars": chars})
    assert (fitted.left_out, fitted.n) == (3, 177)


@pytest.mark.parametrize(
    ("article", "counts"),
    [
        ("# 标题\n\n正文\n## 小节\n#话题不是标题", (2, 0, 0)),
        ("- 一\n* 二\n1. 三\n2）不算\n3、四\n———\n* * *\n---\n-5度\n3.5公里\n*完*", (0, 4, 0)),
        ("- **粗体**：词\n•词", (0, 2, 1)),
        ("**粗体**和__粗体__，** 不算 **，a*b*c", (0, 0, 2)),
        ("**开头粗体**\n", (0, 0, 1)),
    ],
)
def test_headings_items_and_bold_are_counted(article: str, counts: tuple[int, int, int]) -> None:
    result = (
        formatting.headings(article),
        formatting.list_items(article),
        formatting.bold(article),
    )
    assert result == counts


def test_marks_are_weighed_by_lines_and_taken_off() -> None:
    text = "# 题\n- **粗** 与 `码`\n\n1. 一\n> 说\n| 表 |\n有 **粗** 的\n3.5公里\n---\n平常"
    assert formatting.marked(text) == 6 / 9
    assert formatting.marked(" \n") == 0
    assert (
        formatting.unmarked(text) == "题\n粗 与 码\n\n一\n说\n| 表 |\n有 粗 的\n3.5公里\n---\n平常"
    )
