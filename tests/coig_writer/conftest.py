from __future__ import annotations

import json

import pytest


@pytest.fixture(scope="session")
def smoke(once):
    """The smoke model, made by its command; never written to."""
    return once("smoke/model", "recipes/smoke.py")


@pytest.fixture(scope="session")
def smoke_tokenizer(smoke):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(smoke)


@pytest.fixture(scope="session")
def qwen_tokenizer(root):
    """The real Qwen2.5 tokenizer, where `make tokenizer` has fetched it."""
    import os

    from transformers import AutoTokenizer

    folder = root / "build" / "tokenizer"
    if not (folder / "tokenizer.json").is_file():
        if os.environ.get("CI"):
            pytest.fail("the Qwen2.5 tokenizer is missing in CI: .ci/run calls make tokenizer")
        pytest.skip("needs the Qwen2.5 tokenizer: run make tokenizer")
    return AutoTokenizer.from_pretrained(folder)


def creative_row(number, length=30):
    return {
        "id": f"c-{number}",
        "query": f"第{number}题：写一段短文。",
        "thought": f"想法{number}。",
        "answer": f"正文{number}。" * length,
    }


def general_row(number, length=20):
    return {
        "input": f"第{number}个问题是什么？",
        "reasoning_content": f"先想{number}。",
        "content": f"答案{number}。" * length,
    }


def english_row(number):
    answer = f"<|begin_of_thought|>\n\nthink {number}\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\nanswer {number}\n\n<|end_of_solution|>"
    return {
        "system": "s",
        "conversations": [
            {"from": "user", "value": f"Question {number}?"},
            {"from": "assistant", "value": answer},
        ],
    }


def write_jsonl(path, rows):
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    return path


@pytest.fixture
def rows(tmp_path):
    """Small local sources in the exact columns of the real ones."""
    write_jsonl(tmp_path / "creative.jsonl", [creative_row(i) for i in range(8)])
    write_jsonl(tmp_path / "zh.jsonl", [general_row(i) for i in range(12)])
    write_jsonl(tmp_path / "en.jsonl", [english_row(i) for i in range(12)])
    return tmp_path
