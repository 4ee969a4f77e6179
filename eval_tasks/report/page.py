"""The report as one self-contained HTML page: everything inline, every text of a model escaped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coig_writer import __version__, paper
from coig_writer.mixture import VARIANTS
from eval_tasks.report.inputs import LANGUAGES, Runs
from eval_tasks.report.tables import measures, win_rates

HERE = Path(__file__).parent
LANGUAGE_NAMES = {"zh": "Chinese", "en": "English"}
# A model that was trained for seconds on samples says so in its own facts; its answers are tiny.
SMOKE_TOKENS = 200


def environment() -> Any:
    """Returns the Jinja environment of the report: escaping on, undefined names refused."""
    import jinja2

    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(percent=percent, number=number)
    return env


def percent(share: float, digits: int = 2) -> str:
    """Formats a share as a percentage without the sign, as Table 2 prints it."""
    return f"{100 * share:.{digits}f}"


def number(value: float, digits: int) -> str:
    """Formats a number with grouped thousands."""
    return f"{value:,.{digits}f}"


def render(runs: Runs, command: str) -> str:
    """Returns the page."""
    env = environment()
    published = [v for v in VARIANTS if v in runs.variants]
    languages = [x for x in LANGUAGES if x in set(runs.languages.values())] or list(LANGUAGES)
    shared = {
        "variants": runs.variants,
        "languages": languages,
        "language_names": LANGUAGE_NAMES,
        "published": published,
    }

    def measure_table(metrics: Sequence[str], titles: dict[str, str], digits: int) -> Any:
        return _measures(env, runs, {**shared, "metrics": metrics, "titles": titles}, digits)

    return str(
        env.get_template("page.html.jinja").render(
            **shared,
            css=_css(),
            counts=_counts(runs),
            level=95,
            smoke=_smoke(runs),
            wins={x: win_rates(runs, x) for x in languages},
            paper_wins=paper.TABLE_2,
            paper_n=paper.QUERIES,
            measure_table=measure_table,
            command=command,
            version=__version__,
            arxiv=paper.ARXIV_ID,
        )
    )


def _css() -> Any:
    from markupsafe import Markup

    return Markup((HERE / "base.css").read_text(encoding="utf-8"))


def _measures(env: Any, runs: Runs, context: dict[str, Any], digits: int) -> Any:
    from markupsafe import Markup

    table = {
        (language, metric): measures(runs, metric, language)
        for language in context["languages"]
        for metric in context["metrics"]
    }
    template = env.get_template("measures.html.jinja")
    return Markup(template.render(**context, table=table, digits=digits))


def _counts(runs: Runs) -> dict[str, str]:
    queries = {a.query_id for a in runs.generations} or set(runs.languages)
    return {
        "answers": f"{len(runs.generations):,}",
        "variants": str(len(runs.variants)),
        "queries": f"{len(queries):,}",
        "scores": f"{len(runs.scores):,}",
        "ballots": f"{len(runs.ballots):,}",
    }


def _smoke(runs: Runs) -> str:
    limits = {a.sampling.max_new_tokens for a in runs.generations if a.sampling}
    if not limits or max(limits) >= SMOKE_TOKENS:
        return ""
    return (
        f"The answers were cut at {max(limits)} tokens: they prove that the line runs and say "
        "nothing about quality."
    )
