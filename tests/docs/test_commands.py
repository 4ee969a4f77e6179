"""Every block of code on every page is run or accounted for, and every command on a page takes the options shown."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from coig_writer.arena.study import people
from coig_writer.mixing import controls
from coig_writer.workbench import annotation, review
from tests.docs.test_guide import MARKS, run_here
from tests.docs.test_guide import PAGES as TYPED

ROOT = Path(__file__).parents[2]
# Commands that the guide's tests do not type as they stand: what runs the same command, on data of its own.
ELSEWHERE = {
    "python -m dataset_builder curate": "dataset_builder/test_curate.py",
    "python -m dataset_builder collect": "dataset_builder/stages/test_collect.py",
    "python -m dataset_builder cluster": "dataset_builder/test_cluster.py",
    "python -m dataset_builder import": "dataset_builder/official/test_importing.py",
    "python -m dataset_builder assign": "dataset_builder/official/test_assign.py",
    "python -m dataset_builder pack": "dataset_builder/packing/test_pack.py",
    "python -m dataset_builder describe": "dataset_builder/packing/test_pack.py",
    "python -m dataset_builder remove": "dataset_builder/packing/test_remove.py",
    "python recipes/generate.py": "coig_writer/scoring/test_generations.py",
    "python -m eval_tasks score": "eval_tasks/test_score.py",
    "python -m eval_tasks lighteval": "eval_tasks/test_lighteval.py",
    "inspect eval": "eval_tasks/test_inspect_task.py",
    "python -m eval_tasks form": "eval_tasks/form/test_form.py",
    "python -m eval_tasks bound": "eval_tasks/test_bound.py",
    "python -m eval_tasks judge": "eval_tasks/judge/test_judge.py",
    "python -m eval_tasks human": "eval_tasks/test_human.py",
    "python -m eval_tasks validate": "eval_tasks/test_validate.py",
    "python -m eval_tasks report": "test_bad_input.py",
    "python -m tests.hub_double": "hub_double/test_conformance.py",
    "python benchmarks/text_rules.py": "benchmarks/test_text_rules.py",
    "python benchmarks/framing.py": "coig_writer/text/test_framing.py",
    "python benchmarks/verse_form.py": "benchmarks/test_verse_form.py",
    "python space/app.py": "space/test_app.py",
    "python space/app.py workbench": "dataset_builder/test_curate_at_the_workbench.py",
    "python recipes/pretrain.py": "coig_writer/training/test_pretraining.py",
    "make demo": "test_demo.py",
}
# What no test can run: servers of others, and the tests themselves.
NOT_RUN = ("vllm serve", "export OPENAI_API_KEY", "make test")
# Blocks that are no commands: the test that runs them, reads them or makes what they show.
SHOWN = {
    ("annotator-guide", "json"): "docs/test_commands.py",
    ("reviewer-guide", "json"): "docs/test_commands.py",
    ("extend-a-recipe", "yaml"): "docs/test_commands.py",
    ("curate-a-new-set", "yaml"): "docs/test_commands.py",
    ("load-the-data", "python"): "dataset_builder/packing/test_load_the_data.py",
    ("evaluate", "python"): "eval_tasks/test_metric.py",
    ("publish", "python"): "docs/test_guide.py",
    ("run-a-study", "yaml"): "docs/test_guide.py",
    ("text-rules", "text"): "benchmarks/test_text_rules.py",
    ("verse-form", "json"): "docs/test_commands.py",
    ("verse-form", "text"): "docs/test_commands.py",
}
BLOCK = re.compile(r"^```(\w*)([ \w]*)\n((?:.*\n)*?)^```$", re.MULTILINE)
INDENTED = re.compile(r"(?:^ {4}\S.*\n)+", re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(
    r"(?:^|\s)(?:\S*/)?(coig-writer|python (?:-m (?:dataset_builder|eval_tasks|model_cards)|(?:recipes|space|benchmarks)/\w+\.py))(?= |$)(.*)"
)
# Their options are those of the libraries under them; the guide's slow tests type them.
HEAVY = ("python recipes/sft.py", "python -m eval_tasks lighteval")


def pages():
    named = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    return [*named, ROOT / "space" / "README.md", ROOT / "recipes" / "base" / "README.md"]


def blocks(page):
    """Returns (language, mark, body) of each block of a page; what is indented is taken for the shell's."""
    text = page.read_text(encoding="utf-8")
    fenced = [(a, b.strip(), c) for a, b, c in BLOCK.findall(text)]
    return [*fenced, *(("", "", body) for body in INDENTED.findall(BLOCK.sub("", text)))]


def lines(body):
    """Returns the commands of a block: continued lines joined, comments and marks of the margin gone."""
    joined = re.sub(r" *\\\n\s*", " ", body)
    return [line.strip() for line in joined.splitlines() if line.strip()]


def is_run(page, line):
    """Tells whether a test types a line as it stands, or the same command on data of its own."""
    bare = re.sub(r"^(?:\w+=\S+ )+", "", line)
    typed = run_here(ROOT, page.stem) if page.stem in TYPED else ()
    return line in typed or bare.startswith((*ELSEWHERE, *NOT_RUN))


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_block_is_unlisted(page):
    unlisted = []
    for language, mark, body in blocks(page):
        typed = page.stem in TYPED and mark in MARKS
        if language in ("sh", "bash", ""):
            unlisted += [line for line in lines(body) if not (typed or is_run(page, line))]
        elif (page.stem, language) not in SHOWN:
            unlisted.append(f"a block of {language}: {body[:60]}")
    assert unlisted == [], (
        "run it in tests/docs/test_guide.py, or name what does in ELSEWHERE or SHOWN"
    )


@pytest.mark.parametrize("command", ELSEWHERE)
def test_what_runs_a_command_names_it_and_a_page_still_shows_it(command):
    text = (ROOT / "tests" / ELSEWHERE[command]).read_text(encoding="utf-8")
    word = (
        command.split()[3] if command.startswith("python -m") and " " in command[10:] else command
    )
    assert re.search(rf"\b{Path(word.split()[-1]).stem.rpartition('.')[2]}\b", text)
    shown = [line for page in pages() for _, _, body in blocks(page) for line in lines(body)]
    assert any(re.sub(r"^(?:\w+=\S+ )+", "", line).startswith(command) for line in shown)


def test_what_is_listed_is_there():
    for (stem, language), test in SHOWN.items():
        assert (ROOT / "tests" / test).is_file()
        assert any(language == found for found, _, _ in blocks(ROOT / "docs" / f"{stem}.md"))


def commands():
    """Returns every command of the kit that a page shows, in a block or in its prose."""
    found = set()
    for page in pages():
        text = BLOCK.sub("", page.read_text(encoding="utf-8"))
        shown = [*SPAN.findall(text), *(line for _, _, b in blocks(page) for line in lines(b))]
        for program, words in (match.groups() for text in shown if (match := COMMAND.search(text))):
            if not program.startswith(HEAVY) and not f"{program}{words}".startswith(HEAVY):
                found.add((program, words))
    return sorted(found)


@functools.cache
def options(program, words):
    """Returns the options that a command knows, from its own help; ``words`` name a command below it."""
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(told):
        patch.setattr(sys, "argv", [program, *words, "--help"])
        with contextlib.suppress(SystemExit):
            entry(program).main()
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", told.getvalue()))
    default = re.search(r"^Verbs \(without one: (\w+)\)", told.getvalue(), re.MULTILINE)
    return known | options(program, (*words, default[1])) if default else known


@functools.cache
def entry(program):
    if program == "coig-writer":
        return importlib.import_module("coig_writer.__main__")
    if program.startswith("python -m "):
        return importlib.import_module(f"{program.split()[2]}.__main__")
    return importlib.import_module(program.split()[1].removesuffix(".py").replace("/", "."))


@pytest.mark.parametrize("command", commands(), ids="".join)
def test_a_command_takes_the_options_that_a_page_gives_it(command):
    program, line = command
    parts = re.sub(r"\s#.*| {3,}.*", "", line).replace("…", "").split(" -- ")
    for number, part in enumerate(parts):
        words = part.split()
        with contextlib.suppress(ValueError):  # a quotation that goes on elsewhere
            words = shlex.split(part)
        given = [re.sub(r"[=,.;].*", "", word) for word in words]
        below = [w for w in given if re.fullmatch(r"[a-z][a-z-]*", w)][: 2 if number == 0 else 0]
        stage = re.search(r"cluster (\w+)", line)
        known = options(program, (stage[1],) if number and stage else tuple(below[:1]))
        known = known | options(program, tuple(below))
        unknown = [w for w in given if w.startswith("--") and w not in known]
        assert unknown == [], f"known: {sorted(known)}"


def guide(stem, language):
    (body,) = (b for found, _, b in blocks(ROOT / "docs" / f"{stem}.md") if found == language)
    return body


def test_an_answer_of_an_annotator_is_of_the_form_that_the_guide_shows(tmp_path):
    row = " ".join(guide("annotator-guide", "json").split())
    (tmp_path / "draft.jsonl").write_text(row, encoding="utf-8")
    ((name, writing),) = annotation.read_answers(tmp_path).items()
    assert name == ("raw-021", 1)
    assert set(writing.reasoning_fields) == set(annotation.DECISIONS)


def test_a_verdict_is_of_the_form_that_the_guide_shows(tmp_path):
    row = " ".join(guide("reviewer-guide", "json").split())
    (tmp_path / "r1.jsonl").write_text(row, encoding="utf-8")
    assert [v.verdict for v in review.read_verdicts(tmp_path).values()] == ["accept"]


def test_a_roster_is_of_the_form_that_the_guide_shows(tmp_path):
    (tmp_path / people.FILE).write_text(guide("curate-a-new-set", "yaml"), encoding="utf-8")
    assert [p.alias for p in people.read(tmp_path / people.FILE).people] == [
        "a1",
        "r1",
        "e1",
        "lead",
    ]


def test_a_control_is_of_the_form_that_the_guide_shows(tmp_path):
    found = yaml.safe_load(guide("extend-a-recipe", "yaml"))
    sources = found.pop("sources")
    (tmp_path / "controls.yaml").write_text(yaml.safe_dump(found), encoding="utf-8")
    (control,) = controls.read(tmp_path / "controls.yaml").values()
    assert control.rows.keys() == sources.keys()


def test_poems_are_judged_as_the_page_shows(tmp_path):
    poems, said, _ = (b for kind, _, b in blocks(ROOT / "docs" / "verse-form.md") if kind)
    (tmp_path / "poems.jsonl").write_text(poems, encoding="utf-8")
    command = [sys.executable, "-m", "eval_tasks", "form", str(tmp_path / "poems.jsonl")]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert [line.rstrip() for line in done.stdout.splitlines()] == said.splitlines()
