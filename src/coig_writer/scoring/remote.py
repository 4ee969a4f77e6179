"""A lighteval model behind any OpenAI-compatible server, for lighteval's ``custom`` backend.

  COIG_WRITER_ENDPOINT=http://127.0.0.1:8000/v1 python -m eval_tasks lighteval \
      custom MODEL src/coig_writer/scoring/remote.py "coig_writer:zh|0"

lighteval's own endpoint backends need packages of their own; this one uses the kit's client: replies
are cached (``build/cache/endpoint``), so a run that stops goes on where it was. Decoding is the
benchmark's (docs/decisions/0008-decoding.md).
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from lighteval.models.abstract_model import LightevalModel
from lighteval.models.custom.custom_model import CustomModelConfig
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc

from coig_writer.endpoint import Endpoint, Reply
from coig_writer.errors import ConfigError, EndpointError
from coig_writer.generating import server
from coig_writer.generation import DECODING
from coig_writer.scoring.replay import NoCache

ADDRESS = "COIG_WRITER_ENDPOINT"


class ServedModel(LightevalModel):
    """Answers each query by asking a server."""

    def __init__(self, config: CustomModelConfig) -> None:
        self.config = config
        self._cache = NoCache()
        address = os.environ.get(ADDRESS)
        if not address:
            raise ConfigError(
                "no server was named", f"set {ADDRESS} to its address, as http://127.0.0.1:8000/v1"
            )
        cache = Path("build/cache/endpoint")
        self.endpoint = Endpoint(address, config.model_name, cache=cache)

    @property
    def tokenizer(self) -> Any:
        """None: the server encodes."""
        return None

    @property
    def add_special_tokens(self) -> bool:
        """False: the server encodes."""
        return False

    @property
    def max_length(self) -> int:
        """Longest reply that is asked for."""
        return DECODING.max_new_tokens

    def greedy_until(self, docs: list[Doc]) -> list[ModelResponse]:
        """Asks for one answer per document.

        Raises:
            EndpointError: Some calls failed for good; what was answered is kept.
        """
        longest = self.max_length
        lengths = [min(doc.generation_size or longest, longest) for doc in docs]
        requests = [
            server.request(doc.query, dataclasses.replace(DECODING, max_new_tokens=length))
            for doc, length in zip(docs, lengths, strict=True)
        ]
        replies = self.endpoint.complete_all(requests, progress=self.config.model_name)
        failed = [reply for reply in replies if reply.state == "failed"]
        if failed:
            raise EndpointError(
                f"{len(failed)} of {len(replies)} answers failed: {failed[0].reason}",
                "run the same command again: it keeps the answers received so far",
            )
        return [_response(doc, reply) for doc, reply in zip(docs, replies, strict=True)]

    def loglikelihood(self, docs: list[Doc]) -> list[ModelResponse]:
        """Not possible over this protocol."""
        raise NotImplementedError("a chat server gives no likelihoods of a text")

    def loglikelihood_rolling(self, docs: list[Doc]) -> list[ModelResponse]:
        """Not possible over this protocol."""
        raise NotImplementedError("a chat server gives no likelihoods of a text")


def _response(doc: Doc, reply: Reply) -> ModelResponse:
    """Joins reasoning that the server kept apart with the article; ids are unknown, only counted."""
    count = reply.usage.tokens_out
    tokens = [] if count is None else [[0] * count]
    return ModelResponse(input=doc.query, text=[server.text(reply)], output_tokens=tokens)
