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
    [("opening", True, 395, 423), ("opening", False, 0, 420), ("closing", True, 407, 456), ("closing", False, 0, 493)],
)  # fmt: skip
def test_the_rounds_that_were_fitted_on_are_read_as_then(
    place: str, frame: bool, found: int, of: int
) -> None:
    fitted = {row["round"] for row in fit.lines(fit.ROUNDS)} - set(fit.HELD)
    taken, rows = read(place, frame, fitted)
    assert rows == of
    assert taken >= found if frame else taken <= found


@pytest.mark.parametrize(
    ("number", "place", "frame", "found", "of"),
    [
        (5, "opening", True, 39, 40), (5, "opening", False, 0, 20), (5, "closing", True, 37, 41), (5, "closing", False, 1, 25),
        (9, "opening", True, 56, 60), (9, "opening", False, 1, 90), (9, "closing", True, 52, 60), (9, "closing", False, 0, 90),
    ],
)  # fmt: skip
def test_the_rounds_that_were_held_out_are_read_as_the_page_says(
    number: int, place: str, frame: bool, found: int, of: int
) -> None:
    assert read(place, frame, {number}) == (found, of)


def read(place: str, frame: bool, rounds: set[int]) -> tuple[int, int]:
    """How many rows of a kind are taken for frames, and how many there are."""
    rows = [
        row["text"]
        for row in fit.lines(fit.ROUNDS)
        if (row["place"], row["frame"]) == (place, frame) and row["round"] in rounds
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
    for line, both in (
        ("如果想换个结局，我可以改写结尾。", True),
        ("如果想换个结局，结尾能改写。", False),
    ):
        shown = signs.signs(line)
        assert "offers" in shown
        assert ("offers & offers_self" in shown) == both


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


@pytest.mark.parametrize(("critic", "found"), [("作者", False), ("作者。诗人", True), ("作者，作者", False)])  # fmt: skip
def test_a_text_is_a_review_from_two_words_about_works(critic: str, found: bool) -> None:
    assert ("in_review" in signs.signs(signs.marked("这是一篇小说。", "", critic))) == found


@pytest.mark.parametrize(("length", "found"), [(499, True), (500, False), (999, False)])
def test_a_longer_text_is_a_review_from_more_words(length: int, found: bool) -> None:
    assert signs.reviews("作者诗人".ljust(length, "雨")) == found  # 2 words; 3 from 500 characters
    assert signs.reviews("作者诗人译本".ljust(length, "雨"))


@pytest.mark.parametrize("before", ["", "---\n"])
def test_labels_around_a_closing_belong_to_it(before: str) -> None:
    offer = "如需其他风格，可随时告知。"
    for frame in (f"{before}字数统计：约480字\n风格：悬疑\n{offer}", f"{offer}\n{before}字数：480\n风格：悬疑"):  # fmt: skip
        found = framing.closing(f"{STORY}\n\n{frame}")
        assert found is not None
        assert (found.start, found.end) == (len(STORY), len(STORY) + 2 + len(frame))


def test_labels_that_are_weighed_as_a_closing_leave_no_closing_before_them() -> None:
    frame = "希望这篇小说符合您的期待。\n\n---\n**字数统计**：约620字\n**风格**：冷峻、写实\n**视角**：第三人称"
    found = framing.closing(f"{STORY}\n\n{frame}")
    assert found is not None
    assert found.start == len(STORY)


def test_labels_without_a_count_or_a_rule_are_the_texts() -> None:
    found = framing.closing(f"{STORY}\n关键词：雾\n风格：冷\n\n如需其他风格，可随时告知。")
    assert found is not None
    assert found.start == len(f"{STORY}\n关键词：雾\n风格：冷")
    assert framing.closing(f"{STORY}\n\n---\n字数统计：约480字\n风格：悬疑") is None


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        (STORY, "您看这样可以吗？", True),
        (STORY + "\n我没有回头。", "您看这样可以吗？", False),  # a narrator may ask
        (STORY + "\n我没有回头。\n2024年9月20日", "您看这样可以吗？", True),
        (STORY, "你看这样可以吗？", False),
        (STORY, "这样的风格可以吗？", True),
        (STORY + "\n他换了一种风格。", "这样的风格可以吗？", False),
        ("风起了，帆在我们手里。\n谢谢大家！", "祝您演讲成功！", True),
        ("风起了，帆在我们手里。\n谢谢！", "祝您演讲成功！", False),
        (STORY, "祝大会圆满成功！", False),
        (STORY, "希望小朋友会喜欢这个温馨的睡前故事！", True),
        (STORY + "\n小朋友们，晚安。", "希望小朋友会喜欢这个温馨的睡前故事！", False),
        (STORY, "您可以根据产品特点对文案进行适当调整。", True),
        (STORY, "您可以根据水质情况调整更换滤芯的频率。", False),
    ],
)
def test_a_line_is_a_closing_if_it_turns_to_somebody_the_text_never_spoke_to(
    text: str, line: str, found: bool
) -> None:
    assert (framing.closing(f"{text}\n\n{line}") is not None) == found


@pytest.mark.parametrize(
    ("rows", "found"), [("- 结尾改成下车", True), ("- 第三条删去“应当”", False)]
)
def test_what_could_be_changed_names_a_part_of_the_text(rows: str, found: bool) -> None:
    assert (framing.closing(f"{STORY}\n\n可以进一步修改的方向：\n{rows}") is not None) == found


@pytest.mark.parametrize(
    ("title", "line", "found"),
    [
        ("# 短篇：《雾》", "以下是根据您的提示创作的短篇小说。", True),
        ("《雾》", "以下是根据您的提示创作的短篇小说。", True),
        ("《雾》", "以下是我奶奶留下的菜谱。", False),
        ("# 雾都攻略", "以下是为大家整理的行程：", False),
    ],
)
def test_an_opening_under_a_title_leaves_the_title(title: str, line: str, found: bool) -> None:
    verdict = framing.opening(f"{title}\n\n{line}\n\n{STORY}")
    assert (verdict is not None) == found
    if verdict:
        assert (verdict.start, verdict.end) == (len(title) + 2, len(title) + len(line) + 4)


def test_an_opening_under_a_title_has_a_text_behind_it() -> None:
    assert framing.opening("《雾》\n\n以下是根据您的提示创作的短篇小说。") is None


def test_a_synopsis_ends_where_the_text_is_said_to_begin() -> None:
    synopsis = "标题：《雾》\n梗概：阿婆卖豆花。\n\n"
    verdict = framing.opening(f"{synopsis}下面开始正文。\n{STORY}")
    assert verdict is not None
    assert verdict.end == len(f"{synopsis}下面开始正文。\n")
    assert framing.opening(f"{synopsis}正文：\n{STORY}") is None


@pytest.mark.parametrize(
    "line",
    [
        "摘要：本文以《边城》为中心，考察其叙事时间，文章首先梳理研究，其次分析小说的结构与意象。",
        "Abstract: This essay explores the imagery and structure of the poem.",
        "本文通过三组意象写出了李商隐诗的结构：",
    ],
)
def test_an_abstract_is_the_text_itself(line: str) -> None:
    assert framing.opening(f"{line}\n关键词：意象；叙事\n一、引言\n{STORY}") is None


@pytest.mark.slow
def test_the_weights_are_those_the_benchmark_fits() -> None:
    kept = json.loads(fit.WEIGHTS.read_text(encoding="utf-8"))
    for kind in ("opening", "closing"):
        table, told = fit.fitted(kind)
        assert table.keys() == kept[kind].keys()
        assert table == pytest.approx(kept[kind], abs=0.02)
        assert len(told) == 3


@pytest.mark.parametrize(
    "line",
    [
        "但他们依然沉浸在这份美好里，希望这份爱能让他们跨越困难，走向幸福的未来。",
        "（目送着顾客端着餐盘走向座位，心中默默地祈祷他们用餐愉快，并期待着下一次的相遇。）",
    ],
)
def test_who_walks_towards_something_asks_nobody_for_a_direction(line: str) -> None:
    assert framing.closing(f"{STORY}\n\n{line}") is None
    asked = "您希望后面的情节走向轻松一些，还是沉重一些？"
    assert framing.closing(f"{STORY}\n\n{asked}") is not None


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        ("供词一份，如下：", "提纲一份，如下："),  # a record of a court, an office or a hospital
        ("现将调查情况报告如下：", "修改稿报告如下："),
        ("病历摘要如下：", "摘要如下："),
        ("应《收获》之邀，我写下这篇创作谈：", "应您之邀，我写下这篇创作谈："),
        ("我一直想给你写一封信：", "我来给你写一封信："),
        ("我想为你写一首诗：", "我为你写一首诗："),
        ("妈，我给您写这封信是想说：", "给您写一封家书："),
        ("老师，您布置的作文我写好了：", "您布置的作文我写好了："),
        ("老人讲了一个故事：", "讲好了一个故事："),
        ("这是一个真实的故事：", "这是一个三百字的故事："),
        ("这是一首没有写完的诗：", "这是一首写给您的诗："),
        ("版本一：", "润色版本："),
        ("下面是死者的日记：", "下面是三百字的日记："),
        ("这是我第一次写小说：", "这是我写的小说："),
        ("好，咱们书接上回：", "好，咱们来写一回："),
        ("根据您的举报，我们调查如下：", "根据您的要求，我们改写如下："),
        ("您反映的问题，现答复如下：", "您要的短文，全文如下："),
        ("好，我走。\n我写了一封信：", "好的。\n我写了一封信："),
        ("当然，他没来。\n墙上贴着告示，内容如下：", "当然可以。\n告示内容如下："),
    ],
)
def test_a_first_line_of_a_persons_own_is_no_opening(line: str, frame: str) -> None:
    assert framing.opening(f"{line}\n\n{STORY}") is None
    assert framing.opening(f"{frame}\n\n{STORY}") is not None


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        ("老师批：字数不够。", "字数不够的话，我可以再补。"),
        ("落款处写着：供参考。", "以上文案，供您参考。"),
        ("她说，这个版本她更喜欢。", "这个版本您更喜欢吗？"),
        ("他想写，随时来找我。", "如果还有其他城市想写，随时找我。"),
        ("如有错漏，敬请读者指正，再版时修改。", "如有错漏，敬请指正，我来修改。"),
        ("还要我再说一遍吗？", "还要我再写一版吗？"),
        ("全文约三千字，写了整整一个冬天。", "全文约三千字，写了一对兄弟。"),
        ("如果您觉得合适，请回信告诉我。", "如果您觉得结尾不合适，请告诉我。"),
        ("（本故事根据真实事件改编）", "（本故事根据您的要求改编）"),
        ("（本章完，约三千字）", "（本章约三千字，可以继续扩写）"),
        ("希望老师喜欢我的作文。", "希望老师喜欢这篇作文。"),
        ("请结合全文谈谈你对结尾的理解。", "如果您想换个结局，我可以改写。"),
        ("以上内容仅供参考，请以实物为准。", "以上内容仅供参考，请自行调整。"),
        ("谢谢您读完这封信。", "这封信的语气您还满意吗？"),
        ("以上几点，供大家参考。", "以上三版，供您参考。"),
        ("请根据上文续写一段，不少于三百字。", "如需续写一段，请告诉我。"),
    ],
)
def test_a_last_line_of_a_persons_own_is_no_closing(line: str, frame: str) -> None:
    assert framing.closing(f"{STORY}\n\n{line}") is None
    assert framing.closing(f"{STORY}\n\n{frame}") is not None


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("畢竟吾猶許，商量衆莫疑。", False),
        ("畢竟吾猶許了，商量衆莫疑。", True),
        ("畢竟吾猶許。", True),
    ],
)
def test_a_last_line_of_the_measure_of_its_neighbour_is_verse(before: str, found: bool) -> None:
    text = f"左遷今已矣，清絕更無之。\n{before}\n此詩四十字，一一是天資。"
    assert (framing.closing(text) is not None) == found
