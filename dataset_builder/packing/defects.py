"""Known defects of the rows, counted: overlap with the benchmark, assistants' phrases, equal articles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from coig_writer.facts import Fact
from coig_writer.files import rows_sha256
from coig_writer.mixing.mixing import contamination
from coig_writer.text.ngrams import reduced
from coig_writer.triplet import Triplet
from dataset_builder.official.rows import BOILERPLATE

COMMAND = "python -m dataset_builder describe"


def facts(triplets: Sequence[Triplet]) -> list[Fact]:
    """Counts rows whose prompt repeats a benchmark query, and other defects.

    ``contamination/prompts`` uses the rule by which such rows are kept out of training mixtures.
    """
    repeated = Counter(reduced(t.article) for t in triplets)
    counts = {
        "contamination/prompts": sum(contamination(t.prompt) is not None for t in triplets),
        "defects/boilerplate": sum(bool(BOILERPLATE.match(t.article.lstrip())) for t in triplets),
        "defects/equal_articles": sum(times - 1 for times in repeated.values()),
    }
    artefact = rows_sha256(sorted(triplets, key=lambda t: t.id))
    return [
        Fact(name, count, n=len(triplets), command=COMMAND, artefact=artefact)
        for name, count in counts.items()
    ]
