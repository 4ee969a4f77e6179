"""The three sources by Hub id, against the double of the Hub and the unchanged client."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

import pytest
import yaml
from huggingface_hub import CommitOperationAdd

from coig_writer.training import smoke
from coig_writer.training.sources import Source, pinned
from tests.hub_double.client import api, environment, hub, patient  # noqa: F401
from tests.recipes.runs import ENVIRONMENT, ROOT, creative, general_en, general_zh

ZH = "Congliu/Chinese-DeepSeek-R1-Distill-data-110k"
EN = "open-thoughts/OpenThoughts-114k"
CREATIVE = "m-a-p/COIG-Writer"


def zh_row(number):
    """A row with all columns of the real source."""
    counts = dict.fromkeys(("prompt", "content", "reasoning_content"), 7)
    return general_zh(number) | {
        "repo_name": "ruozhiba",
        **{f"{name}_tokens_len": n for name, n in counts.items()},
        "score": 9,
    }


def metadata_row(number):
    return {
        "problem": f"{number}",
        "deepseek_reasoning": "r",
        "deepseek_solution": "s",
        "domain": "math",
    }


def parquet(rows):
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    held = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), held)
    return held.getvalue()


def jsonl(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def card(**configs):
    entries = [
        {"config_name": name, "data_files": [{"split": "train", "path": path}]}
        | ({"default": True} if name == "default" else {})
        for name, path in configs.items()
    ]
    return f"---\n{yaml.safe_dump({'configs': entries})}---\n".encode()


def publish(client, repo, **files):
    client.create_repo(repo, repo_type="dataset", exist_ok=True)
    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    done = client.create_commit(repo, operations, repo_type="dataset", commit_message="data")
    return done.oid


@pytest.fixture
def published(api):  # noqa: F811
    """Three datasets laid out as the real ones: Parquet by genre, one JSONL, two configs."""
    return {
        "creative": publish(
            api,
            CREATIVE,
            **{
                "README.md": card(default="data/*/train-*.parquet"),
                "data/haiku/train-00000.parquet": parquet([creative(i) for i in range(8)]),
            },
        ),
        "general_zh": publish(
            api, ZH, **{"distill_r1_110k.jsonl": jsonl(zh_row(i) for i in range(12))}
        ),
        "general_en": publish(
            api,
            EN,
            **{
                "README.md": card(
                    default="data/train-*.parquet", metadata="metadata/train-*.parquet"
                ),
                "data/train-00000.parquet": parquet([general_en(i) for i in range(12)]),
                "metadata/train-00000.parquet": parquet([metadata_row(i) for i in range(12)]),
            },
        ),
    }


@pytest.fixture
def mix(hub, tmp_path):  # noqa: F811
    """Calls recipes/mix.py in a process of its own that sees the double as the Hub."""
    smoke.make(tmp_path / "smoke", [json.dumps(zh_row(i), ensure_ascii=False) for i in range(12)])
    settings = yaml.safe_load((ROOT / "recipes" / "configs" / "demo.yaml").read_text("utf-8"))
    settings |= {
        "sources": {
            "creative": {"path": CREATIVE, "format": "coig_writer"},
            "general_zh": {"path": ZH, "format": "congliu", "revision": None},
            "general_en": {"path": EN, "format": "openthoughts"},
        },
        "mixtures": str(tmp_path / "mixtures"),
        "model_name_or_path": str(tmp_path / "smoke"),
    }
    recipe = tmp_path / "recipe.yaml"

    def call(*flags, online=True, **changes):
        recipe.write_text(yaml.safe_dump(settings | changes))
        variables = environment(hub, tmp_path / "home") | (
            {} if online else {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
        )
        return subprocess.run(
            [sys.executable, "recipes/mix.py", str(recipe), "--variants", "cw_10k", *flags],
            cwd=ROOT,
            env=os.environ | ENVIRONMENT | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    call.settings = settings
    return call


def locked(tmp_path, variant="cw_10k"):
    file = tmp_path / "mixtures" / variant / "mixture.lock.json"
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_null_revision_is_resolved_once_locked_and_read_again(api, mix, published, tmp_path):  # noqa: F811
    built = mix()
    assert built.returncode == 0, built.stderr[-3000:]
    lock = locked(tmp_path)
    assert {name: s["revision"] for name, s in lock["sources"].items()} == published
    assert {name: s["rows"] for name, s in lock["sources"].items()} == {
        "creative": 8, "general_zh": 12, "general_en": 12,
    }  # fmt: skip
    assert lock["sources"]["general_zh"]["path"] == ZH
    assert published["general_zh"][:12] in built.stdout

    moved = publish(api, ZH, **{"distill_r1_110k.jsonl": jsonl(zh_row(i) for i in range(50, 65))})
    assert moved != published["general_zh"]
    verified = mix("--verify")
    assert verified.returncode == 0, verified.stderr[-3000:]
    beside = mix("--variants", "cw_5k")
    assert beside.returncode == 0, beside.stderr[-3000:]
    assert locked(tmp_path, "cw_5k")["sources"]["general_zh"]["revision"] == published["general_zh"]

    offline = mix("--verify", online=False)
    assert offline.returncode == 0, offline.stderr[-3000:]

    newer = dict(mix.settings["sources"])
    newer["general_zh"] = newer["general_zh"] | {"revision": "main"}
    drifted = mix("--verify", sources=newer)
    assert drifted.returncode == 1
    assert "sources.general_zh.revision" in drifted.stderr
    assert "sources.general_zh.ids_sha256" in drifted.stderr


@pytest.mark.slow
def test_what_the_hub_does_not_have_is_one_sentence(mix, published):
    gone = dict(mix.settings["sources"])
    gone["general_en"] = gone["general_en"] | {"revision": "no-such-branch"}
    for sources, said in (
        (gone, f"cannot read {EN} from the Hub"),
        (gone | {"general_en": gone["general_en"] | {"path": "nobody/nothing"}}, "nobody/nothing"),
    ):
        refused = mix(sources=sources)
        assert refused.returncode == 1
        assert said in refused.stderr
        assert "sources.general_en.path" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_lock_pins_only_the_same_hub_id_and_never_a_named_revision():
    source = Source("general_zh", ZH, "congliu")
    own, other = ({"sources": {"general_zh": {"path": ZH, "revision": sha}}} for sha in "ab")
    assert pinned(source, [own, other]).revision == "a"
    assert pinned(source, []).revision is None
    elsewhere = {"sources": {"general_zh": {"path": "else/where", "revision": "c"}}}
    assert pinned(source, [elsewhere, other]).revision == "b"
    named = dataclasses.replace(source, revision="main")
    assert pinned(named, [own]) is named
