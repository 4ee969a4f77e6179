"""What would give a model away, or harm a reader: cleaned by a recorded rule, or refused.

Runs once, when a study loads. Cleaning only takes away what is no part of the writing: template
tokens at the ends, a closed ``<think>`` block, a chat assistant's opening and closing lines,
invisible and direction-changing characters. What cannot be cleaned without touching the writing
refuses the answer: an unclosed reasoning, a token inside the text, a model that names itself.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Literal

Action = Literal["cleaned", "refused"]

_TOKEN = r"(?:<\|[a-zA-Z_]{2,30}\|>|</?s>|\[/?INST\]|<<?/?SYS>?>|<(?:start|end)_of_turn>|<(?:bos|eos|pad)>)"
_CLEANING: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "byte-order mark or zero-width character",
        re.compile(r"[\u200b\u200c\u2060-\u2064\ufeff\u00ad\u180e]"),
    ),
    (
        "zero-width joiner outside an emoji",
        re.compile(r"(?<![\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d"),
    ),
    ("direction-changing character", re.compile(r"[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")),
    ("control character", re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufff9-\ufffb]")),
    (
        "tag or private-use character",
        re.compile(r"[\ue000-\uf8ff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"),
    ),
    ("closed <think> block", re.compile(r"<think>.*?</think>\s*", re.DOTALL)),
    ("template token at the start", re.compile(rf"\A(?:\s*{_TOKEN})+\s*")),
    ("template token at the end", re.compile(rf"\s*(?:{_TOKEN}\s*)+\Z")),
    (
        "assistant's opening line",
        re.compile(
            r"\A\s*(?:(?:好的|当然(?:可以)?|没问题)[，,。！!][^\n]{0,40}[：:。！!]|(?:以下|下面)(?:是|为)[^\n]{0,60}[：:]"
            r"|(?:sure|certainly|of course|absolutely)[,.!][^\n]{0,120}|here(?:'s|’s| is)[^\n]{0,100}:)[ \t]*(?:\n+|\Z)",
            re.IGNORECASE,
        ),
    ),
    (
        "assistant's closing line",
        re.compile(
            r"\n\s*(?:希望(?:这|以上)[^\n]{0,40}(?:帮助|喜欢|满意|要求)[^\n]{0,20}|如(?:果)?(?:您|你)?(?:需要|还有)[^\n]{0,40}(?:告诉我|随时)[^\n]{0,20}"
            r"|(?:i hope (?:this|you)|let me know if|feel free to)[^\n]{0,160})\s*\Z",
            re.IGNORECASE,
        ),
    ),
)
_REFUSING: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("unclosed reasoning", re.compile(r"</?think(?:ing)?>", re.IGNORECASE)),
    ("template token inside the text", re.compile(_TOKEN)),
    (
        "speaks as an assistant",
        re.compile(
            r"作为(?:一个|一名|一款)?(?:AI|人工智能|大?语言模型|智能助手)|as an? (?:AI|artificial intelligence|(?:large )?language model)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "names a model or its maker",
        re.compile(
            r"通义千问|文心一言|讯飞星火|智谱清言|月之暗面|混元大模型|ChatGPT|OpenAI|Anthropic|DeepSeek|Moonshot AI"
            r"|\b(?:Qwen|QwQ|ChatGLM|GLM-\d|Baichuan|InternLM|MiniMax|Mixtral|Ernie Bot)"
            r"|\bGPT[- ]?(?:\d|o\d)|\bLlama[- ]?\d|\bGemini[- ](?:\d|Pro|Ultra|Flash)|\bClaude[- ](?:\d|Opus|Sonnet|Haiku)"
            r"|\b(?:I am|I'm|I’m) (?:Claude|Gemini|Kimi|Grok)\b|我是(?:Claude|Gemini|Kimi|Grok|豆包)",
            re.IGNORECASE,
        ),
    ),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing the scan did to one answer, with the place that made it."""

    rule: str
    action: Action
    excerpt: str
    variant: str = ""
    query_id: str = ""

    def describe(self) -> str:
        """Says it in one line, for a person and for the log of a study."""
        return f"{self.query_id} by {self.variant}: {self.action}, {self.rule}: {self.excerpt!r}"


@dataclasses.dataclass(frozen=True, slots=True)
class Scan:
    """The cleaned text and what was found on the way."""

    text: str
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> bool:
        """Whether the answer must not be shown."""
        return any(f.action == "refused" for f in self.findings)


class Scanner:
    """Applies the rules, and looks for the study's own model names.

    Args:
        names: The study's variants. Those that could not be a word (with a digit, a hyphen or an
            underscore, at least four characters) are looked for literally.
        allowed: Phrases that pass, such as the name of a painter.
    """

    def __init__(self, names: Sequence[str], allowed: Sequence[str] = ()) -> None:
        distinctive = [n for n in names if len(n) >= 4 and re.search(r"[\d_-]", n)]
        pattern = "|".join(re.escape(n) for n in sorted(distinctive)) or r"(?!)"
        self._names = re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)
        self._allowed = [re.compile(re.escape(phrase), re.IGNORECASE) for phrase in allowed]

    def scan(self, text: str, *, prompt: str = "") -> Scan:
        """Cleans a text and says what was found.

        What the prompt itself contains is no sign of a model and is let pass.
        """
        findings: list[Finding] = []
        before = None
        while before != text:  # what one rule takes away may bring up what another looks for
            before = text
            for rule, pattern in _CLEANING:
                text, found = _clean(text, rule, pattern)
                findings += found
            text = text.strip("\n").rstrip()
        return Scan(text, tuple(findings + self._refusals(text, prompt)))

    def _refusals(self, text: str, prompt: str) -> list[Finding]:
        if not text.strip():
            return [Finding("empty answer", "refused", "")]
        for allowed in self._allowed:
            text = allowed.sub("", text)
        rules = (*_REFUSING, ("names a model of this study", self._names))
        return [
            Finding(rule, "refused", _around(text, match))
            for rule, pattern in rules
            if (match := pattern.search(text)) and match.group().casefold() not in prompt.casefold()
        ]


def _clean(text: str, rule: str, pattern: re.Pattern[str]) -> tuple[str, list[Finding]]:
    match = pattern.search(text)
    if match is None:
        return text, []
    return pattern.sub("", text), [Finding(rule, "cleaned", _around(text, match))]


def _around(text: str, match: re.Match[str]) -> str:
    return text[max(0, match.start() - 12) : match.end() + 12][:80]
