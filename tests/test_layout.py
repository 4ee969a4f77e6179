"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections import Counter
from pathlib import PurePath

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
    binary = (".png", ".gz", ".npz", ".parquet", ".safetensors", ".woff2")
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
        "import coig_writer.ballot, coig_writer.generation, coig_writer.score, coig_writer.document\n"
        "import coig_writer.metrics.lexical, coig_writer.metrics.length, coig_writer.preference\n"
        "assert coig_writer.benchmark.queries('zh')\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


def test_make_lists_its_targets(root):
    out = subprocess.run(["make"], cwd=root, check=True, capture_output=True, text=True).stdout
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE):
        assert f"make {target}" in out


def test_every_decision_is_in_the_index_under_its_title(root):
    folder = root / "docs" / "decisions"
    pages = sorted(f.name for f in folder.glob("[0-9]*.md"))
    assert len({name[:4] for name in pages}) == len(pages) >= 10
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+) \| \[.+\]\((.+)\) \|", index, re.MULTILINE) == [
        (str(int(name[:4])), name) for name in pages
    ]
    for name in pages:
        text = (folder / name).read_text(encoding="utf-8")
        assert f"[{text.splitlines()[0].partition('. ')[2]}]({name})" in index
        assert "**Question.**" in text
        assert "**Choice" in text


def test_a_link_on_a_page_leads_to_a_file(root, tracked):
    """Anchors too, by the headings of the page that they name."""
    broken = []
    for name, text in tracked.items():
        if not name.endswith(".md"):
            continue
        for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text):
            path, _, anchor = link.partition("#")
            page = (root / name).parent / path if path else root / name
            target = page.read_text(encoding="utf-8") if anchor and page.is_file() else ""
            heads = re.findall(r"^#+ (.+)$", target, re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
            if not page.exists() or (anchor and anchor not in slugs):
                broken.append((name, link))
    assert broken == []


OWN = (
    "coig_writer",
    "dataset_builder",
    "eval_tasks",
    "model_cards",
    "recipes",
    "space",
    "benchmarks",
)
FUNCTION_LINES = 55
FOLDER_MODULES = (
    17  # as in httpx and datatrove, the fullest of the folders this house was measured against
)


@pytest.fixture(scope="module")
def trees(tracked):
    """The syntax tree of every module outside the tests."""
    return {
        name: ast.parse(text)
        for name, text in tracked.items()
        if name.endswith(".py") and not name.startswith("tests/")
    }


def functions(tree):
    return (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def imports(tree):
    """Every import under a node: dotted name, and the names taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, node.module or "", tuple(alias.name for alias in node.names)


def inside_functions(tree):
    """The imports of the kit's own modules that stand inside a function."""
    return {
        (node.lineno, name)
        for function in functions(tree)
        for node, name, _ in imports(function)
        if name.partition(".")[0] in OWN
    }


def test_an_import_inside_a_function_is_for_heavy_libraries_alone(trees):
    found = {name: at for name, tree in trees.items() if (at := inside_functions(tree))}
    assert found == {}, "import the kit's own modules at the head of the file"


def test_an_import_inside_a_function_is_seen():
    source = (
        "import torch\ndef a():\n  import torch\n  def b():\n    from coig_writer import files\n"
    )
    assert inside_functions(ast.parse(source)) == {(5, "coig_writer")}


def module_of(path):
    parts = PurePath(path).with_suffix("").parts
    parts = parts[1:] if parts[0] == "src" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def arrows(trees):
    """Module to the modules of the kit that it imports, wherever in the file."""
    modules = {module_of(name): tree for name, tree in trees.items()}
    return {
        module: {
            found
            for _, name, taken in imports(tree)
            for found in ([f"{name}.{t}" for t in taken if f"{name}.{t}" in modules] or [name])
            if found in modules and found != module
        }
        for module, tree in modules.items()
    }


def test_no_import_goes_in_a_circle(trees):
    graphlib.TopologicalSorter(arrows(trees)).prepare()  # raises CycleError, which names the circle


def test_a_circle_of_imports_is_seen():
    trees = {
        "src/coig_writer/a.py": ast.parse("from coig_writer import b"),
        "src/coig_writer/b.py": ast.parse("def late():\n  import coig_writer.a"),
    }
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(arrows(trees)).prepare()


def test_no_folder_is_a_crowd(trees):
    count = Counter(str(PurePath(n).parent) for n in trees if PurePath(n).name != "__init__.py")
    assert {n: c for n, c in count.items() if c > FOLDER_MODULES} == {}


def code_lines(function):
    """Lines below signature and docstring: those of a command are what its user reads as help."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return function.end_lineno - body[0].lineno + 1 if body else 0


def test_no_function_is_long(trees):
    long = {
        (name, function.name): lines
        for name, tree in trees.items()
        for function in functions(tree)
        if (lines := code_lines(function)) > FUNCTION_LINES
    }
    assert long == {}
