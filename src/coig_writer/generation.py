"""What a model wrote: the generation record and how its reasoning is separated from its article."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable
from typing import Literal

from coig_writer.errors import InputError
from coig_writer.triplet import Language, assistant_turn

ReasoningState = Literal["closed", "unterminated", "absent"]
OPEN, CLOSE = "<think>", "</think>"  # what this kit trains; what others write is in _TAG
# DeepSeek and Qwen, prompted models, Sky-T1 and OpenThoughts, Kimi, Magistral, Seed, gpt-oss. A tag right after an
# opening quotation mark is spoken of, not used; one after a mark that may close too, if another follows.
_TAG = re.compile(
    r"""(?<![\u201c\u2018\u300c\u300e])(?:(?<=(?P<mark>[`'"]))|(?<![`'"]))(?:"""
    r"(?P<open><(?:think|thinking|thought|reasoning|seed:think)\s*>|<\|begin_of_thought\|>|\u25c1think\u25b7|\[THINK\]"
    r"|(?:<\|start\|>assistant)?<\|channel\|>analysis<\|message\|>)"
    r"|(?:</(?:think|thinking|thought|reasoning|seed:think)\s*>|<\|end_of_thought\|>|\u25c1/think\u25b7|\[/THINK\]"
    r"|<\|end\|>(?:<\|start\|>assistant)?<\|channel\|>final<\|message\|>))"
    r"""(?(mark)(?![`'"]))""",
    re.IGNORECASE,
)
_SOLUTION = re.compile(r"<\|(?:(?:begin|end)_of_solution|return)\|>", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Sampling:
    """Every setting that decides a text beside weights, prompt and seed.

    A checkpoint's own ``generation_config`` is not used. A value is None in records that were made before
    its key was recorded: what applied then is unknown.

    Attributes:
        temperature: 0 is greedy.
        top_p: Nucleus, above 0; 1 keeps all tokens.
        max_new_tokens: Longest answer.
        top_k: Only so many of the likeliest tokens; 0 keeps all.
        repetition_penalty: Divides the logits of tokens that were there before; 1 leaves them as they are.
        stop: Tokens that end the answer, by their text.

    Raises:
        InputError: A value is out of range.
    """

    temperature: float
    top_p: float
    max_new_tokens: int
    top_k: int | None = None
    repetition_penalty: float | None = None
    stop: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        wrong = {
            f"temperature {self.temperature} is not 0 or above": not 0
            <= self.temperature
            < math.inf,
            f"top_p {self.top_p} is not above 0 and at most 1": not 0 < self.top_p <= 1,
            f"max_new_tokens {self.max_new_tokens} is not 1 or more": self.max_new_tokens < 1,
            f"top_k {self.top_k} is not 0 or more": (self.top_k or 0) < 0,
            f"repetition_penalty {self.repetition_penalty} is not above 0": not 0
            < (1 if self.repetition_penalty is None else self.repetition_penalty)
            < math.inf,
            "stop names an empty token": "" in (self.stop or ()),
        }
        for what in (text for text, is_so in wrong.items() if is_so):
            raise InputError(what, "see docs/decisions/0008-decoding.md for the values and why")


# What the benchmark is answered with (docs/decisions/0008-decoding.md).
DECODING = Sampling(0.7, 0.9, 4096, 0, 1.0, ("<|im_end|>", "<|endoftext|>"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One answer of one variant to one query.

    ``reasoning`` and ``article`` are taken apart once, when the answer is made (``split``). Readers of a record take
    them as they are. A server may have kept the reasoning apart: then it is in ``reasoning`` alone and ``text``
    is the article. A record that states no part at all gets those of its text. An ``unterminated`` reasoning from the
    first word on leaves no article: it is empty, not guessed.

    Attributes:
        variant: Who answered.
        query_id: What was answered.
        sample: Tells several answers to one query apart, from 0.
        language: Of the query.
        genre: Of the query; null where it has none.
        prompt: The query's text.
        text: What the model emitted.
        reasoning: Its reasoning; null where there is none.
        article: Its article.
        reasoning_state: How the reasoning ended.
        finish_reason: Why the model stopped: ``stop``, ``length``, or what a server says.
        n_tokens: Tokens that it emitted; null where nobody counted.
        seed: Of this answer.
        sampling: How tokens were drawn; null where it is not known.
        model: Folder or id of the model.
        revision: Its state: a commit, a hash or a date.

    Raises:
        InputError: The parts are not those of the text, or a number is below 0.
    """

    variant: str
    query_id: str
    sample: int = 0
    language: Language
    genre: str | None
    prompt: str
    text: str
    reasoning: str | None = None
    article: str = ""
    reasoning_state: ReasoningState = "absent"
    finish_reason: str
    n_tokens: int | None
    seed: int | None
    sampling: Sampling | None
    model: str
    revision: str | None

    def __post_init__(self) -> None:
        if self.sample < 0 or (self.n_tokens or 0) < 0:
            raise InputError(
                f"{self.label}: sample {self.sample} or n_tokens {self.n_tokens} is below 0",
                "number samples from 0; leave n_tokens null where it is not known",
            )
        parts = split(self.text)
        stated = Parts(self.reasoning or "", self.article, self.reasoning_state).bare
        if parts.state == "absent" and stated.reasoning:  # the reasoning is in its own column alone
            parts = Parts(
                stated.reasoning, parts.article, "closed" if parts.article else "unterminated"
            )
            if not parts.article and stated.state == "closed":
                parts = stated
        if (stated.article, stated.state) == ("", "absent") and stated.reasoning in (
            "",
            parts.reasoning,
        ):
            object.__setattr__(self, "reasoning", parts.reasoning)
            object.__setattr__(self, "article", parts.article)
            object.__setattr__(self, "reasoning_state", parts.state)
        elif stated != parts.bare:
            raise InputError(
                f"{self.label}: the record contradicts itself: its reasoning is "
                f"{self.reasoning_state} and its article has {len(self.article)} characters, but its text "
                f"has {parts.state} reasoning and {len(parts.article)} characters of article",
                "leave the columns reasoning, article and reasoning_state out: they are then taken from the text",
            )

    @property
    def label(self) -> str:
        """Whose answer it is, for messages."""
        return f"{self.variant} to {self.query_id}" + (f" #{self.sample}" if self.sample else "")

    @property
    def turn(self) -> str:
        """The whole answer: the text, behind a reasoning that is in its own column alone."""
        if self.reasoning and split(self.text).state == "absent":
            return assistant_turn(self.reasoning, self.text)
        return self.text


def check(records: Iterable[Generation]) -> list[Generation]:
    """Returns records that fit in one table.

    Raises:
        InputError: Two answers share variant, query id and sample, or two prompts a query id.
    """
    seen: set[tuple[str, str, int]] = set()
    first: dict[str, Generation] = {}
    kept: list[Generation] = []
    for record in records:
        key = (record.variant, record.query_id, record.sample)
        if key in seen:
            raise InputError(
                f"variant {record.variant} answers query {record.query_id} twice (sample {record.sample})",
                "give each file once; number several answers to one prompt under `sample`",
            )
        seen.add(key)
        known = first.setdefault(record.query_id, record)
        if (known.prompt, known.language) != (record.prompt, record.language):
            raise InputError(
                f"query {record.query_id}: {record.variant} and {known.variant} were given different prompts",
                "score them in separate runs, or give the prompts ids of their own",
            )
        kept.append(record)
    return kept


def of_sample(records: Iterable[Generation], sample: int = 0) -> list[Generation]:
    """Returns the answers that are compared one with one: of several to a prompt, those of one number.

    Raises:
        InputError: There are answers, and none of that number.
    """
    given = list(records)
    answers = [record for record in given if record.sample == sample]
    if given and not answers:
        there = sorted({record.sample for record in given})
        raise InputError(
            f"no answer has sample {sample}",
            f"samples here are {', '.join(map(str, there))}; more come with "
            "python recipes/generate.py --samples N",
        )
    return answers


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """A model's text taken apart."""

    reasoning: str | None
    article: str
    state: ReasoningState

    @property
    def bare(self) -> Parts:
        """The parts without white space around them, an empty reasoning and none alike."""
        return Parts((self.reasoning or "").strip(), self.article.strip(), self.state)


def split(text: str) -> Parts:
    """Takes a model's text apart at the tags of its reasoning, of any of the known kinds.

    What is between tags is reasoning, nested or in several blocks; all else is the article. A
    template may pre-fill the first opening tag, so a closing tag without one ends a reasoning that
    starts with the text; further ones are text. If the model then opens once more what the template opened,
    and closes it once, the two openings are one. A block that never closes reaches to the end, and the state
    is then ``unterminated``.
    """
    if not any(mark in text for mark in "<[\u25c1"):  # every tag has one of them
        return Parts(None, text.strip(), "absent")
    tags = list(_TAG.finditer(text))
    depth = 1 if _prefilled(text, tags) else 0
    inside: list[str] = []
    outside: list[str] = []
    tagged = depth > 0
    start = 0
    unclosed = sum(1 if tag["open"] else -1 for tag in tags) > 0
    opened = False  # by the tag before, with nothing but white space since
    for tag in tags:
        closes = tag["open"] is None
        if closes and not depth:
            continue
        between = text[start : tag.start()]
        (inside if depth else outside).append(between)
        again = unclosed and opened and not closes and not between.strip()
        depth += -1 if closes else 0 if again else 1
        start, tagged, opened = tag.end(), True, not closes
    (inside if depth else outside).append(text[start:])
    article = _joined(_SOLUTION.sub("", part) for part in outside)
    if not tagged:
        return Parts(None, article, "absent")
    return Parts(_joined(inside), article, "unterminated" if depth else "closed")


def _prefilled(text: str, tags: list[re.Match[str]]) -> bool:
    """Whether a closing tag lacks its opening, in a text that does not begin with one."""
    if not tags or (tags[0]["open"] and not text[: tags[0].start()].strip()):
        return False
    depth = 0
    for tag in tags:
        depth += 1 if tag["open"] else -1
        if depth < 0:
            return True
    return False


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part.strip() for part in parts if part.strip())
