"""Modes fast and lean beside plain: the same documents, labels and gradients, step by step."""

from __future__ import annotations

import json

import pytest
import torch
from datasets import Dataset
from trl import SFTConfig

from coig_writer.training import modes
from coig_writer.training.modes import Mode
from coig_writer.training.trainer import RecipeTrainer
from coig_writer.triplet import messages

FAST = Mode("fast", "sdpa_per_document", checkpointing="selective")
TURNS = [messages(f"写{i}", f"想{i}", "文" * (3 + 11 * i % 61)) for i in range(45)]


@pytest.fixture(autouse=True)
def gradients():
    """lighteval switches gradients off for the whole process when it is imported."""
    with torch.enable_grad():
        yield


def trainer(smoke, tokenizer, folder, mode, **changes):
    settings = {
        "assistant_only_loss": True,
        "max_length": 192,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 4,
        "max_steps": 20,
        "learning_rate": 1e-3,
        "optim": "adamw_torch",
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "save_strategy": "no",
        "logging_steps": 1,
        "gradient_checkpointing": False,
        "seed": 7,
        "model_init_kwargs": {"attn_implementation": "sdpa", "dtype": "float32"},
    } | changes
    return RecipeTrainer(
        row_names=[f"creative\t{i}" for i in range(len(TURNS))],
        mode=mode,
        model=str(smoke),
        args=SFTConfig(output_dir=str(folder), **settings),
        train_dataset=Dataset.from_list(
            [{"messages": turn, "row": i} for i, turn in enumerate(TURNS)]
        ),
        processing_class=tokenizer,
    )


def steps(run):
    """Returns the rows of every optimizer step, in order of their number."""
    found = {}
    for line in map(json.loads, run.consumed_file.read_text().splitlines()):
        found.setdefault(line["step"], []).extend(line["numbers"])
    return {step: sorted(rows) for step, rows in found.items()}


def weights(run):
    return torch.cat([p.detach().flatten() for p in run.model.parameters()])


@pytest.fixture(scope="module")
def plain(smoke, smoke_tokenizer, tmp_path_factory):
    with torch.enable_grad():
        run = trainer(smoke, smoke_tokenizer, tmp_path_factory.mktemp("plain"), modes.Mode("plain"))
        run.train()
    return run


def test_fast_trains_on_the_same_documents_to_the_same_weights(
    smoke, smoke_tokenizer, tmp_path, plain
):
    fast = trainer(smoke, smoke_tokenizer, tmp_path, FAST)
    start = weights(fast).clone()
    fast.train()
    assert steps(fast) == steps(plain)
    assert len(steps(fast)) == 20
    moved = weights(plain) - start
    assert (weights(fast) - weights(plain)).norm() < 1e-4 * moved.norm()
    lines = [json.loads(line) for line in fast.consumed_file.read_text().splitlines()]
    assert {line["padding"] for line in lines} == {0}
    before, now = ([e["loss"] for e in r.state.log_history if "loss" in e] for r in (plain, fast))
    assert now == pytest.approx(before, rel=1e-4)
