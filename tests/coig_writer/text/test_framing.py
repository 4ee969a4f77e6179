"""Frames that are weighed by their signs, notes under a heading, and the fit of the weights."""

from __future__ import annotations

import json

import pytest

from benchmarks import framing as fit
from coig_writer.text import framing
from coig_writer.text.framing import signs

STORY = "清早的雾还没散，卖豆花的阿婆掀开木桶。\n热气扑在她脸上，她眯着眼睛数零钱。"


@pytest.mark.parametrize(
    ("place", "frame", "found", "of"),
    [("opening", True, 316, 341), ("opening", False, 1, 263), ("closing", True, 292, 341), ("closing", False, 0, 336)],
)  # fmt: skip
def test_the_rounds_that_were_fitted_on_are_read_as_then(
    place: str, frame: bool, found: int, of: int
) -> None:
    taken, rows = read(place, frame, held=False)
    assert rows == of
    assert taken >= found if frame else taken <= found


@pytest.mark.parametrize(
    ("place", "frame", "found", "of"),
    [("opening", True, 39, 40), ("opening", False, 0, 20), ("closing", True, 37, 41), ("closing", False, 1, 25)],
)  # fmt: skip
def test_the_last_round_is_found_as_the_page_says(
    place: str, frame: bool, found: int, of: int
) -> None:
    assert read(place, frame, held=True) == (found, of)


def read(place: str, frame: bool, held: bool) -> tuple[int, int]:
    """How many rows of a kind are taken for frames, and how many there are."""
    rows = [
        row["text"]
        for row in fit.lines(fit.ROUNDS)
        if (row["place"], row["frame"], row["round"] == fit.HELD) == (place, frame, held)
    ]
    find = framing.opening if place == "opening" else framing.closing
    return sum(find(text) is not None for text in rows), len(rows)


def test_a_line_is_a_frame_above_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "为阁下写上一段，聊博一笑。"
    assert {"for_you"} <= signs.signs(signs.marked(line, "", ""))
    for start, found in ((-1.0, False), (-0.99, True)):  # -1 + 1 = 0 is none, -0.99 + 1 is one
        table = {"": start, "for_you": 1.0}
        monkeypatch.setattr(signs, "weights", lambda kind, table=table: table)
        assert (framing.opening(f"{line}\n\n{STORY}") is not None) == found


def test_two_signs_together_count_besides_each() -> None:
    assert "offers & 您" in signs.signs("如果您想换个结局，我可以改写结尾。")
    assert "offers & 您" not in signs.signs("如果想换个结局，我可以改写结尾。")


def test_a_quotation_from_the_text_is_a_sign_and_its_words_are_none() -> None:
    for quoted, found in (("木桶", True), ("铁桶", False)):
        marked = signs.marked(f"“{quoted}”一词呼应开头。", "", STORY)
        assert ("quotes_text" in signs.signs(marked)) == found
        assert quoted not in marked


@pytest.mark.parametrize(("count", "found"), [(1, set()), (2, {"devices 2"}), (3, {"devices 2", "devices 3"})])  # fmt: skip
def test_devices_are_counted_once_each(count: int, found: set[str]) -> None:
    line = "、".join(["象征", "留白", "押韵"][:count]) + "，象征。"
    assert {name for name in signs.signs(line) if name.startswith("devices ")} == found


@pytest.mark.parametrize(("rain", "found"), [(90, True), (91, False)])
def test_an_opening_is_weighed_in_110_characters(rain: int, found: bool) -> None:
    line = "承蒙不弃，" + "雨" * rain + "，便为阁下写上一段，聊作消遣："  # 5 + 90 + 15 = 110
    assert len(line) == 20 + rain
    assert (framing.opening(f"{line}\n\n{STORY}") is not None) == found


@pytest.mark.parametrize("before", ["\n\n", "\n\n---\n\n"])
def test_a_note_under_a_heading_goes_from_its_heading(before: str) -> None:
    note = "**创作小结**\n- 视角：外聚焦\n- 语言：短句"
    found = framing.closing(STORY + before + note)
    assert found is not None
    assert (found.start, found.end) == (len(STORY), len(STORY + before + note))


@pytest.mark.parametrize(("lines", "found"), [(13, True), (14, False)])
def test_a_note_has_at_most_fourteen_lines_with_its_heading(lines: int, found: bool) -> None:
    note = "创作说明：\n" + "\n".join("她没有回头。" for _ in range(lines))
    assert (framing.closing(f"{STORY}\n\n{note}") is not None) == found


def test_a_plan_ends_where_the_text_begins() -> None:
    plan = "# 创作思路\n以雾为线索。\n\n# 正文\n"
    found = framing.opening(plan + STORY)
    assert found is not None
    assert (plan + STORY)[found.end :] == STORY
    assert framing.opening("# 创作思路\n以雾为线索。\n\n" + STORY) is None
    assert framing.opening("# 导语\n那年有雾。\n\n# 正文\n" + STORY) is None


@pytest.mark.parametrize(("genre", "found"), [(None, True), ("fiction", True), ("role-playing", False)])  # fmt: skip
def test_where_a_text_speaks_to_its_reader_only_known_wordings_count(
    genre: str | None, found: bool
) -> None:
    weighed = "语气如果想再俏皮些，我可以把结尾改成一句反问。"
    known = "希望这首诗能对你有帮助！"
    assert (framing.closing(f"{STORY}\n\n{weighed}", genre=genre) is not None) == found
    assert framing.closing(f"{STORY}\n\n{known}", genre=genre) is not None


@pytest.mark.parametrize(
    "title",
    ["# 谢谢您，陌生人！", "**为母亲写的一首诗**", "1. 以下三个版本：", "《写给你的诗》"],
)
def test_a_title_is_no_opening(title: str) -> None:
    assert framing.opening(f"{title}\n\n{STORY}") is None


@pytest.mark.slow
def test_the_weights_are_those_the_benchmark_fits() -> None:
    kept = json.loads(fit.WEIGHTS.read_text(encoding="utf-8"))
    for kind in ("opening", "closing"):
        table, told = fit.fitted(kind)
        assert table.keys() == kept[kind].keys()
        assert table == pytest.approx(kept[kind], abs=0.02)
        assert len(told) == 3
