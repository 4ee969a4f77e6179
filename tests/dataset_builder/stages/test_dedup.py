"""Which of two texts counts as a copy, at the edge of the threshold."""

from __future__ import annotations

from pathlib import Path

import pytest

from coig_writer import taxonomy
from coig_writer.text import normalise
from dataset_builder.stages import dates, dedup
from dataset_builder.stages.dedup import SIMILARITY_THRESHOLD, Member, within
from dataset_builder.stages.stage import Settings


def text(shared: int, own: int, total: int = 153) -> str:
    """Characters that all differ: ``shared`` of them common to all texts, then one's own."""
    return "".join(
        chr(0x4E00 + i) if i < shared else chr(0x4E00 + 1000 * own + i) for i in range(total)
    )


@pytest.mark.parametrize(
    ("shared", "similarity"),
    [
        (102, None),  # 99 of 201 4-grams: 0.4925
        (103, 0.5),  # 100 of 200
        (104, 0.5075),  # 101 of 199
    ],
)
def test_half_of_the_four_grams_make_a_duplicate(shared: int, similarity: float | None) -> None:
    members = [
        Member(dates.read("2023"), "b", text(shared, 2)),
        Member(dates.read("2022"), "a", text(shared, 1)),
    ]
    found = within(members, SIMILARITY_THRESHOLD)
    assert [(d.id, d.of, d.similarity, d.reason) for d in found] == (
        [("b", "a", similarity, "near_duplicate")] if similarity else []
    )


def test_only_equal_letters_are_an_exact_copy() -> None:
    whole = text(153, 1)
    first, second = (
        Member(dates.read("2022"), "a", whole),
        Member(dates.read("2022"), "b", whole[:9] + "，" + whole[9:]),
    )
    (found,) = within([first, second], SIMILARITY_THRESHOLD)
    assert (found.reason, found.similarity) == ("exact_duplicate", 1.0)
    # the same 4-grams in another order of the whole
    loops = [
        Member(dates.read("2022"), "a", "一二三" * 4),
        Member(dates.read("2022"), "b", "一二三" * 5),
    ]
    (found,) = within(loops, SIMILARITY_THRESHOLD)
    assert (found.reason, found.similarity) == ("near_duplicate", 0.9999)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2023-05-01T00:30:00+08:00", "2023-04-30T20:00:00Z"),
        ("20230101", "2023-12-31"),
        ("2023年1月", "2023-06-01"),
        ("2024-06-01", None),
    ],
)
def test_the_one_published_first_stays_whatever_its_form(first: str, second: str | None) -> None:
    members = [
        Member(dates.first(second), "a", "春天来了"),
        Member(dates.first(first), "b", "春天来了"),
    ]
    (found,) = within(members, SIMILARITY_THRESHOLD)
    assert (found.id, found.of) == ("a", "b")


SIMPLIFIED = "这个国家的孩子们说，后来的时间会对每个人说话，书里没有门。"
TRADITIONAL = "這個國家的孩子們說，後來的時間會對每個人說話，書裡沒有門。"


@pytest.mark.parametrize(
    ("earlier", "later"), [(SIMPLIFIED, TRADITIONAL), (TRADITIONAL, SIMPLIFIED)]
)
def test_of_two_copies_in_two_scripts_the_one_published_first_stays(
    earlier: str, later: str
) -> None:
    members = [Member(dates.read("2023"), "a", later), Member(dates.read("2022"), "b", earlier)]
    (found,) = within(members, SIMILARITY_THRESHOLD)
    assert (found.id, found.of, found.reason) == ("a", "b", "exact_duplicate")


def test_without_opencc_scripts_stay_apart_and_the_stage_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert dedup.warnings(Settings(tmp_path, taxonomy.published())) == []
    monkeypatch.setattr(normalise, "opencc_installed", lambda: False)
    members = [Member(None, "a", SIMPLIFIED), Member(None, "b", TRADITIONAL)]
    assert within(members, SIMILARITY_THRESHOLD) == []
    (said,) = dedup.warnings(Settings(tmp_path, taxonomy.published()))
    assert "pip install opencc" in said
