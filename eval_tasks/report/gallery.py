"""Chooses the figures that a set of runs can carry and draws them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from coig_writer import taxonomy
from coig_writer.preference.pooling import Pooled
from coig_writer.triplet import Language
from eval_tasks.bilingual import Text
from eval_tasks.report import figures
from eval_tasks.report.analysis import Analysis
from eval_tasks.report.figures import Figure, Paint
from eval_tasks.report.tables import published, published_strengths
from eval_tasks.runs import Runs

FEW_PARAGRAPHS = 30  # under three per tenth a profile shows chance
Plan = tuple[str, Text, tuple[float, float], Paint]  # name, caption, size in inches, paint
NAMES: dict[Language, Text] = {"zh": Text("Chinese", "中文"), "en": Text("English", "英文")}


def gallery(runs: Runs, analysis: Analysis, folder: Path) -> dict[str, Figure]:
    """Draws every figure of a language that has data: ``SECTION`` to figure; the PNGs to a folder."""
    painters: dict[str, Callable[[Runs, Analysis], Plan | None]] = {
        "board": _board,
        "length": _length,
        "diversity": _diversity,
        "relation": _relation,
        "genre-wins": _genre_wins,
        "genre-ratings": _genre_ratings,
        "reasoning": _reasoning,
    }
    drawn: dict[str, Figure] = {}
    for section, painter in painters.items():
        plan = painter(runs, analysis)
        if plan is not None:
            name, caption, size, paint = plan
            drawn[section] = figures.draw(name, caption, size, paint, folder)
    return drawn


def _tall(rows: int) -> tuple[float, float]:
    return 8.0, 0.9 + 0.27 * rows


def _board(_: Runs, analysis: Analysis) -> Plan | None:
    if analysis.preference is None or not analysis.preference.board.standings:
        return None
    board = analysis.preference.board
    rows = figures.board_rows(board)
    resampled = "prompts and raters" if board.raters > 1 else "prompts"
    zh = "题目和评审" if board.raters > 1 else "题目"
    printed = published_strengths(board, analysis.language)
    decided = bool(analysis.preference.conclusions)
    caption = Text(
        f"Bradley–Terry strengths (log odds, mean 0), a tie counting half; 95 % intervals resample {resampled}. "
        + ("Red: clear of the average model. " if decided else "")
        + "Where intervals overlap, the order is not settled."
        + (" Open diamonds: the strengths that Table 2 implies." if printed else ""),
        f"Bradley–Terry 强度（对数几率，均值 0），平局算半场；95 % 区间对{zh}重抽样。"
        + ("红色：与平均模型分得开。" if decided else "")
        + "区间重叠处，次序未定。"
        + ("空心菱形：表 2 所隐含的强度。" if printed else ""),
    )
    paint = figures.intervals(
        rows, "log strength", reference=0.0, paper=printed, conclusive=decided
    )
    name = (
        f"figure-8a-preference-{analysis.language}"
        if analysis.language == "en"
        else "preference-zh"
    )
    return name, caption, (5.4, 0.9 + 0.24 * len(rows)), paint  # readable on a telephone


def _boxes(
    runs: Runs, language: Language, metric: str, label: str, name: str, about: Text
) -> Plan | None:
    values = {v: list(x.values()) for v, x in runs.values(metric, language).items()}
    if not values:
        return None
    ordered = [v for v in runs.variants if v in values]  # by name: a board of lengths would rate
    total = sum(map(len, values.values()))
    printed = {v: m for v, m in published(metric, language)[0].items() if v in values}
    caption = Text(
        f"{about.en} {total:,} answers; box: middle half, line: median, dot: mean"
        + (", open diamond: the paper's mean." if printed else "."),
        f"{about.zh}{total:,} 篇回答；方框：中间一半，竖线：中位数，圆点：均值"
        + ("，空心菱形：论文的均值。" if printed else "。"),
    )
    return (
        name,
        caption,
        _tall(len(ordered)),
        figures.boxes({v: values[v] for v in ordered}, label, printed),
    )


def _length(runs: Runs, analysis: Analysis) -> Plan | None:
    name = f"figure-4-length-{analysis.language}"
    en, zh = NAMES[analysis.language].en, NAMES[analysis.language].zh
    caption = Text(f"Figure 4, {en}: length of the articles.", f"图 4，{zh}：文章篇幅。")
    return _boxes(runs, analysis.language, "chars", "characters", name, caption)


def _diversity(runs: Runs, analysis: Analysis) -> Plan | None:
    name = f"figure-5-ttr-{analysis.language}"
    en, zh = NAMES[analysis.language].en, NAMES[analysis.language].zh
    caption = Text(
        f"Figure 5, {en}: type–token ratio. Shorter answers have higher values by nature.",
        f"图 5，{zh}：型例比。回答越短，其值天然越高。",
    )
    return _boxes(runs, analysis.language, "ttr", "type–token ratio", name, caption)


def _relation(_: Runs, analysis: Analysis) -> Plan | None:
    if not analysis.associations:
        return None
    rows = figures.relation_rows(analysis.associations)
    caption = Text(
        "How often, of two answers to one prompt, the one with more of the metric is preferred. 50 %: no relation. "
        "Red: the 95 % interval, which resamples prompts, is clear of it. Most of this is length; python -m eval_tasks validate shows what holds at equal length.",
        "同一题的两篇回答中，指标值较高者受偏好的比例。50 %：无关。红色：按题目重抽样的 95 % 区间不含 50 %。"
        "多半是篇幅的作用；等长时还剩什么，由 python -m eval_tasks validate 判断。",
    )
    paint = figures.intervals(rows, "preferred, %", reference=50.0)
    return f"relation-{analysis.language}", caption, _tall(len(rows)), paint


def _genre_wins(_: Runs, analysis: Analysis) -> Plan | None:
    if not analysis.genre_wins or analysis.pair is None:
        return None
    first, second = analysis.pair
    caption = Text(
        f"Win rate of {first} over {second} by genre, partially pooled: a genre with few prompts is drawn towards "
        "the common rate. In brackets: prompts. Grey: cannot be told from even.",
        f"{first} 对 {second} 的分体裁胜率，部分汇合：题少的体裁向共同比率靠拢。括号内为题数。灰色：与五五开无法区分。",
    )
    paint = figures.intervals(
        _genres(analysis.genre_wins, scale=100), "win rate, %", reference=50.0
    )
    return f"genres-wins-{analysis.language}", caption, _tall(len(analysis.genre_wins)), paint


def _genre_ratings(_: Runs, analysis: Analysis) -> Plan | None:
    if not analysis.genre_ratings:
        return None
    caption = Text(
        "Mean rating of overall preference (0–3) by genre, all models together, partially pooled. "
        "In brackets: prompts. Line: mean over genres.",
        "分体裁的总体偏好平均分（0–3），全部模型合计，部分汇合。括号内为题数。竖线：各体裁均值。",
    )
    values = [rate.value for rate in analysis.genre_ratings.values()]
    rows = _genres(analysis.genre_ratings, scale=1)
    paint = figures.intervals(rows, "mean rating", reference=sum(values) / len(values))
    return f"genres-ratings-{analysis.language}", caption, _tall(len(rows)), paint


def _genres(pooled: dict[str, Pooled], *, scale: float) -> dict[str, tuple[float, float, float]]:
    titles = {g.slug: g.en for g in taxonomy.published().genres}
    return figures.genre_rows(pooled, titles, scale)


def _reasoning(_: Runs, analysis: Analysis) -> Plan | None:
    known = {v: r for v, r in analysis.reasoning.items() if r.paragraphs > 0}
    shown = {v: r for v, r in known.items() if r.paragraphs >= FEW_PARAGRAPHS}
    if not shown:
        return None
    number = 7 if analysis.language == "zh" else 8
    en, zh = NAMES[analysis.language].en, NAMES[analysis.language].zh
    left_out = ", ".join(v for v in known if v not in shown)
    caption = Text(
        f"Figure {number}, {en}: what the paragraphs of the reasoning do, from its start (0) to its end (1). "
        "Labels come from the kit's cue lexicon; the paper publishes no classifier."
        + (f" Fewer than {FEW_PARAGRAPHS} paragraphs, left out: {left_out}." if left_out else ""),
        f"图 {number}，{zh}：思维各段落在做什么，从开头（0）到结尾（1）。标签来自工具包的提示词表；论文没有公布分类器。"
        + (f"不足 {FEW_PARAGRAPHS} 段而略去：{left_out}。" if left_out else ""),
    )
    rows = -(-len(shown) // 3)
    return (
        f"figure-{number}-reasoning-{analysis.language}",
        caption,
        (8.0, 0.8 + 1.9 * rows),
        figures.profiles(shown),
    )
