"""The claim on acceptance, asked of a curation's own report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

from coig_writer import command_line
from coig_writer.errors import InputError
from coig_writer.workbench import progress, review
from coig_writer.workbench.review import Assignment
from eval_tasks.__main__ import GROUP
from eval_tasks.claims import own_review


def report(folder: Path, accepted: int, n: int = 10) -> Path:
    """What a review writes in which so many of ``n`` first drafts were accepted, all others later."""
    criteria = dict.fromkeys(review.CRITERIA, True)
    made, verdicts = [], {}
    drafts: list[tuple[str, Literal["accept", "refine"]]] = [
        (f"d{i}@1", "accept" if i < accepted else "refine") for i in range(n)
    ]
    for item, verdict in [*drafts, *((f"d{i}@2", "accept") for i in range(accepted, n))]:
        made.append(Assignment(item, ("r1", "r2"), "r3"))
        for name in ("r1", "r2"):
            verdicts[item, name] = review.Verdict(item, name, verdict, criteria, "注")
    progress.write(folder / "report.json", made, verdicts, [], ["r1", "r2", "r3"])
    return folder / "report.json"


@pytest.mark.parametrize(
    ("accepted", "verdict"),
    [
        (4, "not supported"),  # Wilson's interval ends at 0.687
        (5, "supported"),  # at 0.763
        (9, "supported"),  # begins at 0.596
        (10, "not supported"),  # at 0.722
    ],
)
def test_the_interval_of_first_drafts_holds_seventy_percent_or_not(
    tmp_path: Path, accepted: int, verdict: str
) -> None:
    result = own_review.acceptance(report(tmp_path, accepted))
    assert (result.verdict, result.estimate, result.n) == (verdict, accepted / 10, 10)


def test_nothing_decided_and_no_report_say_so(tmp_path: Path) -> None:
    assert own_review.acceptance(report(tmp_path, 0, 0)).verdict == "not testable here"
    older = tmp_path / "older.json"  # its rate was that of all drafts
    older.write_text('{"acceptance": {"state": "known", "value": 0.7}}')
    with pytest.raises(InputError, match="no acceptance of first drafts"):
        own_review.acceptance(older)


def test_the_command_reads_the_report(tmp_path: Path) -> None:
    path, page, rows = report(tmp_path, 3), tmp_path / "c.html", tmp_path / "c.json"
    words = ["claims", "--review", str(path), "--html", str(page), "--json", str(rows)]
    command_line.run(GROUP, words)
    (result,) = (r for r in json.loads(rows.read_text("utf-8")) if r["id"] == "acceptance")
    assert (result["own"]["estimate"], result["own"]["n"]) == (0.3, 10)
    assert "--review report.json" in page.read_text("utf-8")
