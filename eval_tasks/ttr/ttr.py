"""Type-token ratio as an `evaluate` module: evaluate.load("eval_tasks/ttr").

    ttr = evaluate.load("eval_tasks/ttr")
    ttr.compute(predictions=["春风又绿江南岸"], language="zh")

The measure is the package's; this file only wraps it. `evaluate` reads the imports line by line.
"""

from collections.abc import Sequence

import datasets
import evaluate

import coig_writer.metrics.lexical
import coig_writer.metrics.tokens
from coig_writer.triplet import Language

_DESCRIPTION = """
Distinct word tokens over word tokens of each text, and their mean over the texts that have any.
Chinese is cut with jieba, English into words; case and punctuation do not count. Falls with length.
"""
_INPUTS = """
predictions: texts.
language: "zh" or "en".
"""
_CITATION = """
COIG-Writer, arXiv 2510.14763, Table 4 (type-token ratio over jieba tokens).
"""


class TypeTokenRatio(evaluate.Metric):
    """TTR of texts in one language."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(predictions=datasets.Value("string")),
        )

    def _compute(
        self,
        *,
        predictions: Sequence[str] = (),
        references: None = None,
        language: Language = "zh",
        **_: object,
    ) -> dict[str, object]:
        if language not in ("zh", "en"):
            raise ValueError(f"language is {language!r}; use 'zh' or 'en'")
        ratios = [
            coig_writer.metrics.lexical.type_token_ratio(
                coig_writer.metrics.tokens.tokenize(text, language)
            )
            for text in predictions
        ]
        scored = [ratio for ratio in ratios if ratio is not None]
        mean = sum(scored) / len(scored) if scored else None
        return {"ttr": mean, "ttr_per_text": ratios, "n": len(scored)}
