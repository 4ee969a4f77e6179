"""Losses on held-out rows: what is averaged, what is compared, and by what interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import transformers

from coig_writer.errors import InputError
from coig_writer.mixing import chat
from coig_writer.scoring import loss
from coig_writer.triplet import messages


def test_a_rows_loss_is_the_mean_over_its_assistant_turn(smoke, smoke_tokenizer):
    model = transformers.AutoModelForCausalLM.from_pretrained(smoke).eval()
    row = messages("写雨。", "先写瓦，再写人。", "雨落在瓦上。")
    encoded = chat.encode(smoke_tokenizer, row, chat.training_template(smoke_tokenizer))
    labels = [i if t else -100 for i, t in zip(encoded.ids, encoded.trained, strict=True)]
    ids = torch.tensor([encoded.ids])
    with torch.no_grad():
        expected = float(model(input_ids=ids, labels=torch.tensor([labels])).loss)
    assert loss.of_rows(model, smoke_tokenizer, [row], 4096) == [pytest.approx(expected, rel=1e-5)]
    assert loss.of_rows(model, smoke_tokenizer, [row], len(encoded.ids) - 3) != [
        pytest.approx(expected)
    ]
    with pytest.raises(InputError, match="row 1: its prompt fills the 3 tokens"):
        loss.of_rows(model, smoke_tokenizer, [row], 3)


def test_models_are_compared_row_by_row():
    base = np.linspace(3, 9, 20)  # the texts differ by far more than the models
    step = np.where(np.arange(20) % 2, 0.1, 0.3)
    (gap,) = loss.gaps({"base": base.tolist(), "cw": (base - step).tolist()}, "base")
    assert (gap.model, gap.beside) == ("cw", "base")
    assert gap.loss == pytest.approx(5.8)
    assert gap.difference.estimate == pytest.approx(-0.2)
    half = (
        2.093 * 0.1 * math.sqrt(20 / 19) / math.sqrt(20)
    )  # Student's t with 19 degrees of freedom
    assert gap.difference.low == pytest.approx(-0.2 - half, abs=1e-3)
    assert gap.difference.high == pytest.approx(-0.2 + half, abs=1e-3)
