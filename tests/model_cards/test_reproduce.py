"""Every number of a card is measured again, and an altered one is caught wherever it stands."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil

import pytest

from coig_writer import command_line, facts
from coig_writer.cards.recompute import RECORDED, set_aside
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import read_records, write_records
from coig_writer.generation import Generation
from coig_writer.mixture import MixtureRow
from coig_writer.training import recount, throughput
from model_cards import release as script
from model_cards.__main__ import GROUP
from tests.model_cards import release


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return release.build(tmp_path_factory.mktemp("build"))


@pytest.fixture
def card(made, tmp_path):
    shutil.copytree(made.parents[1], tmp_path / "build")
    return tmp_path / "build" / "cards" / release.VARIANT


def check(card, *options, capsys):
    code = command_line.run(GROUP, ["reproduce", str(card), *options])
    return code, capsys.readouterr().out


def alter(card, name, value):
    found = json.loads((card / "facts.json").read_text())
    for row in found["facts"]:
        if row["id"] == name:
            row["value"] = value
    (card / "facts.json").write_text(json.dumps(found))


def test_every_number_of_a_model_card_is_equal_or_recorded(card, capsys):
    code, out = check(card, capsys=capsys)
    assert code == 0, out
    assert " 0 differ, 13 recorded" in out
    assert "equal     mixture/tokens" in out
    assert "recorded  run/seconds" in out


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mixture/rows", 7),
        ("run/parameters", 16),
        ("run/learning_rate", 2e-3),
        ("cw_1k/zh/ttr/mean", 0.5),
        ("mixture/ids_sha256", "0" * 64),
    ],
)
def test_one_altered_number_is_caught(card, name, value, capsys):
    alter(card, name, value)
    code, out = check(card, "--number", name, capsys=capsys)
    assert code == 1
    assert out.splitlines()[1].startswith(f"differs   {name}")


def test_a_number_altered_in_the_prose_alone_is_caught(card, capsys):
    text = (card / "README.md").read_text(encoding="utf-8")
    (card / "README.md").write_text(text.replace("6 rows", "8 rows", 1), encoding="utf-8")
    code, out = check(card, "--brief", capsys=capsys)
    assert code == 1
    assert "\n-8 rows, " in out
    assert "\n+6 rows, " in out
    # all numbers are equal, as on the card of an older kit: what writes the text anew is named
    assert out.rstrip().endswith(f"write it again: python -m model_cards render {release.VARIANT}")


def test_altered_data_are_caught(card, capsys):
    file = card.parents[1] / "models" / release.VARIANT / "consumed-0.jsonl"
    file.write_text(file.read_text().replace("row-5", "row-4"))
    code, out = check(card, "--brief", capsys=capsys)
    assert code == 1
    assert "differs   run/consumed_sha256" in out
    assert "write it again" not in out
    assert f"measure and write again: make reproduce RUN={release.VARIANT}" in out


def test_a_fact_that_no_command_measures_is_not_passed(card, capsys):
    found = list(facts.read(card / "facts.json").values())
    facts.write(card / "facts.json", [*found, facts.Fact("quality/overall", 99)])
    code, out = check(card, "--brief", capsys=capsys)
    assert code == 1
    assert "no command of the kit measures it" in out


def test_a_command_that_is_not_the_kits_is_never_run_and_is_caught(card, tmp_path, capsys):
    found = json.loads((card / "facts.json").read_text())
    for row in found["facts"]:
        row["command"] = f"touch {tmp_path / 'run'}"
    (card / "facts.json").write_text(json.dumps(found))
    code, out = check(card, "--brief", capsys=capsys)
    assert code == 1
    assert "is no command of the kit" in out
    assert not (tmp_path / "run").exists()


def test_a_number_that_the_card_leaves_out_is_missing(card, capsys):
    found = [f for f in facts.read(card / "facts.json").values() if f.id != "cw_1k/zh/ttr/mean"]
    facts.write(card / "facts.json", found)
    code, out = check(card, "--brief", capsys=capsys)
    assert code == 1
    assert "missing   cw_1k/zh/ttr/mean" in out
    assert "1 missing" in out


def test_a_release_is_measured_from_its_own_files(card, tmp_path, capsys):
    build, out = card.parents[1], tmp_path / "release" / "cw_1k"
    script.assemble(release.VARIANT, build, out, "org/bench@" + "a" * 40)
    shutil.rmtree(build / "models")
    shutil.rmtree(build / "generations")
    assert check(out, "--brief", "--build", str(build), capsys=capsys)[0] == 0
    for name in (script.RESULTS, "loss.svg", "training_log.jsonl"):
        text = (out / name).read_text(encoding="utf-8")
        (out / name).write_text(text.replace("2", "3", 1), encoding="utf-8")
        assert check(out, "--brief", "--build", str(build), capsys=capsys)[0] == 1, name
        (out / name).write_text(text, encoding="utf-8")
    answers = [
        dataclasses.replace(a, article="短。", text="<think>想</think>短。")
        for a in release.answers()
    ]
    write_records(out / "generations.parquet", answers, Generation)
    code, told = check(out, "--brief", "--build", str(build), capsys=capsys)
    assert code == 1
    assert "differs   cw_1k/zh/chars/mean" in told


def test_a_run_records_only_what_its_files_do_not_show(card, root):
    rooms = root / "src" / "coig_writer"
    names = ("training/run.py", "training/provenance.py", "reward/recorded.py")
    sources = [(rooms / name).read_text(encoding="utf-8") for name in names]
    stated = {name for source in sources for name in re.findall(r'"(run/\w+)"', source)}
    mixture, model = (card.parents[1] / kind / release.VARIANT for kind in ("mixtures", "models"))
    rows = read_records(mixture / "train.parquet", MixtureRow)
    # energy follows from the recorded hardware and seconds
    again = [*recount.run(model, rows), *throughput.energy("H200", 1, 1.0)]
    measured = {fact.id for fact in again}
    assert {name for name in stated - measured if not RECORDED.fullmatch(name)} == set()
    # runs before their consumed rows held a loss recorded it; later ones have it measured
    assert set(release.RUN) - stated == {"run/train_loss"}


def test_a_number_that_is_measured_is_never_merely_recorded(card, capsys):
    alter(
        card, "run/parameters", 16
    )  # recorded only for an adapter, whose files do not hold its base
    assert check(card, "--number", "run/parameters", capsys=capsys)[0] == 1
    next((card.parents[1] / "models" / release.VARIANT).glob("*.safetensors")).unlink()
    code, out = check(card, "--number", "run/parameters", capsys=capsys)
    assert code == 0
    assert "1 recorded" in out


def test_facts_files_are_set_aside(card, tmp_path):
    mirrored = set_aside(card.parents[1], tmp_path / "mirror")
    names = {f.name for f in mirrored.rglob("*")}
    assert "train.parquet" in names
    assert "facts.json" not in names


def test_unknown_numbers_and_missing_artefacts_are_named(card, capsys):
    with pytest.raises(InputError, match="did you mean mixture/rows"):
        check(card, "--number", "mixture/row", capsys=capsys)
    with pytest.raises(InputError, match="did you mean mixture/rows"):  # a part of an id
        check(card, "--number", "ixture", capsys=capsys)
    shutil.rmtree(card.parents[1] / "mixtures")
    with pytest.raises(MissingInputError, match="make reproduce RUN=cw_1k"):
        check(card, capsys=capsys)


def test_a_dataset_card(packed_samples, tmp_path, capsys):
    folder = tmp_path / "COIG-Writer"
    shutil.copytree(packed_samples, folder)
    code, out = check(folder, "--brief", capsys=capsys)
    assert code == 0, out
    alter(folder, "genre/wuxia/article/mean", 1.0)
    code, out = check(folder, "--brief", capsys=capsys)
    assert code == 1
    assert "differs   genre/wuxia/article/mean" in out
    assert out.count("differs   ") == 1
