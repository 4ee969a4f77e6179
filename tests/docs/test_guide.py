"""Runs the shell commands of the guide, page by page, in a clone, as a reader would type them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from coig_writer.files import read_records
from coig_writer.generation import Generation
from tests.hub_double.client import environment, hub  # noqa: F401

PAGES = ("reproduce-a-number", "run-a-study", "extend-a-recipe", "publish")
FENCE = re.compile(r"^```(\w+)([ \w]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def clone(root, tmp_path_factory):
    """A clone of the last commit, with the pages as they are now."""
    folder = tmp_path_factory.mktemp("guide") / "kit"
    subprocess.run(["git", "clone", "-q", str(root), str(folder)], check=True)
    return folder


@pytest.fixture
def sh(clone):
    def run(line, **variables):
        done = subprocess.run(
            ["bash", "-ec", line],
            cwd=clone,
            env=os.environ
            | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}
            | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-1500:]}{done.stderr[-2500:]}"
        return done.stdout

    return run


def blocks(root, page, kind=""):
    """The shell blocks of a page that are marked with a word, or with none."""
    text = (root / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return [
        body
        for language, mark, body in FENCE.findall(text)
        if (language, mark.strip()) == ("sh", kind)
    ]


def commands(root, page, kind=""):
    return [line for body in blocks(root, page, kind) for line in body.splitlines() if line]


MARKS = {"", "slow", "server", "hub", "model", "pages"}


def run_here(root, page):
    return {line for kind in MARKS - {"server"} for line in commands(root, page, kind)} | {
        line for line in commands(root, page, "server") if line.startswith("python space/app.py")
    }


def test_every_shell_block_has_a_mark_that_is_known(root):
    for page in PAGES:
        text = (root / "docs" / f"{page}.md").read_text(encoding="utf-8")
        marks = {mark.strip() for language, mark, _ in FENCE.findall(text) if language == "sh"}
        assert marks <= MARKS


def test_every_page_of_the_index_is_there(root):
    index = (root / "docs" / "README.md").read_text(encoding="utf-8")
    for page in PAGES:
        assert f"({page}.md)" in index


def test_reproduce_a_number(root, sh):
    outputs = [sh(line) for line in commands(root, "reproduce-a-number")]
    assert outputs[1].splitlines()[1].startswith("equal     genre/wuxia/article/mean")
    assert "0 differ, 0 recorded" in outputs[2]


def test_run_a_study(root, sh, clone):
    text = (root / "docs" / "run-a-study.md").read_text(encoding="utf-8")
    (yaml,) = (body for language, _, body in FENCE.findall(text) if language == "yaml")
    guide = clone / "build" / "guide"
    guide.mkdir(parents=True, exist_ok=True)
    (guide / "study.yaml").write_text(yaml, encoding="utf-8")
    write_rankings(clone, guide / "rankings.json")
    outputs = {line: sh(line) for line in commands(root, "run-a-study")}
    invited = next(out for line, out in outputs.items() if " invite " in line)
    assert invited.count("http://127.0.0.1:7860") == 2
    assert (guide / "ballots" / "comparisons.parquet").is_file()


def write_rankings(clone, path):
    records = read_records(clone / "space" / "data" / "demo_pack.jsonl", Generation)
    first = [r for r in records if r.query_id == records[0].query_id]
    ranked = [
        {"rank": n, "source_file": f"{r.variant}.json", "my_response": r.text}
        for n, r in enumerate(first, 1)
    ]
    row = {"sequence_number": 1, "question_id": first[0].query_id, "prompt": first[0].prompt}
    text = json.dumps([row | {"ranked_responses": ranked}], ensure_ascii=False)
    path.write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_extend_a_recipe(root, sh):
    outputs = [sh(line) for line in commands(root, "extend-a-recipe")]
    assert outputs[3].count(": equal") == 2
    assert "cw_step_matched" in outputs[5]


@pytest.mark.slow
def test_publish(root, sh, hub, tmp_path):  # noqa: F811
    for line in commands(root, "publish"):
        sh(line)
    variables = environment(hub, tmp_path)
    dry, sent, again = (sh(line, **variables) for line in commands(root, "publish", "hub"))
    assert "dry run" in dry
    assert "tag v1.0.0; read back" in sent
    assert "no commit needed" in again
    for line in commands(root, "publish", "pages"):
        told = sh(line, **variables)
    assert "tag v0.1.0; read back: 4 files, equal" in told
    assert "index.html" in hub.repository("user/pages", "space").tree("main")
    text = (root / "docs" / "publish.md").read_text(encoding="utf-8")
    (python,) = (body for language, _, body in FENCE.findall(text) if language == "python")
    assert sh(
        f"cd {tmp_path} && python - <<'E'\n{python}\nprint(len(rows))\nE", **variables
    ).endswith("2\n")


@pytest.mark.slow
def test_the_slow_commands(root, sh, clone):
    for page in ("reproduce-a-number", "extend-a-recipe"):
        for kind in ("", "slow"):
            for line in commands(root, page, kind):
                sh(line)
    for line in commands(root, "publish", "model"):
        sh(line)
    folder = clone / "build" / "guide" / "release" / "cw_1k"
    card = (folder / "README.md").read_text(encoding="utf-8")
    (example,) = (body for language, _, body in FENCE.findall(card) if language == "python")
    assert sh(f"cd {folder} && python - <<'E'\n{example}\nE").strip()
