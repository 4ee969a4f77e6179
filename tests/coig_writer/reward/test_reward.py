from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from transformers import Qwen2Config, Qwen2ForSequenceClassification
from trl import ModelConfig

from coig_writer.ballot import Ballot
from coig_writer.errors import ConfigError, InputError
from coig_writer.reward import preferences, report, run
from coig_writer.reward.preferences import Preference, Preferences
from coig_writer.training import recipe as recipes
from tests.generations import generation


def answer(variant, article, query="zh-1"):
    return generation(variant, query, article, prompt=f"题 {query}", model=variant)


def ballot(verdict, shown=("a", "b"), protocol="pairwise"):
    text = json.dumps(verdict)
    return Ballot(f"x{text}", "s", protocol, "i", "zh-1", "r", 0, tuple(shown), text)


def pair(prompt, chosen="好好好", rejected="坏"):
    return Preference(prompt, prompt, chosen, rejected)


def test_ballots_give_pairs_in_the_right_direction_and_the_rest_has_a_reason():
    votes = [
        ballot("left"),
        ballot("right"),
        ballot("tie"),
        ballot("skip"),
        ballot("left", ("a", "z")),
    ]
    found = preferences.from_ballots(votes, [answer("a", "甲"), answer("b", "乙")])
    assert [(p.chosen, p.rejected) for p in found.pairs] == [("甲", "乙"), ("乙", "甲")]
    assert found.left_out == {"tie": 1, "skip": 1, "no_answer_at_hand": 1}


def test_the_sample_that_was_voted_on_is_learned_from():
    texts = [
        generation(variant, "zh-1", f"{variant}{sample}", prompt="题", sample=sample)
        for variant in "ab"
        for sample in (0, 1)
    ]
    (second,) = preferences.from_ballots([ballot("left")], texts, sample=1).pairs
    assert (second.chosen, second.rejected) == ("a1", "b1")
    named = dataclasses.replace(ballot("right"), sample=1)
    (second,) = preferences.from_ballots([named], texts).pairs
    assert (second.chosen, second.rejected) == ("b1", "a1")
    with pytest.raises(InputError, match="no answer has sample 2"):
        preferences.from_ballots([ballot("left")], texts, sample=2)


def test_whole_answers_keep_the_reasoning_that_raters_did_not_see():
    def thought(variant, article):
        text = f"<think>\n想\n</think>\n\n{article}"
        return generation(variant, "zh-1", text, prompt="题")

    texts = [thought("a", "甲"), thought("b", "乙")]
    (whole,) = preferences.from_ballots([ballot("left")], texts, whole=True).pairs
    assert (whole.chosen, whole.rejected) == (texts[0].text, texts[1].text)
    (article,) = preferences.from_ballots([ballot("left")], texts).pairs
    assert (article.chosen, article.rejected) == ("甲", "乙")


def test_a_ranking_gives_its_pairs_and_empty_articles_none():
    votes = [ballot(["b", ["a", "c"]], ("a", "b", "c"), "ranking")]
    texts = [answer("a", "甲"), answer("b", "乙"), answer("c", " ")]
    found = preferences.from_ballots(votes, texts)
    assert [(p.chosen, p.rejected) for p in found.pairs] == [("乙", "甲")]
    assert found.left_out == {"empty_article": 1, "tie": 1}


def test_a_file_is_read_by_its_three_columns(tmp_path):
    file = tmp_path / "p.jsonl"
    row = {"prompt": "题", "chosen": "好", "rejected": "坏"}
    file.write_text(json.dumps(row) + "\n" + json.dumps(row | {"rejected": "好"}) + "\n")
    found = preferences.read([file], [], [])
    assert (len(found.pairs), found.left_out) == (1, {"equal_articles": 1})
    file.write_text(json.dumps({"prompt": "题", "chosen": "好"}))
    with pytest.raises(InputError, match="line 1: prompt, chosen and rejected"):
        preferences.read([file], [], [])
    with pytest.raises(InputError, match="no preference to learn from"):
        preferences.read([], [], [])
    with pytest.raises(InputError, match="not texts"):
        preferences.read([], [tmp_path / "b.parquet"], [])


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(0, 5))
@settings(max_examples=60)
def test_no_prompt_is_on_both_sides_and_no_pair_is_lost(prompts, seed):
    pairs = [pair(f"题{i}") for i in [*prompts, 90, 91, 92, 93]]
    parts = preferences.split(pairs, 0.2, seed)
    train, held = ({p.prompt for p in side} for side in (parts.train, parts.held_out))
    assert not train & held
    assert len(held) >= 2
    assert len(parts.train) + len(parts.held_out) == len(pairs)
    again = preferences.split(pairs[::-1], 0.2, seed)
    assert {p.prompt for p in again.held_out} == held


def test_too_few_prompts_are_refused():
    with pytest.raises(InputError, match="3 prompts"):
        preferences.split([pair(str(i)) for i in range(3)], 0.2, 0)


def test_over_long_pairs_are_left_out_by_name(smoke_tokenizer):
    found = Preferences((pair("题"), pair("题", "长" * 500)), {"tie": 2})
    kept = preferences.fitting(found, smoke_tokenizer, 200)
    assert (len(kept.pairs), kept.left_out) == (1, {"tie": 2, "over_long": 1})


def test_pairs_of_which_none_fits_are_told_from_votes_that_are_too_few(
    root, tmp_path, smoke_tokenizer
):
    demo, file = root / "recipes" / "configs" / "reward_demo.yaml", tmp_path / "pairs.jsonl"
    rows = [{"prompt": f"题{i}", "chosen": "好", "rejected": "坏"} for i in range(5)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = ["--config", str(demo), "--preferences", str(file), "--max_length", "8"]
    arguments, settings, _ = run.parse(flags, demo)
    with pytest.raises(
        InputError, match=r"no pair fits max_length 8; left out: \{'over_long': 5\}"
    ):
        run.read(arguments, settings, smoke_tokenizer)


def test_the_interval_clusters_by_prompt():
    pairs = [pair(f"题{i}") for i in range(30) for _ in range(20)]
    margins = np.repeat(np.where(np.arange(30) % 2, 1.0, -1.0), 20)
    wide = report.report(pairs, margins).accuracy
    alone = [pair(f"题{i}") for i in range(600)]
    narrow = report.report(alone, margins).accuracy
    assert wide.estimate == narrow.estimate == 0.5
    assert wide.clusters == 30
    assert (wide.high - wide.low) > 3 * (narrow.high - narrow.low)


def test_a_calibrated_model_measures_as_calibrated_and_an_overconfident_one_does_not():
    rng = np.random.default_rng(0)
    margin = rng.normal(0, 2, 40_000)
    true = np.where(rng.uniform(size=margin.size) < expit(np.abs(margin)), 1, -1) * np.abs(margin)
    assert report.calibration(true).error < 0.02
    assert report.calibration(4 * true).error > 0.08
    coin = report.calibration(np.zeros(10))
    assert (coin.error, coin.brier) == (0.0, 0.25)
    assert coin.log_loss == pytest.approx(np.log(2))


def test_a_model_that_measures_length_is_found_out():
    pairs = [pair(f"题{i}", *(("长" * 9, "短") if i % 4 else ("短", "长" * 9))) for i in range(40)]
    margins = [len(p.chosen) - len(p.rejected) for p in pairs]
    bias = report.report(pairs, margins).length
    rates = {f: getattr(bias, f) for f in ("model_prefers_longer", "raters_prefer_longer")}
    rates |= {f: getattr(bias, f) for f in ("accuracy_longer_chosen", "accuracy_shorter_chosen")}
    assert [rate.estimate for rate in rates.values()] == [1.0, 0.75, 1.0, 0.0]
    assert rates["raters_prefer_longer"].clusters == 40
    assert bias.spearman == pytest.approx(1.0)


def test_a_report_prints_and_gives_facts_even_without_length_differences():
    found = report.report([pair(str(i), "甲", "乙") for i in range(6)], [1.0, -1.0] * 3)
    assert found.length.model_prefers_longer is None
    assert "6 pairs, 6 held-out prompts" in report.rendered(found)
    facts = {f.id: f for f in report.facts(found)}
    assert facts["reward/accuracy"].n == 6
    assert "reward/raters_prefer_longer" not in facts


def test_shipped_recipes_parse_and_unknown_keys_are_refused(root):
    demo = root / "recipes" / "configs" / "reward_demo.yaml"
    own, settings, model = run.parse(["--config", str(demo)], demo)
    assert (own.held_out, settings.max_length, model.model_name_or_path) == (
        0.2,
        2048,
        "build/smoke",
    )
    full = root / "recipes" / "configs" / "reward.yaml"
    flags = ["--config", str(full), "--use_cpu", "true", "--bf16", "false"]
    assert run.parse(flags, full)[1].center_rewards_coefficient == 0.01
    with pytest.raises(ConfigError, match="unknown key 'ballot'"):
        run.parse(["--ballot", "x"], demo)


def test_dpo_learns_from_whole_answers_and_refuses_a_loss_that_its_figures_are_not_of(root):
    from coig_writer.reward import dpo

    demo = root / "recipes" / "configs" / "dpo_demo.yaml"
    own, settings, _ = dpo.parse(["--config", str(demo)], demo)
    assert (own.held_out, settings.beta) == (0.2, 0.1)
    with pytest.raises(ConfigError, match="sigmoid loss"):
        dpo.parse(["--config", str(demo), "--loss_type", "ipo"], demo)


@pytest.mark.parametrize("parse", ["run", "dpo"])
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--held_out", "1"), "held_out is 1.0, not above 0 and below 1"),
        (("--held_out", "0"), "held_out is 0.0, not above 0 and below 1"),
        (("--held_out", "nan"), "held_out is nan"),
        (("--per_device_train_batch_size", "0"), "per_device_train_batch_size is 0, not 1 or more"),
        (("--sample", "-1"), "sample is -1, not 0 or more"),
        (("--eval_strategy", "epoch"), "eval_strategy has no use"),
        (("--resume_from_checkpoint", "x"), "resume_from_checkpoint has no use"),
        (("--lora_alpha", "7"), "lora_alpha: 7 has no use"),
        (("--load_in_8bit", "true"), "load_in_8bit: true is not supported"),
    ],
)
def test_what_a_run_on_preferences_could_not_act_on_is_refused(root, parse, flags, said):
    from coig_writer.reward import dpo

    parse = {"run": run.parse, "dpo": dpo.parse}[parse]
    demo = root / "recipes" / "configs" / "reward_demo.yaml"
    with pytest.raises(ConfigError, match=said):
        parse(
            [
                "--config",
                str(demo.with_name("dpo_demo.yaml") if parse is dpo.parse else demo),
                *flags,
            ],
            demo,
        )


def test_an_adapter_of_a_reward_model_trains_its_output_and_its_one_target_is_a_name(root):
    demo = root / "recipes" / "configs" / "reward_demo.yaml"
    adapter = ["--use_peft", "true", "--lora_target_modules", "q_proj"]
    model = run.parse(["--config", str(demo), "--preferences", "x", *adapter], demo)[2]
    assert (model.lora_task_type, model.lora_target_modules) == ("SEQ_CLS", ["q_proj"])


def test_a_reward_model_is_no_base_for_a_writer():
    model = ModelConfig(model_name_or_path="build/reward")
    shape = Qwen2Config(vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)  # fmt: skip
    reward_model = Qwen2ForSequenceClassification(shape)
    with (
        pytest.raises(ConfigError, match="build/reward is a reward model and writes no text"),
        recipes.loading(model),
    ):
        reward_model.generation_config  # noqa: B018 - TRL asks for it
    with pytest.raises(AttributeError, match="no attribute 'x'"), recipes.loading(model):
        raise AttributeError("'Qwen2ForCausalLM' object has no attribute 'x'")


def test_dpo_wants_a_beta_above_zero(root):
    from coig_writer.reward import dpo

    demo = root / "recipes" / "configs" / "dpo_demo.yaml"
    with pytest.raises(ConfigError, match=r"beta is 0\.0, not above 0"):
        dpo.parse(["--config", str(demo), "--beta", "0"], demo)
