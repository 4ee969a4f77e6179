from __future__ import annotations

import re
import shutil
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from coig_writer import benchmark
from coig_writer.errors import InputError, MissingInputError
from coig_writer.facts import Fact
from coig_writer.hub import checks
from coig_writer.hub import release as releases
from coig_writer.mixing.mixing import read_lock
from coig_writer.training import curves, throughput
from model_cards import release as script
from model_cards import render, run
from tests.model_cards import release

BASE = "Qwen/Qwen2.5-7B-Instruct"
BENCHMARK = "org/bench@" + "a" * 40
SAMPLED = {"answers": 2, "max_new_tokens": 4096, "temperature": 0.7, "top_p": 0.9}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return release.build(tmp_path_factory.mktemp("build")).parents[1]


def test_a_release_holds_what_belongs_to_the_model_and_no_more(made, tmp_path):
    (made / "models" / release.VARIANT / "training_args.bin").write_bytes(b"pickle")
    script.assemble(release.VARIANT, made, tmp_path / "cw_1k", BENCHMARK)
    names = {f.relative_to(tmp_path / "cw_1k").as_posix() for f in (tmp_path / "cw_1k").rglob("*")}
    assert {"README.md", "facts.json", "mixture.lock.json", "model.safetensors"} <= names
    assert {"generations.parquet", ".eval_results/coig-writer.yaml"} <= names
    assert {"training_log.jsonl", "loss.svg"} <= names
    assert {"training_args.bin", "trainer_state.json"} & names == set()


def test_eval_results_are_read_back_by_the_hub_client(made, tmp_path):
    from huggingface_hub import parse_eval_result_entries

    script.assemble(release.VARIANT, made, tmp_path / "cw_1k", BENCHMARK)
    rows = yaml.safe_load((tmp_path / "cw_1k" / ".eval_results" / "coig-writer.yaml").read_text())
    entries = parse_eval_result_entries(rows)
    assert {e.task_id for e in entries} >= {"zh_ttr", "zh_chars"}
    assert all(
        (e.dataset_id, e.dataset_revision) == ("org/bench", "a" * 40)
        and (e.notes or "").startswith("n = 2")
        for e in entries
    )


def test_a_benchmark_is_named_with_its_commit(made, tmp_path):
    with pytest.raises(InputError, match="not a repository with a commit"):
        script.assemble(release.VARIANT, made, tmp_path / "cw_1k", "org/bench")


def test_scores_answer_the_tasks_of_the_benchmark(made, tmp_path):
    declared: dict[str, Any] = benchmark.hub_benchmark(["zh", "en"])
    tasks = {task["id"] for task in declared["tasks"]}
    script.assemble(release.VARIANT, made, tmp_path / "cw_1k", BENCHMARK)
    rows = yaml.safe_load((tmp_path / "cw_1k" / script.RESULTS).read_text())
    assert {row["dataset"]["task_id"] for row in rows} <= tasks


def full(made, recipe=None, **sources):
    """The card of the same run as if its model were large and its sources such ones."""
    places = render.Places(*(made / n for n in ("models", "mixtures", "scores", "generations")))
    found = render.with_energy(render.gather(release.VARIANT, places))
    found |= {"run/parameters": Fact("run/parameters", 7_000_000_000)}
    found |= {key: Fact(key, value) for key, value in (recipe or {}).items()}
    lock = read_lock(made / "models" / release.VARIANT / render.LOCK)
    lock["sources"]["creative"] |= sources
    return render.render(release.VARIANT, found, lock, render.evidence(release.VARIANT, places))


def test_the_card_states_the_run(made):
    from huggingface_hub import ModelCard

    card = full(made, path="org/rows", revision="abc")
    data = ModelCard(card).data.to_dict()
    assert (data["base_model"], data["base_model_relation"]) == (BASE, "finetune")
    assert (data["license"], data["library_name"]) == ("apache-2.0", "transformers")
    assert data["datasets"] == ["org/rows"]
    assert "model-index" not in data
    assert "[arXiv 2510.14763](https://arxiv.org/abs/2510.14763)" in card
    assert "recorded: learning rate, documents per optimizer step, warm-up" in card
    assert "![Training loss: 3 at step 1, 2.25 at step 3](loss.svg)" in card
    assert "**zh**, query `zh-0`:\n\n```text\n写一首关于旧书店的短诗。\n```" in card
    assert "| Schedule | not recorded |" in card
    assert "Every source is locked" in card


def test_another_base_and_private_sources_are_told_as_they_are(made):
    lora = {"run/base_model": "org/other", "run/lora_r": 16, "run/method": "LoRA"}
    card = full(made, lora)
    data = yaml.safe_load(card.split("---\n")[1])
    assert (data["license"], data["license_name"]) == ("other", "see-the-base-model")
    assert (data["base_model_relation"], data["library_name"]) == ("adapter", "peft")
    assert "datasets" not in data
    assert "unlocked-sources" in data["tags"]
    assert "| LoRA rank | 16 |" in card
    assert "whose licence the kit does not know" in card
    assert "Qwen" not in card.partition("## Results")[0]
    folder = {"run/base_model": "models/mine", "run/base_model_revision": "unknown"}
    for recipe in ({"run/base_model": "build/mine"}, folder):
        local = full(made, recipe)
        assert "base_model" not in yaml.safe_load(local.split("---\n")[1])
        assert "# Local model COIG-Writer cw_1k" in local
    folder["run/base_model_revision"] = "0123abcd"
    assert "base_model: models/mine" in full(made, folder)


@pytest.mark.parametrize(
    ("recorded", "license_id"), [("mit", "mit"), ("other", "other"), ("my-own", "other")]
)
def test_the_licence_that_a_run_recorded_of_its_base_is_the_cards(made, recorded, license_id):
    card = full(made, {"run/base_model": "org/other", "run/base_model_license": recorded})
    assert yaml.safe_load(card.split("---\n")[1])["license"] == license_id
    assert (f"Weights: `{recorded}`, as those of the base" in card) == (license_id != "other")


def test_hostile_names_in_every_fact_do_nothing(made):
    hostile = "x\n\n# Owned\n<script>`|"
    recipe = dict.fromkeys((*run.SETTINGS.values(), "run/hardware", "run/dtype"), hostile)
    card = full(made, recipe, path=hostile, revision=hostile)
    assert "\n# Owned" not in card
    assert "<script" not in card
    assert yaml.safe_load(card.split("---\n")[1])["license"] == "other"


def test_a_smoke_models_card_is_short(made):
    card = (made / "cards" / release.VARIANT / "README.md").read_text(encoding="utf-8")
    assert len(card) < len(full(made)) / 1.5
    assert "## Samples" not in card
    assert "those of a smoke model mean nothing" in card


def test_a_loss_curve_is_the_same_text_again(made):
    found = {"all": [(1, 3.0), (3, 2.25)]}
    drawn = (made / "cards" / release.VARIANT / curves.PLOT).read_text(encoding="utf-8")
    assert drawn == curves.svg(found)
    # 434 x 304 of plot from (56, 16), of 3 steps and a loss of 3
    assert 'points="200.7,16.0 490.0,92.0"' in drawn
    assert run.figure(found) is not None
    assert run.figure({"all": found["all"][:1], "creative": found["all"]}) is None
    ElementTree.fromstring(drawn)
    # a step is marked where it is, once: of 3 steps 0, 1, 2 and 3, a third of 434 apart
    marks = re.findall(r'<text x="([\d.]+)" y="338.0" text-anchor="middle">(\d)<', drawn)
    assert marks == [("56.0", "0"), ("200.7", "1"), ("345.3", "2"), ("490.0", "3")]


def test_the_example_asks_as_the_answers_were_made(made):
    card = (made / "cards" / release.VARIANT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    compile(example, "card", "exec")
    assert "max_new_tokens=64, do_sample=False)" in example
    scored = {f"cw/decoding/{k}": Fact(k, v) for k, v in SAMPLED.items()}
    arguments = render.decoding_arguments("cw", scored).text
    assert arguments == "max_new_tokens=4096, do_sample=True, temperature=0.7, top_p=0.9"
    scored |= {
        f"cw/decoding/{k}": Fact(k, v) for k, v in {"top_k": 0, "repetition_penalty": 1.0}.items()
    }
    assert render.decoding_arguments("cw", scored).text == (
        "max_new_tokens=4096, do_sample=True, temperature=0.7, top_p=0.9, top_k=0, repetition_penalty=1.0"
    )


def test_the_card_says_what_its_numbers_are_held_against(made):
    assert "557 queries, which are not published" in full(made)
    card = (made / "cards" / release.VARIANT / "README.md").read_text(encoding="utf-8")
    assert "significant" not in card
    assert "| `creative` | 6 | 255 | 1 | 1 |" in card


@pytest.mark.parametrize(("low", "verdict"), [(0.55, "not significant"), (0.62, "significant")])
def test_a_difference_is_told_by_the_interval_unless_the_model_is_a_smoke_model(low, verdict):
    key = "cw_10k/zh/ttr/mean"  # the paper's Table 4 has 0.593
    scored = {key: Fact(key, 0.63, n=8, low=low, high=0.7)}
    table = render.results_table("cw_10k", scored, smoke=False)
    assert table is not None
    assert table.text.splitlines()[2].endswith(f"| {verdict} |")
    smoke = render.results_table("cw_10k", scored, smoke=True)
    assert smoke is not None
    assert smoke.text.splitlines()[0].endswith("| Paper | Difference |")
    assert "| 0.593 | 0.037 |" in smoke.text
    assert "significant" not in smoke.text


def test_the_card_says_smoke_and_that_its_sources_are_not_locked(made, tmp_path):
    script.assemble(release.VARIANT, made, tmp_path / "cw_1k", None)
    (tmp_path / "cw_1k" / "config.json").write_text("{}")
    found = checks.problems(releases.read(tmp_path / "cw_1k"), "org/cw_1k")
    assert found == []
    text = (tmp_path / "cw_1k" / "README.md").read_text(encoding="utf-8")
    assert "Smoke-scale model" in text
    assert "- unlocked-sources\n" in text
    assert "**Partly without lock**: `creative` came" in text


def test_what_was_not_made_is_named(made, tmp_path):
    with pytest.raises(MissingInputError, match="make reproduce RUN=g"):
        script.assemble("g", made, tmp_path / "g", None)
    for folder in ("models/g", "cards/g"):
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(MissingInputError, match=r"cards/g/README\.md is missing"):
        script.assemble("g", tmp_path, tmp_path / "out", None)
    for name in ("", "..", "models/g"):
        with pytest.raises(InputError, match="is not a variant's name"):
            script.assemble(name, tmp_path, tmp_path / "out", None)
    assert not (tmp_path / "out").exists()
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_energy_is_an_upper_estimate_or_absent():
    found = {f.id: f.value for f in throughput.energy("NVIDIA H200", 8, 3600)}
    assert found == {"run/watts": 700, "run/kwh": 5.6}
    assert throughput.energy("NVIDIA A100-SXM4-80GB", 1, 1)[0].value == 400
    assert throughput.energy("CPU (x86_64)", 1, 10) == []
