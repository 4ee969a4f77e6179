"""A lighteval model that answers with saved generations.

In process: ``Replay(config, generations)``. From the command line, lighteval's ``custom`` backend
loads this file; the records are then those of the variant named as model, found in
``$COIG_WRITER_GENERATIONS`` (several paths as in ``$PATH``; default ``build/generations``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lighteval.models.abstract_model import LightevalModel
from lighteval.models.custom.custom_model import CustomModelConfig
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc

from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.generation import Generation, of_sample
from coig_writer.scoring.generations import GENERATIONS, of_variant, read
from coig_writer.text.normalise import repaired


class NoCache:
    """Stands where lighteval expects its sample cache, for models that need none."""

    def _init_registry(self, registry: object) -> None:
        """Accepts the registry and forgets it."""


class Replay(LightevalModel):
    """Answers each query with the saved text of one variant; ``NAME#2`` names its sample 2, ``NAME`` 0."""

    def __init__(
        self, config: CustomModelConfig, generations: Iterable[Generation] | None = None
    ) -> None:
        self.config = config
        self._cache = NoCache()
        variant, _, sample = config.model_name.partition("#")
        if not (sample or "0").isdecimal():
            raise ConfigError(
                f"{config.model_name!r} is not a variant and a sample", "write NAME#1 or NAME"
            )
        if generations is None:
            paths = os.environ.get(GENERATIONS, "build/generations").split(os.pathsep)
            generations = of_variant(read([Path(p) for p in paths]), variant)
        self.answers = {g.query_id: g for g in of_sample(generations, int(sample or 0))}

    @property
    def tokenizer(self) -> Any:
        """None: nothing is encoded."""
        return None

    @property
    def add_special_tokens(self) -> bool:
        """False: nothing is encoded."""
        return False

    @property
    def max_length(self) -> int:
        """No limit is known."""
        return 0

    def greedy_until(self, docs: list[Doc]) -> list[ModelResponse]:
        """Returns the saved answers in the order of the documents."""
        return [self._response(doc) for doc in docs]

    def _response(self, doc: Doc) -> ModelResponse:
        query = (doc.specific or {})["query_id"]
        answer = self.answers.get(query)
        if answer is None:
            raise MissingInputError(
                f"variant {self.config.model_name!r} has no saved answer to {query}",
                "score the answers that exist with: python -m eval_tasks score --generations PATH",
            )
        # Token ids are not kept in the records, only how many there were, where that is known.
        return ModelResponse(
            input=doc.query,
            text=[repaired(answer.turn)],
            output_tokens=[] if answer.n_tokens is None else [[0] * answer.n_tokens],
        )

    def loglikelihood(self, docs: list[Doc]) -> list[ModelResponse]:
        """Not possible from saved text."""
        raise NotImplementedError("saved generations have no likelihoods")

    def loglikelihood_rolling(self, docs: list[Doc]) -> list[ModelResponse]:
        """Not possible from saved text."""
        raise NotImplementedError("saved generations have no likelihoods")
