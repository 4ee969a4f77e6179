from __future__ import annotations

import numpy as np
import pytest

from coig_writer.text import genre


def top(prompt, article=""):
    return genre.best(genre.softmax(genre.log_odds(prompt, article)))[0].genre


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("请为《诗歌与小说》写一篇书评。", "reviews"),
        ("写一篇仙侠小说，主角是扫地的外门弟子。", "xianxia"),
        ("请为社区运动会写一份活动策划案，含预算。", "proposal"),
        ("写一篇散文，不要写成诗歌，不要写成小说。", "essay"),
        ("为《会议纪要》这本书写一篇书评，配“广告标语”一句。", "reviews"),
        ("生成一份实验报告，关于醋与小苏打的反应。", "lab-report"),
        ("给我的导师写一封感谢信。", "apology-letter"),
    ],
)
def test_what_a_prompt_asks_for(prompt, expected):
    assert top(prompt) == expected


def test_the_form_of_the_article_counts_where_the_prompt_is_silent():
    verse = "雨落在瓦上\n像旧年的信\n没有人拆\n也没有人\n说起你的名字"
    found = genre.best(genre.softmax(genre.log_odds("写点什么", verse)), 2)
    assert "poetry" in [g.genre for g in found]
    questions = "您哪年开始学的？\n师父严吗？\n第一件作品还在吗？\n有没有想过放弃？"
    assert top("随便", questions) == "interview-questions"


def test_empty_and_hostile_texts_are_scored_without_harm():
    for text in ("", "   ", "\ud83d", "《" * 5000, "写" * 100_000, "抽象" * 500_000):
        assert np.isfinite(genre.log_odds(text, text)).all()


def test_every_genre_has_a_rule_and_the_classifier_every_genre():
    rules = genre._rules()
    assert all(rules["prompt"])
    for part in genre.PARTS:
        assert genre.shipped().weights[part].shape == (51, genre.BUCKETS + 1)


def test_features_do_not_depend_on_the_process():
    vector = genre.features("江湖夜雨", 100)
    assert np.flatnonzero(vector).tolist() == sorted(
        {__import__("zlib").crc32(g.encode()) % genre.BUCKETS for g in ("江", "湖", "夜", "雨", "江湖", "湖夜", "夜雨", "江湖夜", "湖夜雨")}
    )  # fmt: skip
    assert np.linalg.norm(vector) == pytest.approx(1)


def test_softmax_and_best():
    probabilities = genre.softmax(np.array([0.0, 1000.0, 999.0] + [0.0] * 48))
    assert probabilities.sum() == pytest.approx(1)
    assert [g.genre for g in genre.best(probabilities, 2)] == [genre.genres()[1], genre.genres()[2]]


def test_the_fit_separates_what_it_was_given():
    from dataset_builder.official import fit

    labelled = [("剑气江湖", "wuxia"), ("飞船星球", "science-fiction"), ("剑客江湖", "wuxia")]
    weights = fit.fit(labelled, "prompt", 1e-2)
    fitted = genre.Classifier({"prompt": weights})
    for text, label in labelled:
        assert genre.genres()[fitted.scores("prompt", text).argmax()] == label
    assert np.array_equal(weights, fit.fit(labelled, "prompt", 1e-2))


def test_the_goals_hold_on_the_labelled_prompts(shared):
    from benchmarks import genre as measured
    from dataset_builder.official.assign import THRESHOLD

    rows = measured.prompts(shared / measured.FILE)
    odd = [row for key, row in rows.items() if not measured.even(key)]
    guesses = [(genre.best(genre.softmax(genre.log_odds(t)))[0], label) for label, t in odd]
    decided = [(g, label) for g, label in guesses if g.probability >= THRESHOLD]
    assert len(decided) >= 0.7 * len(odd)
    assert sum(g.genre == label for g, label in decided) >= 0.85 * len(decided)
