"""The audit as a page: the funnel, balance, provenance, variety, leakage; plots and facts beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from coig_writer import facts
from coig_writer.facts import Fact
from coig_writer.files import atomic_path, file_sha256
from dataset_builder.audit.measures import Measures
from dataset_builder.stages.parts import STAGES, Counts, funnel
from dataset_builder.stages.stage import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TEMPLATE = Path(__file__).parent / "page.html.jinja"
COMMAND = "python -m dataset_builder audit"
KEPT, DROPPED, OPEN = "#3b6ea5", "#c8553d", "#e0a030"
STAGE_ZH = dict(
    zip(
        STAGES,
        ("收集", "初审", "去重", "筛选", "反推", "校验", "打分", "审核", "审计", "打包"),
        strict=True,
    )
)


def write(out: Path, measures: Measures, settings: Settings, kept: Path) -> None:
    """Writes ``index.html``, ``funnel.png``, ``balance.png``, ``months.png``, ``scores.png``, ``facts.json``.

    Args:
        out: The folder.
        measures: Of the documents of ``kept``.
        settings: Those of the curation.
        kept: The file that was measured; facts carry its hash.
    """
    stages = [c for c in funnel(settings.root) if c.stage != "pack"]
    draw(out, measures, stages)
    facts.write(out / "facts.json", page_facts(measures, stages, file_sha256(kept)))
    with atomic_path(out / "index.html") as partial:
        partial.write_text(render(measures, stages, settings), encoding="utf-8")


def page_facts(measures: Measures, stages: list[Counts], artefact: str) -> list[Fact]:
    """Returns the funnel, and each figure beside its threshold, as facts."""
    rows: list[tuple[str, int]] = [("audit/rows", measures.documents)]
    for counts in stages:
        rows += [
            (f"funnel/{counts.stage}/{n}", getattr(counts, n))
            for n in ("read", "kept", "dropped", "open")
        ]
        rows += [(f"funnel/{counts.stage}/reason/{r}", n) for r, n in counts.reasons.items()]
    rows += [(f"audit/date/{evidence}", n) for evidence, n in measures.dates.items()]
    made = [Fact(name, value, command=COMMAND, artefact=artefact) for name, value in rows]
    for check in measures.checks:
        name = f"audit/{check.name}"
        made += [
            Fact(name, check.value, check.n, command=COMMAND, artefact=artefact),
            Fact(f"{name}/threshold", check.bound, unit="most" if check.most else "least"),
        ]
    rate = measures.leaking
    if rate is not None:
        made.append(
            Fact(
                "audit/leaking", rate.value, rate.n, rate.low, rate.high, "share", COMMAND, artefact
            )
        )
    return made


def render(measures: Measures, stages: list[Counts], settings: Settings) -> str:
    """Renders the page; every text from a document is escaped."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    context: dict[str, object] = {
        "m": measures,
        "stages": stages,
        "stage_zh": STAGE_ZH,
        "genre_zh": {g.slug: g.zh for g in settings.taxonomy.genres},
        "short": [b for b in measures.categories if b.short],
        "sample": measures.sample,
    }
    return template.render(context)


def draw(out: Path, measures: Measures, stages: list[Counts]) -> None:
    """Draws the four plots; labels are English, since fonts for Chinese cannot be assumed."""
    _plot(out / "funnel.png", lambda axes: _funnel(axes, stages))
    _plot(out / "balance.png", lambda axes: _balance(axes, measures))
    _plot(out / "months.png", lambda axes: _months(axes, measures.months))
    _plot(out / "scores.png", lambda axes: _scores(axes, measures))


def _plot(path: Path, paint: Callable[[Axes], None]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 3.6), dpi=110, layout="constrained")
    paint(axes)
    axes.spines[["top", "right"]].set_visible(False)
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", metadata={"Software": None})
    plt.close(figure)


def _whole_numbers(axes: Axes) -> None:
    """Puts the ticks of row counts at integers only."""
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))


def _funnel(axes: Axes, stages: list[Counts]) -> None:
    stage_names = [c.stage for c in stages][::-1]
    left = [0] * len(stages)
    for label, colour in (("kept", KEPT), ("dropped", DROPPED), ("open", OPEN)):
        widths = [getattr(c, label) for c in stages][::-1]
        bars = axes.barh(stage_names, widths, left=left, color=colour, label=label)
        shown = [str(w) if w else "" for w in widths]
        axes.bar_label(bars, labels=shown, label_type="center", color="white", fontsize=8)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.set(title="Documents at each stage", xlabel="documents")
    axes.legend(frameon=False, loc="lower right")


def _balance(axes: Axes, measures: Measures) -> None:
    rows = measures.categories[::-1]
    colours = [DROPPED if b.short else KEPT for b in rows]
    bars = axes.barh([b.en for b in rows], [b.rows for b in rows], color=colours)
    axes.bar_label(bars, padding=3, fontsize=8)
    axes.axvline(rows[0].minimum, color="#666666", linestyle="--", linewidth=1)
    axes.set(title="Accepted rows by category (dashed: minimum)", xlabel="rows")


def _months(axes: Axes, months: Mapping[str, int]) -> None:
    known = _span(sorted(m for m in months if m[:2] == "20"))
    axes.bar(known, [months.get(m, 0) for m in known], color=KEPT)
    axes.set(title="Accepted rows by month of publication", ylabel="rows")
    step = max(1, len(known) // 12)
    axes.set_xticks(range(0, len(known), step), [known[i] for i in range(0, len(known), step)])
    axes.tick_params(axis="x", rotation=35)
    _whole_numbers(axes)


def _span(known: list[str]) -> list[str]:
    """Returns every month from the first to the last, those without rows too."""
    if not known:
        return []
    first, last = (int(m[:4]) * 12 + int(m[5:]) - 1 for m in (known[0], known[-1]))
    return [f"{n // 12}-{n % 12 + 1:02d}" for n in range(first, last + 1)]


def _scores(axes: Axes, measures: Measures) -> None:
    sums = measures.sums
    axes.bar(list(sums), list(sums.values()), color=KEPT)
    axes.axvline(49.5, color="#666666", linestyle="--", linewidth=1)
    axes.set(
        title="Sum of the six scores (dashed: 50 passes)",
        xlabel="sum",
        ylabel="rows",
        xlim=(47, 61),
    )
    _whole_numbers(axes)
