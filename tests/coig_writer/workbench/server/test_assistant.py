"""A model beside the writer: a server of its own asks the scripted model, as an annotator's page would."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import pytest

from coig_writer.workbench import annotation
from dataset_builder.demo.scripted_endpoint import MODEL, Script, serving
from tests.coig_writer.arena.processes import free_port, started
from tests.coig_writer.workbench.server.conftest import ARTICLE, item


@pytest.mark.slow
def test_a_model_analyses_and_drafts_and_its_share_is_recorded(curation, root, tmp_path):
    curation.items(item(1, article=ARTICLE * 4))
    port = free_port()
    url, places = f"http://127.0.0.1:{port}", ["--curation", str(curation.root)]
    app = [sys.executable, str(root / "space" / "app.py"), "workbench"]
    invite = [*app, "invite", *places, "--url", url]
    links = subprocess.run(invite, capture_output=True, text=True, check=True).stdout
    link = links.splitlines()[0].split("\t")[2]
    with serving(Script({"d1": ARTICLE * 4})) as model:
        asking = ["--endpoint", model.url, "--model", MODEL, "--port", str(port)]
        with (
            started([*app, *places, *asking], f"{url}/health", tmp_path, dict(os.environ)),
            httpx.Client(base_url=url, follow_redirects=True, timeout=300) as http,
        ):
            http.get(link).raise_for_status()

            def says(path, **body):
                return http.post(f"/api/{path}", json=body).raise_for_status().json()

            says("consent", agree=True)
            assert http.get("/api/about").json()["model"]
            view = says("next", work="annotate")["item"]
            named = {name: view[name] for name in ("work", "item", "round")}
            for what, said in (
                ("usability", "脚本示例"),
                ("article", "没有分析"),
                ("pair", "没有分析"),
            ):
                assert said in says("assist", **named, what=what)["text"]
            reply = says("assist", **named, what="draft")
            content = reply["draft"] | {"prompt": "请写一位长辈的手艺，从一件磨坏的器物写起。"}
            sent = {"id": "handed-in", "base": reply["number"], "seen": view["seen"]}
            assert says("submit", **named, **sent, content=content)["outcome"] == "submitted"
    (answer,) = annotation.each_answer(curation.root / "work" / "reverse" / "answers")
    assert annotation.authorship(answer.writing, answer.draft) == {
        "prompt": "human",
        "reasoning": "model",
    }
