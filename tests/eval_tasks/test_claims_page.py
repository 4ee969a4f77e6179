"""The committed claims page is what the command writes today."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from eval_tasks import claims
from eval_tasks.claims import page

COMMAND = "python -m eval_tasks claims --html docs/claims.html"


def test_the_committed_page_is_current(root: Path) -> None:
    committed = (root / "docs" / "claims.html").read_text(encoding="utf-8")
    assert committed == page.render(claims.published(), COMMAND), f"run: {COMMAND}"


def test_the_pictures_of_the_page_say_its_verdicts(root: Path) -> None:
    """Whoever changes these words takes docs/images/claims*.png again."""
    n = Counter(claim.finding.verdict for claim in claims.published())
    yes, no, open_ = (n[v] for v in ("supported", "not supported", "not testable here"))
    english, chinese = (
        (root / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")
    )
    assert (
        f"{yes} supported, {no} not supported, {open_} not testable here](docs/images/" in english
    )
    assert f"{yes} 条成立，{no} 条不成立，{open_} 条此处无法检验](docs/images/" in chinese
