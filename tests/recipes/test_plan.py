from __future__ import annotations

import json

import pytest

from tests.recipes.runs import prepare


@pytest.fixture
def plan(script):
    def run(*arguments):
        # no mixtures unless a test names them: those of a demo in this checkout are no ground for a plan
        own = () if "--mixtures" in arguments else ("--mixtures", "build/no-mixtures")
        return script("recipes/plan.py", "--config", *arguments, *own)

    return run


def test_a_plan_shows_its_arithmetic_and_says_that_it_is_predicted(plan, tmp_path):
    out = tmp_path / "plan.json"
    flags = ("--mixtures", str(tmp_path), "--gpu-price", "3", "--json", str(out))
    variants = ("--variants", "cw_step_matched", "cw_10k", "--mode", "plain")
    done = plan("recipes/configs/cw_10k.yaml", "--gpu", "h200", *flags, *variants)
    assert done.returncode == 0, done.stderr
    measured = "predicted from one measured run (benchmarks/sft.md)"
    for shown in (measured, "7,615,616,512 × 8 B", "2,034", "synthetic"):
        assert shown in done.stdout
    assert done.stdout.count("steps          2,034") == 2
    assert done.stdout.count("planned: training alone; answers, --samples to each prompt,") == 1
    found = json.loads(out.read_text())
    assert found["status"] == measured
    assert found["gib"] < found["gpu"]["gib"]


def test_the_unfused_update_does_not_fit_one_h200_and_the_fused_one_is_named(plan):
    recipe = "recipes/configs/cw_10k.yaml"
    found = plan(recipe, "--gpu", "h200", "--optim", "adamw_torch").stdout
    assert "does not fit" in found
    assert "    --optim adamw_torch_fused" in found
    assert "predicted, not measured" in plan(recipe, "--gpu", "h100", "--count", "8").stdout


def test_what_does_not_fit_names_ways_out_and_lora_fits(plan):
    recipe = "recipes/configs/cw_10k.yaml"
    alone = plan(recipe, "--gpu", "4090").stdout
    assert "does not fit" in alone
    assert "--count 16\n    --use_peft true" in alone
    fits = plan(
        recipe, "--gpu", "4090", "--use_peft", "true", "--dtype", "bfloat16", "--mode", "plain"
    ).stdout
    assert "adapter" in fits
    assert "does not fit" not in fits


def test_a_demos_mixture_is_no_ground_for_a_plan(plan, tmp_path):
    prepare(tmp_path, max_length=8192)
    done = plan("recipes/configs/cw_10k.yaml", "--mixtures", str(tmp_path / "mixtures"))
    assert done.returncode == 1
    assert "was built at sample scale, the recipe is at the published scale" in done.stderr


def test_the_shipped_adapters_fit_the_cards_that_they_name_and_any_gpu_can_be_given(plan):
    lora = plan("recipes/configs/lora.yaml", "--gpu", "a100-80").stdout
    assert "161,480,704 × 4 B" in lora
    assert "does not fit" not in lora
    qlora = plan("recipes/configs/qlora_24gb.yaml", "--gpu-memory", "23.5", "--gpu-tflops", "165")
    assert qlora.returncode == 0, qlora.stderr
    assert "on 1 × GPU of 23.5 GiB and 165 TFLOPS" in qlora.stdout
    assert "weights in nf4" in qlora.stdout
    assert "does not fit" not in qlora.stdout
    assert "not vouched for: 4-bit layers are unpacked" in qlora.stdout
