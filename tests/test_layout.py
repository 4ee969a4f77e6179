"""Rules of the house that no linter knows."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import tomllib
import yaml

from coig_writer import __version__


@pytest.fixture(scope="module")
def tracked(root):
    """Every tracked text file and its text."""
    names = subprocess.run(
        ["git", "ls-files"], cwd=root, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    binary = (".png", ".gz", ".npz", ".parquet", ".woff2")
    files = [root / name for name in names if name and not name.endswith(binary)]
    return {str(f.relative_to(root)): f.read_text(encoding="utf-8") for f in files if f.is_file()}


def test_no_machine_path_or_registry_host_is_committed(tracked):
    word = re.compile(
        r"(?<!\w)/(?:root|work)/(?!\.)\w|files\.pythonhosted|registry\.npmjs|deb\.debian|pypi\.org/simple"
    )
    found = [
        (name, match.group())
        for name, text in tracked.items()
        if name != "tests/test_layout.py"
        for match in word.finditer(text)
    ]
    assert found == []


def test_no_catch_all_modules(tracked):
    bad = {"utils", "helpers", "common", "misc"}
    assert [n for n in tracked if bad & set(re.split(r"[/._]", n))] == []


def test_scripts_run_by_path_shadow_no_module(root):
    names = {
        f.stem
        for folder in ("recipes", "space", "benchmarks")
        for f in (root / folder).glob("*.py")
    }
    third_party = {
        "datasets",
        "evaluate",
        "accelerate",
        "tokenizers",
        "transformers",
        "trl",
        "peft",
        "gradio",
        "jieba",
        "torch",
        "numpy",
        "scipy",
    }
    assert names & (third_party | set(sys.stdlib_module_names)) == set()


def test_one_version(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert project["version"] == __version__ == citation["version"]


def test_the_ground_floor_imports_without_extras(root):
    code = (
        "import sys\n"
        "blocked = {'torch', 'transformers', 'datasets', 'pyarrow', 'gradio', 'lighteval', 'pandas', 'huggingface_hub', 'yaml', 'jinja2'}\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in blocked: raise ImportError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "import coig_writer.taxonomy, coig_writer.triplet, coig_writer.benchmark, coig_writer.mixture, coig_writer.paper\n"
        "import coig_writer.ballot, coig_writer.quality, coig_writer.generation, coig_writer.score, coig_writer.document\n"
        "import coig_writer.metrics.lexical, coig_writer.metrics.length, coig_writer.preference\n"
        "assert coig_writer.benchmark.queries('zh')\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


def test_make_lists_its_targets(root):
    out = subprocess.run(["make"], cwd=root, check=True, capture_output=True, text=True).stdout
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE):
        assert f"make {target}" in out


def test_every_decision_has_a_page(root):
    numbers = [f.name[:4] for f in (root / "docs" / "decisions").glob("[0-9]*.md")]
    assert len(numbers) == len(set(numbers)) >= 10
