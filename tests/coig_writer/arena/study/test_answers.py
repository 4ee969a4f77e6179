from __future__ import annotations

import dataclasses
import json

import pytest

from coig_writer.arena.study.answers import collect, read_generations, read_preference_bench
from coig_writer.arena.study.definition import Study
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import write_records
from coig_writer.generation import Generation
from tests.generations import generation


def test_every_model_answers_every_prompt_in_one_order(texts_of):
    texts = texts_of()
    collection = collect(texts)
    wrote = {(t.query_id, t.variant): t.article.strip() for t in texts}
    for prompt in collection.prompts:
        expected = [wrote[prompt.query_id, name] for name in collection.variants]
        assert list(prompt.answers) == expected
    assert collection.languages == ("zh", "en")


def test_an_answer_the_scan_refuses_takes_its_prompt_out_and_says_so(texts_of):
    texts = texts_of()
    texts[3] = dataclasses.replace(texts[3], article="<think>half a thought")
    collection = collect(texts)
    assert texts[3].query_id not in {p.query_id for p in collection.prompts}
    (finding,) = [f for f in collection.findings if f.action == "refused"]
    assert (finding.query_id, finding.variant) == (texts[3].query_id, texts[3].variant)
    assert "unclosed reasoning" in finding.describe()


def test_models_and_prompts_can_be_chosen(texts_of):
    collection = collect(texts_of(), models=("cw", "g"), prompts=("zh-0", "zh-1"))
    assert set(collection.variants) == {"cw", "g"}
    assert [p.query_id for p in collection.prompts] == ["zh-0", "zh-1"]
    assert collection.languages == ("zh",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ts: ts[1:], "no answer of"),
        (lambda ts: [*ts, ts[0]], "two answers of"),
        (lambda ts: [dataclasses.replace(ts[0], prompt="?"), *ts[1:]], "different prompts"),
        (lambda ts: [t for t in ts if t.variant == "g"], "nothing to compare"),
        (lambda ts: [dataclasses.replace(t, article="") for t in ts], "refused an answer to every"),
    ],
)
def test_what_cannot_be_compared_is_refused(texts_of, change, message):
    with pytest.raises(InputError, match=message):
        collect(change(texts_of()))


@pytest.mark.parametrize("unknown", [{"models": ("gpt",)}, {"prompts": ("zh-99",)}])
def test_names_that_are_not_there_are_refused(texts_of, unknown):
    with pytest.raises(InputError, match="which no generation has"):
        collect(texts_of(), **unknown)


def test_the_demo_pack_loads_clean(root):
    pack = root / "space" / "data" / "demo_pack.jsonl"
    if not pack.is_file():
        pytest.skip("the demo pack is not written yet")
    collection = collect(read_generations([pack]))
    assert len(collection.variants) == 5
    assert collection.findings == ()
    assert collection.languages == ("zh", "en")


def test_a_study_shows_one_sample_of_each_prompt(tmp_path):
    records = [
        generation(v, "q", f"{v}{sample}", sample=sample) for v in ("a", "b") for sample in (0, 1)
    ]
    write_records(tmp_path / "g.jsonl", records, Generation)
    for sample in (0, 1):
        texts = read_generations([tmp_path / "g.jsonl"], sample)
        assert [text.article for text in texts] == [f"a{sample}", f"b{sample}"]
    with pytest.raises(InputError, match="no answer has sample 2"):
        read_generations([tmp_path / "g.jsonl"], 2)
    assert Study(sample=1).design("texts") == Study().design("texts"), (
        "a study from before it goes on"
    )


def test_missing_generations_name_the_command_that_makes_them(tmp_path):
    with pytest.raises(MissingInputError, match=r"generate\.py"):
        read_generations([tmp_path / "none.parquet"])


def test_published_answers_of_the_preference_benchmark_are_read(tmp_path):
    row = {"prompt_id": "p", "genre_zh": "武侠小说", "prompt": "写", "human_score": 2}
    rows = [row | {"model": m, "response": f"<think>x</think>{m} 写的"} for m in ("a", "b")]
    path = tmp_path / "wpb.jsonl"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    texts = read_preference_bench(path)
    assert [(t.variant, t.genre, t.article) for t in texts] == [
        ("a", "wuxia", "a 写的"),
        ("b", "wuxia", "b 写的"),
    ]
    path.write_text('{"prompt": "x"}')
    with pytest.raises(InputError, match="'genre_zh' is missing"):
        read_preference_bench(path)


@pytest.mark.parametrize("content", [b"not gzip", b"\x1f\x8b\x08\x00half"])
def test_a_damaged_archive_is_refused(tmp_path, content):
    path = tmp_path / "wpb.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not whole"):
        read_preference_bench(path)
