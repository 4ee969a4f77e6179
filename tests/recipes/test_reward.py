"""The reward model's command, on the smoke model."""

from __future__ import annotations

import gzip
import itertools
import json
import subprocess
import sys

import pytest

from coig_writer import facts
from coig_writer.ballot import Ballot
from coig_writer.files import read_records, write_records
from coig_writer.generation import Generation
from coig_writer.reward.preferences import Preference
from coig_writer.score import Score
from tests.generations import generation
from tests.recipes.runs import ENVIRONMENT, ROOT


def run(folder, *flags):
    """Runs the demo recipe with its outputs under a folder."""
    command = (
        *("--config", "recipes/configs/reward_demo.yaml", "--output_dir", str(folder / "model")),
        *("--model_name_or_path", str(folder / "smoke"), "--scores", str(folder / "scores")),
    )
    return subprocess.run(
        [sys.executable, "recipes/reward.py", *command, *flags],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def smoke(tmp_path):
    command = [sys.executable, "recipes/smoke.py", "--out", str(tmp_path / "smoke")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return tmp_path


@pytest.mark.slow
def test_a_planted_preference_for_exclamation_is_learned_on_unseen_prompts(smoke):
    lines = [
        {
            "prompt": f"第{i}题，第{j}次。",
            "chosen": "好！" * (3 + (i + j) % 5),
            "rejected": "坏。" * (3 + (i * j) % 5),
        }
        for i, j in itertools.product(range(20), range(4))
    ]
    file = smoke / "pairs.jsonl"
    file.write_text("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines))
    done = run(smoke, "--preferences", str(file), "--num_train_epochs", "2")
    assert done.returncode == 0, done.stderr[-3000:]
    found = facts.read(smoke / "model" / "facts.json")
    assert float(found["reward/accuracy"].value) > 0.9
    assert found["reward/accuracy"].n == 16
    assert "interval by prompt" in done.stdout


@pytest.mark.slow
def test_rankings_of_real_answers_train_report_and_score(smoke, shared):
    source = shared / "data" / "writing_preference_bench_zh.jsonl.gz"
    if not source.is_file():
        pytest.skip("needs shared/data/writing_preference_bench_zh.jsonl.gz")
    with gzip.open(source, "rt", encoding="utf-8") as handle:
        rows = [json.loads(line) for line in handle]
    short = [r for r in rows if r["human_score"] is not None and len(r["response"]) < 900]
    by_prompt = {
        p: list(group)
        for p, group in itertools.groupby(
            sorted(short, key=lambda r: r["prompt_id"]), key=lambda r: r["prompt_id"]
        )
    }
    ranked = {p: group for p, group in by_prompt.items() if len(group) > 1}
    chosen = dict(itertools.islice(ranked.items(), 16))
    write_records(smoke / "g.parquet", [answer(r) for g in chosen.values() for r in g], Generation)
    write_records(smoke / "b.parquet", [ranking(p, g) for p, g in chosen.items()], Ballot)
    flags = ("--ballots", str(smoke / "b.parquet"), "--generations", str(smoke / "g.parquet"))
    done = run(smoke, *flags, "--max_length", "1024")
    assert done.returncode == 0, done.stderr[-3000:]
    scores = [s for file in (smoke / "scores").glob("*.parquet") for s in read_records(file, Score)]
    assert len(scores) == sum(len(g) for g in chosen.values())
    sides = {
        side: {
            p.query_id
            for p in read_records(smoke / "model" / f"preferences-{side}.jsonl", Preference)
        }
        for side in ("train", "held-out")
    }
    # a prompt with ties alone is on neither side, so it was not seen either
    unseen = {s.query_id for s in scores if s.metric == "reward"}
    assert sides["held-out"] <= unseen
    assert not sides["train"] & unseen
    assert {s.metric for s in scores} == {"reward", "reward_in_training"}
    found = facts.read(smoke / "model" / "facts.json")
    assert found["reward/accuracy"].low is not None
    assert int(found["reward/left_out/tie"].value) > 0


def ranking(prompt, group):
    """One rater's ranking that the published scores imply, equal scores tied."""
    order = sorted({r["human_score"] for r in group}, reverse=True)
    places = [[r["model"] for r in group if r["human_score"] == score] for score in order]
    shown = tuple(r["model"] for r in group)
    return Ballot(
        f"b-{prompt}", "s", "ranking", prompt, f"zh-{prompt}", "r", 0, shown, json.dumps(places)
    )


def answer(row):
    query = f"zh-{row['prompt_id']}"
    return generation(row["model"], query, row["response"], prompt=row["prompt"])
