"""Packed documents do not see each other: same loss and gradient as one by one."""

from __future__ import annotations

import pytest
import torch
from datasets import Dataset
from trl import SFTConfig

from coig_writer.training.trainer import RecipeTrainer, document_losses
from coig_writer.triplet import messages

TURNS = [messages(f"写{i}", f"想{i}", "文" * (5 + 7 * i)) for i in range(4)]


def trainer(smoke, tokenizer, folder, attention, *, packing):
    arguments = SFTConfig(
        output_dir=str(folder),
        assistant_only_loss=True,
        max_length=512,
        packing=packing,
        per_device_train_batch_size=1 if packing else 4,
        use_cpu=True,
        bf16=False,
        report_to="none",
        gradient_checkpointing=False,
        seed=0,
        model_init_kwargs={"attn_implementation": attention, "dtype": "float32"},
    )
    rows = [{"messages": turn, "row": i} for i, turn in enumerate(TURNS)]
    return RecipeTrainer(
        row_names=[f"creative\t{i}" for i in range(4)],
        model=str(smoke),
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )


def test_equal_texts_keep_a_row_each(smoke, smoke_tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.TURNS", [TURNS[0], TURNS[1], TURNS[0], TURNS[1]])
    packed = trainer(smoke, smoke_tokenizer, tmp_path, "sdpa", packing=True)
    (batch,) = list(packed.get_train_dataloader())
    assert sorted(batch["rows"]) == [0, 1, 2, 3]


def gradient(model, loss):
    model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def loss_of(model, batch, drop=()):
    inputs = {k: v for k, v in batch.items() if k not in ("rows", "bounds", "labels", *drop)}
    logits = model(**inputs, use_cache=False).logits[:, :-1]
    labels = batch["labels"][:, 1:]
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.flatten(), reduction="sum"
    )


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_equals_document_by_document(smoke, smoke_tokenizer, tmp_path, attention):
    packed = trainer(smoke, smoke_tokenizer, tmp_path / "p", attention, packing=True)
    padded = trainer(smoke, smoke_tokenizer, tmp_path / "u", attention, packing=False)
    (batch,) = list(packed.get_train_dataloader())
    assert sorted(batch["rows"]) == [0, 1, 2, 3]
    model = packed.model.eval()
    together = loss_of(model, batch)
    alone = torch.stack(
        [loss_of(model, padded.data_collator([row])) for row in padded.train_dataset]
    ).sum()
    assert torch.allclose(together, alone, rtol=1e-5)
    assert torch.allclose(gradient(model, together), gradient(model, alone), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_without_position_ids_documents_leak_and_the_test_notices(
    smoke, smoke_tokenizer, tmp_path, attention
):
    packed = trainer(smoke, smoke_tokenizer, tmp_path, attention, packing=True)
    (batch,) = list(packed.get_train_dataloader())
    model = packed.model.eval()
    isolation = (
        "position_ids",
        "cu_seq_lens_q",
        "cu_seq_lens_k",
        "max_length_q",
        "max_length_k",
        "seq_idx",
    )
    sound, leaking = loss_of(model, batch), loss_of(model, batch, drop=isolation)
    assert not torch.allclose(sound, leaking, rtol=1e-5)


def test_losses_per_document_agree_packed_and_padded(smoke, smoke_tokenizer, tmp_path):
    found = []
    for packing in (True, False):
        runner = trainer(smoke, smoke_tokenizer, tmp_path / str(packing), "sdpa", packing=packing)
        (batch,) = list(runner.get_train_dataloader())
        rows, bounds = batch.pop("rows"), batch.pop("bounds", None)
        runner.compute_loss(runner.model, dict(batch))
        losses = document_losses(runner._log_probs, bounds)
        found.append(dict(zip(rows, losses, strict=True)))
    assert found[0] == pytest.approx(found[1], rel=1e-4)
