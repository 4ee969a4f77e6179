"""The share of first drafts that reviewers accepted, from a curation's own report."""

from __future__ import annotations

from pathlib import Path

from coig_writer.errors import InputError
from coig_writer.files import read_json
from eval_tasks.bilingual import Text
from eval_tasks.claims.claim import Finding, decide, percent, span

PRINTED = 0.70  # "Initial review achieved [≈] 70% acceptance rate" (section 2.3)
MADE_BY = "python -m dataset_builder review"


def acceptance(report: Path) -> Finding:
    """Reads ``work/review/report.json``: does the interval of the first drafts' rate contain the printed 70 %?

    Raises:
        InputError: It is no such report, or one from before first drafts were counted apart.
    """
    content = read_json(report, MADE_BY)
    first = content.get("acceptance")
    if not isinstance(first, dict) or "acceptance_of_all_drafts" not in content:
        raise InputError(f"{report}: no acceptance of first drafts", f"run: {MADE_BY}")
    if first.get("state") != "known":
        return Finding(
            "not testable here", Text("No draft is decided yet.", "还没有一份初稿得到裁定。")
        )
    rate, low, high, n = (first[name] for name in ("value", "low", "high", "n"))
    shown = f"{percent(rate)} [{span(low, high)}]"
    reason = Text(
        f"Of {n} first drafts {shown} were accepted; later drafts of the same texts do not count.",
        f"{n} 份初稿中，通过 {shown}；同一文本后来的修改稿不计。",
    )
    return Finding(decide(low <= PRINTED <= high), reason, rate, low, high, n)
