from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest
import torch

from coig_writer.planning import planner, step
from tests.recipes.runs import ENVIRONMENT, ROOT

QWEN = planner.SHAPES["Qwen/Qwen2.5-7B-Instruct"]


@pytest.fixture(scope="module")
def sft():
    spec = importlib.util.spec_from_file_location("benchmark_sft", ROOT / "benchmarks" / "sft.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_8_bit_moments_follow_adamw(sft):
    torch.manual_seed(0)
    weights = torch.randn(40, 30)
    plain = torch.nn.Parameter(weights.clone())
    lean = torch.nn.Parameter(weights.clone().bfloat16())
    ours = sft.Master8(iter([lean]), lr=1e-2)
    ours.master[0].copy_(weights)
    theirs = torch.optim.AdamW([plain], lr=1e-2, weight_decay=0.0)
    for _ in range(30):
        gradient = torch.randn(40, 30) * 0.1 + 0.05
        plain.grad, lean.grad = gradient.clone(), gradient.bfloat16()
        theirs.step()
        ours.step()
    moved = (plain.detach() - weights).flatten()
    ours_moved = (ours.master[0] - weights).flatten()
    assert torch.corrcoef(torch.stack([moved, ours_moved]))[0, 1] > 0.98
    assert (ours_moved - moved).abs().mean() < 0.15 * moved.abs().mean()
    assert torch.equal(lean.detach(), ours.master[0].bfloat16())


def test_every_variant_computes_the_same_loss_and_gradient(sft):
    tiny = planner.Shape(2, 64, 128, 4, 2, 16, 512, False)
    ids = torch.randint(0, 512, (1, 64), generator=torch.Generator().manual_seed(0))
    # a compiled head beside eager fp32 layers: the variant of that name also changes the states
    heads = {"whole_head": step.Variant("whole_head", "", head="compiled")}
    found = {}
    for name in ("default", "fused_head", "selective", "whole_head"):
        how = heads.get(name) or step.VARIANTS[name]
        model = sft.build(tiny, how, "cpu")
        loss = sft.loss_of(model, ids, how)
        loss.backward()
        found[name] = (loss.item(), model.model.layers[0].mlp.up_proj.weight.grad)
    for loss, gradient in found.values():
        assert loss == pytest.approx(found["default"][0], rel=1e-5)
        torch.testing.assert_close(gradient, found["default"][1], rtol=1e-3, atol=1e-6)


def test_predictions_add_up_and_each_change_does_what_it_is_for():
    of = {n: step.predict(QWEN, v, 8192, 4) for n, v in step.VARIANTS.items()}
    default = of["default"]
    assert default.speed == pytest.approx(default.tokens / sum(default.parts.values()) * 1e3)
    assert of["packing"].speed / default.speed == pytest.approx(1 / step.PADDED_SHARE)
    assert of["fused_head"].gib < of["packing"].gib
    assert of["selective"].parts["attention"] < of["fused_head"].parts["attention"]
    assert of["compile"].parts["elementwise"] < of["selective"].parts["elementwise"]
    assert of["master8"].parts["matrices"] == pytest.approx(0.75 * of["compile"].parts["matrices"])
    assert of["cudnn"].parts["attention"] < of["master8"].parts["attention"]
    assert of["compiled_head"].parts["head"] < of["cudnn"].parts["head"]
    assert of["fp8"].speed > of["compiled_head"].speed


def test_the_record_shows_the_table_that_the_command_prints():
    record = (ROOT / "benchmarks" / "sft.md").read_text(encoding="utf-8")
    assert step.predicted(QWEN, 8192, 4) in record
    for name in step.VARIANTS:
        assert record.count(f"`{name}`") >= 2, name  # predicted, and measured or not run


@pytest.mark.slow
def test_the_recipes_own_step_runs_on_a_cpu_and_claims_no_speed(tmp_path):
    command = [sys.executable, "benchmarks/sft_recipe.py", "--smoke", "--counted", "1"]
    command += ["--out", str(tmp_path), "--variants", "attention", "fast", "plain"]
    flags = ["--global_batch_size", "4", "--gradient_accumulation_steps", "4"]
    done = subprocess.run(
        [*command, *flags], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "proves the code, no speed" in done.stdout
    proof, fast, plain = (
        json.loads((tmp_path / f"{name}.json").read_text())
        for name in ("attention", "fast", "plain")
    )
    assert proof["proven"]
    first = [of["steps"][0] for of in (fast, plain)]
    assert first[0]["grad_norm"] == pytest.approx(first[1]["grad_norm"], rel=1e-4)
    rows = [line for line in done.stdout.splitlines() if line.startswith("| `")]
    assert [row.split("|")[2].strip() for row in rows] == ["–", "–"]  # tokens per second


@pytest.mark.slow
def test_the_smoke_runs_every_variant_that_a_cpu_can():
    command = [sys.executable, "benchmarks/sft.py", "--smoke", "--steps", "1"]
    done = subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [line for line in done.stdout.splitlines() if line.startswith("| `")]
    assert len(rows) == len(step.VARIANTS)
    assert [row for row in rows if "not run" in row and "torchao" not in row] == []
