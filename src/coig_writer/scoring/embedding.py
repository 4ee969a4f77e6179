"""How far a model's answers to one prompt lie apart under an embedding model that the user names."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from coig_writer.errors import MissingInputError
from coig_writer.generation import Generation
from coig_writer.metrics.catalogue import EMBEDDED
from coig_writer.metrics.within import mean_distance
from coig_writer.score import Score

LONGEST = 512  # tokens of an article that are embedded
Embed = Callable[[str], Sequence[float]]


def load(path: str) -> Embed:
    """Loads an encoder of transformers; a text is the mean of its last hidden states.

    Raises:
        MissingInputError: The model is not there.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
        model = AutoModel.from_pretrained(path).eval()
    except OSError as error:
        raise MissingInputError(
            f"{path}: no embedding model here ({str(error)[:80]})",
            "name a folder or a Hub id, such as BAAI/bge-small-zh-v1.5",
        ) from error

    def embed(text: str) -> list[float]:
        with torch.inference_mode():
            inputs = tokenizer(text, truncation=True, max_length=LONGEST, return_tensors="pt")
            vector: list[float] = model(**inputs).last_hidden_state[0].mean(dim=0).tolist()
        return vector

    return embed


def score(records: Sequence[Generation], embed: Embed) -> list[Score]:
    """Scores each prompt that one variant answers several times."""
    ordered = sorted(records, key=lambda r: (r.query_id, r.sample))
    found = []
    (metric,) = EMBEDDED
    for query, group in itertools.groupby(ordered, key=lambda r: r.query_id):
        distance = mean_distance([embed(r.article) for r in group if r.article])
        if distance is None:
            why = "fewer than two answers of this variant to the prompt have an article"
            found.append(Score(records[0].variant, query, metric, None, "missing", why))
        else:
            found.append(Score(records[0].variant, query, metric, distance, "scored"))
    return found
