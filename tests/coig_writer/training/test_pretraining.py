"""The base that the demo may start from: what is kept out of its corpus, and one epoch of it."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from coig_writer.errors import InputError, MissingInputError
from coig_writer.training import pretraining
from coig_writer.training.pretraining import Shape, Text
from recipes import pretrain

KEPT_OUT = "巷口的灯坏了三年，没有人记得它亮过。"
TINY = Shape(
    pieces=400, width=32, layers=1, heads=2, inner=32, block=16, batch=2, epochs=2, dropout=0.0
)


def test_paragraphs_that_share_thirteen_characters_with_a_kept_out_text_go():
    twelve, thirteen = (KEPT_OUT.replace("，", "").replace("。", "")[:n] for n in (12, 13))
    texts = [
        Text("a", f"他说：{twelve}。\n又说：{thirteen}，如此。\n雨下了一夜。"),
        Text("b", thirteen),
    ]
    left, gone = pretraining.without(texts, [KEPT_OUT])
    assert left == [Text("a", f"他说：{twelve}。\n雨下了一夜。")]
    assert gone == 2


def test_no_text_of_the_kit_repeats_a_sample_whose_loss_is_reported():
    texts, kept_out = pretrain.of_kit()
    left, gone = pretraining.without(texts, kept_out)
    assert (len(left), gone) == (len(texts), 0)


def test_a_base_is_prepared_and_trained_and_keeps_the_weights_of_its_best_epoch(tmp_path):
    texts = [Text("a", f"第{n}夜，雨落在瓦上，灯还亮着。" * 6, weight=2) for n in range(12)]
    longer = dataclasses.replace(TINY, epochs=9)
    pretraining.prepare(tmp_path / "work", texts, [KEPT_OUT], ["sample-lamp"], longer)
    record = json.loads((tmp_path / "work" / pretraining.RECORD).read_text(encoding="utf-8"))
    assert (record["documents"], record["held_out_documents"]) == (12, 1)
    once = len(AutoTokenizer.from_pretrained(tmp_path / "work")(texts[0].text)["input_ids"]) + 1
    assert len(np.load(tmp_path / "work" / pretraining.CORPUS)) > 11 * once  # each is read twice
    (tmp_path / "base").mkdir()
    log = tmp_path / "log.jsonl"
    best = pretraining.train(tmp_path / "work", tmp_path / "base", TINY, log=log)
    epochs = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert best == min(epoch["held_out"] for epoch in epochs)
    assert epochs[1]["loss"] < epochs[0]["loss"]
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    assert model.config.hidden_size == TINY.width
    assert (tmp_path / "base" / pretraining.NAMES).read_text("utf-8") == "sample-lamp\n"
    trained = json.loads((tmp_path / "base" / pretraining.RECORD).read_text("utf-8"))
    assert trained == record | {"shape": dataclasses.asdict(TINY)}  # two epochs, not nine


def test_a_corpus_that_is_too_small_or_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"2 texts give \d+ pieces to train on"):
        pretraining.prepare(tmp_path / "work", [Text("a", "雨。"), Text("a", "灯。")], [], [], TINY)
    with pytest.raises(MissingInputError, match="no prepared corpus"):
        pretraining.train(tmp_path / "work", tmp_path / "base", TINY)
    (tmp_path / "texts.jsonl").write_text('{"title": "夜"}\n', "utf-8")
    with pytest.raises(InputError, match=r"texts\.jsonl.*: no text"):
        list(pretrain.of_folder(tmp_path))
