"""The committed claims page is what the command writes today."""

from __future__ import annotations

from pathlib import Path

from eval_tasks import claims
from eval_tasks.claims import page

COMMAND = "python -m eval_tasks claims --html docs/claims.html"


def test_the_committed_page_is_current(root: Path) -> None:
    committed = (root / "docs" / "claims.html").read_text(encoding="utf-8")
    assert committed == page.render(claims.published(), COMMAND), f"run: {COMMAND}"
