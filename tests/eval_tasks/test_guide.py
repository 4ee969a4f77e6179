"""The guide's table of metrics is the catalogue."""

from __future__ import annotations

import re
from pathlib import Path

from coig_writer.metrics.catalogue import AGAINST_TRAINING, EMBEDDED, METRICS, TOGETHER, WITHIN


def test_the_guide_lists_every_metric_as_the_catalogue_does(root: Path) -> None:
    text = (root / "docs" / "evaluate.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE)
    expected = [(metric.name, metric.description) for metric in METRICS]
    expected += [(name, what) for name, (what, _) in TOGETHER.items()]
    expected += [(name, what) for name, (what, _) in WITHIN.items()]
    expected += [*EMBEDDED.items(), *AGAINST_TRAINING.items()]
    assert shown == expected
