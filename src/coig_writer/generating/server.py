"""Generation through any OpenAI-compatible server, such as vLLM: the same records, the same decoding.

Every sampling key is sent, so that a server's own defaults (vLLM takes them from the checkpoint's
``generation_config``) decide nothing. A server may return the reasoning apart from the text; it is joined
again as the models were trained.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from coig_writer.benchmark import Query
from coig_writer.endpoint import Endpoint, Reply, Request
from coig_writer.errors import ConfigError, EndpointError
from coig_writer.generating.answers import Completion, row_seed, version
from coig_writer.generation import Sampling
from coig_writer.triplet import Message, assistant_turn


@dataclasses.dataclass(frozen=True, slots=True)
class ServedModel:
    """A model behind a server. Its replies are cached, so a second call asks only for what is missing."""

    variant: str
    endpoint: Endpoint
    revision: str

    @property
    def path(self) -> str:
        """The model's name on the server."""
        return self.endpoint.model

    def complete(
        self, queries: Sequence[Query], sampling: Sampling, seed: int
    ) -> Iterator[Completion]:
        """Yields an answer per query.

        Raises:
            EndpointError: Some queries stay unanswered; they are counted by reason.
        """
        requests = [request(q.query, sampling, row_seed(seed, q.id)) for q in queries]
        replies = self.endpoint.complete_all(requests, progress=f"generate {self.variant}")
        failed = Counter(reply.reason for reply in replies if reply.state != "answered")
        if failed:
            raise EndpointError(
                f"{self.endpoint.url}: {failed.total()} of {len(queries)} queries stay unanswered {dict(failed)}",
                "run the same command again: only these are asked anew; a server that knows no "
                "repetition_penalty or top_k cannot be used: the kit always sends them",
            )
        for reply in replies:
            yield Completion(text(reply), reply.finish_reason or "unknown", reply.usage.tokens_out)


def served(variant: str, url: str, model: str, revision: str | None, cache: Path) -> ServedModel:
    """Returns a model behind a server, its replies kept under the model's state.

    Args:
        variant: Its name in the records.
        url: The server's address.
        model: The model's name there; that of a run on this machine has a fingerprint.
        revision: The model's state, where the name gives none.
        cache: Folder for replies; each state has one of its own in it.

    Raises:
        ConfigError: The state is not known: a model that is trained again would be given its past answers.
    """
    state = version(model, revision)
    if state is None:
        raise ConfigError(
            f"{model} is not a run on this machine, so its state is not known",
            "name it with --revision, as a commit or a date; answers are kept under it",
        )
    return ServedModel(variant, Endpoint(url, model, cache=cache / state.replace("/", "_")), state)


def request(prompt: str, sampling: Sampling, seed: int | None = None) -> Request:
    """Returns what is asked of a server for one prompt, every sampling key given."""
    return Request(
        (Message(role="user", content=prompt),),
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_new_tokens,
        seed=seed,
        top_k=sampling.top_k,
        repetition_penalty=sampling.repetition_penalty,
        stop=sampling.stop or (),
    )


def text(reply: Reply) -> str:
    """Returns a reply as the model wrote it; empty unless it was answered."""
    written = reply.text if reply.state == "answered" else ""
    return assistant_turn(reply.reasoning, written) if reply.reasoning else written
