"""Runs lighteval over saved generations in this process, offline, and reads its details."""

from __future__ import annotations

import dataclasses
import importlib
import logging
import math
import tempfile
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coig_writer.errors import DriftError
from coig_writer.generation import Generation
from coig_writer.metrics.answer import of_generation
from coig_writer.metrics.catalogue import measure, measure_together
from coig_writer.metrics.definition import Missing, Value
from coig_writer.score import Score
from coig_writer.scoring import launcher
from coig_writer.scoring.generations import write_queries

Details = dict[str, dict[str, float]]
REPLAY = "coig_writer.scoring.replay"  # loaded by name, as lighteval loads models: its classes are lighteval's


def score(variant: str, records: Sequence[Generation], tasks: Sequence[Any]) -> list[Score]:
    """Scores one variant's answers with lighteval's ``coig_writer`` tasks.

    Args:
        variant: Its name.
        records: Its answers; their prompts need not be in the benchmark.
        tasks: The declared task configurations.

    Returns:
        One score per answer and metric, in the order of the answers. Values are lighteval's.

    Raises:
        DriftError: lighteval's details differ from the kit's own metrics.
    """
    with tempfile.TemporaryDirectory() as folder:
        details = _evaluate(variant, records, tasks, Path(folder))
    return [
        score
        for record, values in zip(records, measured(records), strict=True)
        for score in _checked(record, values, details)
    ]


def measured(records: Sequence[Generation]) -> list[dict[str, Value]]:
    """Returns the kit's own metrics of each record."""
    answers = [of_generation(record) for record in records]
    found = [measure(answer) for answer in answers]
    for language in ("zh", "en"):
        own = [i for i, record in enumerate(records) if record.language == language]
        for name, values in measure_together([answers[i] for i in own]).items():
            for i, value in zip(own, values, strict=True):
                found[i][name] = value
    return found


def _evaluate(
    variant: str, records: Sequence[Generation], tasks: Sequence[Any], folder: Path
) -> Details:
    write_queries(folder / "queries", records)
    launcher.offline()
    from lighteval.logging.evaluation_tracker import EvaluationTracker
    from lighteval.models.custom.custom_model import CustomModelConfig
    from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters

    replay = importlib.import_module(REPLAY)
    languages = {record.language for record in records}
    module = types.ModuleType("coig_writer_tasks")
    module.TASKS_TABLE = [  # type: ignore[attr-defined]
        dataclasses.replace(task, hf_repo=str(folder / "queries")) for task in tasks
    ]
    config = CustomModelConfig(model_name=variant, model_definition_file_path="saved generations")
    tracker = EvaluationTracker(output_dir=str(folder / "lighteval"), save_details=True)
    with _sandbox(folder / "cache"):
        pipeline = Pipeline(
            tasks=",".join(f"coig_writer:{language}|0" for language in sorted(languages)),
            pipeline_parameters=PipelineParameters(
                launcher_type=ParallelismManager.CUSTOM,
                custom_tasks_directory=module,
                bootstrap_iters=0,
            ),
            evaluation_tracker=tracker,
            model=replay.Replay(config, records),
        )
        pipeline.evaluate()
        pipeline.save_and_push_results()
    return _details(folder / "lighteval" / "details" / variant)


def _details(folder: Path) -> Details:
    """Reads lighteval's details: query id → metric → value."""
    import pyarrow.parquet as pq

    found: Details = {}
    for file in sorted(folder.rglob("details_*.parquet")):
        for row in pq.read_table(file).to_pylist():
            found[row["doc"]["specific"]["query_id"]] = row["metric"]
    return found


def _checked(record: Generation, values: dict[str, Value], details: Details) -> Iterator[Score]:
    theirs = details.get(record.query_id)
    if theirs is None:
        raise DriftError(
            f"lighteval's details have no row for {record.variant}/{record.query_id}",
            "run it again; if it stays, the lighteval version is not the pinned one",
        )
    for name, ours in values.items():
        value = theirs[name]
        if isinstance(ours, Missing) and math.isnan(value):
            yield Score(record.variant, record.query_id, name, None, "missing", ours.reason)
        elif not isinstance(ours, Missing) and ours == value:
            yield Score(record.variant, record.query_id, name, value, "scored")
        else:
            raise DriftError(
                f"{record.variant}/{record.query_id}: lighteval says {name} = {value}, the kit says {ours}",
                "run it again; if it stays, the lighteval version is not the pinned one",
            )


@contextmanager
def _sandbox(cache: Path) -> Iterator[None]:
    """Keeps progress bars off the screen and the run's dataset out of the user's cache."""
    import datasets

    names = ("lighteval", "datasets")
    levels = [logging.getLogger(name).level for name in names]
    bars, home = datasets.are_progress_bars_disabled(), datasets.config.HF_DATASETS_CACHE
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    datasets.config.HF_DATASETS_CACHE = cache
    try:
        yield
    finally:
        datasets.config.HF_DATASETS_CACHE = home
        for name, level in zip(names, levels, strict=True):
            logging.getLogger(name).setLevel(level)
        if not bars:
            datasets.enable_progress_bars()
