"""The embedded content: every file in its form, no two pieces alike."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from benchmarks import genre as genre_benchmark
from coig_writer import benchmark, taxonomy
from coig_writer.errors import InputError
from coig_writer.files import read_records
from coig_writer.generation import Generation
from coig_writer.metrics.length import characters, lines, words
from coig_writer.text.ngrams import contained
from dataset_builder.official import fit
from dataset_builder.packing import samples

NAMES = taxonomy.published()
TRIPLETS = samples.read(NAMES)
UNIT = {"chars": characters, "words": words, "lines": lines}


@pytest.mark.parametrize("triplet", TRIPLETS, ids=lambda t: t.id)
def test_lengths_and_form(triplet):
    assert 40 <= characters(triplet.prompt) <= 650
    assert 300 <= characters(triplet.reasoning) <= 1800
    assert characters(triplet.article) >= 12
    text = triplet.prompt + triplet.reasoning + triplet.article
    assert not re.search(r"<think>|</think>|<\|im_|\ufffd", text)
    assert text.count("“") == text.count("”")


def test_no_two_are_alike():
    assert len(TRIPLETS) == 102
    for part in ("prompt", "reasoning", "article"):
        texts = [getattr(t, part) for t in TRIPLETS]
        assert len({t[:12] for t in texts}) >= len(texts) - 2
        assert len({t[-12:] for t in texts}) >= len(texts) - 2
    for genre in NAMES.genres:
        one, two = (t for t in TRIPLETS if t.genre == genre.slug)
        assert contained(one.article, two.article, "zh") < 0.05
        assert contained(one.reasoning, two.reasoning, "zh") < 0.05


def test_one_piece_is_over_long(root):
    longest = max(TRIPLETS, key=lambda t: characters(t.article))
    assert characters(longest.article) > 14_000
    if not (root / "build" / "tokenizer" / "tokenizer.json").is_file():
        pytest.skip("needs the Qwen2.5 tokenizer: run make tokenizer")
    from transformers import AutoTokenizer

    from coig_writer.mixing import chat
    from coig_writer.triplet import messages

    tokenizer = AutoTokenizer.from_pretrained(root / "build" / "tokenizer")
    assert (
        chat.count(tokenizer, messages(longest.prompt, longest.reasoning, longest.article)) > 8192
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("=== prompt ===\n写\n=== article ===\n文\n", "sections are prompt, article"),
        ("开头\n=== prompt ===\n写\n=== reasoning ===\n想\n=== article ===\n文\n", "sections are"),
        ("=== prompt ===\n写\n=== reasoning ===\n\n=== article ===\n文\n", "reasoning is empty"),
    ],
)
def test_a_sample_out_of_form_is_named(text, message):
    with pytest.raises(InputError, match=message):
        samples.parse(text, "wuxia-3", NAMES)


def test_the_demo_pack_keeps_its_queries(root):
    answers = read_records(root / "space" / "data" / "demo_pack.jsonl", Generation)
    assert len(answers) == 50
    assert Counter(a.query_id for a in answers) == dict.fromkeys({a.query_id for a in answers}, 5)
    for answer in answers:
        query = benchmark.query(answer.query_id)
        assert answer.prompt == query.query
        assert answer.variant.startswith("style-")
        assert all(required in answer.article for required in query.required)
        if query.length:
            length = UNIT[query.length.unit](answer.article)
            assert (query.length.min or 0) <= length <= (query.length.max or 10**6), (
                answer.query_id,
                answer.variant,
                length,
            )
    for query_id in {a.query_id for a in answers}:
        texts = [a.article for a in answers if a.query_id == query_id]
        assert len({t[:10] for t in texts}) == len({t[-10:] for t in texts}) == 5


def test_general_rows_have_the_sources_columns(root):
    folder = root / "recipes" / "sample"
    chinese = [
        json.loads(line)
        for line in (folder / "general_zh.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    english = [
        json.loads(line)
        for line in (folder / "general_en.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert len(chinese) == len(english) == 60
    columns = [
        "input",
        "content",
        "reasoning_content",
        "repo_name",
        "prompt_tokens_len",
        "content_tokens_len",
        "reasoning_content_tokens_len",
        "score",
    ]
    assert all(sorted(row) == sorted(columns) for row in chinese)
    assert all(sorted(row) == ["conversations", "system"] for row in english)
    assert len({row["input"] for row in chinese}) == 60
    assert len({row["conversations"][0]["value"] for row in english}) == 60


def runs(text):
    flat = re.sub(r"\s+", "", text)
    return {flat[i : i + 12] for i in range(len(flat) - 11)}


def test_requests_that_train_the_genre_classifier_are_none_of_the_kits_other_texts():
    requests = fit.requests()
    counts = Counter(slug for _, slug in requests)
    assert counts.keys() == {g.slug for g in NAMES.genres}
    assert min(counts.values()) >= 115
    assert len({prompt for prompt, _ in requests}) == len(requests) == 6135
    others = [q.query for q in benchmark.queries("zh")]
    others += [text for t in TRIPLETS for text in (t.prompt, t.reasoning, t.article)]
    theirs = set().union(*map(runs, others))
    assert [prompt for prompt, _ in requests if runs(prompt) & theirs] == []


def test_they_are_no_prompts_of_the_benchmark_that_measures_genres(shared):
    prompts = genre_benchmark.prompts(shared / genre_benchmark.FILE).values()
    theirs = set().union(*(runs(prompt) for _, prompt in prompts))
    assert len(theirs) > 1000
    assert [prompt for prompt, _ in fit.requests() if runs(prompt) & theirs] == []


def test_raw_texts_and_their_labels(root):
    folder = root / "dataset_builder" / "sample"
    texts = [
        json.loads(line)
        for line in (folder / "raw_texts.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    labels = [
        json.loads(line)
        for line in (folder / "raw_labels.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [t["id"] for t in texts] == [label["id"] for label in labels]
    counts = Counter(label["label"] for label in labels)
    assert counts.pop("good") == 30
    assert set(counts.values()) == {3}
    assert len(counts) == 10
