"""The recipe gives the same training whatever the batch shape, processes, packing or interruption."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from safetensors.torch import load_file

from coig_writer import facts
from coig_writer.mixture import ids_hash
from tests.recipes import runs

pytestmark = pytest.mark.slow
TOLERANCE = 2e-4  # of the loss: different batch shapes round differently
CHECKPOINTS = ("--save_strategy", "steps", "--save_steps", "1", "--save_total_limit", "2")
SHARED = ("--per_device_train_batch_size", "1", "--gradient_accumulation_steps", "4")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return runs.prepare(tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def straight(recipe):
    return runs.train(recipe, "straight")


def weights(run):
    return (run / "model.safetensors").read_bytes()


def test_the_committed_trajectory(straight):
    golden = json.loads(runs.GOLDEN.read_text())["losses"]
    assert len(golden) == 8
    assert runs.losses(straight) == pytest.approx(golden, rel=TOLERANCE)
    assert golden[-1] < golden[0]


def test_consumed_rows_equal_the_lock_in_every_epoch(recipe, straight):
    lock = json.loads((recipe.parent / "mixtures" / "cw_10k" / "mixture.lock.json").read_text())
    for epoch in (0, 1):
        lines = [
            json.loads(line) for line in (straight / "consumed-0.jsonl").read_text().splitlines()
        ]
        rows = [row for line in lines if line["epoch"] == epoch for row in line["rows"]]
        assert len(rows) == lock["rows"] == 32
        assert ids_hash(rows) == lock["ids_sha256"]
    found = facts.read(straight / "facts.json")
    assert found["run/consumed_sha256"].value == lock["ids_sha256"]
    sources = ("creative", "general_en", "general_zh")
    documents, tokens = (
        sum(int(found[f"ledger/{s}/{count}"].value) for s in sources)
        for count in ("documents", "tokens")
    )
    assert (documents, tokens) == (64, 2 * lock["tokens"])


@pytest.mark.parametrize(("batch", "accumulation"), [(8, 1), (1, 8)])
def test_batch_times_accumulation_is_all_that_counts(recipe, straight, batch, accumulation):
    run = runs.train(
        recipe,
        f"b{batch}",
        "--per_device_train_batch_size",
        str(batch),
        "--gradient_accumulation_steps",
        str(accumulation),
    )
    assert runs.losses(run) == pytest.approx(runs.losses(straight), rel=TOLERANCE)
    assert runs.consumed(run) == runs.consumed(straight)


def test_two_processes(recipe, straight):
    run = runs.train(recipe, "two", "--gradient_accumulation_steps", "2", processes=2)
    assert runs.losses(run) == pytest.approx(runs.losses(straight), rel=TOLERANCE)
    assert runs.consumed(run) == runs.consumed(straight)


def moved(run, start, end):
    """Returns a run's update and its difference from another's, both as norms."""
    found, other, first = (load_file(f / "model.safetensors") for f in (run, end, start))
    update, difference = (
        sum(float((found[n] - x[n]).pow(2).sum()) for n in x) ** 0.5 for x in (first, other)
    )
    return update, difference


def test_fast_equals_plain(recipe, straight):
    run = runs.train(recipe, "fast", "--mode", "fast")
    assert runs.losses(run) == pytest.approx(runs.losses(straight), rel=TOLERANCE)
    assert runs.consumed(run) == runs.consumed(straight)
    update, difference = moved(run, recipe.parent / "smoke", straight)
    assert difference < 1e-4 * update
    found = facts.read(run / "facts.json")
    history = json.loads((run / "trainer_state.json").read_text())["log_history"]
    assert found["run/train_loss"].value == pytest.approx(history[-1]["train_loss"], rel=1e-6)
    assert found["run/mode"].value == "fast"
    assert {found[f"ledger/{s}/padding"].value for s in ("creative", "general_zh")} == {0}


def test_fsdp2_equals_one_process_because_gradients_are_summed_in_fp32(recipe):
    """Two CPU processes; accelerate's own sums, in the forward pass's bf16, move the weights away."""
    five = ("--max_steps", "5")
    one = runs.train(recipe, "five", *five)

    def sharded(sums):
        return runs.train(
            recipe, f"fsdp2-{sums}", *five, "--gradient_accumulation_steps", "2", *CHECKPOINTS,
            processes=2, script="tests/recipes/fsdp2.py", environment={"SUMS": sums},
        )  # fmt: skip

    def away(run):
        assert runs.consumed(run) == runs.consumed(one)
        update, difference = moved(run, recipe.parent / "smoke", one)
        return difference / update

    run = sharded("fp32")
    assert away(run) < 1e-5  # 2.7e-7 measured
    shutil.rmtree(run / "checkpoint-5")  # as if it had been killed in its last step
    (run / "facts.json").unlink()
    assert away(sharded("fp32")) < 1e-5
    assert away(sharded("bf16")) > 1e-4  # 7.6e-4 measured


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A mixture of 33 rows, which two processes cannot share evenly."""
    return runs.prepare(tmp_path_factory.mktemp("odd"), creative_rows=9, num_train_epochs=1)


@pytest.fixture(scope="module")
def alone(odd):
    return runs.train(odd, "alone")


@pytest.mark.parametrize("mode", ["plain", "fast"])
def test_two_processes_train_no_row_twice(odd, alone, mode):
    run = runs.train(odd, f"two-{mode}", "--mode", mode, *SHARED, processes=2)
    assert runs.consumed(run) == runs.consumed(alone)
    assert sum(len(rows) for _, rows in runs.consumed(run)) == 33
    assert runs.losses(run) == pytest.approx(runs.losses(alone), rel=TOLERANCE)
    update, difference = moved(run, odd.parent / "smoke", alone)
    assert difference < 1e-4 * update
    found, one = (facts.read(r / "facts.json") for r in (run, alone))
    for source in ("creative", "general_zh", "general_en"):
        key = f"ledger/{source}/supervised"
        assert found[key].value == one[key].value
    assert found["run/train_loss"].value == pytest.approx(one["run/train_loss"].value, rel=1e-5)


def test_a_run_goes_on_with_another_number_of_processes_and_is_trained_again_when_told(odd, alone):
    run = runs.train(odd, "moved", *CHECKPOINTS, *SHARED, processes=2)
    for leaving in [*run.glob("checkpoint-5"), *run.glob("checkpoint-4")][:1]:
        shutil.rmtree(leaving)  # as if it had been killed in its last step
    (run / "facts.json").unlink()
    run = runs.train(odd, "moved", *CHECKPOINTS)
    assert runs.consumed(run) == runs.consumed(alone)
    update, difference = moved(run, odd.parent / "smoke", alone)
    assert difference < 1e-4 * update
    found, one = (facts.read(r / "facts.json") for r in (run, alone))
    for key in ("run/train_loss", "ledger/creative/supervised", "ledger/general_zh/documents"):
        assert found[key].value == pytest.approx(one[key].value, rel=1e-5)
    before = found["run/fingerprint"].value
    again = runs.train(odd, "moved", *CHECKPOINTS, "--overwrite_run", "true")
    assert runs.consumed(again) == runs.consumed(alone)
    assert not (again / "consumed-1.jsonl").exists()
    assert facts.read(again / "facts.json")["run/fingerprint"].value == before


def test_packed_equals_unpacked_when_a_step_holds_the_same_documents(recipe):
    whole = (
        "--global_batch_size",
        "32",
        "--per_device_train_batch_size",
        "32",
        "--gradient_accumulation_steps",
        "1",
        "--num_train_epochs",
        "4",
    )
    unpacked = runs.train(recipe, "unpacked", *whole)
    rows = facts.read(unpacked / "facts.json")["run/steps"].value
    assert rows == 4
    packed = runs.train(recipe, "packed", *whole, "--packing", "true")
    assert runs.losses(packed) == pytest.approx(runs.losses(unpacked), rel=TOLERANCE)
    assert runs.consumed(packed) == runs.consumed(unpacked)


def test_samples_at_epoch_ends_are_logged_and_change_nothing(recipe, straight):
    run = runs.train(recipe, "sampled", "--epoch_samples", "2")
    history = json.loads((run / "trainer_state.json").read_text())["log_history"]
    found = [entry for entry in history if "sample/ttr" in entry]
    assert [round(entry["epoch"]) for entry in found] == [1, 2]
    assert all(0 < entry["sample/ttr"] <= 1 and entry["sample/answers"] == 2 for entry in found)
    assert weights(run) == weights(straight)


def test_a_finished_run_stands(recipe, straight):
    before = (straight / "facts.json").read_bytes()
    runs.train(recipe, "straight")
    assert (straight / "facts.json").read_bytes() == before


@pytest.mark.parametrize(("seed", "mode"), [(1, "plain"), (2, "plain"), (3, "fast")])
def test_sigkill_anywhere_then_resume(recipe, tmp_path, seed, mode):
    flags = ("--mode", mode, *CHECKPOINTS)
    reference = runs.train(recipe, f"checkpointed-{mode}", *flags)
    name = f"killed-{seed}"
    out = recipe.parent / name / "cw_10k"
    command = [
        sys.executable,
        "recipes/sft.py",
        "--config",
        str(recipe),
        "--output_dir",
        str(out.parent),
        *flags,
    ]
    target = random.Random(seed).randint(2, 6)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=runs.ROOT, env=runs.ENVIRONMENT, stdout=log, stderr=log
        )
        deadline = time.monotonic() + 600
        while not (out / f"checkpoint-{target}" / "trainer_state.json").is_file():
            assert process.poll() is None, (tmp_path / "log").read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (out / "facts.json").exists()
    resumed = runs.train(recipe, name, *flags)
    assert runs.consumed(resumed) == runs.consumed(reference)
    assert weights(resumed) == weights(reference)
    of = [facts.read(run / "facts.json") for run in (resumed, reference)]
    assert of[0]["run/train_loss"].value == of[1]["run/train_loss"].value
    ends = [
        json.loads(x)["seconds"] for x in (resumed / "consumed-0.jsonl").read_text().splitlines()
    ]
    assert ends == sorted(ends)
    assert float(of[0]["run/seconds"].value) >= round(ends[-1], 1)  # a fact holds tenths


def test_lora_by_flag_trains_an_adapter_that_generates(recipe):
    flags = (
        "--use_peft",
        "true",
        "--lora_r",
        "4",
        "--lora_target_modules",
        "q_proj",
        "v_proj",
        "--max_steps",
        "2",
    )
    run = runs.train(recipe, "lora", *flags)
    assert (run / "adapter_model.safetensors").is_file()
    assert not (run / "model.safetensors").exists()
    out = recipe.parent / "answers"
    command = [
        "recipes/generate.py",
        "--config",
        "recipes/configs/generate_demo.yaml",
        "--models",
        str(run.parent),
        "--variants",
        "cw_10k",
        "--out",
        str(out),
    ]
    subprocess.run(
        [sys.executable, *command],
        cwd=runs.ROOT,
        env=runs.ENVIRONMENT,
        check=True,
        capture_output=True,
    )
    assert (out / "cw_10k.parquet").is_file()


def test_a_budget_that_is_exceeded_stops_the_run_before_training(tmp_path):
    recipe = runs.prepare(tmp_path, variants=["cw"], max_length=112, over_long_budget=0.0)
    command = [sys.executable, "recipes/sft.py", "--config", str(recipe)]
    done = subprocess.run(
        command, cwd=runs.ROOT, env=runs.ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "of the tokens would be cut at 112, the budget is 0.0%" in done.stderr
    assert not (tmp_path / "models").exists()


def test_a_wrong_batch_is_refused_before_the_model_is_loaded(recipe):
    command = [sys.executable, "recipes/sft.py", "--config", str(recipe)]
    command += ["--gradient_accumulation_steps", "3", "--output_dir", str(recipe.parent / "wrong")]
    done = subprocess.run(
        command, cwd=runs.ROOT, env=runs.ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "add --gradient_accumulation_steps 4" in done.stderr
    assert "Loading weights" not in done.stderr
    assert not (recipe.parent / "wrong").exists()
