"""Habits of one author: the shares of prompts and reasonings that have each, found by words.

The words are narrow and miss some; what counts is the same count on two versions of a set, or beside
real prompts. ``python -m dataset_builder audit --kit-samples`` prints them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from coig_writer.triplet import Language, Triplet

Habit = Callable[[str], bool]

# Words that forbid, in Chinese: 别 not as in 别人, 特别, 告别.
_FORBIDS_ZH = re.compile(
    r"不要|(?<![特区个级性类分辨告送道惜])别(?![人的处扭名样离国家墅针])|不许|不得|不准|不可|忌|禁[止用忌】]|勿|避免"
)
_FORBIDS_EN = re.compile(
    r"\b(?:do not|don[’']?t|never|avoid|leave out|must(?: not|n[’']t)|may not|not to|can[’']t use)\b"
    r"|(?:^|[.,;:!?—]\s+|\b(?:and|but|please|with)\s)(?:absolutely |please )?no (?!one|idea|more than|longer|doubt)\w",
    re.IGNORECASE | re.MULTILINE,
)
_COUNT_ZH = re.compile(r"[\d一二两三四五六七八九十百千万][多来把]?个?[字行]|字数|篇幅|[千百]字")
_COUNT_EN = re.compile(r"\b(?:words?|lines?|characters?)\b", re.IGNORECASE)
_CUT = re.compile(r"[删砍弃]|划[掉去]|[去拿丢扔舍裁]掉|不要了|放弃")
_ENDING = re.compile(r"结尾|收尾|末[句尾]|最后一|收在|停在|落在|收束|结局|收场")
SHORT = 20  # characters of a last sentence that says one thing and stops
_SENTENCE = re.compile(r"[。！？!?…\n]")


def forbids(language: Language = "zh") -> Habit:
    """Returns whether a prompt says what may not be."""
    pattern = _FORBIDS_ZH if language == "zh" else _FORBIDS_EN
    return lambda text: bool(pattern.search(text))


def counts(language: Language = "zh") -> Habit:
    """Returns whether a prompt names a length in characters, words or lines."""
    pattern = _COUNT_ZH if language == "zh" else _COUNT_EN
    return lambda text: bool(pattern.search(text))


def cuts(reasoning: str) -> bool:
    """Says whether a reasoning names what it took out."""
    return bool(_CUT.search(reasoning))


def closes_on_the_ending(reasoning: str) -> bool:
    """Says whether the last two paragraphs of a reasoning are about how the article ends."""
    paragraphs = [p for p in reasoning.split("\n") if p.strip()]
    return any(_ENDING.search(p) for p in paragraphs[-2:])


def ends_short(article: str) -> bool:
    """Says whether an article's last sentence is a plain one of at most ``SHORT`` characters."""
    end = article.rstrip("”」）) \n")
    last = _SENTENCE.split(end.rstrip("。"))[-1].strip()
    return end.endswith("。") and 0 < len(last) <= SHORT


def share(texts: Sequence[str], habit: Habit) -> str:
    """Returns how many of the texts have a habit, as “52 of 102”."""
    return f"{sum(map(habit, texts))} of {len(texts)}"


def of_triplets(triplets: Sequence[Triplet]) -> dict[str, str]:
    """Returns the figures of Chinese triplets by name."""
    prompts = [t.prompt for t in triplets]
    reasonings = [t.reasoning for t in triplets]
    return {
        "prompts that forbid": share(prompts, forbids()),
        "prompts that name a length": share(prompts, counts()),
        "reasonings that tell of a cut": share(reasonings, cuts),
        "reasonings that close on the ending": share(reasonings, closes_on_the_ending),
        "articles that end on a short plain sentence": share(
            [t.article for t in triplets], ends_short
        ),
    }


def of_prompts(name: str, prompts: Sequence[str], language: Language = "zh") -> dict[str, str]:
    """Returns the figures of prompts alone, queries or real ones."""
    return {
        f"{name} that forbid": share(prompts, forbids(language)),
        f"{name} that name a length": share(prompts, counts(language)),
    }
