"""The three sources by Hub id, against the double of the Hub and the unchanged client."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import yaml
from huggingface_hub import CommitOperationAdd

from coig_writer.errors import MissingInputError
from coig_writer.mixing.sources import Source, load, pinned
from coig_writer.training import smoke
from tests.hub_double.client import api, environment, hub, patient  # noqa: F401
from tests.recipes.runs import ENVIRONMENT, ROOT, creative, general_en, general_zh

ZH = "Congliu/Chinese-DeepSeek-R1-Distill-data-110k"
EN = "open-thoughts/OpenThoughts-114k"
CREATIVE = "m-a-p/COIG-Writer"


# Importing the training stack takes far longer than mixing a few rows.
IN_TURN = """
import contextlib, io, json, runpy, sys
found = []
for line in json.loads(sys.argv[1]):
    sys.argv = ["recipes/mix.py", *line]
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            runpy.run_path("recipes/mix.py", run_name="__main__")
        except SystemExit as ended:
            code = ended.code
    found.append([code, said.getvalue()])
print(json.dumps(found))
"""


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

    def call(*lines, online=True):
        """Runs several command lines in one process; returns code and stderr of each."""
        recipes = []
        for number, (_, changes) in enumerate(lines):
            recipes.append(tmp_path / f"recipe-{number}.yaml")
            recipes[-1].write_text(yaml.safe_dump(settings | changes))
        given = [
            ["--config", str(recipe), "--variants", *flags]
            for recipe, (flags, _) in zip(recipes, lines, strict=True)
        ]
        variables = environment(hub, tmp_path / "home") | (
            {} if online else {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
        )
        done = subprocess.run(
            [sys.executable, "-c", IN_TURN, json.dumps(given)],
            cwd=ROOT, env=os.environ | ENVIRONMENT | variables,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return SimpleNamespace(run=call, sources=settings["sources"])


def locked(tmp_path, variant="cw_10k"):
    file = tmp_path / "mixtures" / variant / "mixture.lock.json"
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_null_revision_is_resolved_once_locked_and_read_again(api, mix, published, tmp_path):  # noqa: F811
    [(code, said)] = mix.run((["cw_10k"], {}))
    assert code == 0, said[-3000:]
    lock = locked(tmp_path)
    assert {name: s["revision"] for name, s in lock["sources"].items()} == published
    assert {name: s["rows"] for name, s in lock["sources"].items()} == {
        "creative": 8, "general_zh": 12, "general_en": 12,
    }  # fmt: skip
    assert lock["sources"]["general_zh"]["path"] == ZH
    assert published["general_zh"][:12] in said
    [(code, said)] = mix.run((["cw_10k", "--verify"], {}), online=False)
    assert code == 0, said[-3000:]

    moved = publish(api, ZH, **{"distill_r1_110k.jsonl": jsonl(zh_row(i) for i in range(50, 65))})
    assert moved != published["general_zh"]
    newer = mix.sources | {"general_zh": mix.sources["general_zh"] | {"revision": "main"}}
    verified, beside, drifted = mix.run(
        (["cw_10k", "--verify"], {}),
        (["cw_5k"], {}),
        (["cw_10k", "--verify"], {"sources": newer}),
    )
    assert verified[0] == 0, verified[1][-3000:]
    assert beside[0] == 0, beside[1][-3000:]
    assert locked(tmp_path, "cw_5k")["sources"]["general_zh"]["revision"] == published["general_zh"]
    assert drifted[0] == 1
    assert "sources.general_zh.revision" in drifted[1]
    assert "sources.general_zh.ids_sha256" in drifted[1]

    # the newest commit is cached by now, and without a network datasets would read that one
    [(code, said)] = mix.run((["cw_10k", "--verify"], {}), online=False)
    assert code == 1
    assert f"not alone at {published['general_zh'][:12]}" in said


@pytest.mark.parametrize(
    ("path", "revision"), [(EN, "no-such-branch"), ("nobody/nothing", None), (EN, "f" * 40)]
)
def test_what_the_hub_does_not_have_is_one_sentence(
    hub,  # noqa: F811
    published,
    monkeypatch,
    path,
    revision,
):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setattr("datasets.config.HF_ENDPOINT", hub.url)
    with pytest.raises(MissingInputError) as refused:
        load(Source("general_en", path, "openthoughts", revision))
    assert f"cannot read {path} from the Hub" in str(refused.value)
    assert "sources.general_en.path" in str(refused.value)


def test_a_lock_pins_only_the_same_hub_id_and_never_a_named_revision():
    source = Source("general_zh", ZH, "congliu")
    own, other = ({"sources": {"general_zh": {"path": ZH, "revision": sha}}} for sha in "ab")
    assert pinned(source, [own, other]).revision == "a"
    assert pinned(source, []).revision is None
    elsewhere = {"sources": {"general_zh": {"path": "else/where", "revision": "c"}}}
    assert pinned(source, [elsewhere, other]).revision == "b"
    named = dataclasses.replace(source, revision="main")
    assert pinned(named, [own]) is named
