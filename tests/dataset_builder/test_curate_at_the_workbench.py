"""The demonstration with its people at the workbench packs what it packs with their files."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
import uuid
from pathlib import Path

import httpx
import pytest

from coig_writer.files import read_records
from coig_writer.record import from_row
from coig_writer.triplet import Curated
from coig_writer.workbench.annotation import Writing
from coig_writer.workbench.review import Item, read_assignments
from dataset_builder import curate
from dataset_builder.demo import answer_key, scripted_people
from dataset_builder.stages.parts import folder, work
from tests.coig_writer.arena.processes import free_port, started

ANNOTATORS = ("a1", "a2")


class Person:
    """A scripted person at the workbench's routes: no store and no file of answers is touched."""

    def __init__(self, url: str, link: str) -> None:
        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=300)
        self.http.get(link).raise_for_status()
        self.says("consent", {"agree": True})

    def says(self, path, body):
        return self.http.post(f"/api/{path}", json=body).raise_for_status().json()

    def answer_next(self, kind, answer):
        """Answers what is given next; says whether there was anything."""
        view = self.says("next", {"work": kind})["item"]
        if view is None:
            return False
        named = {name: view[name] for name in ("work", "item", "round", "seen")}
        body = named | {"id": uuid.uuid4().hex, "base": view["number"], "content": answer(view)}
        reply = self.says("submit", body)
        assert reply["outcome"] == "submitted", reply
        return True


def in_turn(people, kind, answer):
    """Lets people answer one item each in turn until nothing is left; says whether there was anything."""
    worked = False
    while sum(person.answer_next(kind, answer) for person in people):
        worked = True
    return worked


@contextlib.contextmanager
def people_at(curation: Path, repository: Path):
    """Serves a workbench on a curation that is still empty; gives what ``curate`` calls between its rounds."""
    roles = {
        **dict.fromkeys(ANNOTATORS, "annotate"),
        **dict.fromkeys(answer_key.REVIEWERS, "review"),
    }
    lines = (f"  - {{alias: {alias}, roles: [{role}]}}\n" for alias, role in roles.items())
    (curation / "workbench").mkdir(parents=True)
    (curation / "workbench" / "people.yaml").write_text("people:\n" + "".join(lines))
    app = [sys.executable, str(repository / "space" / "app.py"), "workbench"]
    port = free_port()
    url, places = f"http://127.0.0.1:{port}", ["--curation", str(curation)]
    command = [*app, "invite", *places, "--url", url]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    links = {line.split("\t")[0]: line.split("\t")[2] for line in out.stdout.splitlines()}
    command = [*app, *places, "--port", str(port)]
    with started(command, f"{url}/health", curation.parent, dict(os.environ)):
        known = {alias: Person(url, links[alias]) for alias in roles}

        def work_once(settings):
            wrote = in_turn([known[a] for a in ANNOTATORS], "annotate", written)
            made = read_assignments(work(settings.root, "review") / "assignments.jsonl")
            assigned = {assignment.item: assignment for assignment in made}
            judged = [
                in_turn(
                    [known[name]], "review", lambda view, name=name: verdict(view, name, assigned)
                )
                for name in answer_key.REVIEWERS
            ]
            return any([wrote, *judged])

        yield work_once


def written(view):
    return scripted_people.written(view["item"], from_row(Writing, view["draft"], view["item"]))


def verdict(view, name, assigned):
    fields = {f.name: view[f.name] for f in dataclasses.fields(Item)}
    return scripted_people.verdict(Item(**fields), name, assigned[view["item"]])


def packed(root: Path):
    return read_records(folder(root, "audit") / "triplets.jsonl", Curated)


@pytest.mark.slow
def test_the_workbench_packs_what_files_pack(root, tmp_path):
    by_files, at_desk = tmp_path / "files", tmp_path / "curation"
    options = curate.demo_options(author="draft")
    curate.demonstration(by_files, options)
    with people_at(at_desk, root) as people:
        curate.demonstration(at_desk, dataclasses.replace(options, people=people))
    assert len(packed(by_files)) >= 15
    assert packed(at_desk) == packed(by_files)
    answers = {f.stem for f in (work(at_desk, "reverse") / "answers").iterdir()}
    assert len(answers) == len(ANNOTATORS), "both annotators wrote"
