"""What the entries of a thread add up to."""

from __future__ import annotations

import pytest

from coig_writer.workbench.server.entries import Entry, Kind
from coig_writer.workbench.server.threads import Thread


def entry(number: int, kind: Kind, seconds: float, at: str) -> Entry:
    return Entry(f"e{number}", "annotate", "d1", 1, "p", number, kind, {}, seconds, at)


@pytest.mark.parametrize(
    ("counted", "at", "spare"),
    [
        (0, "2026-01-01T10:00:00.000+00:00", 60),
        (0, "2026-01-01T10:01:30.500+00:00", 150.5),
        (100, "2026-01-01T10:01:00.000+00:00", 20),
        (120, "2026-01-01T10:01:00.000+00:00", 0),
        (121, "2026-01-01T10:01:00.000+00:00", 0),
    ],
)
def test_no_more_work_is_counted_than_time_went_by(counted, at, spare):
    thread = Thread()
    thread.add(entry(1, "assign", 0, "2026-01-01T10:00:00.000+00:00"))
    thread.add(entry(2, "draft", counted, "2026-01-01T10:00:00.000+00:00"))
    assert thread.spare_seconds(at) == spare
