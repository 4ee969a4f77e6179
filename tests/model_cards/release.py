"""A finished run of a few rows, made without training: what the release's tests check and publish."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

from coig_writer import facts
from coig_writer.facts import Fact
from coig_writer.files import read_records, write_records
from coig_writer.generation import Generation, Sampling
from coig_writer.mixing import mixing
from coig_writer.mixing.mixing import Aside
from coig_writer.mixture import MixtureRow, Turn, ids_hash
from coig_writer.scoring import recount as scoring
from coig_writer.training import recount as training
from model_cards import render

VARIANT = "cw_1k"
RUN: dict[str, float | int | str] = {
    "run/fingerprint": "f",
    "run/epochs": 1.0,
    "run/train_loss": 2.5,
    "run/seconds": 12.5,
    "run/devices": 1,
    "run/hardware": "CPU (x86_64)",
    "run/precision": "fp32",
    "run/mode": "plain",
    "run/attention": "sdpa",
    "run/compiled": False,
    "run/checkpointing": False,
    "run/optimizer_states": "fp32",
    "run/dtype": "float32",
}


def build(root: Path, trained: Path | None = None) -> Path:
    """Makes mixture, model, generations, scores' facts and the card; returns the card's folder.

    ``trained`` is a model whose files stand in for weights of no use.
    """
    mixture, model = root / "mixtures" / VARIANT, root / "models" / VARIANT
    write_records(mixture / "train.parquet", rows(), MixtureRow)
    kept_out = [Aside("creative", "row-9", "contaminated_by_zh-poetry-1")]
    write_records(mixture / "kept_aside.jsonl", kept_out, Aside)
    lock(mixture)
    lock(model)
    run_files(model)
    if trained:
        shutil.copytree(trained, model, dirs_exist_ok=True)
    else:
        weights(model)
    facts.write(mixture / "facts.json", mixing.facts(mixture))
    found = training.run(model, read_records(mixture / "train.parquet", MixtureRow))
    facts.write(model / "facts.json", [*found, *(Fact(k, v) for k, v in RUN.items())])
    write_records(root / "generations" / f"{VARIANT}.parquet", answers(), Generation)
    facts.write(root / "scores" / "facts.json", scoring.facts(answers(), root / "mixtures"))
    card = root / "cards" / VARIANT
    folders = (root / name for name in ("models", "mixtures", "scores", "generations"))
    render.write(VARIANT, render.Places(*folders), card)
    return card


def rows() -> list[MixtureRow]:
    turns = (Turn("user", "写一首诗"), Turn("assistant", "<think>\n想\n</think>\n\n月光落在窗前。"))
    return [MixtureRow(turns, "creative", f"row-{i}", 40 + i) for i in range(6)]


def lock(folder: Path) -> None:
    part = {"path": "COIG-Writer", "revision": None, "rows": 6, "tokens": 255, "over_long": 1}
    content = {
        "variant": VARIANT,
        "rules": {"seed": 42, "max_length_tokens": 44, "over_long": "cut"},
        "ids_sha256": ids_hash(f"{r.source}\t{r.source_id}" for r in rows()),
        "sources": {"creative": part},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mixture.lock.json").write_text(json.dumps(content), encoding="utf-8")


def run_files(folder: Path) -> None:
    settings: dict[str, object] = {
        "learning_rate": 1e-3,
        "max_length": 44,
        "seed": 42,
        "global_batch_size": 2,
    }
    settings |= {"model_name_or_path": "Qwen/Qwen2.5-7B-Instruct", "num_train_epochs": 3}
    logged = {"log_history": [{"step": 1, "loss": 3.0}, {"step": 3, "loss": 2.25}, {"epoch": 1}]}
    (folder / "trainer_state.json").write_text(json.dumps(logged))
    (folder / "recipe.json").write_text(json.dumps(settings), encoding="utf-8")
    names = [f"{r.source}\t{r.source_id}" for r in rows()]
    lines = [
        {"epoch": 0, "step": step + 1, "padding": 0, "rows": names[2 * step : 2 * step + 2]}
        for step in range(3)
    ]
    (folder / "consumed-0.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))


def weights(folder: Path) -> None:
    header = json.dumps(
        {"w": {"dtype": "F32", "shape": [3, 5], "data_offsets": [0, 60]}, "__metadata__": {}}
    ).encode()
    data = struct.pack("<Q", len(header)) + header + bytes(60)
    (folder / "model.safetensors").write_bytes(data)


def answers() -> list[Generation]:
    texts = ["月光落在窗前，旧书店还亮着灯。", "他合上书，听见雨声渐渐远了。"]
    return [
        Generation(
            variant=VARIANT,
            query_id=f"zh-{i}",
            language="zh",
            genre="poetry",
            prompt="写一首关于旧书店的短诗。",
            text=f"<think>想</think>{text}",
            reasoning="想",
            article=text,
            reasoning_state="closed",
            finish_reason="stop",
            n_tokens=20 + i,
            seed=1,
            sampling=Sampling(0.0, 1.0, 64),
            model="smoke",
            revision=None,
        )
        for i, text in enumerate(texts)
    ]
