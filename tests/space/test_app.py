"""The Space as a Space: the folder and the kit's wheel in an environment of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
import venv
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from coig_writer.arena.server.identity import Identity
from coig_writer.arena.study import definition
from coig_writer.files import read_rows, write_rows
from coig_writer.record import to_row
from tests.coig_writer.arena.processes import free_port, started
from tests.coig_writer.workbench.server.conftest import item, written
from tests.hub_double.client import client, hub
from tests.hub_double.client import environment as environment_of

__all__ = ["hub"]


def front_matter(root: Path) -> dict[str, object]:
    import yaml

    text = (root / "space" / "README.md").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text.split("---\n")[1]))


def test_the_card_says_what_the_hub_needs(root):
    card = front_matter(root)
    assert (card["sdk"], card["app_file"], card["hf_oauth"]) == ("gradio", "app.py", True)
    assert card["python_version"] == "3.11"
    assert len(str(card["short_description"])) <= 60
    assert (root / "space" / str(card["app_file"])).is_file()


def test_pins_agree_with_the_card_and_the_constraints(root):
    lines = (root / "space" / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert pins["gradio"] == front_matter(root)["sdk_version"]
    constraints = (root / "constraints.txt").read_text().splitlines()
    known = dict(line.split("==") for line in constraints if "==" in line)
    assert {n: v for n, v in pins.items() if n in known} == {
        n: known[n] for n in pins if n in known
    }


def test_the_example_study_is_a_study(root):
    example = definition.load(root / "space" / "study.example.yaml")
    assert (example.mode, example.protocols, len(example.raters)) == ("invited", ("ranking",), 4)


def test_help_teaches_and_loads_neither_gradio_nor_the_server(root):
    script = (
        "import sys, runpy; sys.argv = ['app.py', '--help']\n"
        "try: runpy.run_path('space/app.py', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "assert not {'gradio', 'sqlalchemy', 'typer'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "python space/app.py plan --study FILE" in done.stdout


@pytest.mark.slow
def test_a_copy_of_the_folder_and_the_wheel_serve_a_vote(root, tmp_path):
    space = tmp_path / "space"
    shutil.copytree(root / "space", space)
    wheel = build_wheel(root, tmp_path)
    shutil.copy(wheel, space)
    pins = (space / "requirements.txt").read_text()
    pins = pins.replace("coig-writer[space,postgresql]==0.2.0", f"./{wheel.name}[space,postgresql]")
    (space / "requirements.txt").write_text(pins)
    python = installed(tmp_path / "venv", space)
    port = free_port()
    secrets = {"ARENA_SECRET": "x" * 40, "ARENA_STORE": f"sqlite:///{tmp_path}/ballots.sqlite"}
    environment = {"PATH": os.environ["PATH"], "SPACE_ID": "org/arena", **secrets}
    environment |= {"HOME": str(tmp_path), "GRADIO_SERVER_PORT": str(port)}
    with started([str(python), "app.py"], f"http://127.0.0.1:{port}/health", space, environment):
        reply, cookie = post(
            port, "session", {"protocol": "ranking", "language": "zh", "consent": True}
        )
        vote = {"protocol": "ranking", "language": "zh", "item": reply["item"]["id"]}
        receipt, _ = post(port, "vote", vote | {"verdict": [4, 3, 2, 1, 0]}, cookie)
        assert receipt["next"]["progress"]["done"] == 1
        for path, sign in (
            ("", b"/page/main.js"),
            ("page/main.js", b"api"),
            ("gradio/", b"gradio"),
        ):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}") as page:
                assert sign in page.read()


def build_wheel(root: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(root)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def installed(folder: Path, space: Path) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "-q", "-r", "requirements.txt"]
    subprocess.run(command, cwd=space, check=True, timeout=900)
    return python


def post(port: int, route: str, body: object, cookie: str = "") -> tuple[Any, str]:
    headers = {"Content-Type": "application/json", "Cookie": cookie}
    url = f"http://127.0.0.1:{port}/api/{route}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=300) as reply:
        return json.loads(reply.read()), reply.headers.get("set-cookie", cookie).split(";")[0]


def test_from_publication_to_the_first_vote_on_the_double_of_the_hub(
    hub, root, tmp_path, shared_study
):
    """The Space's files as published, the study from a private dataset, the ballots to another one."""
    environment = environment_of(hub, tmp_path / "home")
    api = client(hub)
    api.create_repo("org/study", repo_type="dataset", private=True)
    api.upload_folder(repo_id="org/study", folder_path=shared_study, repo_type="dataset")
    port = free_port()
    settings = {"SPACE_ID": "org/arena", "ARENA_SECRET": "x" * 40, "ARENA_STUDY": "org/study"}
    settings |= {"ARENA_BACKUP": "org/ballots", "GRADIO_SERVER_PORT": str(port)}
    command = [sys.executable, str(root / "space" / "app.py"), "--no-gradio"]
    sitting = {"protocol": "ranking", "language": "zh"}
    cookie = ""
    for boot in range(2):  # the second time on an empty disk, with the cookie of the first
        folder = tmp_path / f"disk{boot}"
        folder.mkdir()
        with started(
            [*command, "--folder", str(folder)],
            f"http://127.0.0.1:{port}/health",
            tmp_path,
            os.environ | environment | settings,
        ) as server:
            view, cookie = post(port, "session", {**sitting, "consent": True}, cookie)
            assert view["progress"] == {**view["progress"], "done": boot, "total": 3}
            vote = {**sitting, "item": view["item"]["id"], "verdict": [4, 3, 2, 1, 0]}
            receipt, _ = post(port, "vote", vote, cookie)
            assert receipt["next"]["progress"]["done"] == boot + 1
            server.terminate()
            assert server.wait(300) == 0
    assert api.repo_info("org/ballots", repo_type="dataset").private
    files = [f for f in api.list_repo_files("org/ballots", repo_type="dataset") if "ballots/" in f]
    assert len(files) in (2, 3)  # the row of the study itself may go ahead of the first vote


@pytest.mark.slow
def test_a_published_workbench_keeps_drafts_and_answers_when_its_disk_is_wiped(hub, root, tmp_path):
    """The Space's own files serve the published items; entries lie in a database elsewhere."""
    files = published_workbench(hub, root, tmp_path)
    port = free_port()
    settings = {"SPACE_ID": "org/workbench", "ARENA_SECRET": "x" * 40, "SPACE_HOST": "org-workbench.hf.space"}  # fmt: skip
    settings |= {"WORKBENCH_CURATION": "org/curation", "GRADIO_SERVER_PORT": str(port)}
    settings |= {"ARENA_STORE": f"sqlite:///{tmp_path}/elsewhere.sqlite"}
    token = Identity(b"x" * 40).invitation("zh-2026", "a1")
    for boot in range(2):
        folder = tmp_path / f"disk{boot}"
        folder.mkdir()
        with (
            started([sys.executable, str(files / "app.py")], f"http://127.0.0.1:{port}/health", folder, os.environ | environment_of(hub, tmp_path / f"home{boot}") | settings) as server,
            httpx.Client(base_url=f"http://127.0.0.1:{port}") as browser,
        ):  # fmt: skip
            page = browser.get(f"/?invite={token}")
            browser.cookies.set("workbench_person", page.headers["set-cookie"].split(";")[0].partition("=")[2])  # fmt: skip
            browser.post("/api/consent", json={"agree": True})
            view = browser.post("/api/next", json={"work": "annotate"}).json()["item"]
            assert (view["item"], view["content"]) == ("d1", written() if boot else {})
            sent = {"id": f"boot-{boot:04d}", "base": view["number"], "content": written()}
            sent |= {name: view[name] for name in ("work", "item", "round", "seen")}
            what, outcome = (("save", "saved"), ("submit", "submitted"))[boot]
            assert browser.post(f"/api/{what}", json=sent).json()["outcome"] == outcome
            server.terminate()
            assert server.wait(300) == 0
    (answers,) = (folder / "build" / "workbench" / "work" / "reverse" / "answers").iterdir()
    assert [row["id"] for _, row in read_rows(answers)] == ["d1"]


def published_workbench(hub, root, tmp_path):
    """Publishes a curation and the Space as the guide says; returns the Space's files, as the Hub has them."""
    curation, space = tmp_path / "curation", tmp_path / "space"
    write_rows(curation / "work" / "reverse" / "items.jsonl", [to_row(item(1)), to_row(item(2))])
    roster = "workbench: zh-2026\npeople:\n  - {alias: a1, roles: [annotate]}\n"
    (curation / "workbench").mkdir()
    (curation / "workbench" / "people.yaml").write_text(roster)
    shutil.copytree(root / "space", space, ignore=shutil.ignore_patterns("__pycache__"))
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "m"]):  # fmt: skip
        subprocess.run(["git", "-C", str(space), *words], check=True)
    wheel = tmp_path / "coig_writer-0.2.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("coig_writer/__init__.py", "")
    owner = os.environ | environment_of(hub, tmp_path / "owner")
    publish = [sys.executable, "-m", "coig_writer", "publish"]
    for words in ([curation, "--to", "org/curation"], [space, "--to", "org/workbench", "--public", "--wheel", wheel]):  # fmt: skip
        subprocess.run([*publish, *map(str, words), "--commit"], cwd=root, env=owner, check=True)
    files = tmp_path / "published"
    client(hub).snapshot_download("org/workbench", repo_type="space", local_dir=files)
    assert "coig-writer[space,postgresql] @" in (files / "requirements.txt").read_text()
    return files


@pytest.fixture
def shared_study(root, tmp_path):
    """A study file and its texts, as its owner uploads them."""
    folder = tmp_path / "study"
    folder.mkdir()
    shutil.copy(root / "space" / "data" / "demo_pack.jsonl", folder / "answers.jsonl")
    text = "study: mine\nprotocols: [ranking]\ngenerations: [answers.jsonl]\nrepeats: 0\n"
    text += "prompts: [zh-essay-1, zh-poetry-1, zh-wuxia-1]\noverlap: {share: 1, raters: 2}\n"
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return folder
