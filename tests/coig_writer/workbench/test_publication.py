"""A curation as a private dataset: what of it leaves the machine, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from coig_writer.__main__ import run
from coig_writer.errors import KitError
from coig_writer.workbench import publication
from tests.coig_writer.workbench.server.conftest import ARTICLE, SmallCuration, curation
from tests.hub_double.client import client, hub

__all__ = ["curation", "hub"]
ROSTER = "workbench: zh-2026\npeople: [{alias: a1, roles: [annotate]}]\n"


@pytest.fixture
def folder(curation: SmallCuration) -> Path:
    """A curation at which people work already: secret, drafts and a model's replies lie in it."""
    curation.to_review("r1", "d1@0")
    there = {
        "secret": "s" * 64,
        "entries.sqlite": "",
        "replies/a.json": "{}",
        "people.yaml": ROSTER,
    }
    for name, text in there.items():
        path = curation.root / "workbench" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    (curation.root / "05-reverse").mkdir()
    return curation.root


@pytest.fixture
def account(hub):
    """The Hub as its owner's client sees it."""
    return client(hub)


@pytest.fixture
def publish(account, monkeypatch):
    """Runs ``coig-writer publish`` against the double."""
    for name, value in (("HF_HUB_OFFLINE", False), ("HF_HUB_DISABLE_XET", True)):
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: account)
    return lambda folder, *words: run(["publish", str(folder), "--to", "org/curation", *words])


def test_items_and_people_leave_and_secret_and_drafts_stay(folder):
    release = publication.read(folder)
    assert release.paths == (
        "work/reverse/items.jsonl",
        "work/review/items/r1.jsonl",
        "workbench/people.yaml",
    )
    kept = ("05-reverse", *(f"workbench/{n}" for n in ("entries.sqlite", "replies", "secret")))
    assert (release.private, release.left_out) == (True, kept)


def test_gold_items_go_along_and_must_lie_in_the_curation(folder):
    people = folder / "workbench" / "people.yaml"
    people.write_text(ROSTER + "gold: gold.jsonl\n")
    with pytest.raises(KitError, match=r"gold\.jsonl: no such file"):
        publication.read(folder)
    (folder / "workbench" / "gold.jsonl").write_text("")
    assert "workbench/gold.jsonl" in publication.read(folder).paths
    people.write_text(ROSTER + "gold: ../../gold.jsonl\n")
    with pytest.raises(KitError, match="outside the curation"):
        publication.read(folder)


def test_neither_the_secret_under_another_name_nor_an_invitation_leaves(folder, capsys):
    note = folder / "work" / "reverse" / "notes.txt"
    note.write_text("its key: " + "s" * 64 + "\n")
    with pytest.raises(KitError, match="holds the workbench's secret"):
        publication.read(folder)
    note.write_text("a1\tannotate\thttp://127.0.0.1:7861/?invite=nzJ-3kD_8sQp0aVb1cXw2e\n")
    assert run(["check", str(folder), "--to", "org/curation"]) == 1
    assert "notes.txt line 1: holds an invitation" in capsys.readouterr().out
    note.write_text("s" * 63)
    run(["check", str(folder), "--to", "org/curation"])
    assert "no problem" in capsys.readouterr().out


def test_it_goes_to_a_private_dataset_once_and_is_replaced_by_the_next(
    publish, account, hub, folder, capsys
):
    publish(folder)
    told = capsys.readouterr().out
    assert "private: the texts" in told
    assert told.endswith("dry run: nothing was sent; add --commit to publish\n")
    assert hub.repositories == {}
    publish(folder, "--commit")
    assert "WORKBENCH_CURATION=org/curation" in capsys.readouterr().out
    repository = hub.repository("org/curation")
    assert account.repo_info("org/curation", repo_type="dataset").private
    assert repository.tags == {}
    before = repository.tree("main")["work/reverse/items.jsonl"].content
    assert ARTICLE in before.decode()
    publish(folder, "--commit")
    assert "no commit needed" in capsys.readouterr().out
    (folder / "work" / "reverse" / "items.jsonl").write_text("")
    publish(folder, "--commit")
    assert repository.tree("main")["work/reverse/items.jsonl"].content == b""


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--public"], "--public"), (["--tag", "v1"], "--tag"), (["--create-pr"], "--create-pr")],
)
def test_what_would_show_or_version_it_is_refused(publish, folder, words, message):
    with pytest.raises(KitError, match="private dataset, without versions") as refusal:
        publish(folder, *words)
    assert message in refusal.value.remedy


def test_a_public_dataset_is_refused(publish, account, hub, folder):
    account.create_repo("org/curation", repo_type="dataset", private=False)
    with pytest.raises(KitError, match="is public"):
        publish(folder, "--commit")
    assert "work/reverse/items.jsonl" not in hub.repository("org/curation").tree("main")


def test_a_secret_in_what_people_wrote_is_refused(publish, hub, folder):
    answers = folder / "work" / "reverse" / "answers"
    answers.mkdir()
    (answers / "mine.jsonl").write_text('{"note": "hf_' + "a" * 34 + '"}\n')
    with pytest.raises(KitError, match=r"mine\.jsonl.*Hugging Face token"):
        publish(folder, "--commit")
    assert hub.repositories == {}
