"""The Inspect AI tasks: the same metrics as the kit's own scores, from a model and from saved answers."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("inspect_ai", reason="needs the extra `eval`")

from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.log import EvalLog
from inspect_ai.model import (
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    ModelOutput,
    ModelUsage,
    get_model,
)

from coig_writer import benchmark
from coig_writer.files import write_records
from coig_writer.generation import Generation
from coig_writer.metrics.answer import of_generation
from coig_writer.metrics.catalogue import METRICS, measure_within
from coig_writer.metrics.definition import Missing
from coig_writer.scoring.run import measured
from eval_tasks.inspect_task import coig_writer_en, coig_writer_zh
from tests.generations import generation

FIRST, SECOND = benchmark.queries("zh")[:2]


def answered(query: benchmark.Query, text: str, sample: int = 0, **other: object) -> Generation:
    known = {"prompt": query.query, "genre": query.genre, "n_tokens": 9, "sample": sample}
    return generation("cw", query.id, text, **known | other)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("INSPECT_LOG_DIR", str(tmp_path / "logs"))

    def one(task: Task, model: object) -> EvalLog:
        (log,) = evaluate(task, model=model, display="none")  # type: ignore[arg-type]
        assert log.status == "success", log.error
        return log

    return one


def values(log: EvalLog) -> dict[tuple[str, int], dict[str, float]]:
    found = {}
    for sample in log.samples or []:
        score = (sample.scores or {})["coig_writer_metrics"]
        if isinstance(score.value, dict):
            found[str(sample.id), sample.epoch] = score.value
    return found


def means(log: EvalLog) -> dict[str, float]:
    assert log.results
    found = {}
    for score in log.results.scores:
        for name, own in score.metrics.items():
            found[score.name if name == "mean" else name] = own.value
    return found


def same(found: dict[str, float], expected: dict[str, object]) -> None:
    for name in (metric.name for metric in METRICS):
        value = expected[name]
        assert math.isnan(found[name]) if isinstance(value, Missing) else found[name] == value, name


def test_saved_answers_have_the_kits_values_and_several_are_epochs(
    tmp_path: Path, run: object
) -> None:
    records = [
        answered(FIRST, "<think>想一想。</think>\n\n雨停了，她走了。她没有带伞。"),
        answered(FIRST, "没有人说话，雨停了。", 1, n_tokens=None),
        answered(SECOND, "<think>想了又想"),
    ]
    write_records(tmp_path / "g.jsonl", records, Generation)
    log = run(coig_writer_zh(generations=str(tmp_path / "g.jsonl")), "none")  # type: ignore[operator]
    found = values(log)
    assert set(found) == {(FIRST.id, 1), (FIRST.id, 2), (SECOND.id, 1)}, "one answer is not saved"
    for record, expected in zip(records, measured(records), strict=True):
        same(found[record.query_id, record.sample + 1], dict(expected))
    mean = means(log)
    first, second = (found[FIRST.id, epoch]["chars"] for epoch in (1, 2))
    assert mean["chars"] == (first + second) / 2, (
        "a prompt's answers count once, an unfinished one not"
    )
    within = measure_within([of_generation(r) for r in records[:2]])
    assert mean["distinct_answers"] == within["distinct_answers"] == 2
    assert mean["within_distinct_1"] == within["within_distinct_1"]
    reasons = ((log.samples or [])[0].scores or {})["coig_writer_metrics"].metadata
    assert reasons
    assert reasons["missing"]["mattr_50"] == "the article has fewer than 50 tokens"


def test_a_reasoning_is_compared_with_others_of_its_genre(tmp_path: Path, run: object) -> None:
    records = [
        answered(q, f"<think>题目叫“{title}”。</think>\n\n“{title}”：雨停了。")
        for q, title in ((FIRST, "长夜行"), (SECOND, "归去来"))
    ]
    assert FIRST.genre == SECOND.genre
    write_records(tmp_path / "g.jsonl", records, Generation)
    log = run(coig_writer_zh(generations=str(tmp_path / "g.jsonl")), "none")  # type: ignore[operator]
    assert means(log)["reasoning_bound"] == 1


def test_a_model_is_asked_the_benchmark_with_the_benchmarks_decoding(run: object) -> None:
    seen: list[tuple[str, float | None, float | None, int | None]] = []

    def reply(messages: list, tools: object, choice: object, config: object) -> ModelOutput:  # type: ignore[type-arg]
        seen.append((messages[-1].text, config.temperature, config.top_p, config.max_tokens))  # type: ignore[attr-defined]
        reasoning, article = (
            ContentReasoning(reasoning="想一想。"),
            ContentText(text="雨停了，她走了。"),
        )
        output = ModelOutput.from_message(ChatMessageAssistant(content=[reasoning, article]))
        output.usage = ModelUsage(output_tokens=9)
        return output

    log = run(coig_writer_zh(genre="wuxia"), get_model("mockllm/model", custom_outputs=reply))  # type: ignore[operator]
    asked = {q.id: q for q in benchmark.queries("zh") if q.genre == "wuxia"}
    assert sorted(seen) == sorted((q.query, 0.7, 0.9, 4096) for q in asked.values())
    (expected,) = measured(
        [answered(next(iter(asked.values())), "<think>想一想。</think>\n\n雨停了，她走了。")]
    )
    same(values(log)[next(iter(asked)), 1], dict(expected))
    assert means(log)["reasoning_closed"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"genre": "nope"}, "not a genre or category"),
        ({"generations": "nope.jsonl"}, "no such file"),
        ({"generations": "{g}", "variant": "x"}, "no generations of variant 'x'"),
        ({"generations": "{g}"}, "holds answers of a, b"),
        ({"generations": "{g}", "variant": "a", "genre": "wuxia"}, "no zh prompt of genre wuxia"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_named(
    arguments: dict[str, str], message: str, tmp_path: Path
) -> None:
    write_records(tmp_path / "g.jsonl", [generation(v, "q", "雨。") for v in "ab"], Generation)
    filled = {k: v.format(g=tmp_path / "g.jsonl") for k, v in arguments.items()}
    with pytest.raises(Exception, match=message):
        coig_writer_zh(**filled)


def test_the_english_task_has_the_english_queries() -> None:
    assert {s.id for s in coig_writer_en().dataset} == {q.id for q in benchmark.queries("en")}


@pytest.mark.slow
def test_the_inspect_command_runs_the_file(root: Path, tmp_path: Path) -> None:
    write_records(tmp_path / "g.jsonl", [answered(FIRST, "雨停了。")], Generation)
    done = subprocess.run(
        [Path(sys.executable).with_name("inspect"), "eval", "eval_tasks/inspect_task.py@coig_writer_zh",
         "--model", "none", "--display", "plain", "--log-dir", tmp_path / "logs",
         "-T", f"generations={tmp_path / 'g.jsonl'}"],
        cwd=root, env=os.environ, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "distinct" not in done.stdout
    assert "chars" in done.stdout
    assert list((tmp_path / "logs").glob("*coig-writer-zh*"))
