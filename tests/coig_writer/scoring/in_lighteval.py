"""lighteval over saved generations in this process, offline: what it says of each answer."""

from __future__ import annotations

import dataclasses
import logging
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coig_writer.generation import Generation
from coig_writer.scoring import launcher
from coig_writer.scoring.generations import write_queries


def details(records: Sequence[Generation], folder: Path) -> dict[str, dict[str, float]]:
    """Runs the ``coig_writer`` tasks over one variant's answers; query id → metric → value."""
    variant = records[0].variant
    write_queries(folder / "queries", records)
    launcher.offline()
    from lighteval.logging.evaluation_tracker import EvaluationTracker
    from lighteval.models.custom.custom_model import CustomModelConfig
    from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters

    # after ``offline``: they import lighteval
    from coig_writer.scoring.replay import Replay
    from eval_tasks.tasks import TASKS_TABLE

    languages = {record.language for record in records}
    module: Any = types.ModuleType("coig_writer_tasks")
    module.TASKS_TABLE = [
        dataclasses.replace(task, hf_repo=str(folder / "queries")) for task in TASKS_TABLE
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
            model=Replay(config, records),
        )
        pipeline.evaluate()
        pipeline.save_and_push_results()
    return _saved(folder / "lighteval" / "details" / variant)


def _saved(folder: Path) -> dict[str, dict[str, float]]:
    """Reads lighteval's details: query id → metric → value."""
    import pyarrow.parquet as pq

    result: dict[str, dict[str, float]] = {}
    for file in sorted(folder.rglob("details_*.parquet")):
        for row in pq.read_table(file).to_pylist():
            result[row["doc"]["specific"]["query_id"]] = row["metric"]
    return result


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
