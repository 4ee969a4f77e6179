"""The demonstration through all ten stages: exactly these documents, exactly these reasons."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from coig_writer.endpoint import Endpoint
from coig_writer.files import iterate, read_records, write_rows
from coig_writer.taxonomy import published
from coig_writer.triplet import Triplet
from coig_writer.workbench import annotation
from coig_writer.workbench.prompts import Model
from dataset_builder import curate
from dataset_builder.demo.scripted_endpoint import MODEL
from dataset_builder.stages import parts
from dataset_builder.stages.stage import Settings

ACCEPTED = {f"raw-{n:03d}" for n in (2, 3, 4, 7, 8, 12, 15, 18, 21, 23, 32, 34, 35, 36, 38, 44, 47, 49, 53, 55)}  # fmt: skip
REASONS = {
    "collect": {
        "too_early": {22, 28, 50},
        "conflicting_dates": {19, 46, 60},
        "engagement_below_threshold": {9},
    },
    "assess": {
        "cut_off": {1, 56, 58},
        "mojibake": {5, 45, 51},
        "advertisement_tail": {11, 29, 40},
        "boilerplate_opening": {13, 14, 59},
        "wrong_language": {26, 27, 33},
    },
    "dedup": {"near_duplicate": {43, 54, 57}},
    "screen": {
        "article_quality_below_8": {6, 31, 37},
        "article_creativity_below_8": {25, 48},
        "unscored_refused": {52},
    },
    "reverse": {},
    "validate": {"unmet_criterion_i": {20}},
    "score": {
        "sum_below_50": {30, 17},  # 48 and 49
        "reasoning_creativity_below_8": {24},  # 7 under a sum of 57
        "prompt_quality_below_8": {42},  # lowered by leakage
    },
    "review": {"removed_factual_error": {10, 16, 41}, "refinement_rounds_spent": {39}},
    "audit": {},
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    root = tmp_path_factory.mktemp("curation")
    settings, counts = curate.demonstration(root)
    return settings, {c.stage: c for c in counts}


def test_exactly_these_are_accepted(demo):
    settings, counts = demo
    assert {d.id for d in parts.read_kept(settings.root, "audit")} == ACCEPTED
    assert counts["pack"].kept == len(ACCEPTED)


@pytest.mark.parametrize("stage", REASONS)
def test_exactly_these_are_dropped_and_why(demo, stage):
    settings, _ = demo
    found: dict[str, set[int]] = {}
    for lost in parts.read_dropped(settings.root, stage):
        found.setdefault(lost.reason, set()).add(int(lost.document.id[-3:]))
        assert lost.stage == stage
        assert lost.evidence or lost.open
    assert found == REASONS[stage]


def test_labels_of_the_samples_meet_their_reasons(demo, root):
    settings, _ = demo
    labels = (root / "dataset_builder/sample/raw_labels.jsonl").read_text(encoding="utf-8")
    reasons = {
        lost.document.id: lost.reason
        for stage in REASONS
        for lost in parts.read_dropped(settings.root, stage)
    }
    renamed = {"factual_anachronism": "removed_factual_error"}
    for row in map(json.loads, labels.splitlines()):
        if row["label"] == "good":
            continue
        if row["label"] == "weak_prose":
            assert reasons[row["id"]].startswith("article_")
        else:
            assert reasons[row["id"]] == renamed.get(row["label"], row["label"])


def test_borders_of_the_scores(demo):
    settings, _ = demo
    kept = {d.id: d for d in parts.read_kept(settings.root, "audit")}
    assert kept["raw-055"].history[-3] == {"stage": "score", "sum": 50}
    assert kept["raw-038"].scores["screen"]["quality"] == 8
    lost = {x.document.id: x for x in parts.read_dropped(settings.root, "score")}
    leaked = lost["raw-042"].document.scores["score"]
    assert leaked["prompt_quality"] < leaked["as_answered"]["prompt_quality"]


def test_drafts_that_were_sent_back(demo):
    settings, _ = demo
    kept = {d.id: d for d in parts.read_kept(settings.root, "audit")}
    rounds = kept["raw-023"].validation["rounds"]
    assert [r["verdicts"]["ii"]["verdict"] for r in rounds] == ["unmet", "met"]
    assert [r["decision"] for r in kept["raw-018"].reviews] == ["refine", "accept"]
    assert kept["raw-003"].reviews[-1]["adjudicated"]
    assert len(kept["raw-034"].reviews[-1]["verdicts"]) == 4  # poetry is specialised


def test_who_wrote_what(demo):
    settings, _ = demo
    authors = {d.id: d.authorship for d in parts.read_kept(settings.root, "audit")}
    assert authors["raw-012"] == {"prompt": "model", "reasoning": "model_edited"}
    assert authors["raw-002"] == {"prompt": "model", "reasoning": "model"}


def test_triplets_and_page_are_left_for_pack(demo):
    settings, _ = demo
    out = parts.folder(settings.root, "audit")
    triplets = read_records(out / "triplets.jsonl", Triplet)
    assert {t.provenance for t in triplets} == {"sample"}
    assert all(t.article_quality is not None for t in triplets)
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "演示" in page
    assert (parts.folder(settings.root, "pack") / "README.md").is_file()


def test_what_is_sent_back_is_handed_out_at_once_while_others_still_wait(tmp_path):
    options = curate.demo_options(people=None, author="people")
    curate.demonstration(tmp_path, options)
    decisions = dict.fromkeys(annotation.DECISIONS, "先写它想离开，再写它回来，每一步都接着上一步的理由。")  # fmt: skip
    answer = {"id": "raw-023", "round": 1, "prompt": "写一则童话，主角是一件旧东西。"}
    answer |= {"prompt_fields": dict.fromkeys(annotation.PROMPT_FIELDS, "有"), "reasoning_fields": decisions}  # fmt: skip
    work = parts.work(tmp_path, "reverse")
    write_rows(work / "answers" / "a.jsonl", [answer])
    curate.demonstration(tmp_path, options)
    items = {item.id: item.round for item in iterate(work / "items.jsonl", annotation.Item)}
    assert (items["raw-023"], items["raw-021"]) == (2, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1.5, 4.0, 7.0])
def test_kill_9_between_and_inside_stages_changes_nothing(tmp_path, root, seconds):
    command = [sys.executable, "-m", "dataset_builder", "curate", "--demo", "--out", str(tmp_path)]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
    assert {d.id for d in parts.read_kept(tmp_path, "audit")} == ACCEPTED
    for stage, reasons in REASONS.items():
        found = {x.document.id for x in parts.read_dropped(tmp_path, stage)}
        assert found == {f"raw-{n:03d}" for ns in reasons.values() for n in ns}


def test_a_second_run_asks_nothing_that_is_known(demo):
    settings, counts = demo
    # nobody listens there: whatever is asked would fail
    deaf = Endpoint("http://127.0.0.1:9/v1", MODEL, cache=settings.root / "replies", retries=0)
    again = curate.run(Settings(settings.root, published(), Model(deaf)), curate.demo_options())
    assert {c.stage: c for c in again} == counts
