"""The reward model's command, on the smoke model."""

from __future__ import annotations

import gzip
import itertools
import json
import shutil
import subprocess
import sys

import pytest
import torch

from coig_writer import command_line, facts
from coig_writer.ballot import Ballot
from coig_writer.files import read_records, write_records
from coig_writer.generation import Generation
from coig_writer.reward import model, recount
from coig_writer.reward.preferences import HELD_OUT, Preference
from coig_writer.score import Score
from model_cards.__main__ import GROUP
from tests.generations import generation
from tests.recipes.runs import ENVIRONMENT, ROOT


def run(folder, *flags, out="model"):
    """Runs the demo recipe with its outputs under a folder."""
    command = (
        *("--config", "recipes/configs/reward_demo.yaml", "--output_dir", str(folder / out)),
        *("--model_name_or_path", str(folder / "smoke"), "--scores", str(folder / "scores")),
    )
    done = subprocess.run(
        [sys.executable, "recipes/reward.py", *command, *flags],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reward")
    command = [sys.executable, "recipes/smoke.py", "--out", str(folder / "smoke")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    lines = [
        {
            "prompt": f"第{i}题，第{j}次。",
            "chosen": "好！" * (3 + (i + j) % 5),
            "rejected": "坏。" * (3 + (i * j) % 5),
        }
        for i, j in itertools.product(range(20), range(4))
    ]
    text = "".join(json.dumps(x, ensure_ascii=False) + "\n" for x in lines)
    (folder / "pairs.jsonl").write_text(text)
    return folder


CHECKPOINTS = ("--save_strategy", "steps", "--save_steps", "10", "--save_total_limit", "4")


@pytest.fixture(scope="module")
def taught(smoke):
    """A finished run on planted preferences, with its checkpoints: the flags it was started by."""
    flags = ("--preferences", str(smoke / "pairs.jsonl"), "--num_train_epochs", "2", *CHECKPOINTS)
    assert "interval by prompt" in run(smoke, *flags).stdout
    return flags


@pytest.mark.slow
def test_a_planted_preference_for_exclamation_is_learned_on_unseen_prompts(smoke, taught):
    found = facts.read(smoke / "model" / "facts.json")
    assert float(found["reward/accuracy"].value) > 0.9
    assert found["reward/accuracy"].n == 16
    assert (found["reward/consumed"].value, found["reward/repeated"].value) == (128, 0)


@pytest.mark.slow
def test_its_card_is_measured_again(smoke, taught, capsys):
    folder, card = smoke / "model", smoke / "card"
    assert command_line.run(GROUP, ["reward", str(folder), "--out", str(card)]) is None
    assert command_line.run(GROUP, ["reproduce", str(card), "--build", str(folder)]) == 0
    assert " 0 differ, " in capsys.readouterr().out


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_weights_and_a_finished_one_only_scores(
    smoke, taught
):
    whole, resumed = smoke / "model", smoke / "resumed"
    shutil.copytree(whole, resumed)
    shutil.rmtree(max(resumed.glob("checkpoint-*"), key=lambda f: int(f.name[11:])))
    for left in (resumed / "facts.json", resumed / recount.MARGINS):
        left.unlink()  # as if it had been killed after its last checkpoint but one
    assert "resuming from" in run(smoke, *taught, out="resumed").stderr
    for name in ("model.safetensors", recount.MARGINS, "consumed-0.jsonl"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes()
    answers = [generation("a", "zh-1", "好！好！", prompt="第0题，第0次。")]
    write_records(smoke / "g.parquet", answers, Generation)
    again = run(smoke, *taught, "--score", str(smoke / "g.parquet"))
    assert "holds the finished run" in again.stderr
    (score,) = read_records(smoke / "scores" / "a.parquet", Score)
    assert score.value is not None


@pytest.mark.slow
def test_an_adapter_keeps_its_output_and_merges_to_the_same_rewards(smoke, taught, script):
    lora = ("--use_peft", "true", "--lora_target_modules", "q_proj", "v_proj")
    pairs = ("--preferences", str(smoke / "pairs.jsonl"), "--learning_rate", "1e-2")
    run(smoke, *pairs, *lora, out="lora")
    merged = smoke / "merged"
    done = script("recipes/merge.py", smoke / "lora", "--out", merged, "--dtype", "float32")
    assert done.returncode == 0, done.stderr[-3000:]
    held = read_records(merged / HELD_OUT, Preference)
    saved = [m.margin for m in read_records(smoke / "lora" / recount.MARGINS, recount.Margin)]
    assert max(map(abs, saved)) > 0.01
    for folder in (smoke / "lora", merged):
        loaded, tokenizer = model.load(folder, torch.device("cpu"))
        sides = (
            [(p.prompt, article) for p, article in zip(held, articles, strict=True)]
            for articles in ([p.chosen for p in held], [p.rejected for p in held])
        )
        chosen, rejected = (list(model.rewards(loaded, tokenizer, side)) for side in sides)
        margins = [c - r for c, r in zip(chosen, rejected, strict=True)]
        assert margins == pytest.approx(saved, abs=1e-5)


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
    run(
        smoke,
        *flags,
        "--max_length",
        "1024",
        "--scores",
        str(smoke / "ranked-scores"),
        out="ranked",
    )
    scores = [
        s for file in (smoke / "ranked-scores").glob("*.parquet") for s in read_records(file, Score)
    ]
    assert len(scores) == sum(len(g) for g in chosen.values())
    sides = {
        side: {
            p.query_id
            for p in read_records(smoke / "ranked" / f"preferences-{side}.jsonl", Preference)
        }
        for side in ("train", "held-out")
    }
    # a prompt with ties alone is on neither side, so it was not seen either
    unseen = {s.query_id for s in scores if s.metric == "reward"}
    assert sides["held-out"] <= unseen
    assert not sides["train"] & unseen
    assert {s.metric for s in scores} == {"reward", "reward_in_training"}
    found = facts.read(smoke / "ranked" / "facts.json")
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
