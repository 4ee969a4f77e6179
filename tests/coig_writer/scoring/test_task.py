"""The task declarations and the traps that lighteval sets for them."""

from __future__ import annotations

import hashlib
import inspect
import math
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

lighteval = pytest.importorskip("lighteval", reason="needs the extra `eval`")

from lighteval.metrics.utils.stderr import get_stderr_function, mean_stderr  # noqa: E402
from lighteval.tasks.registry import Registry  # noqa: E402

from coig_writer import benchmark  # noqa: E402
from coig_writer.scoring import generations, launcher, task  # noqa: E402
from eval_tasks import tasks  # noqa: E402

# lighteval's sample cache keeps stale outputs when a prompt's body changes under the same version.
PROMPT = {1: "9741b1a2"}


@pytest.fixture(autouse=True)
def offline() -> None:
    launcher.offline()


def test_a_changed_prompt_must_raise_the_version() -> None:
    digest = hashlib.sha256(inspect.getsource(task.Prompt).encode()).hexdigest()[:8]
    assert PROMPT.get(task.VERSION) == digest, (
        f"Prompt changed: raise VERSION in scoring/task.py and note {digest} here"
    )


def test_the_registry_loads_our_tasks_alone_and_needs_no_network() -> None:
    registry = Registry(tasks="coig_writer|0", custom_tasks="eval_tasks.tasks")
    assert set(registry._task_registry) == {t.name for t in tasks.TASKS_TABLE}


def asked(registry: Registry) -> list[str]:
    docs = [doc for t in registry.load_tasks().values() for doc in t.get_docs()]
    return [doc.specific["query_id"] for doc in docs if doc.specific is not None]


def test_coig_writer_runs_each_query_once() -> None:
    registry = Registry(tasks="coig_writer|0", custom_tasks="eval_tasks.tasks")
    assert set(registry.task_to_configs) == {"coig_writer:zh", "coig_writer:en"}
    ids = asked(registry)
    expected = [q.id for language in benchmark.LANGUAGES for q in benchmark.queries(language)]
    assert sorted(ids) == sorted(expected)


def test_categories_are_a_superset_of_their_own_that_holds_each_query_once() -> None:
    registry = Registry(tasks="coig_writer_category|0", custom_tasks="eval_tasks.tasks")
    ids = asked(registry)
    expected = [q.id for language in benchmark.LANGUAGES for q in benchmark.queries(language)]
    assert sorted(ids) == sorted(expected)
    assert all(":zh_" in name or ":en_" in name for name in registry.task_to_configs)


def test_genres_are_a_superset_of_their_own_that_holds_each_query_once() -> None:
    registry = Registry(tasks="coig_writer_genre|0", custom_tasks="eval_tasks.tasks")
    configs: Any = registry.task_to_configs  # lists, which lighteval calls single ones
    assert "coig_writer_genre:zh_wuxia" in configs
    for language in benchmark.LANGUAGES:
        prompts = [
            config.prompt_function for name, (config,) in configs.items() if f":{language}_" in name
        ]
        for query in benchmark.queries(language):
            row = {"id": query.id, "language": language, "genre": query.genre, "query": query.query}
            assert sum(prompt(row, "t") is not None for prompt in prompts) == 1


def test_the_task_file_loads_by_path_too(root: Path) -> None:
    """The single-file loader leaves the module out of `sys.modules`; it must hold no class."""
    module = Registry.create_custom_tasks_module(str(root / "eval_tasks" / "tasks.py"))
    assert [t.name for t in module.TASKS_TABLE] == [t.name for t in tasks.TASKS_TABLE]
    assert not [v for v in vars(module).values() if inspect.isclass(v)]


def test_what_a_task_holds_can_be_pickled() -> None:
    declared = task.task("coig_writer:zh", "zh")
    again = pickle.loads(pickle.dumps((declared.prompt_function, declared.metrics)))
    assert again[0] == declared.prompt_function


def test_tasks_share_no_metric_object() -> None:
    metrics = [metric for t in tasks.TASKS_TABLE for metric in t.metrics]
    assert len({id(metric) for metric in metrics}) == len(metrics)
    assert len({id(metric.sample_level_fn) for metric in metrics}) == len(metrics)


def test_standard_errors_are_not_bootstrapped_in_a_pool() -> None:
    for metric in task.metrics():
        for corpus_function in metric.get_corpus_aggregations().values():
            assert get_stderr_function(corpus_function) is mean_stderr


def test_a_missing_value_is_left_out_of_the_mean() -> None:
    assert task.mean_of_scored([1.0, math.nan, 2.0]) == 1.5
    assert math.isnan(task.mean_of_scored([math.nan]))


def test_the_benchmark_folder_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(task.benchmark_folder()).is_dir()
    assert task.benchmark_folder() == task.benchmark_folder()
    monkeypatch.setenv(generations.BENCHMARK, "someone/benchmark")
    assert task.task("coig_writer:zh", "zh").hf_repo == "someone/benchmark"


def test_edited_queries_are_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` keys its cache of a local folder by name and header, not by content."""
    package = tmp_path / "coig_writer"
    shutil.copytree(Path(task.benchmark_folder()), package / "data" / "benchmark")
    monkeypatch.setattr("coig_writer.scoring.task.resources.files", lambda _name: package)
    before = task.benchmark_folder()
    (file, *_) = sorted((package / "data" / "benchmark" / "zh").iterdir())
    file.write_text(file.read_text() + file.read_text().splitlines()[0] + "\n")
    assert task.benchmark_folder() != before


def test_no_few_shot_examples_are_taken() -> None:
    registry = Registry(tasks="coig_writer:zh|0", custom_tasks="eval_tasks.tasks")
    (loaded,) = registry.load_tasks().values()
    assert all(doc.fewshot_samples == [] for doc in loaded.get_docs())


def test_the_pinned_xxhash_takes_the_strings_that_lighteval_hashes() -> None:
    import xxhash

    assert len(xxhash.xxh64("一句话").hexdigest()) == 16  # version 4 takes bytes only


def test_a_model_of_ours_has_the_cache_that_the_pipeline_sets_up() -> None:
    from lighteval.models.custom.custom_model import CustomModelConfig

    from coig_writer.scoring.replay import Replay

    model = Replay(CustomModelConfig(model_name="v", model_definition_file_path="replay.py"), [])
    model._cache._init_registry({})
