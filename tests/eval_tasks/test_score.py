"""The score stage as its user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coig_writer import command_line
from coig_writer.errors import InputError, KitError
from coig_writer.files import read_records, write_records
from coig_writer.generation import Generation
from coig_writer.metrics.catalogue import AGAINST_TRAINING, METRICS, TOGETHER
from coig_writer.score import Score
from eval_tasks.__main__ import GROUP
from tests.generations import generation

ENVIRONMENT = os.environ | {"HF_HUB_OFFLINE": "1"}


def run(root: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "eval_tasks", *map(str, arguments)],
        cwd=root,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )


def test_scores_and_facts_of_every_variant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("lighteval", reason="needs the extra `eval`")
    records = [
        generation(v, f"q{i}", f"第{i}个夜里，{v}听见雨声，没有起身。", genre="wuxia")
        for v in ("a", "b")
        for i in range(3)
    ] + [generation("a", "e0", "It rained all night.", "en"), generation("a", "e1", "", "en")]
    write_records(tmp_path / "g.parquet", records, Generation)
    argv = ("score", "--generations", tmp_path / "g.parquet", "--out", tmp_path / "s",
            "--mixtures", tmp_path / "none")  # fmt: skip
    command_line.run(GROUP, [*map(str, argv)])
    assert "each with its reason" in capsys.readouterr().out
    scores = read_records(tmp_path / "s" / "a.parquet", Score)
    names = {m.name for m in METRICS} | set(TOGETHER) | set(AGAINST_TRAINING)
    assert {s.metric for s in scores} == names
    assert len(scores) == 5 * len(names)
    assert all((s.value is None) == (s.state == "missing") == bool(s.reason) for s in scores)
    facts = {f["id"]: f for f in json.loads((tmp_path / "s" / "facts.json").read_text())["facts"]}
    mean = facts["a/en/ttr/mean"]
    assert (mean["value"], mean["n"]) == (1.0, 1)
    assert mean["command"] == "python -m eval_tasks score"
    assert facts["b/zh/language_confusion_any/mean"]["high"] > 0.5
    assert not list((tmp_path / "s").glob(".*"))
    assert str(tmp_path) not in (tmp_path / "s" / "facts.json").read_text()


@pytest.mark.parametrize("stage", ["score", "lighteval", "judge"])
def test_help_teaches(root: Path, stage: str) -> None:
    done = run(root, stage, "--help")
    assert done.returncode == 0
    assert "python -m eval_tasks" in done.stdout


def test_bad_input_is_one_clear_sentence(root: Path, tmp_path: Path) -> None:
    (tmp_path / "half.parquet").write_bytes(b"PAR1 half")
    done = run(root, "score", "--generations", tmp_path / "half.parquet", "--out", tmp_path / "s")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "→" in done.stderr
    assert "Traceback" not in done.stderr
    for given in (tmp_path / "none.parquet", tmp_path / "half.parquet", tmp_path):
        words = ["score", "--generations", str(given), "--out", str(tmp_path / "s")]
        with pytest.raises(KitError) as caught:
            command_line.run(GROUP, words)
        assert caught.value.remedy
    assert not (tmp_path / "s").exists()


@pytest.mark.slow
def test_the_lighteval_command_runs_over_saved_generations(root: Path, tmp_path: Path) -> None:
    write_records(tmp_path / "g.jsonl", [generation("v", "q", "雨停了。")], Generation)
    done = run(root, "lighteval", "--generations", tmp_path / "g.jsonl", "custom", "v",
               "src/coig_writer/scoring/replay.py", "coig_writer:zh|0", "--output-dir", tmp_path / "o",
               "--save-details")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "coig_writer:zh" in done.stdout
    (results,) = (tmp_path / "o").rglob("results_*.json")
    assert json.loads(results.read_text())["results"]["coig_writer:zh|0"]["ttr"] == 1.0
    assert list((tmp_path / "o").rglob("details_*.parquet"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.parquet", b""),  # the generations themselves are put here
        ("facts.json", b'{"a": 1}'),
        ("facts.json", b'{"facts": [{"id": "x", "value": 1, "command": "recipes/sft.py"}]}'),
        ("averages.csv", b"month,sum\n"),
    ],
)
def test_what_holds_no_scores_is_not_written_over(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    answers = tmp_path / ("a.parquet" if not content else "g.parquet")
    write_records(answers, [generation("a", "q", "下雨了。")], Generation)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match="nothing was replaced"):
        command_line.run(GROUP, ["score", "--generations", str(answers), "--out", str(tmp_path)])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
