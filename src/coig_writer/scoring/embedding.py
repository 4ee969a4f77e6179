"""How far a model's answers to one prompt lie apart under a model that the user names."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

from coig_writer.errors import MissingInputError
from coig_writer.generation import Generation
from coig_writer.metrics.catalogue import EMBEDDED
from coig_writer.metrics.definition import ONE_ANSWER
from coig_writer.metrics.within import count_distinct, mean_distance
from coig_writer.score import Score

LONGEST = 512  # tokens of an article that are embedded
# NoveltyBench (Zhang et al. 2025, arXiv 2504.05228, github.com/novelty-bench/novelty-bench, src/partition.py) shows its classifier the first
# 128 tokens of each answer, and takes two for one above this probability.
OPENING, EQUIVALENT = 128, 0.102
Embed = Callable[[str], Sequence[float]]
Same = Callable[[str, str], bool]


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
            f"{path}: no embedding model at this path ({str(error)[:80]})",
            "name a folder or a Hub id, such as BAAI/bge-small-zh-v1.5",
        ) from error

    def embed(text: str) -> list[float]:
        with torch.inference_mode():
            inputs = tokenizer(text, truncation=True, max_length=LONGEST, return_tensors="pt")
            vector: list[float] = model(**inputs).last_hidden_state[0].mean(dim=0).tolist()
        return vector

    return embed


def classifier(path: str, tokenizer: str | None = None) -> Same:
    """Loads a classifier that tells whether two answers are equivalent, in the form that NoveltyBench uses.

    NoveltyBench's own, ``yimingzhang/deberta-v3-large-generation-similarity``, learned from English answers.

    Args:
        path: Folder or Hub id; its second class is "the same".
        tokenizer: Folder or Hub id, where the classifier comes without one.

    Raises:
        MissingInputError: The model is not there.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        read = AutoTokenizer.from_pretrained(tokenizer or path)
        model = AutoModelForSequenceClassification.from_pretrained(path).eval()
    except OSError as error:
        raise MissingInputError(
            f"{path}: no classifier at this path ({str(error)[:80]})",
            "name a folder or a Hub id, and its tokenizer after it if the folder has none: "
            "yimingzhang/deberta-v3-large-generation-similarity microsoft/deberta-v3-large",
        ) from error

    def same(first: str, second: str) -> bool:
        parts = [
            read.encode(text, truncation=True, max_length=OPENING, add_special_tokens=False)
            for text in (first, second)
        ]
        ids = [read.cls_token_id, *parts[0], read.sep_token_id, *parts[1], read.sep_token_id]
        kinds = [0] * (len(parts[0]) + 2) + [1] * (len(parts[1]) + 1)
        with torch.inference_mode():
            logits = model(torch.tensor([ids]), token_type_ids=torch.tensor([kinds])).logits
        return float(logits.softmax(dim=-1)[0, 1]) > EQUIVALENT

    return same


def score(
    records: Sequence[Generation], embed: Embed | None = None, same: Same | None = None
) -> Iterator[Score]:
    """Yields the scores of each prompt of one variant, under the models that are given."""
    distance, classes = EMBEDDED
    ordered = sorted(records, key=lambda r: (r.query_id, r.sample))
    for query, group in itertools.groupby(ordered, key=lambda r: r.query_id):
        articles = [r.article for r in group if r.article]
        enough, key = len(articles) > 1, (records[0].variant, query)
        if embed is not None:
            value = mean_distance([embed(article) for article in articles]) if enough else None
            yield _score((*key, distance), value)
        if same is not None:
            yield _score((*key, classes), count_distinct(articles, same) if enough else None)


def _score(key: tuple[str, str, str], value: float | None) -> Score:
    if value is None:
        return Score(*key, None, "missing", ONE_ANSWER.reason)
    return Score(*key, float(value), "scored")
