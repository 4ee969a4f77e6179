"""Every metric of the kit as an `evaluate` module: evaluate.load("eval_tasks/metric", NAME).

    mtld = evaluate.load("eval_tasks/metric", "mtld")
    mtld.compute(predictions=["春风又绿江南岸"], language="zh")

NAME is one of the table in docs/evaluate.md; without it all that one answer has are computed. The
measures are the package's; this file only wraps them. `evaluate` reads the imports line by line.
"""

from collections.abc import Sequence

import datasets
import evaluate

from coig_writer import benchmark
from coig_writer.errors import InputError
from coig_writer.metrics import catalogue
from coig_writer.metrics.answer import Answer, answer
from coig_writer.metrics.definition import NO_GRAM, ONE_ANSWER, Missing, Value, or_
from coig_writer.metrics.memorisation import Index
from coig_writer.metrics.within import count_distinct, mean_distance
from coig_writer.scoring.embedding import classifier, load
from coig_writer.triplet import Language

_INPUTS = """
predictions: texts as a model wrote them; a reasoning in them is split from the article.
language: "zh" (the default) or "en".
query_ids: the benchmark's query of each text, for what is measured against the query.
training: texts that the model was trained on, for copied_share and longest_copied.
model: folder or Hub id, of an embedding model for within_semantic_distance, of a classifier of
pairs for distinct_answers_classified.
Metrics of several answers to one prompt (within_…, distinct_answers) take the texts as those.
"""
_WHAT = {
    **{metric.name: metric.description for metric in catalogue.METRICS},
    **{name: what for name, (what, _) in {**catalogue.TOGETHER, **catalogue.WITHIN}.items()},
    **catalogue.EMBEDDED,
    **catalogue.AGAINST_TRAINING,
}
_ALL = "default"  # what `evaluate` calls a module that is loaded without a name


class KitMetric(evaluate.Metric):
    """One metric of the catalogue, or all that one answer has."""

    def _info(self) -> evaluate.MetricInfo:
        if self.config_name not in (_ALL, *_WHAT):
            raise InputError(
                f"{self.config_name!r} is not a metric of the kit", f"there are {', '.join(_WHAT)}"
            )
        return evaluate.MetricInfo(
            description=_WHAT.get(self.config_name, "Every metric of one answer."),
            citation="COIG-Writer, arXiv 2510.14763; what it leaves open: docs/decisions/0040-metrics.md",
            inputs_description=_INPUTS,
            features=datasets.Features(predictions=datasets.Value("string")),
        )

    def _compute(
        self,
        *,
        predictions: Sequence[str] = (),
        references: None = None,
        language: Language = "zh",
        query_ids: Sequence[str] | None = None,
        training: Sequence[str] = (),
        model: str | None = None,
        **unknown: object,
    ) -> dict[str, object]:
        if unknown:
            raise InputError(f"compute has no argument {', '.join(unknown)}", _INPUTS.strip())
        answers = _answers(predictions, language, query_ids)
        name = self.config_name
        if name == _ALL:
            each = [catalogue.measure(answer) for answer in answers]
            results = {m.name: [values[m.name] for values in each] for m in catalogue.METRICS}
            return {name: _mean(values) for name, values in results.items()}
        if name in catalogue.EMBEDDED:
            values = [_under(name, answers, model)]
        elif name in catalogue.AGAINST_TRAINING:
            values = _copied(name, answers, training)
        elif name in catalogue.WITHIN:
            values = [catalogue.measure_within(answers)[name]]
        elif name in catalogue.TOGETHER:
            values = catalogue.measure_together(answers)[name]
        else:
            values = [catalogue.measure(answer)[name] for answer in answers]
        return {
            name: _mean(values),
            f"{name}_per_text": [None if isinstance(v, Missing) else v for v in values],
            "n": sum(not isinstance(v, Missing) for v in values),
            "missing": sorted({v.reason for v in values if isinstance(v, Missing)}),
        }


def _answers(
    texts: Sequence[str], language: Language, query_ids: Sequence[str] | None
) -> list[Answer]:
    if language not in benchmark.LANGUAGES:
        raise InputError(f"language is {language!r}", "use 'zh' or 'en'")
    if query_ids is None:
        return [answer(text, language=language, query_id="", prompt="") for text in texts]
    if len(query_ids) != len(texts):
        raise InputError(f"{len(query_ids)} query_ids for {len(texts)} texts", "give one for each")
    queries = [benchmark.query(query_id) for query_id in query_ids]
    return [
        answer(text, language=query.language, query_id=query.id, prompt=query.query)
        for text, query in zip(texts, queries, strict=True)
    ]


def _copied(name: str, answers: Sequence[Answer], training: Sequence[str]) -> list[Value]:
    if not training:
        raise InputError(f"{name} needs what the model was trained on", "give training=[texts]")
    index = Index(training)
    shares = [index.copied(answer.article) for answer in answers]
    part = {"copied_share": "share", "longest_copied": "longest"}[name]
    return [NO_GRAM if copied is None else float(getattr(copied, part)) for copied in shares]


def _under(name: str, answers: Sequence[Answer], model: str | None) -> Value:
    if model is None:
        raise InputError(f"{name} needs a model", "give model=FOLDER_OR_HUB_ID")
    articles = [a.article for a in answers if a.article]
    if len(articles) < 2:
        return ONE_ANSWER
    if name == "distinct_answers_classified":
        return float(count_distinct(articles, classifier(model)))
    return or_(mean_distance([*map(load(model), articles)]), ONE_ANSWER)


def _mean(values: Sequence[Value]) -> float | None:
    scored = [value for value in values if not isinstance(value, Missing)]
    return sum(scored) / len(scored) if scored else None
