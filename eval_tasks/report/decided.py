"""What was decided, in one sentence: the first thing that the report says."""

from __future__ import annotations

from collections.abc import Mapping

from coig_writer.triplet import Language
from eval_tasks.bilingual import Text
from eval_tasks.report.analysis import Analysis, Preference
from eval_tasks.report.gallery import NAMES

NAMED = 3  # decided pairs that the sentence names, clearest first; of several languages one each


def decided(analyses: Mapping[Language, Analysis]) -> Text:
    """Returns the sentence; a language without votes or ratings is left out where another has some."""
    preferences = {x: a.preference for x, a in analyses.items() if a.preference is not None}
    if not preferences:
        return Text("Nothing is decided: there are no votes yet.", "尚未分出任何高下：还没有投票。")
    several = len(preferences) > 1
    parts = [_language(preference, 1 if several else NAMED) for preference in preferences.values()]
    if not several:
        return parts[0]
    named = [
        Text(f"{NAMES[x].en}: {p.en}", f"{NAMES[x].zh}：{p.zh}")
        for x, p in zip(preferences, parts, strict=True)
    ]
    return Text(" ".join(p.en for p in named), "".join(p.zh for p in named))


def _language(preference: Preference, named: int) -> Text:
    if not preference.conclusions:
        if preference.source == "ratings":
            return Text(
                "Nothing is decided: the scores are by different raters.",
                "尚未分出任何高下：分数出自不同的评审。",
            )
        return Text(
            "Nothing is decided: every prompt is a tie.", "尚未分出任何高下：每题都是平局。"
        )
    sure = [c for c in preference.conclusions if c.significant]
    total = len(preference.conclusions)
    if not sure:
        return Text(
            f"None of {total} pairs of models is decided after correction."
            if total > 1
            else "The one pair of models is not decided.",
            f"校正后，{total} 个对比均未分出高下。",
        )
    listed = [
        f"{c.better} over {c.worse} ({100 * c.rate.estimate:.1f}\N{NO-BREAK SPACE}% [{100 * c.rate.low:.1f}, {100 * c.rate.high:.1f}])"
        for c in sure[:named]
    ]
    zh = [
        f"{c.better} 胜 {c.worse}（{100 * c.rate.estimate:.1f}\N{NO-BREAK SPACE}%［{100 * c.rate.low:.1f}, {100 * c.rate.high:.1f}］）"
        for c in sure[:named]
    ]
    rest = len(sure) - len(listed)
    return Text(
        f"{len(sure)} of {total} pairs of models {'is' if len(sure) == 1 else 'are'} decided: "
        + ", ".join(listed)
        + (f" and {rest} more." if rest else "."),
        f"{total} 个对比中有 {len(sure)} 个分出高下："
        + "，".join(zh)
        + (f"，另有 {rest} 个。" if rest else "。"),
    )
