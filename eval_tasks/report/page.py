"""The report as one self-contained HTML page: everything inline, every text of a model escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coig_writer import __version__, paper
from coig_writer.metrics.behaviour import BEHAVIOURS
from coig_writer.mixture import VARIANTS
from coig_writer.preference.validity import Better
from coig_writer.triplet import Language
from eval_tasks.report.analysis import Analysis
from eval_tasks.report.cases import Case
from eval_tasks.report.figures import Figure
from eval_tasks.report.relation import COHERENCE, METRICS
from eval_tasks.report.tables import confusion, measures
from eval_tasks.runs import LANGUAGES, Runs

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HERE = Path(__file__).parent
LANGUAGE_NAMES = {"zh": "Chinese", "en": "English"}
SMOKE_TOKENS = 200  # answers cut so short come from smoke models

Figures = Mapping[Language, Mapping[str, Figure]]


def render(
    runs: Runs,
    analyses: Mapping[Language, Analysis],
    figures: Figures,
    cases: Sequence[Case],
    command: str,
    *,
    arrows: Mapping[tuple[Language, str], Better] | None = None,
) -> str:
    """Returns the page; ``arrows`` are the metrics that a validation lets rate."""
    env = _environment()
    published = [v for v in VARIANTS if v in runs.variants]
    context: dict[str, object] = {
        "variants": runs.variants,
        "languages": list(analyses),
        "language_names": LANGUAGE_NAMES,
        "published": published,
        "arrows": arrows or {},
    }

    def measure_table(metrics: Sequence[str], titles: dict[str, str], digits: int) -> Markup:
        scored = {s.metric for s in runs.scores}
        shown = [m for m in metrics if m in scored or m == metrics[0]]
        table = {(x, metric): measures(runs, metric, x) for x in analyses for metric in shown}
        template = env.get_template("measures.html.jinja")
        cells = {"metrics": shown, "titles": titles, "table": table, "digits": digits}
        return _markup(template.render(**context, **cells))

    return str(
        env.get_template("page.html.jinja").render(
            **context,
            css=_markup(_css()),
            counts=_counts(runs),
            smoke=_smoke(runs),
            analyses=analyses,
            behaviours=BEHAVIOURS,
            confusion={x: confusion(runs, x) for x in analyses},
            paper_confusion=paper.LANGUAGE_CONFUSION,
            paper_wins=paper.TABLE_2,
            paper_n=paper.QUERIES,
            measure_table=measure_table,
            figure=lambda language, section: _figure(figures[language].get(section)),
            none_yet=_none_yet,
            coherence_metrics=COHERENCE,
            metric_names=METRICS,
            cases=cases,
            command=command,
            version=__version__,
            arxiv=paper.ARXIV_ID,
        )
    )


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


def p_text(p: float) -> str:
    """Formats a p-value, with a sign where it is small."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _environment() -> Environment:
    """Makes the Jinja environment: escaping on, undefined names refused."""
    import jinja2

    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(percent=percent, number=number, p_text=p_text, signed=signed)
    return env


def _markup(text: str) -> Markup:
    """Marks the kit's own HTML, CSS or SVG as safe; never call it on what a model or user wrote."""
    from markupsafe import Markup

    return Markup(text)


def _css() -> str:
    return "".join((HERE / name).read_text(encoding="utf-8") for name in ("base.css", "report.css"))


def _figure(figure: Figure | None) -> Markup | str:
    from markupsafe import escape

    if figure is None:
        return ""
    caption = escape(figure.caption)
    return _markup(f"<figure>{figure.svg}<figcaption>{caption}</figcaption></figure>")


def _none_yet(language: Language, why: str) -> Markup:
    return _markup(f'<p class="none">{LANGUAGE_NAMES[language]}: {why}.</p>')


def _counts(runs: Runs) -> dict[str, str]:
    queries = {a.query_id for a in runs.generations} or set(runs.languages)
    return {
        "answers": _plural(len(runs.generations), "answer"),
        "variants": _plural(len(runs.variants), "model"),
        "queries": _plural(len(queries), "query", "queries"),
        "scores": _plural(len(runs.scores), "score"),
        "ballots": _plural(len(runs.ballots), "ballot"),
    }


def _plural(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _smoke(runs: Runs) -> str:
    limits = {a.sampling.max_new_tokens for a in runs.generations if a.sampling}
    if not limits or max(limits) >= SMOKE_TOKENS:
        return ""
    return (
        f"The answers were cut at {max(limits)} tokens: they prove that the line runs and say "
        "nothing about quality."
    )
