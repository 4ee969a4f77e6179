"""One answer as the metrics see it: prose and reasoning separated, tokens cut once.

Half surrogate pairs cannot be stored or sent; they are replaced by U+FFFD when an answer is made,
and counted with the other undecodable characters.
"""

from __future__ import annotations

import dataclasses
import functools

from coig_writer import benchmark
from coig_writer.benchmark import Query
from coig_writer.errors import InputError
from coig_writer.generation import Generation, Parts, split
from coig_writer.metrics import binding, coherence
from coig_writer.metrics.tokens import tokenize
from coig_writer.text.normalise import repaired
from coig_writer.triplet import Language


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a model emitted for one query, taken apart.

    ``query`` is the benchmark's query, or None where the prompt is not in the benchmark: what is
    measured against its fields is then missing. ``genre`` is None where it is unknown.
    """

    text: str
    parts: Parts
    language: Language
    query: Query | None
    n_tokens: int | None
    prompt: str = ""
    genre: str | None = None

    @property
    def article(self) -> str:
        """The prose, without the reasoning; empty where the reasoning never ended."""
        return self.parts.article

    @functools.cached_property
    def tokens(self) -> list[str]:
        """The word tokens of the article."""
        return tokenize(self.article, self.language)

    @functools.cached_property
    def held(self) -> binding.Holder:
        """The article, as a text in which decisions are looked for."""
        return binding.Holder(self.article, self.language)

    @functools.cached_property
    def settled(self) -> list[binding.Item]:
        """What the reasoning settles on and the prompt does not hold."""
        return binding.settled(self.parts.reasoning or "", self.prompt, self.language)

    @functools.cached_property
    def blocks(self) -> list[list[str]]:
        """The content words of each paragraph."""
        parts = coherence.paragraphs(self.article)
        return [coherence.content_words(part, self.language) for part in parts]

    @functools.cached_property
    def names(self) -> list[list[str]]:
        """The names in each paragraph."""
        return [coherence.names(part, self.language) for part in coherence.paragraphs(self.article)]


def answer(
    text: str,
    *,
    language: Language,
    query_id: str,
    prompt: str,
    n_tokens: int | None = None,
    genre: str | None = None,
) -> Answer:
    """Takes a model's raw text apart and finds its query in the benchmark.

    A query counts as known only if id and text are the benchmark's.
    """
    text = repaired(text)
    return Answer(
        text, split(text), language, _known(query_id, prompt), n_tokens, repaired(prompt), genre
    )


def of_generation(generation: Generation) -> Answer:
    """Returns the answer in a generation record, with the parts that it stores."""
    reasoning = generation.reasoning
    return Answer(
        repaired(generation.text),
        Parts(
            None if reasoning is None else repaired(reasoning),
            repaired(generation.article),
            generation.reasoning_state,
        ),
        generation.language,
        _known(generation.query_id, generation.prompt),
        generation.n_tokens,
        repaired(generation.prompt),
        generation.genre,
    )


def _known(query_id: str, prompt: str) -> Query | None:
    try:
        query = benchmark.query(query_id)
    except InputError:
        return None
    return query if query.query == prompt else None
