"""How alike the texts of a set are: five figures, each higher (or, for distinct, lower) the more alike.

They grow or shrink with the number and length of the texts: compare sets of equal number only, and
look at equally long beginnings too.
"""

from __future__ import annotations

import dataclasses
import lzma
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from coig_writer.metrics.tokens import tokenize
from coig_writer.text.ngrams import grams
from coig_writer.text.normalise import reduced
from coig_writer.triplet import Language

Gram = tuple[str, ...]
GRAM = 4
EDGE = 4
BLEU_ORDERS = (1, 2, 3, 4)


@dataclasses.dataclass(frozen=True, slots=True)
class Diversity:
    """The figures of one set of texts.

    Attributes:
        n: Number of texts.
        overlap_mean: Mean Jaccard overlap of the character 4-grams of two texts, over all pairs.
        overlap_max: The largest overlap of any pair.
        compression: Bytes over LZMA-compressed bytes of all texts together (compression ratio as in
            arXiv 2403.00553, with a window that spans the set).
        openings: Share of distinct first four letters or characters.
        endings: Share of distinct last four.
        self_bleu: Mean BLEU-4 of each text against all others (arXiv 1802.01886), over characters
            in Chinese and over words in English.
    """

    n: int
    overlap_mean: float
    overlap_max: float
    compression: float
    openings: float
    endings: float
    self_bleu: float


FIGURES = tuple(field.name for field in dataclasses.fields(Diversity) if field.name != "n")
# Figures that fall, rather than rise, where texts are alike.
FALLING = ("openings", "endings")


def measure(texts: Sequence[str], language: Language = "zh") -> Diversity:
    """Measures a set of at least two texts of one language."""
    table = overlaps(texts)
    pairs = table[np.triu_indices(len(texts), 1)]
    flat = [reduced(text) for text in texts]
    content = "\n".join(texts).encode()
    return Diversity(
        n=len(texts),
        overlap_mean=float(pairs.mean()),
        overlap_max=float(pairs.max()),
        compression=len(content) / len(lzma.compress(content)),
        openings=len({text[:EDGE] for text in flat}) / len(flat),
        endings=len({text[-EDGE:] for text in flat}) / len(flat),
        self_bleu=self_bleu([tokenize(t, "en") for t in texts] if language == "en" else flat),
    )


def overlaps(texts: Sequence[str]) -> NDArray[np.float64]:
    """Returns the Jaccard overlap of character 4-grams for every pair: (texts, texts)."""
    from scipy.sparse import csr_matrix

    grams_of = [grams(text, GRAM) for text in texts]
    rows = np.repeat(np.arange(len(grams_of)), [len(of_text) for of_text in grams_of])
    distinct, columns = np.unique(np.concatenate(grams_of), return_inverse=True)
    shape = (len(texts), max(1, len(distinct)))
    # One row per text and one column per 4-gram: the product counts what each pair has in common.
    members = csr_matrix((np.ones(len(rows)), (rows, columns)), shape)
    common = (members @ members.T).toarray()
    sizes = common.diagonal()
    result: NDArray[np.float64] = common / np.maximum(sizes[:, None] + sizes - common, 1)
    return result


def self_bleu(texts: Sequence[Sequence[str]]) -> float:
    """Returns mean BLEU-4 of each text against the others, without brevity penalty.

    An order without a match counts as half a match, so that one rare text does not read as 0.
    """
    logs = np.zeros(len(texts))
    for order in BLEU_ORDERS:
        counted = [
            Counter(tuple(t[i : i + order]) for i in range(len(t) - order + 1)) for t in texts
        ]
        # BLEU clips at the largest count in any *other* text, so the two largest are enough for all.
        largest, second = _two_largest(counted)
        for row, counts in enumerate(counted):
            total = max(1, sum(counts.values()))
            matched = sum(
                min(n, largest[gram][0] if largest[gram][1] != row else second[gram])
                for gram, n in counts.items()
            )
            logs[row] += np.log(max(matched, 0.5) / total) / len(BLEU_ORDERS)
    return float(np.exp(logs).mean())


def _two_largest(
    counted: Sequence[Counter[Gram]],
) -> tuple[dict[Gram, tuple[int, int]], Counter[Gram]]:
    """Returns, per n-gram, its largest count with the text that has it, and the next largest."""
    largest: dict[Gram, tuple[int, int]] = {}
    second: Counter[Gram] = Counter()
    for row, counts in enumerate(counted):
        for gram, n in counts.items():
            before = largest.get(gram, (0, -1))
            if n > before[0]:
                largest[gram], second[gram] = (n, row), before[0]
            else:
                second[gram] = max(second[gram], n)
    return largest, second
