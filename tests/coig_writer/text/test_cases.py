"""Short texts, each for a kind, in ``cases.jsonl`` and ``more_cases.jsonl``: what curation and the arena do with them.

``expect`` is ``keep`` (rules alone keep it), ``drop`` (for one of ``rule``), ``keep_whole`` (also nothing
is cut from it), ``strip_opening`` and ``strip_closing`` (the frame goes and the story stays), ``refusal``,
``mask`` (personal data to hide) or ``unmasked`` (none). ``{story}``, ``{long}`` and ``{english}`` stand for the
texts below. The weights of frames are fitted on the first file, so new cases go into the second.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

from coig_writer.arena.study.scan import Scanner
from coig_writer.document import Document
from coig_writer.text import framing, normalise
from coig_writer.text.masking import masked
from coig_writer.text.refusal import refusal
from dataset_builder.stages import assess

STORY = (
    "巷口修鞋的老周把锥子在头发里蹭了蹭，又低头去缝那只开了线的布鞋。收音机里正唱着一段听不清词的戏，他跟着哼，哼到一半就停下来穿针。"
    "雨是傍晚落的，先落在铁皮棚上，再落在他摊开的报纸上。他不急着收摊，说这双鞋的主人今晚要坐火车，鞋没有好，人就走不成。"
)
LONG = (
    STORY
    + "\n\n十年前他还在厂里做钳工，手上的茧比现在厚。厂子散了以后，他用遣散费买下这台缝纫机，一坐就坐到了今天。"
)
ENGLISH = (
    "The keeper counted the stairs every evening before he lit the lamp. There were ninety-one of them, and on stormy nights he was sure there was one more. "
    "He never told the inspector. He oiled the hinges, trimmed the wick, and wrote the same four words in the log."
)
OWN = Path(__file__).with_name("cases.jsonl")
MORE = Path(__file__).with_name("more_cases.jsonl")
IN_CHINESE = ("wrong_language", "mixed_scripts")  # English cases are read by the arena alone


@dataclasses.dataclass(frozen=True)
class Case:
    """A text and what is expected of it."""

    case: str
    text: str
    language: str
    expect: str
    rule: tuple[str, ...] = ()


def read(path: Path) -> Iterator[Case]:
    texts = {"{story}": STORY, "{long}": LONG, "{english}": ENGLISH}
    for line in path.read_text(encoding="utf-8").strip("\n").split("\n"):
        row = json.loads(line)
        text = row["text"]
        for name, whole in texts.items():
            text = text.replace(name, whole)
        given = row.get("rule") or ()
        rules = (given,) if isinstance(given, str) else tuple(given)
        yield Case(row["case"], text, row["language"], row["expect"], rules)


def broken(case: Case) -> list[str]:
    """The rules of curation that drop a text, in order."""
    found = [v.rule for v in assess.broken(Document("a", masked(case.text).text))]
    return found if case.language == "zh" else [rule for rule in found if rule not in IN_CHINESE]


def holds(case: Case) -> bool:  # noqa: PLR0911 - one answer per kind
    text = case.text
    opened, closed = framing.opening(text), framing.closing(text)
    match case.expect:
        case "keep":
            return not broken(case)
        case "drop":
            return broken(case)[:1] != [] and (not case.rule or broken(case)[0] in case.rule)
        case "keep_whole":
            scan = Scanner([]).scan(text)
            return not broken(case) and scan.text == text and not scan.refused
        case "strip_opening":
            left = text[opened.end :] if opened and opened.end else ""
            whole = text[text.rfind("\n", 0, len(text) - len(left)) + 1 :]
            return bool(left) and left == whole and closed is None
        case "strip_closing":
            left = Scanner([]).scan(text).text
            return left in (STORY, LONG, ENGLISH, text.split("\n\n")[0]) and closed is not None
        case "refusal":
            return refusal(text) is not None
        case "mask":
            return masked(text).text != text
        case _:
            return masked(text).text == text


def refuted(path: Path) -> list[str]:
    folds = normalise.opencc_installed()
    return [
        f"{case.expect}: {case.case}: {case.text[:30]}…{case.text[-30:]}"
        for case in read(path)
        if not holds(case) and (folds or not case.case.endswith(" trad"))
    ]


def test_every_case_is_read_as_expected() -> None:
    assert refuted(OWN) == []
    assert refuted(MORE) == []


def test_there_are_fifteen_of_each_kind_or_the_kinds_are_few() -> None:
    kinds = [case.expect for case in read(OWN)]
    assert set(kinds) == {
        "keep", "keep_whole", "drop", "strip_opening", "strip_closing", "refusal", "mask", "unmasked",
    }  # fmt: skip
    assert min(map(kinds.count, kinds)) >= 14


def test_the_cases_that_were_handed_in_are_read_as_expected(shared: Path) -> None:
    assert refuted(shared / "cases" / "texts.jsonl") == []


def test_a_frame_that_is_taken_away_leaves_the_story_as_it_was() -> None:
    for opening, rest in (
        ("好的，以下是为您创作的小说：\n\n", f"# 修鞋匠\n\n{STORY}"),
        ("好的，以下是为您创作的小说：\n\n---\n\n", f"**修鞋匠**\n\n{STORY}"),
        ("**好的，以下是为您创作的小说：**\n\n", f"> {STORY}"),
        ("好的，以下是为您创作的小说：", f"**修鞋匠**\n\n{STORY}"),
    ):
        found = framing.opening(opening + rest)
        assert found is not None
        assert (opening + rest)[found.end :] == rest
