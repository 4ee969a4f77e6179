"""The merged model is the adapter's."""

from __future__ import annotations

import json

import pytest
import torch

from coig_writer import facts
from coig_writer.facts import Fact
from coig_writer.folder import SUMS
from coig_writer.training import smoke


@pytest.fixture
def merge(script):
    return lambda run, out, *arguments: script("recipes/merge.py", run, "--out", out, *arguments)


@pytest.fixture
def adapter(tmp_path):
    """A smoke model, an adapter with weights other than zero, and a run's records beside it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base, run = tmp_path / "smoke", tmp_path / "run"
    smoke.make(base, ["雨落在瓦上。"])
    torch.manual_seed(0)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "up_proj"])
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.02)
    model.save_pretrained(run)
    AutoTokenizer.from_pretrained(base).save_pretrained(run)
    (run / "recipe.json").write_text("{}")
    (run / "consumed-0.jsonl").write_text("{}\n")
    facts.write(run / "facts.json", [Fact("run/parameters", 1), Fact("run/steps", 7)])
    return model.eval(), run


def test_a_merged_model_answers_as_its_adapter_and_keeps_the_records(merge, adapter, tmp_path):
    from transformers import AutoModelForCausalLM

    model, run = adapter
    out = tmp_path / "merged"
    done = merge(run, out, "--dtype", "float32")
    assert done.returncode == 0, done.stderr[-3000:]
    merged = AutoModelForCausalLM.from_pretrained(out)
    assert type(merged).__name__ == "Qwen2ForCausalLM"
    ids = torch.arange(5, 85)[None]
    with torch.no_grad():
        # in double precision, so that what differs is the merged weights and not the order of sums
        ours, adapters = merged.double()(ids).logits, model.double()(ids).logits
        assert (ours - adapters).abs().max() <= 2e-7 * adapters.abs().max()
        with model.disable_adapter():
            assert not torch.allclose(ours, model(ids).logits, rtol=0, atol=1e-3)
    found = facts.read(out / "facts.json")
    assert found["run/parameters"].value == merged.num_parameters()
    assert (found["run/steps"].value, found["run/lora_merged"].value) == (7, True)
    assert json.loads((out / "merged_adapter.json").read_text())["r"] == 4
    assert {"consumed-0.jsonl", "recipe.json", SUMS} <= {f.name for f in out.iterdir()}
    assert merge(run, out).returncode == 0  # its own earlier result is replaced


def test_no_adapter_and_a_base_that_is_not_here_are_named(merge, adapter, tmp_path):
    _, run = adapter
    assert "lora.yaml" in merge(tmp_path, tmp_path / "out").stderr
    lost = merge(run, tmp_path / "out", "--base", tmp_path / "nowhere")
    assert lost.returncode == 1
    assert "give --base FOLDER" in lost.stderr


def test_another_base_than_the_adapters_is_refused(merge, adapter, tmp_path):
    _, run = adapter
    smoke.make(tmp_path / "other", ["完全不同的文字。"])
    done = merge(run, tmp_path / "merged", "--base", tmp_path / "other")
    assert done.returncode == 1
    assert "their tokenizers differ" in done.stderr
    assert not (tmp_path / "merged").exists()
