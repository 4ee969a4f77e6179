"""Which of the 51 genres a prompt asks for, and an article has, with probabilities.

Two signals are weighed together: rules (``data/genre_rules.json``: words that name or hint at a
genre, stronger where the prompt asks for them) and linear classifiers over characters and their
n-grams, fitted on texts written for this kit (``data/genre_classifier.npz``; fit it again with
``python -m dataset_builder fit-genres``). The weights are fitted so that probabilities mean what they
say (docs/decisions/0051-genre-signals.md). No signal is a measurement of quality.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from coig_writer.taxonomy import published

Part = Literal["prompt", "article"]
PARTS: tuple[Part, Part] = ("prompt", "article")
# A request of a few words tells less than one of fifty characters: with s the sum of its squared tf-idf
# (1,600 for the median request, 115 for 写点什么) its scores are multiplied by √(s / (s + SHORT)).
SHORT = 3000.0
# How much of a prompt or an article the classifiers read, and rules of an article: genres show early, and a
# novel must not drown in its words.
READ = 1500
READ_FORM = 3000
# Longer than any published prompt; some rules take quadratic time.
LONGEST_PROMPT = 3000
OUTSIDE = 0.45
HEAD = 1.3
_TOKEN = re.compile(r"[a-z]+|\S")
_TITLES = re.compile(r"《[^》]{1,60}》|[“\"「『][^”\"」』]{1,60}[”\"」』]")
# What is ruled out says nothing about what is asked for: "no slogans, please".
_RULED_OUT = re.compile(
    r"((?<!要)不要|不许|不得|(?<!能)不能|(?<!可)不可|(?<!是)不是|不喊|不写|不出现|(?<!用)不用"
    r"|(?<![分特告性个区类级差])别(?![人名的墅])|禁止|禁|忌|切勿|勿|避免|而非|拒绝)[^，,。；;！!？?\n]{1,24}"
)
# What is to be turned into something else is its material: 把会议纪要写成一首诗 asks for a poem.
_MATERIAL = re.compile(r"把[^，,。；;！!？?\n“《]{1,24}?(?=[改续扩缩]?写成|[改编]成|改编[成为])")
# The clause in which something is asked for: a verb of writing, and what follows up to a comma.
_ASKED = re.compile(
    r"(写|撰|创作|作一|编|生成|构思|设计|制定|制作|拟|起草|策划|输出|提供|整理|讲述?|开展|进行|来一?[个篇段首份条])"
    r"[^。！？\n]{0,120}"
)
_CLAUSE = re.compile(r"[，,；;：:（(]")


@dataclasses.dataclass(frozen=True, slots=True)
class Guess:
    """A genre and its probability.

    Attributes:
        genre: Slug of the genre.
        probability: From 0 to 1.
    """

    genre: str
    probability: float


@dataclasses.dataclass(frozen=True)
class Weights:
    """A linear score per genre over the characters and foreign words of a text and their pairs (tf-idf).

    Attributes:
        place: Character, word or pair → its row.
        rarity: (rows,) inverse document frequency among the texts of the fit.
        weights: (rows, genres).
    """

    place: Mapping[str, int]
    rarity: NDArray[np.float32]
    weights: NDArray[np.float32]

    def scores(self, text: str) -> NDArray[np.float64]:
        """Returns a score per genre, in the order of the taxonomy: below 1, and less the shorter the text."""
        rows, values = self.features(text)
        scores = (values @ self.weights[rows]).astype(np.float64)
        result: NDArray[np.float64] = scores / np.sqrt(float(values @ values) + SHORT)
        return result

    def features(self, text: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Returns the rows of what is known of a text, and its tf-idf."""
        counts = {gram: n for gram, n in grams(text).items() if gram in self.place}
        rows = np.array([self.place[gram] for gram in counts], np.int64)
        return rows, (1 + np.log(np.array([*counts.values()], np.float32))) * self.rarity[rows]


Classifier = Mapping[Part, Weights]


def grams(text: str) -> Counter[str]:
    """Counts the characters of a text's beginning and their pairs; a word in Latin letters counts as one character.

    Its letters say nothing: with them every English sentence was a rap text.
    """
    tokens = _TOKEN.findall(text[:READ].lower())
    pairs = (first + second for first, second in itertools.pairwise(tokens))
    return Counter([*tokens, *pairs])


def genres() -> tuple[str, ...]:
    """Returns the slugs in the order of every array here."""
    return tuple(genre.slug for genre in published().genres)


@functools.cache
def _rules() -> dict[Part, list[list[tuple[re.Pattern[str], float]]]]:
    """Reads the rules: per part and genre, patterns with their weights."""
    path = resources.files("coig_writer") / "data" / "genre_rules.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    return {
        part: [
            [(re.compile(pattern), weight) for pattern, weight in table[slug].get(part, [])]
            for slug in genres()
        ]
        for part in PARTS
    }


@functools.cache
def shipped() -> Classifier:
    """Reads the classifier that comes with the package."""
    path = resources.files("coig_writer") / "data" / "genre_classifier.npz"
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
        return {part: _unpacked(part, arrays) for part in PARTS}


def _unpacked(part: Part, arrays: Mapping[str, NDArray[np.generic]]) -> Weights:
    known = arrays[f"{part}_grams"].tobytes().decode().split()
    rarity = arrays[f"{part}_rarity"].astype(np.float32)
    weights = arrays[part].astype(np.float32) * arrays[f"{part}_scale"].astype(np.float32)
    return Weights({gram: row for row, gram in enumerate(known)}, rarity, weights)


def prompt_rules(prompt: str) -> NDArray[np.float64]:
    """Scores what a prompt asks for, per genre: the sum of the strongest match of each rule.

    A word counts fully in a sentence that asks to write, more if it ends the clause of the wish
    (the head of a Chinese noun phrase comes last), and less elsewhere. Titles, quotations and what
    is ruled out are not read: a review of a poem is no poem.
    """
    text = _RULED_OUT.sub("", _TITLES.sub("《》", prompt[:LONGEST_PROMPT]))
    wishes = [match.span() for match in _ASKED.finditer(text)]
    head = _head(text, wishes)
    return np.array(
        [
            sum(_strongest(p, w, text, (wishes, head)) for p, w in rules)
            for rules in _rules()["prompt"]
        ]
    )


def _head(text: str, wishes: Sequence[tuple[int, int]]) -> int:
    """Returns where the first clause of the wish ends; −1 if nothing is asked for."""
    if not wishes:
        return -1
    start, end = wishes[0]
    clause = _CLAUSE.search(text, start, end)
    return clause.start() if clause else end


def _strongest(
    pattern: re.Pattern[str],
    weight: float,
    text: str,
    place: tuple[Sequence[tuple[int, int]], int],
) -> float:
    wishes, head = place
    best = 0.0
    for match in pattern.finditer(text):
        inside = any(start < match.end() and match.start() < end for start, end in wishes)
        # Long patterns span the text: only a compact match can be the head of a phrase.
        ends_wish = inside and head - 6 <= match.end() <= head and len(match[0]) <= 12
        best = max(best, weight * (HEAD if ends_wish else 1.0 if inside else OUTSIDE))
    return best


def article_rules(article: str) -> NDArray[np.float64]:
    """Scores the form of an article, per genre."""
    text = article[:READ_FORM]
    scores = np.array(
        [sum(w for p, w in rules if p.search(text)) for rules in _rules()["article"]], dtype=float
    )
    for genre, score in _form(article).items():
        scores[genres().index(genre)] += score
    return scores


def _form(article: str) -> dict[str, float]:
    """Scores the shape of the lines: verse, questions, a line or two."""
    lines = [line.strip() for line in article.splitlines() if line.strip()]
    if not lines:
        return {}
    scores: dict[str, float] = {}
    if len(lines) >= 4 and np.median([len(line) for line in lines]) <= 18:
        stops = sum(line.endswith(("。", "：", ":")) for line in lines) / len(lines)
        scores["poetry"] = 3.0 if stops < 0.6 else 1.5
    if len(lines) >= 4 and sum(line.endswith(("？", "?")) for line in lines) / len(lines) >= 0.5:
        scores["interview-questions"] = 4.0
    if len(article) < 80:
        scores |= {"slogan": 2.0, "advertising": 0.8}
    return scores


@dataclasses.dataclass(frozen=True, slots=True)
class Calibration:
    """How signals become probabilities; ``python -m benchmarks.genre`` fits it on its tuning half.

    Attributes:
        weights: Of rules and classifier on the prompt, then of both on the article.
        damping: A strong rule counts less than in proportion: all is divided by
            (1 + strongest rule) ** damping.
        floor: Probability that is spread over all genres, for prompts that may be labelled otherwise.
    """

    weights: tuple[float, float, float, float]
    damping: float
    floor: float


CALIBRATION = Calibration((0.63, 51.2, 0.50, 19.9), damping=0.233, floor=0.013)


def signals(
    prompt: str, article: str = "", classifier: Classifier | None = None
) -> NDArray[np.float64]:
    """Returns (4, genres): rules and classifier on the prompt, then both on the article.

    Args:
        prompt: What was asked for.
        article: What was written; empty if not at hand, and then its signals are 0.
        classifier: The shipped one if None.
    """
    model, prompt = classifier or shipped(), _MATERIAL.sub("", prompt)
    none = np.zeros(len(genres()))
    return np.stack(
        [
            prompt_rules(prompt) if prompt else none,
            model["prompt"].scores(prompt) if prompt else none,
            article_rules(article) if article else none,
            model["article"].scores(article) if article else none,
        ]
    )


def calibrated(
    evidence: NDArray[np.float64], calibration: Calibration = CALIBRATION
) -> NDArray[np.float64]:
    """Turns signals (…, 4, genres) into log probabilities (…, genres)."""
    strongest = np.maximum(evidence[..., 0, :].max(axis=-1, keepdims=True), 0)
    scores = np.einsum("s,...sg->...g", np.array(calibration.weights), evidence)
    probability = softmax(scores / (1 + strongest) ** calibration.damping)
    floor = calibration.floor
    result: NDArray[np.float64] = np.log((1 - floor) * probability + floor / evidence.shape[-1])
    return result


def log_odds(prompt: str, article: str = "") -> NDArray[np.float64]:
    """Returns log probabilities, to which further evidence may be added; no article adds nothing."""
    return calibrated(signals(prompt, article))


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turns log-odds into probabilities along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: NDArray[np.float64] = raised / raised.sum(axis=-1, keepdims=True)
    return result


def best(probabilities: NDArray[np.float64], count: int = 3) -> tuple[Guess, ...]:
    """Returns the likeliest genres, best first."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return tuple(Guess(genres()[i], float(probabilities[i])) for i in order)
