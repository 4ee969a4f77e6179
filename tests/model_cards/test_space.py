"""The Space's card: made from facts, as it stands in the checkout, and measured again."""

from __future__ import annotations

import shutil

import pytest
import yaml

from coig_writer import command_line, facts
from coig_writer.errors import InputError
from coig_writer.hub import checks
from coig_writer.hub import release as releases
from model_cards import space
from model_cards.__main__ import GROUP


def test_the_card_in_the_checkout_is_the_one_that_its_facts_render_to(root):
    folder = root / "space"
    stated = facts.read(folder / "facts.json")
    measured = {fact.id: fact for fact in space.measure(folder)}
    assert {k: (f.value, f.artefact) for k, f in stated.items()} == {
        k: (f.value, f.artefact) for k, f in measured.items()
    }, "run: python -m model_cards space"
    assert (folder / "README.md").read_text(encoding="utf-8") == space.render(measured)
    assert checks.problems(releases.read(folder), "org/arena") == []


def test_the_yaml_is_what_the_hub_builds_from(root):
    text = (root / "space" / "README.md").read_text(encoding="utf-8")
    found = yaml.safe_load(text.split("---\n")[1])
    assert (found["sdk"], found["app_file"], found["hf_oauth"]) == ("gradio", "app.py", True)
    assert isinstance(found["python_version"], str)  # 3.10 as a number would be 3.1


@pytest.fixture
def folder(root, tmp_path):
    return shutil.copytree(root / "space", tmp_path / "space")


def check(folder, capsys):
    return command_line.run(GROUP, ["reproduce", str(folder), "--brief"]), capsys.readouterr().out


def test_an_altered_number_or_pin_is_caught(folder, capsys):
    file = folder / "facts.json"
    file.write_text(file.read_text().replace('"value": 50,', '"value": 51,'))
    code, out = check(folder, capsys)
    assert code == 1
    assert "differs   demo/answers" in out
    requirements = folder / "requirements.txt"
    requirements.write_text(requirements.read_text().replace("gradio==6.31.0", "gradio==6.0.0"))
    code, out = check(folder, capsys)
    assert "differs   space/gradio" in out
    assert "-sdk_version: 6.31.0" in out


def test_an_unpinned_gradio_is_refused(folder):
    (folder / "requirements.txt").write_text("gradio\n")
    with pytest.raises(InputError, match="gradio is not pinned"):
        space.measure(folder)
    with pytest.raises(InputError, match="no such file"):
        space.measure(folder / "data")
