from __future__ import annotations

import re
import shutil

import pytest
import yaml

from coig_writer.errors import MissingInputError
from coig_writer.facts import Fact
from coig_writer.hub import checks
from coig_writer.hub import release as releases
from coig_writer.training import energy
from model_cards import release as script
from model_cards import render
from tests.model_cards import release

SAMPLED = {"answers": 2, "max_new_tokens": 4096, "temperature": 0.7, "top_p": 0.9}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return release.build(tmp_path_factory.mktemp("build")).parents[1]


def test_a_release_holds_what_belongs_to_the_model_and_no_more(made, tmp_path):
    (made / "models" / release.VARIANT / "training_args.bin").write_bytes(b"pickle")
    script.assemble(release.VARIANT, made, tmp_path / "cw_1k", "org/bench")
    names = {f.relative_to(tmp_path / "cw_1k").as_posix() for f in (tmp_path / "cw_1k").rglob("*")}
    assert {"README.md", "facts.json", "mixture.lock.json", "model.safetensors"} <= names
    assert {"generations.parquet", ".eval_results/coig-writer.yaml"} <= names
    assert "training_args.bin" not in names


def test_eval_results_are_read_back_by_the_hub_client(made, tmp_path):
    from huggingface_hub import parse_eval_result_entries

    script.assemble(release.VARIANT, made, tmp_path / "cw_1k", "org/bench")
    rows = yaml.safe_load((tmp_path / "cw_1k" / ".eval_results" / "coig-writer.yaml").read_text())
    entries = parse_eval_result_entries(rows)
    assert {e.task_id for e in entries} >= {"zh_ttr", "zh_chars"}
    assert all(e.dataset_id == "org/bench" and e.notes.startswith("n = 2") for e in entries)


def test_the_model_index_is_one_that_the_hub_client_reads(made):
    from huggingface_hub import ModelCard

    card = ModelCard((made / "cards" / release.VARIANT / "README.md").read_text(encoding="utf-8"))
    assert {e.metric_type for e in card.data.eval_results} >= {"ttr", "chars"}
    assert card.data.license == "apache-2.0"


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
    card = (made / "cards" / release.VARIANT / "README.md").read_text(encoding="utf-8")
    assert "557 queries, which are not published" in card
    assert "a smoke model has no result to hold against it" in card
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
    assert "significant" not in smoke.text


def test_the_model_index_keeps_languages_apart():
    scored = {
        f"cw/{language}/ttr/mean": Fact(f"cw/{language}/ttr/mean", value)
        for language, value in (("zh", 0.5), ("en", 0.6))
    }
    found = render.metadata("cw", scored, smoke=False, unlocked=False)["model-index"][0]["results"]
    told = {r["dataset"]["split"]: [m["value"] for m in r["metrics"]] for r in found}
    assert told == {"zh": [0.5], "en": [0.6]}
    assert all(f"({r['dataset']['split']})" in r["dataset"]["name"] for r in found)


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
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_energy_is_an_upper_estimate_or_absent():
    found = {f.id: f.value for f in energy.estimate("NVIDIA H200", 8, 3600)}
    assert found == {"run/watts": 700, "run/kwh": 5.6}
    assert energy.estimate("NVIDIA A100-SXM4-80GB", 1, 1)[0].value == 400
    assert energy.estimate("CPU (x86_64)", 1, 10) == []
