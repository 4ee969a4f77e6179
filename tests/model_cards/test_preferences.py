"""The cards of a writer and of a reward model taught by preferences: made, measured again, altered, published."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import yaml

from coig_writer import command_line, facts
from coig_writer.errors import DriftError, InputError, MissingInputError
from coig_writer.facts import Fact
from coig_writer.files import rows_sha256
from coig_writer.hub import checks, measured
from coig_writer.hub import publish as steps
from coig_writer.hub import release as releases
from coig_writer.hub.remote import Repository
from coig_writer.preference import bootstrap
from coig_writer.reward import recount
from coig_writer.reward import run as reward
from coig_writer.reward.preferences import Preference, Split
from coig_writer.training import curves
from model_cards import preferences
from model_cards.__main__ import GROUP
from tests.hub_double.client import api, hub, patient  # noqa: F401
from tests.model_cards import release

RECORDED = {key: value for key, value in release.RUN.items() if key != "run/train_loss"} | {
    "run/base_model_license": "unknown",
}
OWN = {"dpo": {"beta": 0.1}, "reward": {"center_rewards_coefficient": 0.01}}


def pairs(name, count):
    return tuple(
        Preference(f"{name}{i}", f"{name}第{i}题", "好" * (i + 1), "坏") for i in range(count)
    )


@pytest.fixture(scope="module", params=["dpo", "reward"])
def method(request):
    return request.param


@pytest.fixture(scope="module")
def finished(tmp_path_factory, method):
    """A finished run of two epochs over six pairs, made without training; three of four held-out ones are right."""
    folder = tmp_path_factory.mktemp(method) / "run"
    parts = Split(pairs("t", 6), pairs("h", 4))
    reward.write_pairs(folder, parts)
    lock = {
        name: {"pairs": len(part), "content_sha256": rows_sha256(part)}
        for name, part in (("train", parts.train), ("held_out", parts.held_out))
    }
    (folder / recount.LOCK).write_text(json.dumps(lock | OWN[method]))
    settings = OWN[method] | {
        "learning_rate": 5e-6,
        "max_length": 64,
        "seed": 42,
        "model_name_or_path": "org/writer",
        "num_train_epochs": 2,
    }
    (folder / "recipe.json").write_text(json.dumps(settings))
    lines = [
        {"epoch": s // 2, "step": s + 1, "pairs": [3 * (s % 2) + i for i in range(3)]}
        | {"tokens": 100, "padding": 4}
        for s in range(4)
    ]
    (folder / "consumed-0.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    recount.write_margins(folder, [2.0, 1.0, -1.0, 3.0])
    logged = {"log_history": [{"step": 1, "loss": 0.69}, {"step": 4, "loss": 0.5}]}
    (folder / "trainer_state.json").write_text(json.dumps(logged))
    (folder / "config.json").write_text("{}")
    release.weights(folder)
    recorded = RECORDED | {f"{method}/left_out/tie": 2}
    own = {k: Fact(k, v) for k, v in recorded.items()} | {f.id: f for f in recount.run(folder)}
    facts.write(folder / "facts.json", own.values())
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def card(run, method, tmp_path):
    words = [method, str(run), "--out", str(tmp_path / "card")]
    assert command_line.run(GROUP, words) is None
    return tmp_path / "card"


def check(card, run, *options, capsys):
    code = command_line.run(GROUP, ["reproduce", str(card), "--build", str(run), *options])
    return code, capsys.readouterr().out


def edit(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_number_is_measured_again_or_recorded(card, run, method, capsys):
    code, out = check(card, run, capsys=capsys)
    assert code == 0, out
    assert f" 0 differ, {len(RECORDED) + 1} recorded" in out
    stated = {key: fact.value for key, fact in facts.read(card / "facts.json").items()}
    own = {key.removeprefix(f"{method}/"): value for key, value in stated.items()}
    # two epochs of six pairs, in steps of three
    assert (own["consumed"], own["repeated"], own["pairs_per_step"]) == (12, 0, 3)
    assert (own["tokens"], own["padding"], own["run/steps"]) == (400, 16, 4)
    assert (own["accuracy"], own["held_out_prompts"]) == (0.75, 4)
    assert OWN[method].items() <= own.items()
    assert own["run/parameters"] == 15


WORDS = {
    "dpo": ("Smoke model taught by preferences", "DPO (TRL, sigmoid loss)", "text-generation"),
    "reward": ("Smoke model as a reward model", "Bradley–Terry loss", "text-classification"),
}


def test_the_card_says_what_it_is(card, method):
    text = (card / "README.md").read_text(encoding="utf-8")
    assert "**Smoke-scale model.** A network of 15 parameters" in text
    assert "Accuracy: 0.75 [" in text
    assert "(n = 4)" in text
    assert "sequence reward models 0.527, generative ones 0.73 to 0.82" in text
    title, how, task = WORDS[method]
    assert f"# {title}\n" in text
    assert how in text
    data = yaml.safe_load(text.split("---\n")[1])
    assert data["pipeline_tag"] == task
    assert {"unlocked-sources", "dpo" if method == "dpo" else "reward-model"} <= {*data["tags"]}
    assert f"python recipes/{method}.py --config" in text
    assert f"python -m model_cards {method} RUN" in text
    assert ("AutoModelForSequenceClassification" in text) is (method == "reward")
    assert "| Pairs whose longer answer was chosen | 1 [" in text
    assert "| `tie` | 2 |" in text
    assert "![Training loss: 0.69 at step 1, 0.5 at step 4](loss.svg)" in text
    assert "loss in nats per pair" in (card / curves.PLOT).read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    compile(example, "card", "exec")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", 1.0),
        ("tokens", 401),
        ("train_pairs", 7),
        ("train_sha256", "0" * 64),
        ("run/learning_rate", 1e-6),
        ("run/parameters", 16),
    ],
)
def test_one_altered_number_is_caught(card, run, method, name, value, capsys):
    stated = facts.read(card / "facts.json")
    name = name if name.startswith("run/") else f"{method}/{name}"
    stated[name] = Fact(name, value, stated[name].n, stated[name].low, stated[name].high)
    facts.write(card / "facts.json", stated.values())
    code, out = check(card, run, "--brief", capsys=capsys)
    assert code == 1
    assert f"\ndiffers   {name} " in out


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (recount.MARGINS, "-1.0", "1.0", "differs   METHOD/accuracy"),
        ("consumed-0.jsonl", '"tokens": 100', '"tokens": 99', "differs   METHOD/tokens"),
        ("recipe.json", "5e-06", "1e-06", "differs   run/learning_rate"),
        ("README.md", "6 | 6", "9 | 6", "-| trained on | 9"),
        ("loss.svg", "per pair", "per token", "+"),
        (curves.LOG, "0.5", "0.4", "0.4 at step 4"),
    ],
)
def test_an_altered_file_of_the_release_is_caught(
    card, run, method, *, file, old, new, told, capsys
):
    edit(card / file, old, new)
    code, out = check(card, run, "--brief", capsys=capsys)
    assert code == 1
    assert told.replace("METHOD", method) in out


def test_other_pairs_than_those_of_the_lock_are_refused(card, run, capsys):
    edit(run / "preferences-train.jsonl", "坏", "环")
    with pytest.raises(DriftError, match=r"its pairs \(train\) are not those of preferences.lock"):
        check(card, run, capsys=capsys)
    with pytest.raises(MissingInputError, match=r"is missing, so the card's numbers"):
        check(card, card, capsys=capsys)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("[3, 4, 5]", "[3, 4, 4]", "epoch 0 trained on 5 of 6 pairs"),
        ("[3, 4, 5]", "[3, 4, 6]", "consumed pair 6 of 6"),
        ("[3, 4, 5]", '"all"', "pairs"),
        ('"tokens"', '"words"', "tokens"),
    ],
)
def test_a_record_that_leaves_a_pair_out_or_names_one_too_many_is_refused(run, old, new, error):
    edit(run / "consumed-0.jsonl", old, new)
    with pytest.raises((DriftError, InputError), match=error):
        recount.run(run)


@pytest.mark.parametrize("lock", ["{}", '{"train": 1}', '{"train": {}}'])
def test_a_lock_without_hashes_is_refused(run, lock):
    (run / recount.LOCK).write_text(lock)
    with pytest.raises(DriftError, match="are not those of"):
        recount.run(run)


def test_runs_that_cannot_be_measured_are_named_with_what_to_do(run, method, tmp_path):
    card, other = tmp_path / "card", "reward" if method == "dpo" else "dpo"
    with pytest.raises(InputError, match=f"is a run of recipes/{method}.py") as caught:
        preferences.write(run, card, other)
    assert caught.value.remedy == f"run: python -m model_cards {method} {run}"
    edit(run / recount.MARGINS, '{"margin": 2.0}\n', "")
    with pytest.raises(DriftError, match="3 margins of 4 pairs"):
        preferences.write(run, card, method)
    (run / recount.MARGINS).unlink()  # as older versions left it
    with pytest.raises(MissingInputError) as missing:
        preferences.write(run, card, method)
    assert f"python recipes/{method}.py" in str(missing.value.remedy)
    (run / recount.LOCK).unlink()
    with pytest.raises(MissingInputError, match="no lock of preferences"):
        preferences.write(run, card, method)
    assert not card.exists()


def full(run, **changed):
    """The card of the same run as if its model were large, with some facts changed."""
    stated = facts.read(run / "facts.json") | preferences.measure(run)
    stated["run/parameters"] = Fact("run/parameters", 7_000_000_000)
    stated["run/base_model_revision"] = Fact("run/base_model_revision", "0123abcd")
    values = {key.replace("__", "/"): value for key, value in changed.items()}
    stated |= {key: Fact(key, value) for key, value in values.items()}
    return preferences.render_card(stated, {})


@pytest.mark.parametrize(
    ("base", "stated", "shown"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "unknown", ("apache-2.0", None)),
        ("org/writer", "mit", ("mit", None)),
        ("org/writer", "unknown", ("other", "see-the-base-model")),
        ("org/writer", "my own words", ("other", "see-the-base-model")),
    ],
)
def test_the_licence_is_the_base_models_where_it_is_known(finished, base, stated, shown):
    text = full(finished, run__base_model=base, run__base_model_license=stated)
    data = yaml.safe_load(text.split("---\n")[1])
    assert (data["license"], data.get("license_name")) == shown
    assert (data["base_model"], data["base_model_relation"]) == (base, "finetune")
    assert "smoke-test" not in data["tags"]


@pytest.mark.parametrize(("merged", "relation"), [(False, "adapter"), (True, "finetune")])
def test_an_adapter_says_how_to_use_and_merge_it(finished, merged, relation):
    text = full(finished, run__lora_merged=merged, run__lora_r=8)
    data = yaml.safe_load(text.split("---\n")[1])
    assert data["base_model_relation"] == relation
    assert ("recipes/merge.py" in text) is not merged
    assert "| LoRA rank | 8 |" in text
    local = full(finished, run__lora_merged=merged, run__base_model="build/models/cw_10k")
    assert "`build/models/cw_10k`, a model in a local folder," in local
    assert "base_model" not in yaml.safe_load(local.split("---\n")[1])


def test_hostile_names_do_nothing(finished):
    hostile = "x\n\n# Owned\n<script>`|"
    names = ("base_model", "base_model_revision", "base_model_license", "hardware", "dtype")
    text = full(finished, **{f"run__{name}": hostile for name in names})
    assert "\n# Owned" not in text
    assert "<script" not in text
    assert yaml.safe_load(text.split("---\n")[1])["license"] == "other"


@pytest.mark.parametrize(
    ("low", "high", "coin", "field"),
    [
        (0.5, 0.9, True, True),
        (0.5001, 0.9, False, True),
        (0.527, 0.9, False, True),
        (0.5271, 0.9, False, False),
        (0.1, 0.5269, True, False),
    ],
)
def test_an_accuracy_is_held_against_a_coin_and_a_reward_models_against_its_like(
    finished, method, low, high, coin, field
):
    stated = facts.read(finished / "facts.json") | preferences.measure(finished)
    name = f"{method}/accuracy"
    stated[name] = Fact(name, 0.52, n=40, low=low, high=high)
    text = preferences.render_card(stated, {})
    assert (", and the interval includes it" in text) is coin
    shown_nothing = "it has shown nothing beyond them" in text
    assert shown_nothing is (field and method == "reward")  # DPO makes no sequence reward model


@pytest.mark.parametrize(("prompts", "few"), [(bootstrap.FEW - 1, True), (bootstrap.FEW, False)])
def test_few_prompts_make_an_interval_too_narrow(finished, method, prompts, few):
    text = full(finished, **{f"{method}__held_out_prompts": prompts})
    assert ("it is too narrow" in text) is few


def test_a_release_passes_and_leaves_the_pairs_at_home(hub, api, card, run, method, tmp_path):  # noqa: F811
    sent, name = releases.read(card), f"user/{method}"
    assert [*checks.problems(sent, name), *measured.problems(sent, run)] == []
    (alone,) = measured.problems(sent, None)
    assert "name the folder of the run" in alone.what
    remote = Repository(api, name, sent.kind)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    found = steps.difference(sent, remote, "v0.1.0", scratch)
    steps.publish(found, remote, "v0.1.0", "made by a test", private=True)
    there = set(hub.repository(name, "model").tree("v0.1.0"))
    assert {"model.safetensors", recount.LOCK, recount.MARGINS, "consumed-0.jsonl"} <= there
    assert there.isdisjoint({*preferences.PAIRS, "trainer_state.json", "fingerprint"})
    stated = facts.read(card / "facts.json")
    better = Fact(f"{method}/accuracy", 1.0, stated[f"{method}/accuracy"].n)
    facts.write(card / "facts.json", (stated | {better.id: better}).values())
    (edited,) = measured.problems(releases.read(card), run)
    assert f"differs   {better.id}" in edited.what
