"""The report as one self-contained HTML page: everything inline, every text of a model escaped."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coig_writer import __version__, paper
from coig_writer.ballot import DIMENSIONS
from coig_writer.metrics.behaviour import BEHAVIOURS
from coig_writer.metrics.reference import ENOUGH, HUMAN
from coig_writer.mixture import VARIANTS
from coig_writer.preference.rates import Estimate
from coig_writer.preference.validity import Better
from coig_writer.triplet import Language
from eval_tasks.bilingual import Text, both, environment, plural, say
from eval_tasks.claims.counts import decided as paper_decided
from eval_tasks.human import SHOWN as AMONG_PEOPLE
from eval_tasks.human import Place
from eval_tasks.report.analysis import Analysis
from eval_tasks.report.cases import Case
from eval_tasks.report.decided import decided
from eval_tasks.report.figures import Figure
from eval_tasks.report.gallery import NAMES
from eval_tasks.report.relation import COHERENCE, METRICS, STYLE
from eval_tasks.report.tables import confusion, measures
from eval_tasks.runs import LANGUAGES, Runs

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HERE = Path(__file__).parent
SMOKE_TOKENS = 200  # answers cut so short come from smoke models
PRINTED = ("tokens", "chars", "ttr")  # measures that the paper printed
TITLES = {
    "tokens": Text("tokens", "词数"),
    "chars": Text("characters", "字符数"),
    "ttr": Text("TTR", "TTR"),
    "mattr_100": Text("MATTR (100)", "MATTR (100)"),
    "length_met": Text("length kept", "篇幅符合"),
    "required_share": Text("required strings", "要求的字句"),
    "reasoning_kept": Text("kept", "落实"),
    "reasoning_bound": Text("beyond chance", "超出偶合"),
}
DIMENSION_NAMES = dict(
    zip(
        DIMENSIONS,
        (
            Text("content quality", "内容质量"),
            Text("creative merit", "创意"),
            Text("cultural appropriateness", "文化得体"),
            Text("task fulfillment", "完成任务"),
            Text("overall preference", "总体偏好"),
        ),
        strict=True,
    )
)
BEHAVIOUR_NAMES = dict(
    zip(
        BEHAVIOURS,
        (
            Text("normal writing", "常规写作"),
            Text("deep reasoning", "深度推理"),
            Text("self exploration", "自我探索"),
            Text("self reflection", "自我反思"),
        ),
        strict=True,
    )
)

Figures = Mapping[Language, Mapping[str, Figure]]


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """What a report shows on demand.

    Attributes:
        arrows: Those that a validation earned.
        confounded: Languages in whose validation no rater rated two answers to one prompt.
        more: Further metrics.
        cases: All answers to some queries.
        claims: Address of the claims page, if it lies beside the report.
        beside: Percentiles of the models among people.
        people: SHA-256 of the people's file.
    """

    arrows: Mapping[tuple[Language, str], Better] = dataclasses.field(default_factory=dict)
    confounded: Collection[Language] = ()
    more: Sequence[str] = ()
    cases: Sequence[Case] = ()
    claims: str = ""
    beside: Sequence[Place] = ()
    people: str = ""


def render(
    runs: Runs,
    analyses: Mapping[Language, Analysis],
    figures: Figures,
    command: str,
    options: Options = Options(),  # frozen
) -> str:
    """Returns the page."""
    env = _environment()
    published = [v for v in VARIANTS if v in runs.variants]
    context: dict[str, object] = {
        "variants": runs.variants,
        "languages": list(analyses),
        "published": published,
        "arrows": options.arrows,
        "titles": {metric: both(title) for metric, title in TITLES.items()},
        "printed": PRINTED,
    }

    def measure_table(metrics: Sequence[str], digits: int) -> Markup:
        scored = {s.metric for s in runs.scores}
        shown = [m for m in metrics if m in scored or m == metrics[0]]
        table = {(x, metric): measures(runs, metric, x) for x in analyses for metric in shown}
        rates = [x for x in analyses if any((x, m) in options.arrows for m in shown)]
        doubtful = [x for x in rates if x in options.confounded]
        cells = {"metrics": shown, "table": table, "digits": digits, "rates": rates, "doubtful": doubtful}  # fmt: skip
        return _markup(env.get_template("measures.html.jinja").render(**context, **cells))

    hero = next((x for x in analyses if "board" in figures[x]), None)
    return str(
        env.get_template("page.html.jinja").render(
            **context,
            css=_markup(_css()),
            decided=decided(analyses),
            hero_language=hero,
            hero=_figure(figures[hero]["board"]) if hero else "",
            counts=_counts(runs),
            smoke=_smoke(runs),
            analyses=analyses,
            behaviours=BEHAVIOURS,
            behaviour_names=BEHAVIOUR_NAMES,
            dimension_names=DIMENSION_NAMES,
            confusion={x: confusion(runs, x) for x in analyses},
            paper_confusion=paper.LANGUAGE_CONFUSION,
            paper_wins=paper.TABLE_2,
            paper_decided={x: paper_decided(x) for x in analyses},
            paper_n=paper.QUERIES,
            measure_table=measure_table,
            figure=lambda language, section: _figure(figures[language].get(section)),
            none_yet=_none_yet,
            coherence_metrics=COHERENCE,
            metric_names=METRICS,
            style_names=STYLE,
            **_on_demand(options, analyses),
            command=command,
            version=__version__,
            arxiv=paper.ARXIV_ID,
        )
    )


def _on_demand(options: Options, analyses: Mapping[Language, Analysis]) -> dict[str, object]:
    """Returns the metrics and cases that were requested, and the section on people: percentiles and win rates."""
    rates = {
        (language, row): rate
        for language, analysis in analyses.items()
        if analysis.preference is not None
        for (row, column), rate in analysis.preference.rates.items()
        if column == HUMAN
    }
    return {
        "more": options.more,
        "cases": options.cases,
        "claims": options.claims,
        "beside": [place for place in options.beside if place.metric in AMONG_PEOPLE],
        "against_people": rates,
        "enough": ENOUGH,
    }


def languages(runs: Runs) -> list[Language]:
    """Returns the languages that the runs hold, Chinese first."""
    present = set(runs.languages.values())
    return [language for language in LANGUAGES if language in present]


def percent(share: float, digits: int = 2) -> str:
    """Formats a share as a percentage without the sign, as Table 2 prints it."""
    return f"{100 * share:.{digits}f}"


def number(value: float, digits: int) -> str:
    """Formats a number with grouped thousands."""
    return f"{value:,.{digits}f}"


def signed(value: float) -> str:
    """Formats a number on both sides of zero, with a true minus sign."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def span_percent(share: Estimate) -> str:
    """Formats a share with its interval in percent."""
    return f"{percent(share.value, 1)} % [{percent(share.low, 1)}, {percent(share.high, 1)}]"


def p_text(p: float) -> str:
    """Formats a p-value, with a sign where it is small."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _environment() -> Environment:
    """Returns the environment of the report's pages, with what their templates call."""
    env = environment(HERE)
    env.globals.update(
        percent=percent, number=number, p_text=p_text, signed=signed, span_percent=span_percent,
        say=say, both=both, plural=plural, name=lambda language: both(NAMES[language]),
    )  # fmt: skip
    return env


def _markup(text: str) -> Markup:
    """Marks the kit's own HTML, CSS or SVG as safe; never call it on what a model or user wrote."""
    from markupsafe import Markup

    return Markup(text)


def _css() -> str:
    return "".join((HERE / name).read_text(encoding="utf-8") for name in ("base.css", "report.css"))


def _figure(figure: Figure | None) -> Markup | str:
    if figure is None:
        return ""
    caption = both(figure.caption)
    return _markup(f"<figure>{figure.svg}<figcaption>{caption}</figcaption></figure>")


def _none_yet(language: Language, en: str, zh: str) -> Markup:
    name = NAMES[language]
    return _markup(f'<p class="none">{say(f"{name.en}: {en}.", f"{name.zh}：{zh}。")}</p>')


def _counts(runs: Runs) -> Text:
    queries = len({a.query_id for a in runs.generations} or set(runs.languages))
    answers, models = len(runs.generations), len(runs.variants)
    scores, ballots = len(runs.scores), len(runs.ballots)
    return Text(
        f"{plural(answers, 'answer')} of {plural(models, 'model')} to {plural(queries, 'query', 'queries')}; "
        f"{plural(scores, 'score')} and {plural(ballots, 'ballot')}. Intervals are 95 % and treat the prompt as the unit.",
        f"{models:,} 个模型对 {queries:,} 题的 {answers:,} 篇回答；{scores:,} 个指标值，{ballots:,} 张选票。区间为 95 %，以题目为单位。",
    )


def _smoke(runs: Runs) -> Text | None:
    limits = {a.sampling.max_new_tokens for a in runs.generations if a.sampling}
    if not limits or max(limits) >= SMOKE_TOKENS:
        return None
    return Text(
        f"Smoke-scale. The answers were cut at {max(limits)} tokens: they prove that the line runs and say nothing about quality.",
        f"试运行规模。回答在 {max(limits)} 个词元处截断：只能说明流程可用，不能说明质量。",
    )
