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
        ("孩子问灶王爷住哪儿，能不能给她写个睡前童话？", "fairy-tale"),  # nothing is ruled out
        ("写一篇童话，给别人家的孩子，不要写成小说。", "fairy-tale"),
        ("把会议纪要写成一首诗", "poetry"),
        ("把这份实验报告改成科普文章", "popular-science"),
        ("请把下面的会议记录改写成小说", "fiction"),
    ],
)
def test_what_a_prompt_asks_for(prompt, expected):
    assert top(prompt) == expected


@pytest.mark.parametrize("words", ["材" * 24, "一材"])
def test_what_is_to_be_rewritten_is_not_read(words):
    for verb in ("写成", "改写成", "改成", "编成", "改编为"):
        assert genre._MATERIAL.sub("", f"请把{words}{verb}诗") == f"请{verb}诗"
    for other in (f"请把{words}写好", f"请把{words}材料，写成诗", f"请把“{words}”写成诗", f"请把{'材' * 25}写成诗"):  # fmt: skip
        assert genre._MATERIAL.sub("", other) == other


def test_the_form_of_the_article_counts_where_the_prompt_is_silent():
    verse = "雨落在瓦上\n像旧年的信\n没有人拆\n也没有人\n说起你的名字"
    place = genre.genres().index("poetry")
    assert genre.log_odds("写点什么", verse)[place] - genre.log_odds("写点什么")[place] > np.log(3)
    questions = "您哪年开始学的？\n师父严吗？\n第一件作品还在吗？\n有没有想过放弃？"
    assert top("随便", questions) == "interview-questions"


def test_empty_and_hostile_texts_are_scored_without_harm():
    for text in ("", "   ", "\ud83d", "《" * 5000, "写" * 100_000, "抽象" * 500_000):
        assert np.isfinite(genre.log_odds(text, text)).all()


def test_every_genre_has_a_rule_and_the_classifier_every_genre():
    rules = genre._rules()
    assert all(rules["prompt"])
    for weights in genre.shipped().values():
        assert weights.weights.shape == (len(weights.place), 51)
        assert weights.rarity.shape == (len(weights.place),)


def test_a_text_is_scored_by_its_known_characters_and_pairs():
    place, rarity = {"江": 0, "江湖": 1, "雨": 2}, np.array([2.0, 1.0, 5.0], np.float32)
    model = genre.Weights(place, rarity, np.array([[1.0, 0], [0, 1], [9, 9]], np.float32))
    # 江 twice: 2 · (1 + ln 2) = 3.3863; 江湖 once: 1; both by √(12.467 + 3000) = 54.886. A blank parts nothing.
    assert model.scores("江 湖江") == pytest.approx([0.06170, 0.01822], abs=1e-5)
    assert model.scores("夜").tolist() == model.scores("").tolist() == [0.0, 0.0]


def test_letters_of_foreign_words_are_no_sign_of_a_genre():
    assert genre.grams("写Rap rap") == {"写": 1, "rap": 2, "写rap": 1, "raprap": 1}
    for prompt in ("write me a poem", "Translate this please", "asdf qwer"):  # was hip-hop at 0.98
        assert genre.best(genre.softmax(genre.log_odds(prompt)))[0].probability < 0.2
    rap = genre.best(genre.softmax(genre.log_odds("写一段rap diss我室友")))[0]
    assert (rap.genre, rap.probability > 0.8) == ("hip-hop-rap", True)


def test_softmax_and_best():
    probabilities = genre.softmax(np.array([0.0, 1000.0, 999.0] + [0.0] * 48))
    assert probabilities.sum() == pytest.approx(1)
    assert [g.genre for g in genre.best(probabilities, 2)] == [genre.genres()[1], genre.genres()[2]]


def test_signals_become_probabilities():
    found = np.zeros((4, 2))
    found[0, 0], found[1, 1] = 3.0, 8.0
    # (3, 0) / (1 + 3) → odds e^0.75 to 1 → 0.6792, then a tenth spread evenly over both
    rules = genre.Calibration((1, 0, 0, 0), damping=1, floor=0.1)
    assert np.exp(genre.calibrated(found, rules)) == pytest.approx([0.6613, 0.3387], abs=1e-4)
    # (3, 0.5 · 8) undamped → odds 1 to e
    both = genre.Calibration((1, 0.5, 0, 0), damping=0, floor=0)
    assert np.exp(genre.calibrated(found, both)) == pytest.approx([0.2689, 0.7311], abs=1e-4)
    # a rule that speaks against a genre dampens nothing
    found[0] = [-3.0, -3.0]
    assert np.exp(genre.calibrated(found, rules)) == pytest.approx([0.5, 0.5])


def test_the_fit_separates_what_it_was_given():
    from dataset_builder.official import fit

    labelled = [("剑气江湖", "wuxia"), ("飞船星球", "science-fiction"), ("剑客江湖", "wuxia"), ("飞船", "science-fiction"), ("江湖剑", "wuxia"), ("大飞船", "science-fiction")]  # fmt: skip
    fitted = fit.fit({"prompt": labelled, "article": labelled})
    for text, label in labelled:
        for part in genre.PARTS:
            assert genre.genres()[fitted[part].scores(text).argmax()] == label
    assert [*fitted["prompt"].place] == sorted(
        ["剑", "江", "湖", "江湖", "飞", "船", "飞船"]
    )  # in three
    again = fit.fit({"prompt": labelled, "article": labelled})
    for part in genre.PARTS:
        assert np.array_equal(fitted[part].weights, again[part].weights)


def test_what_is_written_is_read_as_it_was_fitted(tmp_path, monkeypatch):
    from dataset_builder.official import fit

    labelled = [("剑气江湖", "wuxia"), ("飞船星球", "science-fiction"), ("剑气飞船", "wuxia"), ("剑气", "wuxia")]  # fmt: skip
    fitted = fit.fit({"prompt": labelled, "article": labelled})
    (tmp_path / "data").mkdir()
    fit.write(tmp_path / "data" / "genre_classifier.npz", fitted)
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    read = genre.shipped.__wrapped__()
    for part in genre.PARTS:
        assert read[part].place == fitted[part].place
        step = np.abs(fitted[part].weights).max() / 127
        assert np.abs(read[part].weights - fitted[part].weights).max() <= step / 2 + 1e-6
        scores = fitted[part].scores("剑气")
        assert read[part].scores("剑气") == pytest.approx(scores, abs=1e-3)


def test_the_goals_hold_on_the_labelled_prompts(shared):
    from benchmarks import genre as measured
    from dataset_builder.official.assign import THRESHOLD

    rows = measured.prompts(shared / measured.FILE)
    odd = [row for key, row in rows.items() if not measured.even(key)]
    guesses = [(genre.best(genre.softmax(genre.log_odds(t)))[0], label) for label, t in odd]
    decided = [(g, label) for g, label in guesses if g.probability >= THRESHOLD]
    assert len(decided) >= 0.75 * len(odd)
    assert sum(g.genre == label for g, label in decided) >= 0.9 * len(decided)


def test_a_calibration_is_fitted_to_what_is_seen_and_each_prompt_weighs_the_same():
    from benchmarks import genre as measured

    # Rules say genre 0 of three for every text; in one prompt of four that is wrong, whatever it has answers.
    prompts = np.array(["a", "b", "c", "d", *["d"] * 11])
    signals = np.zeros((len(prompts), 4, 3))
    signals[:, 0, 0] = 6.0
    label = np.where(prompts == "d", 1, 0)
    cases = measured.Cases(np.array(["x"] * len(prompts)), prompts, label, signals)
    assert cases.weight[:5].tolist() == pytest.approx([0.25, 0.25, 0.25, 0.25 / 12, 0.25 / 12])
    logs = genre.calibrated(signals, measured.fitted(cases, penalty=0.0))
    # log loss is least where three in four is what it claims, and the rest is even
    assert np.exp(logs[0, 0]) == pytest.approx(0.75, abs=0.01)
    assert (
        measured.losses(logs, cases)[0]
        < measured.losses(
            genre.calibrated(signals, genre.Calibration(measured.PLAIN, 0.0, 0.0001)), cases
        )[0]
    )
