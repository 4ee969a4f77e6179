"""What would give a model away, or harm a reader: cleaned by a recorded rule, or refused.

Runs once, when a study loads. Cleaning only takes away what is no part of the writing: template
tokens at the ends, a closed ``<think>`` block, a chat assistant's opening and closing lines,
invisible and direction-changing characters. What cannot be cleaned without touching the writing
refuses the answer: an unclosed reasoning, a token inside the text, a model that names itself. An
answer that its model did not end, by its own record, is shown as it is and noted.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from coig_writer.generation import CLOSE, OPEN
from coig_writer.text import framing, truncation
from coig_writer.text.refusal import refusal, speaks_as_assistant
from coig_writer.text.verdict import Verdict

Action = Literal["cleaned", "refused", "noted"]
Cleaner = Callable[[str], tuple[str, str]]  # the text cleaned, and what was found around it

_TOKEN = r"(?:<\|[a-zA-Z_]{2,30}\|>|</?s>|\[/?INST\]|<<?/?SYS>?>|<(?:start|end)_of_turn>|<(?:bos|eos|pad)>)"
LAST = 400  # characters at the end in which closing tokens are looked for

_CHARACTERS: tuple[tuple[str, re.Pattern[str]], ...] = (
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
)
_OPENING_TOKENS = re.compile(rf"\A\s*(?:{_TOKEN}\s*)+")
_CLOSING_TOKENS = re.compile(rf"{_TOKEN}(?:\s*{_TOKEN})*\s*\Z")
_MODELS = (
    r"(?:通义千问|文心一言|讯飞星火|智谱清言|混元大模型|chatgpt|deepseek|qwen|qwq|chatglm|glm-\d|baichuan|internlm|minimax|mixtral|mistral"
    r"|ernie bot|gpt[- ]?(?:\d|o\d)|llama[- ]?\d|claude|gemini|kimi|grok)"
)
_MAKERS = r"(?:openai|anthropic|google|meta|moonshot|deepseek|阿里|百度|字节跳动|科大讯飞|智谱|月之暗面|深度求索|腾讯|百川|稀宇)"
_KIND = r"(?:一[个名款]|ai|人工智能|大?语言|大?模型|智能|聊天|助手|机器人|名为|叫做?|[ ，,]){0,6}"
_BY = r"[^，,。！？!?\n“”\"你他她它]{0,12}?"
# A text that mentions a model is a text about one; one that says it is a model, or signs as one, gives
# itself away. What somebody says in quotation marks, or takes somebody for, is a mention.
_CLAIMS = re.compile(
    rf"(?<![^\s。！？!?，,：:])(?:我(?:就)?(?:是|叫)(?:来自{_BY}的)?{_KIND}{_MODELS}(?!的(?!人工智能|智能|ai|语言))|我是豆包(?=[，,。！!]|$)|作为{_MODELS}[，,]"
    rf"|我(?:是{_KIND}由?|由){_MAKERS}{_BY}(?:训练|开发|研发|推出|打造|创造))"
    rf"|\bi(?: am|'m|’m) {_MODELS}\b(?!['’]s)|\bas (?:an? )(?:ai |large |language |model |assistant ){{1,4}}(?:called |named |by |from ){_MODELS}"
    rf"|\bi (?:was|am) (?:an? [a-z ]{{1,30}} )?(?:trained|developed|created|made|built) by {_MAKERS}"
    rf"|(?:\A|\n)\W{{0,4}}(?:written|generated|created|answered) by {_MODELS}|(?:\A|\n)\W{{0,4}}(?:本文|以上内容|内容)?由{_MODELS}(?:大模型)?(?:生成|创作|撰写)"
)
# Looked for in lower case; each begins with a letter, so that the search can skip to it.
_REFUSING: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("unclosed reasoning", re.compile(r"</?think(?:ing)?>")),
    ("template token inside the text", re.compile(_TOKEN.lower().replace("a-za-z", "a-z"))),
    ("names a model or its maker", _CLAIMS),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing the scan did to one answer, with the place that made it.

    Attributes:
        rule: The rule.
        action: What was done.
        excerpt: The place.
        variant: Whose answer.
        query_id: Answer to what.
    """

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
        variants: The study's variants. Those that could not be a word (with a digit, a hyphen or an
            underscore, at least four characters) are looked for literally.
        allowed: Phrases that pass, such as the name of a painter.
    """

    def __init__(self, variants: Sequence[str], allowed: Sequence[str] = ()) -> None:
        distinctive = [n.lower() for n in variants if len(n) >= 4 and re.search(r"[\d_-]", n)]
        longest_first = sorted(distinctive, key=lambda n: (-len(n), n))
        pattern = "|".join(map(re.escape, longest_first)) or r"(?!)"
        self._rules = (
            *_REFUSING,
            ("names a model of this study", re.compile(rf"(?:{pattern})(?!\w)")),
        )
        self._allowed = [phrase.lower() for phrase in allowed]

    def scan(self, text: str, prompt: str = "", finish_reason: str | None = None) -> Scan:
        """Cleans a text and says what was found.

        Args:
            text: An answer.
            prompt: What it answers; what the prompt itself contains is no sign of a model.
            finish_reason: Why the model stopped, where that is known; without it nothing is noted.
        """
        text = text.replace("\r\n", "\n")
        findings: list[Finding] = []
        before = None
        while before != text:  # what one rule takes away may bring up what another looks for
            before = text
            for rule, clean in _CLEANERS:
                text, excerpt = clean(text)
                findings += [Finding(rule, "cleaned", excerpt)] if excerpt else []
            text = text.strip("\n").rstrip()
        spent = truncation.length_spent(finish_reason)
        noted = [Finding("cut off", "noted", f"…{text[-20:]}")] if spent else []
        return Scan(text, tuple(findings + noted + self._refusals(text, prompt)))

    def _refusals(self, text: str, prompt: str) -> list[Finding]:
        if not text.strip():
            return [Finding("empty answer", "refused", "")]
        lowered, prompt_lowered = text.lower(), prompt.lower()
        for phrase in self._allowed:
            lowered = lowered.replace(phrase, "")
        return [
            Finding(rule, "refused", _around(lowered, match))
            for rule, pattern in self._rules
            if (match := _first(pattern, lowered)) and match.group() not in prompt_lowered
        ] + [
            Finding("speaks as an assistant", "refused", refused.evidence)
            for refused in (speaks_as_assistant(lowered), refusal(lowered))
            if refused and refused.evidence not in prompt_lowered
        ]


def shown_as_it_came(text: str, _prompt: str = "", _finish_reason: str | None = None) -> Scan:
    """Returns a text unscanned; only one without any letter is refused, as there is nothing to read."""
    empty = () if text.strip() else (Finding("empty answer", "refused", ""),)
    return Scan(text.replace("\r\n", "\n"), empty)


def counted(findings: Iterable[Finding]) -> dict[tuple[str, Action, str], int]:
    """Counts the answers that each rule changed, refused or noted, by (variant, action, rule)."""
    answers = {(f.variant, f.action, f.rule, f.query_id) for f in findings}
    return dict(sorted(Counter(key[:3] for key in answers).items()))


def _first(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Returns the first match that is not the tail of a Latin word."""
    for match in pattern.finditer(text):
        before = text[match.start() - 1 : match.start()]
        if not (match.group()[0].isascii() and before.isascii() and before.isalnum()):
            return match
    return None


def _anywhere(pattern: re.Pattern[str]) -> Cleaner:
    def clean(text: str) -> tuple[str, str]:
        match = pattern.search(text)
        return (pattern.sub("", text), _around(text, match)) if match else (text, "")

    return clean


def _without_opening_tokens(text: str) -> tuple[str, str]:
    match = _OPENING_TOKENS.match(text)
    return (text[match.end() :], _around(text, match)) if match else (text, "")


def _without_closing_tokens(text: str) -> tuple[str, str]:
    match = _CLOSING_TOKENS.search(text, max(0, len(text) - LAST))
    return (text[: match.start()], _around(text, match)) if match else (text, "")


def _framed(find: Callable[[str], Verdict | None]) -> Cleaner:
    def clean(text: str) -> tuple[str, str]:
        frame = find(text)
        return (text[: frame.start] + text[frame.end :], frame.evidence) if frame else (text, "")

    return clean


def _without_thoughts(text: str) -> tuple[str, str]:
    excerpt = ""
    start = text.find(OPEN)
    while start >= 0 and (end := text.find(CLOSE, start)) >= 0:
        excerpt = excerpt or text[start : start + 40]
        text = text[:start] + text[end + len(CLOSE) :].lstrip()
        start = text.find(OPEN, start)
    return text, excerpt


def _around(text: str, match: re.Match[str]) -> str:
    return text[max(0, match.start() - 12) : match.end() + 12][:80]


_CLEANERS: tuple[tuple[str, Cleaner], ...] = (
    *((rule, _anywhere(pattern)) for rule, pattern in _CHARACTERS),
    ("closed <think> block", _without_thoughts),
    ("template token at the start", _without_opening_tokens),
    ("template token at the end", _without_closing_tokens),
    ("assistant's opening line", _framed(framing.opening)),
    ("assistant's closing line", _framed(framing.closing)),
)
