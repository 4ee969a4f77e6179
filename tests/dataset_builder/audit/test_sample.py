from __future__ import annotations

import gzip
import json
import subprocess
import sys

import numpy as np
import pytest

from coig_writer.errors import InputError, MissingInputError
from dataset_builder.audit import diversity, sample
from dataset_builder.audit.diversity import measure, overlaps, self_bleu

APART = ["雨落在瓦上像旧年的信", "公司第三季度的报表", "老虎下山之前先磨牙齿", "把面揉到三光为止"]
ALIKE = [
    "请写一篇关于春天的散文",
    "请写一篇关于夏天的散文",
    "请写一篇关于秋天的散文",
    "请写一篇关于冬天的散文",
]


def test_texts_from_one_template_are_more_alike_by_every_figure():
    apart, alike = measure(APART), measure(ALIKE)
    assert (apart.openings, apart.endings, apart.overlap_max) == (1, 1, 0)
    assert (alike.openings, alike.endings) == (0.25, 0.25)
    assert alike.overlap_mean > apart.overlap_mean
    assert alike.compression > apart.compression
    assert alike.self_bleu > 0.5 > apart.self_bleu


def test_overlap_is_jaccard_over_four_grams():
    # abcd bcde | bcde cdef: one of three grams is common.
    assert overlaps(["abcde", "bcdef"])[0, 1] == pytest.approx(1 / 3)
    assert np.allclose(overlaps(["abcde", "abcde", ""])[0], [1, 1, 0])


def test_self_bleu_against_a_direct_count():
    texts = ["abab", "abba", "zzzz"]

    def direct(row):
        log = 0.0
        for order in (1, 2, 3, 4):
            grams = [[t[i : i + order] for i in range(len(t) - order + 1)] for t in texts]
            others = [g for i, g in enumerate(grams) if i != row]
            own = grams[row]
            matched = sum(
                min(own.count(g), max(o.count(g) for o in others)) for g in sorted(set(own))
            )
            log += np.log(max(matched, 0.5) / len(own)) / 4
        return np.exp(log)

    assert self_bleu(texts) == pytest.approx(np.mean([direct(i) for i in range(3)]))


def test_copies_have_self_bleu_one_and_english_counts_words():
    assert self_bleu(["同一句话", "同一句话"]) == pytest.approx(1)
    english = ["the cat sat on the mat", "a dog ran over one hill"]
    assert measure(english, "en").self_bleu < 0.3


def test_the_reference_is_read_once_per_prompt(tmp_path):
    rows = [{"prompt_id": i % 2, "prompt": f"p{i % 2}"} for i in range(6)]
    path = tmp_path / "r.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as handle:
        handle.writelines(json.dumps(row) + "\n" for row in rows)
    assert sample.reference(path) == ["p0", "p1"]
    (tmp_path / "bad.jsonl").write_text('{"prompt_id": 1, "prompt": "a"}\n{"prompt": 1}\n')
    with pytest.raises(InputError, match="line 2: prompt_id is missing"):
        sample.reference(tmp_path / "bad.jsonl")
    with pytest.raises(MissingInputError):
        sample.reference(tmp_path / "gone.jsonl")


def test_subsets_are_the_same_every_time_and_too_few_queries_are_refused():
    first = sample.subsets(APART + ALIKE, 4, count=3)
    assert first == sample.subsets(APART + ALIKE, 4, count=3)
    assert len({found.overlap_mean for found in first}) > 1
    with pytest.raises(InputError, match="cannot give subsets of 4"):
        sample.compare(APART[:3], ALIKE)


def test_the_command_measures_every_genre_and_set(tmp_path, root, monkeypatch):
    path = tmp_path / "r.jsonl"
    rows = [{"prompt_id": i, "prompt": text} for i, text in enumerate(APART + ALIKE)]
    path.write_text("\n".join(json.dumps(r) for r in rows), encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "dataset_builder",
            "audit",
            "--kit-samples",
            "--reference",
            str(path),
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for word in (
        "wuxia",
        "sample articles",
        "zh queries",
        "en queries",
        "self_bleu",
        "of 8 Chinese",
        "reasonings that tell of a cut",
        "reference prompts that forbid                      0 of 8",
    ):
        assert word in done.stdout
    assert diversity.FIGURES[0] in done.stdout
