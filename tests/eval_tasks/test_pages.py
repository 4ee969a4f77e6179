"""Claims and report as a static Space: written, made again, and published against the double of the Hub."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from coig_writer import command_line, facts
from coig_writer.errors import InputError
from coig_writer.files import write_records
from coig_writer.generation import Generation
from coig_writer.hub import checks
from coig_writer.hub import release as releases
from coig_writer.score import Score
from eval_tasks import __main__ as evaluation
from model_cards import reproduce
from model_cards.__main__ import GROUP
from tests.eval_tasks.test_report import answer
from tests.hub_double.client import environment, hub  # noqa: F401

WORDS = ("--generations", "runs/g.jsonl", "--scores", "runs/s.jsonl")


def write(*words):
    command_line.run(evaluation.GROUP, ["pages", *words])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Pages of two models, below a folder that also holds the records."""
    home = tmp_path_factory.mktemp("pages")
    answers = [answer(v, q) for v in ("cw", "g") for q in ("zh-essay-1", "en-essay-1")]
    scores = [Score(a.variant, a.query_id, "chars", 9.0, "scored", None) for a in answers]
    write_records(home / "runs" / "g.jsonl", answers, Generation)
    write_records(home / "runs" / "s.jsonl", scores, Score)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        write(*WORDS, "--out", "pages")
    return home


@pytest.fixture
def home(made, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(made, tmp_path / "home"))
    return tmp_path / "home"


def check(folder, capsys):
    return command_line.run(GROUP, ["reproduce", str(folder), "--brief"]), capsys.readouterr().out


def test_the_pages_link_to_each_other_and_load_nothing(home):
    index = (home / "pages" / "index.html").read_text(encoding="utf-8")
    report = (home / "pages" / "report.html").read_text(encoding="utf-8")
    assert 'href="report.html"' in index
    assert 'href="index.html"' in report
    for page in (index, report):
        assert not re.search(r"<(?:script|img|link|iframe)[^>]*(?:src|href)=", page)
        assert "python -m eval_tasks pages --generations runs/g.jsonl --scores runs/s.jsonl" in page


def test_the_card_makes_a_static_space(home):
    text = (home / "pages" / "README.md").read_text(encoding="utf-8")
    found = yaml.safe_load(text.split("---\n")[1])
    assert (found["sdk"], found["app_file"]) == ("static", "index.html")
    assert len(found["short_description"]) <= 60
    release = releases.read(home / "pages")
    assert (release.kind, release.sdk) == ("space", "static")
    assert checks.problems(release, "org/pages") == []


def test_claims_alone_make_one_page(tmp_path):
    write("--out", str(tmp_path / "pages"))
    assert not (tmp_path / "pages" / "report.html").exists()
    assert "report.html" not in (tmp_path / "pages" / "index.html").read_text(encoding="utf-8")
    stated = facts.read(tmp_path / "pages" / "facts.json")
    counts = [
        int(stated[f"claims/{v}"].value)
        for v in ("supported", "not_supported", "not_testable_here")
    ]
    assert sum(counts) == stated["claims/statements"].value


def test_they_are_made_again_from_the_records_and_an_edit_shows(home, capsys):
    code, out = check(home / "pages", capsys)
    assert (code, "0 differ" in out) == (0, True), out
    page = home / "pages" / "report.html"
    page.write_text(page.read_text(encoding="utf-8").replace("9.0", "9.5", 1), encoding="utf-8")
    code, out = check(home / "pages", capsys)
    assert (code, "+" in out) == (1, True)
    (home / "pages" / "more.html").write_text("<p>The best of all.</p>\n")
    assert "The best of all" in check(home / "pages", capsys)[1]


def test_changed_records_show(home, capsys):
    file = home / "runs" / "s.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace("9.0", "8.0"), encoding="utf-8")
    code, out = check(home / "pages", capsys)
    assert code == 1
    differing = [line for line in out.splitlines() if line.startswith("differs ")]
    assert any("chars" in line for line in differing), differing


@pytest.mark.parametrize("path", ["/tmp/g.jsonl", "../g.jsonl", "a b.jsonl", "-x"])
def test_a_path_that_a_page_cannot_name_is_refused(home, path):
    with pytest.raises(InputError, match="a page may not name this path"):
        write(f"--generations={path}", "--out", "other")


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret", "--help"])
def test_facts_that_name_another_place_are_refused(home, path):
    file = home / "pages" / "facts.json"
    file.write_text(file.read_text().replace('"runs/g.jsonl"', f'"{path}"'))
    with pytest.raises(InputError, match="names"):
        reproduce.pages(home / "pages", facts.read(file), home, home)


def test_it_is_published_without_a_wheel(home, hub, root, tmp_path):  # noqa: F811
    words = ["publish", str(home / "pages"), "--to", "org/pages", "--commit", "--public"]
    done = subprocess.run(
        [sys.executable, "-c", OUTSIDE, *words, "--build", str(home)],
        env=os.environ | environment(hub, tmp_path / "hub"),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "equal" in done.stdout, done.stdout + done.stderr[-2000:]
    there = hub.repository("org/pages", "space").tree("main")
    assert {"index.html", "report.html", "README.md"} <= set(there)
    assert not any(path.endswith(".whl") for path in there)


OUTSIDE = """
from coig_writer import __main__ as command
from coig_writer.hub import checks
checks.in_checkout = lambda _folder: False  # whatever the state of the kit's own checkout
command.run()
"""
