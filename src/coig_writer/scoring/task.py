"""The lighteval side of the benchmark: prompts, metrics and task configurations.

Importing this module imports lighteval. The task file, ``eval_tasks/tasks.py``, only declares:
lighteval loads a single task file without registering it in ``sys.modules``, so classes defined
there could not be pickled.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from lighteval.metrics.metrics_sample import SampleLevelComputation
from lighteval.metrics.utils.metric_utils import (
    Metric,
    SampleLevelMetric,
    SampleLevelMetricGrouping,
)
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc, SamplingMethod

from coig_writer import benchmark, taxonomy
from coig_writer.folder import atomic_folder
from coig_writer.generation import DECODING
from coig_writer.metrics.answer import Answer, answer
from coig_writer.metrics.catalogue import METRICS, TOGETHER, measure, measure_together
from coig_writer.metrics.definition import Missing, Value
from coig_writer.scoring.generations import BENCHMARK, LONGEST
from coig_writer.text.normalise import repaired
from coig_writer.triplet import Language

# lighteval's sample cache prints callables by name and keeps stale outputs when a body changes:
# raise this number whenever ``Prompt`` changes.
VERSION = 1


def benchmark_folder() -> str:
    """Returns the dataset that the tasks read: ``$COIG_WRITER_BENCHMARK``, or the package's own.

    Either is a local folder or a Hub id whose config ``benchmark`` has the splits ``zh`` and ``en``.
    The package's own is copied to a folder named by its content: ``datasets`` keys its cache of a
    local folder by the folder's name and header alone, and would go on reading old queries.
    """
    named = os.environ.get(BENCHMARK)
    if named:
        return named
    with resources.as_file(resources.files("coig_writer") / "data" / "benchmark") as source:
        files = sorted(f for f in source.rglob("*") if f.suffix in (".jsonl", ".md"))
        digest = hashlib.sha256()
        for file in files:
            digest.update(f"{file.relative_to(source).as_posix()}\0".encode() + file.read_bytes())
        home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
        copy = home / "coig_writer" / f"benchmark-{digest.hexdigest()[:16]}"
        if not copy.is_dir():
            with atomic_folder(copy, "benchmark") as partial:
                shutil.copytree(source, partial, dirs_exist_ok=True)
    return str(copy)


@dataclasses.dataclass(frozen=True)
class Prompt:
    """Turns a row of the benchmark into lighteval's document, or None for another genre.

    ``specific`` has one fixed schema of strings: mixed ones cannot be saved as details.
    """

    genres: tuple[str, ...] | None = None

    def __call__(self, row: dict[str, Any], task_name: str) -> Doc | None:
        if self.genres is not None and row["genre"] not in self.genres:
            return None
        query = repaired(row["query"])
        specific = {"query_id": row["id"], "language": row["language"], "genre": row["genre"] or ""}
        return Doc(query=query, choices=[""], gold_index=0, specific=specific, task_name=task_name)


class AnswerMetrics(SampleLevelComputation):
    """Every metric of the catalogue, from the raw text: NaN where a metric is missing.

    lighteval strips only closed tag pairs; a template that opens ``<think>`` itself, or a cut-off
    reasoning, would leave reasoning in the prose. So the kit splits ``ModelResponse.text`` itself.
    """

    def compute(self, doc: Doc, model_response: ModelResponse, **_: object) -> dict[str, float]:
        """Measures one response."""
        values = measure(_answer(doc, model_response))
        return {name: _number(value) for name, value in values.items()}


@dataclasses.dataclass
class TogetherMetric(SampleLevelComputation):
    """A metric of a task's answers taken together; a value for each."""

    name: str

    def compute(self, *_: object, **batch: Any) -> list[float]:
        """Measures all responses of a task: lighteval gives a batched metric the lists ``docs`` and ``responses``."""
        answers = [_answer(d, r) for d, r in zip(batch["docs"], batch["responses"], strict=True)]
        return [_number(value) for value in measure_together(answers)[self.name]]


def _answer(doc: Doc, response: ModelResponse) -> Answer:
    emitted, specific = response.output_tokens, doc.specific or {}
    return answer(
        response.text[0],
        language=specific["language"],
        query_id=specific["query_id"],
        prompt=doc.query,
        n_tokens=len(emitted[0]) if emitted else None,
        genre=specific["genre"] or None,
    )


def _number(value: Value) -> float:
    return math.nan if isinstance(value, Missing) else value


def mean_of_scored(values: Sequence[float]) -> float:
    """Returns the mean of the values that are not missing; NaN if all are.

    The name must contain "mean": lighteval bootstraps anything else in a process pool.
    """
    scored = [value for value in values if not math.isnan(value)]
    return math.fsum(scored) / len(scored) if scored else math.nan


def metrics() -> list[Metric]:
    """Returns fresh metric objects; lighteval changes them in place, so none is shared."""
    metric_names = [metric.name for metric in METRICS]
    better: Any = dict.fromkeys(metric_names, True)  # lighteval wants one; the kit claims none
    one_by_one = SampleLevelMetricGrouping(
        metric_name=metric_names,
        higher_is_better=better,
        category=SamplingMethod.GENERATIVE,
        sample_level_fn=AnswerMetrics(),
        corpus_level_fn=dict.fromkeys(metric_names, mean_of_scored),
    )
    together = [
        SampleLevelMetric(
            metric_name=name,
            higher_is_better=False,
            category=SamplingMethod.GENERATIVE,
            sample_level_fn=TogetherMetric(name),
            corpus_level_fn=mean_of_scored,
            batched_compute=True,
        )
        for name in TOGETHER
    ]
    return [one_by_one, *together]


def task(
    name: str, language: Language, genres: tuple[str, ...] | None = None
) -> LightevalTaskConfig:
    """Declares one lighteval task.

    Args:
        name: ``superset:member``.
        language: The split of the benchmark.
        genres: Slugs of the genres to keep; None for all.
    """
    prompt: Any = Prompt(genres)  # None leaves a row out, which lighteval's type does not say
    return LightevalTaskConfig(
        name=name,
        prompt_function=prompt,
        hf_repo=benchmark_folder(),
        hf_subset="benchmark",
        hf_avail_splits=["zh", "en"],
        evaluation_splits=[language],
        # Never used (no few-shot), but stated: lighteval warns and takes evaluation rows otherwise.
        few_shots_split=language,
        generation_size=int(os.environ.get(LONGEST, DECODING.max_new_tokens)),
        stop_sequence=[],
        metrics=metrics(),
        version=VERSION,
    )


def by_category(language: Language) -> list[LightevalTaskConfig]:
    """Declares a task per category that has queries in a language."""
    published = taxonomy.published()
    groups = {
        c.slug: tuple(g.slug for g in published.of_category(c.slug)) for c in published.categories
    }
    return _declared("coig_writer_category", language, groups)


def by_genre(language: Language) -> list[LightevalTaskConfig]:
    """Declares a task per genre that has queries in a language."""
    groups = {g.slug: (g.slug,) for g in taxonomy.published().genres}
    return _declared("coig_writer_genre", language, groups)


def _declared(
    superset: str, language: Language, groups: Mapping[str, tuple[str, ...]]
) -> list[LightevalTaskConfig]:
    covered = {query.genre for query in benchmark.queries(language)}
    return [
        task(f"{superset}:{language}_{slug}", language, genres)
        for slug, genres in groups.items()
        if covered.intersection(genres)
    ]
