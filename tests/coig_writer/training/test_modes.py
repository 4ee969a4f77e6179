"""Modes fast and lean beside plain: the same documents, labels and gradients, step by step."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM
from trl import SFTConfig

from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.training import modes, optimizer
from coig_writer.training.modes import Mode
from coig_writer.training.trainer import RecipeTrainer, checkpoint_layers
from coig_writer.triplet import messages

LEAN = Mode("lean", "sdpa_per_document", lean=True)
FAST = Mode("fast", "sdpa_per_document", checkpointing="attention")
TURNS = [messages(f"写{i}", f"想{i}", "文" * (3 + 11 * i % 61)) for i in range(45)]


def trainer(smoke, tokenizer, folder, mode, **changes):
    settings: dict[str, Any] = {
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
    found: dict[int, list[int]] = {}
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


def test_entropy_accuracy_and_tokens_are_those_of_all_the_steps_documents_at_once(
    smoke, smoke_tokenizer, tmp_path
):
    whole = {
        "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": 1,
        "max_steps": 1,
        "warmup_steps": 0,
    }
    logs = []
    for mode, changes in ((modes.Mode("plain"), whole), (FAST, {"max_steps": 1})):
        run = trainer(smoke, smoke_tokenizer, tmp_path / mode.name, mode, **changes)
        run.train()
        logs.append(run.state.log_history[0])
    plainly, packed = logs
    for name in ("entropy", "mean_token_accuracy"):
        assert packed[name] == pytest.approx(plainly[name], rel=1e-4)
    rows = steps(run)[1]
    assert packed["num_tokens"] == sum(run.ledger.length[row] for row in rows)


class Asked(TorchDispatchMode):
    """Counts calls of operators, by their names."""

    def __init__(self):
        super().__init__()
        self.calls: Counter[str] = Counter()

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        self.calls[operator.name()] += 1
        return operator(*args, **(kwargs or {}))


def test_only_a_steps_last_micro_batch_reads_losses_from_the_device(
    smoke, smoke_tokenizer, tmp_path, monkeypatch
):
    run = trainer(smoke, smoke_tokenizer, tmp_path, FAST, max_steps=2)
    found, step = [], run.training_step

    def counted(model, inputs, *arguments, **named):
        with Asked() as asked:
            loss = step(model, inputs, *arguments, **named)
        found.append((run.accelerator.sync_gradients, asked.calls["aten::_local_scalar_dense"]))
        return loss

    monkeypatch.setattr(run, "training_step", counted)
    run.train()
    assert (
        max(n for last, n in found if not last) == 1
    )  # transformers', in search of packed documents
    assert all(n > 1 for last, n in found if last)


def test_checkpointing_recomputes_no_more_than_it_says(smoke):
    """Of two layers: queries, keys and values have biases (addmm); attention's output and the MLP have none."""
    counts, gradients = {}, {}
    ids = torch.randint(0, 200, (1, 40), generator=torch.Generator().manual_seed(0))
    for kept in ("none", "attention", "selective"):
        model = AutoModelForCausalLM.from_pretrained(smoke, attn_implementation="sdpa").train()
        layers = model.config.num_hidden_layers
        if kept != "none":
            checkpoint_layers(model, products=kept == "selective")
        with Asked() as asked:
            model.model(ids, use_cache=False).last_hidden_state.square().sum().backward()
        counts[kept] = [asked.calls[f"aten::{name}"] / layers for name in ("addmm", "mm")]
        gradients[kept] = torch.cat([p.grad.flatten() for p in model.model.layers.parameters()])
    (biased, products), alone, both = counts.values()
    assert alone == [biased + 3, products + 3]  # the MLP's last product is needed by nothing
    assert both == [biased, products + 1]  # its gate
    for kept in ("attention", "selective"):
        assert torch.equal(gradients[kept], gradients["none"])


def test_lean_stays_beside_plain(smoke, smoke_tokenizer, tmp_path, plain):
    run = trainer(smoke, smoke_tokenizer, tmp_path, LEAN)
    with torch.compiler.set_stance("force_eager"):
        run.train()
    assert steps(run) == steps(plain)
    before, now = ([e["loss"] for e in r.state.log_history if "loss" in e] for r in (plain, run))
    assert now == pytest.approx(before, rel=5e-3)
    states = {name: run.optimizer.optimizer.state[p] for name, p in run.model.named_parameters()}
    kinds = {name: type(state["exp_avg"]).__name__ for name, state in states.items()}
    assert kinds["model.layers.0.mlp.up_proj.weight"] == "OptimState8bit"
    for whole in (
        "model.embed_tokens.weight",
        "model.norm.weight",
        "model.layers.0.self_attn.q_proj.bias",
    ):
        assert kinds[whole] == "Tensor"
        assert states[whole]["exp_avg"].dtype == torch.float32


def shaken(weights):
    return [torch.nn.Parameter(w.clone()) for w in weights]


def stepped(parameters, made, gradients):
    for step in gradients:
        for p, gradient in zip(parameters, step, strict=True):
            p.grad = gradient.to(p.dtype)
        made.step()


@pytest.fixture
def problem():
    """Weights of a layer's matrix and of an embedding, and 30 steps of gradients."""
    draw = torch.Generator().manual_seed(0)
    weights = [torch.randn(64, 64, generator=draw) for _ in range(2)]
    gradients = [
        [0.1 * torch.randn(64, 64, generator=draw) + 0.05 for _ in weights] for _ in range(30)
    ]
    return weights, gradients


def lean(parameters):
    return optimizer.lean(
        [{"params": parameters, "weight_decay": 0.0}], parameters[1:], lr=1e-3, betas=(0.9, 0.999)
    )


def test_8_bit_moments_follow_adamw_and_fp32_ones_equal_it(problem):
    weights, gradients = problem
    ours, theirs = shaken(weights), shaken(weights)
    with torch.compiler.set_stance("force_eager"):
        stepped(ours, lean(ours), gradients)
    stepped(theirs, torch.optim.AdamW(theirs, lr=1e-3, weight_decay=0.0), gradients)
    torch.testing.assert_close(ours[1], theirs[1], rtol=0, atol=1e-6)
    moved, plainly = (p[0].detach() - weights[0] for p in (ours, theirs))
    assert 0 < (moved - plainly).abs().mean() < 0.1 * plainly.abs().mean()


def test_bf16_weights_move_on_average_as_fp32_ones_do(problem):
    """Each step is below half of bf16's spacing at 1, so rounding to nearest would never move a weight."""
    weights = [torch.ones(64, 64) for _ in range(2)]
    gradients = [[torch.ones(64, 64) for _ in weights] for _ in range(30)]
    nearest, rounded = (shaken([w.bfloat16() for w in weights]) for _ in range(2))
    torch.manual_seed(0)
    with torch.compiler.set_stance("force_eager"):
        stepped(rounded, lean(rounded), gradients)
    stepped(nearest, torch.optim.AdamW(nearest, lr=1e-3, weight_decay=0.0), gradients)
    assert all(torch.equal(p, torch.ones_like(p)) for p in nearest)
    for p in rounded:  # 30 steps of 0.001
        assert (1 - p.detach().float()).mean() == pytest.approx(0.030, abs=0.001)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lean_states_resume_bit_by_bit(problem, tmp_path, dtype):
    weights, gradients = problem
    straight = shaken([w.to(dtype) for w in weights])
    torch.manual_seed(0)
    with torch.compiler.set_stance("force_eager"):
        first = lean(straight)
        stepped(straight, first, gradients[:10])
        resumed = shaken([p.detach() for p in straight])
        torch.save(first.state_dict(), tmp_path / "optimizer.pt")
        noise = torch.get_rng_state()
        stepped(straight, first, gradients[10:])
        second = lean(resumed)
        second.load_state_dict(torch.load(tmp_path / "optimizer.pt", weights_only=True))
        torch.set_rng_state(noise)
        stepped(resumed, second, gradients[10:])
    assert all(torch.equal(a, b) for a, b in zip(straight, resumed, strict=True))


@pytest.mark.parametrize(
    ("mode", "changes", "message"),
    [
        ("quick", {}, "unknown mode 'quick'"),
        ("fast", {"packing": True}, "add --mode plain"),
        ("fast", {"padding_free": True}, "add --mode plain"),
        ("fast", {"max_length": None}, "set max_length"),
        ("lean", {"optim": "adafactor"}, "add --mode fast"),
    ],
)
def test_what_a_mode_cannot_do_is_refused_with_the_mode_to_type(tmp_path, mode, changes, message):
    sft = SFTConfig(output_dir=str(tmp_path), **({"use_cpu": True, "bf16": False} | changes))
    with pytest.raises(ConfigError, match=message):
        modes.choose(mode, sft, "float32")


def test_missing_parts_are_named(tmp_path, monkeypatch):
    sft = SFTConfig(output_dir=str(tmp_path), bf16=False)
    with pytest.raises(ConfigError, match="add --mode fast"):
        modes.choose("lean", sft, "float32", lora=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MissingInputError, match="add --mode plain --use_cpu true"):
        modes.choose("fast", sft, "float32")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(ConfigError, match="add --bf16 true, or --mode plain"):
        modes.choose("fast", sft, "float32")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(
        MissingInputError, match=r"install torch 2\.10 or newer, or add --mode plain"
    ):
        modes.choose("fast", sft, "float32")
    with pytest.raises(MissingInputError, match="pip install torchao   or add --mode fast"):
        modes.choose("lean", sft, "float32")


def test_lean_recomputes_only_where_memory_is_short(tmp_path):
    sft = SFTConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False)
    found = [modes.choose("lean", sft, dtype).checkpointing for dtype in ("float32", "bfloat16")]
    assert found == ["none", "attention"]
