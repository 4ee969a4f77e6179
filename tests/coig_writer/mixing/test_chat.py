"""Which tokens are trained: exact, with the smoke tokenizer and the real Qwen2.5 one."""

from __future__ import annotations

import pytest

from coig_writer.errors import InputError
from coig_writer.mixing import chat
from coig_writer.triplet import messages

TURN = messages("写一句雨。", "先想云。", "雨落在瓦上。")
SYSTEM = "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
HEAD = SYSTEM + "<|im_start|>user\n写一句雨。<|im_end|>\n<|im_start|>assistant"
TAIL = "\n<think>\n先想云。\n</think>\n\n雨落在瓦上。<|im_end|>\n"


def check_span(tokenizer):
    encoded = chat.encode(tokenizer, TURN, chat.training_template(tokenizer))
    first = encoded.trained.index(True)
    assert tokenizer.decode(encoded.ids[:first]) == HEAD
    assert tokenizer.decode(encoded.ids[first:]) == TAIL
    assert all(encoded.trained[first:])
    return encoded, first


def test_smoke_mask(smoke_tokenizer):
    check_span(smoke_tokenizer)


def test_qwen_mask_token_by_token(qwen_tokenizer):
    encoded, first = check_span(qwen_tokenizer)
    trained = encoded.ids[first:]
    assert trained[-2] == qwen_tokenizer.convert_tokens_to_ids("<|im_end|>") == 151645
    assert [qwen_tokenizer.decode([t]) for t in trained] == [
        "\n",
        "<th",
        "ink",
        ">\n",
        "先",
        "想",
        "云",
        "。\n",
        "</",
        "think",
        ">\n\n",
        "雨",
        "落在",
        "瓦",
        "上",
        "。",
        "<|im_end|>",
        "\n",
    ]


def test_the_trainer_computes_the_same_labels(smoke, smoke_tokenizer, tmp_path):
    from datasets import Dataset
    from trl import SFTConfig

    from coig_writer.training.trainer import RecipeTrainer

    arguments = SFTConfig(
        output_dir=str(tmp_path),
        assistant_only_loss=True,
        max_length=512,
        use_cpu=True,
        bf16=False,
        report_to="none",
        gradient_checkpointing=False,
    )
    trainer = RecipeTrainer(
        row_names=["creative\ta"],
        model=str(smoke),
        args=arguments,
        train_dataset=Dataset.from_list([{"messages": TURN, "row": 0}]),
        processing_class=smoke_tokenizer,
    )
    encoded = chat.encode(smoke_tokenizer, TURN, chat.training_template(smoke_tokenizer))
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["rows"] == [0]
    length = len(encoded.ids)
    assert batch["input_ids"][0, :length].tolist() == encoded.ids
    labels = batch["labels"][0].tolist()
    assert labels[:length] == [
        t if bit else -100 for t, bit in zip(encoded.ids, encoded.trained, strict=True)
    ]
    assert set(labels[length:]) <= {-100}


def test_a_template_that_marks_nothing_is_refused(smoke_tokenizer):
    with pytest.raises(InputError, match="marks no assistant token"):
        chat.encode(smoke_tokenizer, TURN, smoke_tokenizer.chat_template)


def test_the_end_of_the_reasoning_block(smoke_tokenizer):
    end = chat.reasoning_end(smoke_tokenizer, TURN)
    ids = chat.encode(smoke_tokenizer, TURN, chat.training_template(smoke_tokenizer)).ids
    assert "</think>" in smoke_tokenizer.decode(ids[:end])
    assert "雨落" not in smoke_tokenizer.decode(ids[:end])
    assert chat.reasoning_end(smoke_tokenizer, messages("问", None, "答")) == 0
