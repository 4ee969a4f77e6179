"""Puts generations before a judge and keeps what it says as judgements.

Every pair is asked in both orders; a pair on which the judge disagrees with itself is recorded as
such and is no win for anyone. What cannot be judged, a refusal and an unreadable reply are missing.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Literal

from coig_writer.benchmark import queries
from coig_writer.endpoint import Endpoint, Reply, Request
from coig_writer.generation import Generation
from coig_writer.metrics import formatting
from coig_writer.metrics.coherence import paragraphs
from coig_writer.metrics.definition import NO_REASONING
from coig_writer.score import Judgement
from coig_writer.text.normalise import repaired
from eval_tasks.judge.rubric import Rubric

Order = Literal["left_first", "right_first", "single"]
LONGEST = 30_000  # characters of an article, or of its reasoning, that a judge is given
PLAIN = "+plain"


@dataclasses.dataclass(frozen=True)
class Question:
    """One thing to judge; ``problem`` says why it cannot be, and then ``request`` is None."""

    rubric: str
    query_id: str
    left: str
    right: str | None
    order: Order
    request: Request | None
    problem: str | None = None
    sample: int = 0
    texts: tuple[str, ...] = ()  # as the judge is shown them


def questions(
    rubric: Rubric,
    records: Sequence[Generation],
    *,
    pairs: Iterable[tuple[str, str]] | None = None,
    plain: bool = False,
    repeats: int = 1,
) -> list[Question]:
    """Lists what to ask about some generations.

    Args:
        rubric: What is asked.
        records: Answers of any variants; a pair needs both variants' answers to a query under one sample.
        pairs: Variants to compare; None compares all.
        plain: Strip Markdown first, so that format cannot count.
        repeats: How often each question is asked; repetition 2 and on are marked ``#2`` ….

    Returns:
        Questions in a fixed order: by query, then sample, variants, then order, then repetition.
    """
    by_query: dict[tuple[str, int], dict[str, Generation]] = {}
    for record in sorted(records, key=lambda r: (r.query_id, r.sample, r.variant)):
        by_query.setdefault((record.query_id, record.sample), {})[record.variant] = record
    wanted = None if pairs is None else {frozenset(pair) for pair in pairs}
    made: list[Question] = []
    for answers, repeat in itertools.product(by_query.values(), range(repeats)):
        shown = [
            (left, right)
            for left, right in itertools.combinations(answers.values(), 2)
            if wanted is None or frozenset((left.variant, right.variant)) in wanted
        ]
        asker = _Asker(rubric, plain, repeat)
        if rubric.kind == "pairwise":
            made += [q for pair in shown for q in asker.pair(*pair)]
        else:
            banned = [r for r in answers.values() if rubric.kind != "bans" or _bans(r)]
            made += map(asker.single, banned)
    return made


@dataclasses.dataclass(frozen=True)
class _Asker:
    """Builds the questions of one repetition."""

    rubric: Rubric
    plain: bool
    repeat: int

    @property
    def name(self) -> str:
        suffix = f"#{self.repeat + 1}" if self.repeat else ""
        return self.rubric.name + (PLAIN if self.plain else "") + suffix

    def pair(self, left: Generation, right: Generation) -> list[Question]:
        texts = [self._article(left), self._article(right)]
        problem = _problem(texts)
        made = []
        orders: tuple[tuple[Order, list[str]], ...] = (
            ("left_first", texts),
            ("right_first", texts[::-1]),
        )
        for order, shown in orders:
            request = None if problem else self._request(left, shown)
            made.append(
                Question(
                    self.name,
                    left.query_id,
                    left.variant,
                    right.variant,
                    order,
                    request,
                    problem,
                    left.sample,
                    tuple(shown),
                )
            )
        return made

    def single(self, record: Generation) -> Question:
        if self.rubric.kind == "labels":
            texts = paragraphs(repaired(record.reasoning or ""))
            problem = None if texts else NO_REASONING.reason
        elif self.rubric.kind == "decisions":
            texts = [repaired(record.reasoning or ""), self._article(record)]
            problem = _problem(texts[1:]) if texts[0].strip() else NO_REASONING.reason
            if len(texts[0]) > LONGEST:
                problem = f"the reasoning is longer than {LONGEST} characters"
        else:
            texts = [self._article(record)]
            problem = _problem(texts)
            texts += _bans(record) if self.rubric.kind == "bans" else ()
        request = None if problem else self._request(record, texts)
        return Question(
            self.name,
            record.query_id,
            record.variant,
            None,
            "single",
            request,
            problem,
            record.sample,
            tuple(texts),
        )

    def _article(self, record: Generation) -> str:
        text = repaired(record.article)
        return formatting.unmarked(text) if self.plain else text

    def _request(self, record: Generation, texts: Sequence[str]) -> Request:
        prompt = repaired(record.prompt)
        return self.rubric.request(record.language, prompt, texts, repeat=self.repeat)


def _bans(record: Generation) -> tuple[str, ...]:
    """What the benchmark's query forbids that a record answers; nothing for another prompt."""
    known = (q for q in queries(record.language) if q.id == record.query_id)
    return next((q.bans for q in known if q.query == record.prompt), ())


def _problem(texts: Sequence[str]) -> str | None:
    if not all(text.strip() for text in texts):
        return "an article is empty"
    if any(len(text) > LONGEST for text in texts):
        return f"an article is longer than {LONGEST} characters"
    return None


def judge(endpoint: Endpoint, rubric: Rubric, batch: Sequence[Question]) -> list[Judgement]:
    """Asks and returns one judgement per question, in order."""
    requests = [q.request for q in batch if q.request is not None]
    replies = iter(endpoint.complete_all(requests, progress=f"judge {rubric.name}"))
    return [
        _judgement(endpoint.model, rubric, q, None if q.request is None else next(replies))
        for q in batch
    ]


def _judgement(model: str, rubric: Rubric, question: Question, reply: Reply | None) -> Judgement:
    verdict, reason = None, question.problem
    if reply is not None:
        answered = reply.state == "answered"
        verdict = (
            _by_side(question.order, rubric.verdict(reply, question.texts)) if answered else None
        )
        reason = None if answered else f"{reply.state}: {reply.reason}"
    return Judgement(
        judge=model,
        rubric=question.rubric,
        query_id=question.query_id,
        left=question.left,
        right=question.right,
        order=question.order,
        verdict=verdict,
        state="missing" if verdict is None else "scored",
        reason=reason,
        tokens_in=reply.usage.tokens_in if reply else None,
        tokens_out=reply.usage.tokens_out if reply else None,
        cost=reply.cost if reply else None,
        sample=question.sample,
    )


def _by_side(order: Order, verdict: str) -> str:
    """Turns "first" and "second" into "left" and "right"; other verdicts stay."""
    sides = ["left", "right"] if order == "left_first" else ["right", "left"]
    by_place = {"first": sides[0], "second": sides[1]}
    content = json.loads(verdict)
    return json.dumps(by_place.get(content, content)) if isinstance(content, str) else verdict
