"""Loss on held-out rows, as a run of the recipe measures and states it."""

from __future__ import annotations

import json

import pytest
import torch

from coig_writer import facts
from coig_writer.errors import ConfigError
from coig_writer.mixing import chat, controls
from coig_writer.training import recipe as recipes
from coig_writer.training import run
from coig_writer.triplet import Message
from tests.coig_writer.training.mixtures import NAME, build, flags


def loss_per_token(model, tokenizer, rows):
    """Computes it from logits, with nothing of the trainer's."""
    total, count, template = 0.0, 0, chat.training_template(tokenizer)
    for row in rows:
        said = [Message(role=t.role, content=t.content) for t in row.messages]
        found = chat.encode(tokenizer, said, template)
        with torch.no_grad():
            logits = model(torch.tensor([found.ids])).logits[0, :-1].log_softmax(-1)
        kept = torch.tensor(found.trained[1:])
        total -= float(logits.gather(1, torch.tensor(found.ids[1:])[:, None])[kept].sum())
        count += int(kept.sum())
    return total / count


@pytest.mark.parametrize("mode", ["plain", "fast"])
def test_held_out_rows_are_measured_after_every_epoch_and_never_trained(
    root, tmp_path, smoke, smoke_tokenizer, mode
):
    from transformers import AutoModelForCausalLM

    control = controls.Control(NAME, "cw", "?", holdout=0.1)
    held_out = build(tmp_path, smoke_tokenizer, control)
    assert len(held_out) == 2
    out = run.train(*recipes.parse(flags(root, tmp_path, smoke, "--mode", mode)), NAME)
    found = facts.read(out / "facts.json")
    losses = [float(found[f"held_out/loss/epoch_{epoch}"].value) for epoch in (1, 2)]
    assert losses[1] < losses[0]
    assert found["held_out/loss"].value == losses[1]
    model = AutoModelForCausalLM.from_pretrained(out)
    assert losses[1] == pytest.approx(loss_per_token(model, smoke_tokenizer, held_out), abs=2e-5)
    assert (out / "training_log.jsonl").is_file()
    assert ">held out<" in (out / "loss.svg").read_text(encoding="utf-8")
    consumed = (out / "consumed-0.jsonl").read_text(encoding="utf-8")
    assert not any(json.dumps(f"creative\t{row.source_id}") in consumed for row in held_out)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--eval_strategy", "steps", "--eval_steps", "5"), "measured after every epoch"),
        (("--eval_strategy", "epoch", "--variants", "cw"), "of cw nothing is held out"),
        (("--resume_from_checkpoint", "x"), "resumes by itself"),
        (("--train_sampling_strategy", "group_by_length"), "drawn by the seed alone"),
        (("--padding_free", "true"), "no use in mode plain"),
    ],
)
def test_keys_that_would_do_nothing_are_refused(root, tmp_path, smoke, more, said):
    with pytest.raises(ConfigError, match=said):
        recipes.parse(flags(root, tmp_path, smoke, *more))
