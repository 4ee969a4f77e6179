from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trl import ModelConfig, SFTConfig

from coig_writer import paper
from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.planning import lengths, planner
from coig_writer.planning.lengths import Lengths
from coig_writer.planning.planner import GIB, Run, Setup
from coig_writer.training import throughput

QWEN = planner.SHAPES["Qwen/Qwen2.5-7B-Instruct"]
FULL = Setup(4, False, 8, True, QWEN.parameters, 8192, False)
ROWS = Lengths((100, 300, 200, 400) * 8, "test")


def gib(how, devices=1):
    return sum(part.gib for part in planner.states(QWEN, how, devices))


def test_parameter_counts_are_those_of_the_released_checkpoints():
    found = {name.split("-")[1]: shape.parameters for name, shape in planner.SHAPES.items()}
    assert found == {
        "0.5B": 494_032_768,
        "1.5B": 1_543_714_304,
        "3B": 3_085_938_688,
        "7B": 7_615_616_512,
        "14B": 14_770_033_664,
    }
    assert throughput.matmul_parameters(QWEN) == pytest.approx(7.071e9, rel=2e-4)


@pytest.mark.parametrize(("length", "gflop"), [(8192, 47.36), (4096, 44.9), (2048, 43.7)])
def test_flops_per_token(length, gflop):
    assert throughput.flops_per_token(QWEN, length) / 1e9 == pytest.approx(gflop, abs=0.05)


@pytest.mark.parametrize(("mfu", "speed"), [(0.4, 8360), (0.5, 10_450), (0.6, 12_540)])
def test_speed_of_strict_mfu_on_one_h200(mfu, speed):
    gpu = dataclasses.replace(planner.GPUS["h200"], mfu=mfu, measured={})
    run = Run(Lengths((8192,) * 32, "full"), 32, 1, 1)
    found = planner.plan(QWEN, FULL, gpu, 1, run)
    assert found.tokens_per_second == pytest.approx(speed, abs=6)
    assert found.hours == pytest.approx(32 * 8192 / found.tokens_per_second / 3600)


@pytest.mark.parametrize(
    ("weight", "moments", "published"),
    [(4, 8, 113.5), (2, 8, 85.1), (2, 4, 56.7), (2, 2, 42.6)],
)
def test_states_in_gib(weight, moments, published):
    how = dataclasses.replace(FULL, weight_bytes=weight, moment_bytes=moments)
    assert gib(how) == pytest.approx(published, abs=0.06)


def test_activations_at_8k():
    bf16 = dataclasses.replace(FULL, weight_bytes=2)
    inputs, inside, _ = planner.activations(QWEN, bf16, 1)
    assert inputs.gib == pytest.approx(1.53, abs=0.01)
    bare = dataclasses.replace(bf16, checkpointing=False)
    assert planner.activations(QWEN, bare, 1)[1].gib == pytest.approx(47, rel=0.1)
    assert inside.gib == pytest.approx(planner.activations(QWEN, bare, 1)[1].gib / 28)
    doubled = planner.activations(QWEN, bf16, 2)
    assert doubled[0].gib == pytest.approx(2 * inputs.gib)


def test_three_gib_are_kept_free():
    assert planner.memory(QWEN, FULL, 1, 1)[-1].gib == 3


def test_sharding_divides_the_states_and_autocast_adds_its_copies():
    auto = dataclasses.replace(FULL, autocast=True)
    assert gib(auto) - gib(FULL) == pytest.approx(2 * throughput.matmul_parameters(QWEN) / GIB)
    gathered = next(p.gib for p in planner.states(QWEN, auto, 8) if p.name == "gathered")
    assert gib(auto, 8) - gathered == pytest.approx(113.5 / 8, abs=0.01)


def test_what_does_not_fit_has_no_hours():
    found = planner.plan(QWEN, FULL, planner.GPUS["4090"], 1, Run(ROWS, 32, 3, 4))
    assert (found.fits, found.micro_batch) == (0, 0)
    assert math.isnan(found.hours)
    with pytest.raises(ConfigError, match="does not divide"):
        planner.plan(QWEN, FULL, planner.GPUS["h200"], 3, Run(ROWS, 32, 3, 4))


def test_only_what_was_measured_says_so():
    def measured(gpu="h200", devices=1, of=QWEN, **changes):
        how = dataclasses.replace(FULL, **changes)
        return planner.plan(of, how, planner.GPUS[gpu], devices, Run(ROWS, 32, 3, 1)).measured

    assert measured()
    assert not measured(devices=2)
    assert not measured("h100")
    assert not measured(packing=True)
    assert not measured(trained=5_046_272)
    assert measured(mode="fast")
    assert measured(mode="lean")
    assert not measured(mode="lean", weight_bytes=2)
    small = planner.SHAPES["Qwen/Qwen2.5-3B-Instruct"]
    assert not measured(of=small, trained=small.parameters)


@pytest.mark.parametrize(
    ("mode", "speed", "peak"),
    [("plain", 4024, 129.64), ("fast", 9586, 121.15), ("lean", 11_122, 126.76)],
)
def test_a_mode_is_planned_as_an_h200_was_measured(mode, speed, peak):
    """Peak GiB, within a tenth; tokens per second at the measured documents' lengths.

    No reserve is counted.
    """
    how = dataclasses.replace(FULL, autocast=True, mode=mode)
    parts = {p.name: p.gib for p in planner.memory(QWEN, how, 1, 1)}
    assert parts.pop("reserve") == planner.RESERVE
    assert sum(parts.values()) == pytest.approx(peak, rel=0.04)
    lengths = Lengths((4162,) * 32, "attended by a mean token of the measured steps")
    found = planner.plan(QWEN, how, planner.GPUS["h200"], 1, Run(lengths, 32, 1, 1))
    assert found.tokens_per_second == pytest.approx(speed, rel=0.01)
    assert found.fits


def test_lean_keeps_8_bit_moments_of_matrices_and_bf16_weights_fit_80_gb():
    how = dataclasses.replace(FULL, autocast=True, mode="lean")
    parts = {part.name: part.gib for part in planner.states(QWEN, how, 1)}
    matrices = 28 * (2 * 3584 * 3584 + 2 * 3584 * 512 + 3 * 3584 * 18944)
    assert parts["8-bit moments"] == pytest.approx(matrices * (2 + 8 / 256) / GIB)
    assert parts["fp32 moments"] == pytest.approx((QWEN.parameters - matrices) * 8 / GIB)
    assert planner.micro_batch(QWEN, how, planner.GPUS["h100"], 1, 1) == 0
    half = dataclasses.replace(how, weight_bytes=2, autocast=False)
    assert planner.micro_batch(QWEN, half, planner.GPUS["h100"], 1, 1) == 1
    assert half.recomputed
    assert not how.recomputed


def test_padding_slows_an_unpacked_run_and_not_a_packed_one():
    run = Run(ROWS, 32, 1, 4)
    h200 = planner.GPUS["h200"]
    small = dataclasses.replace(FULL, max_length=512)
    padded = planner.plan(QWEN, small, h200, 1, run)
    packed = planner.plan(QWEN, dataclasses.replace(small, packing=True), h200, 1, run)
    assert (padded.micro_batch, padded.accumulation) == (4, 8)
    assert padded.processed == 32 * 400
    assert padded.hours / packed.hours == pytest.approx(400 / 250)


def test_a_packed_run_steps_over_packed_rows():
    run = Run(Lengths((4096,) * 64, "test"), 32, 1, 1)
    packed = dataclasses.replace(FULL, packing=True)
    found = planner.plan(QWEN, packed, planner.GPUS["h200"], 1, run)
    assert (found.rows, found.steps) == (32, 1)
    assert found.processed == found.tokens
    apart = planner.plan(QWEN, FULL, planner.GPUS["h200"], 1, run)
    assert (apart.rows, apart.steps) == (64, 2)


def test_every_way_out_that_is_named_fits():
    run = Run(ROWS, 32, 3, 4)
    named = planner.ways(QWEN, FULL, planner.GPUS["h100"], 1, run, 5_046_272)
    assert [way.split(" (")[0] for way in named] == [
        "--count 2",
        "--optim adamw_bnb_8bit --dtype bfloat16 --mode plain",
        "--use_peft true --dtype bfloat16 --mode plain",
    ]
    between = dataclasses.replace(planner.GPUS["4090"], gib=18)
    assert planner.ways(
        QWEN, FULL, between, 1, dataclasses.replace(run, global_batch=1), 40_370_176
    ) == ["recipes/configs/qlora_24gb.yaml (LoRA on a base in 4 bits)"]
    assert planner.micro_batch(QWEN, FULL, planner.GPUS["h100"], 2, 1) == 1
    tiny = dataclasses.replace(planner.GPUS["4090"], gib=4)
    assert planner.ways(QWEN, FULL, tiny, 1, run, 5_046_272) == [
        "a smaller model, or a shorter --max_length"
    ]


def test_lora_counts_its_targets():
    model = ModelConfig(lora_r=16, lora_target_modules=["q_proj", "v_proj"])
    assert planner.lora(QWEN, model) == 16 * 28 * (3584 + 3584 + 3584 + 512)
    model.lora_target_modules = ["qproj"]
    with pytest.raises(ConfigError, match="qproj is no matrix"):
        planner.lora(QWEN, model)
    vars(model)["lora_target_modules"] = "q_.*|v_proj"
    with pytest.raises(ConfigError, match=r"modules: q_\.\*\|v_proj is no matrix"):
        planner.lora(QWEN, model)


def test_an_unknown_model_or_optimizer_is_named(tmp_path):
    sft = SFTConfig(optim="lomo", use_cpu=True, bf16=False)
    with pytest.raises(ConfigError, match="lomo"):
        planner.setup(sft, ModelConfig(), QWEN)
    with pytest.raises(MissingInputError, match="not known"):
        planner.shape_of(str(tmp_path))


def test_drawn_rows_meet_the_papers_spread_in_every_genre():
    for genre in paper.genres().values():
        if genre is not None and genre.count >= 10:
            found = lengths.spread(genre.article, genre.count)
            assert (found.min(), found.max()) == (genre.article.min, genre.article.max)
            assert found.mean() == pytest.approx(genre.article.mean, rel=0.02)


def test_drawn_mixtures_have_the_rows_asked_for_and_say_that_they_are_synthetic():
    found = lengths.drawn({"creative": 1665, "general_zh": 1000, "general_en": 1000}, 8192)
    assert len(found.tokens) == 3665
    assert max(found.tokens) <= 8192
    assert "synthetic" in found.origin
    assert found == lengths.drawn({"creative": 1665, "general_zh": 1000, "general_en": 1000}, 8192)


def test_long_parts_on_the_same_rows_spread_a_mixture_widest():
    apart = lengths.drawn({"creative": 1665}, 8192)
    widest = lengths.drawn({"creative": 1665}, 8192, together=True)
    assert lengths.padded(widest, 8) / widest.total > lengths.padded(apart, 8) / apart.total


@given(st.lists(st.integers(1, 64), min_size=1, max_size=60), st.integers(1, 8))
@settings(max_examples=60)
def test_padding_and_packing_never_lose_a_token(tokens, batch):
    rows = Lengths(tuple(tokens), "test")
    assert lengths.padded(rows, batch) >= rows.total
    assert lengths.padded(rows, 1) == rows.total
    bins = lengths.packed(rows, 64) // 64
    assert bins * 64 >= rows.total
    assert bins <= max(1, 2 * rows.total / 64)  # two half-empty bins would have been one


def test_attention_is_paid_by_the_length_that_a_mean_token_stands_in():
    assert ROWS.mean == 250
    assert ROWS.attended == 300  # (1 + 9 + 4 + 16) / (1 + 3 + 2 + 4) hundreds
    full = dataclasses.replace(planner.GPUS["h200"], mfu=0.4, measured={})
    found = planner.plan(QWEN, FULL, full, 1, Run(ROWS, 32, 1, 1))
    at_300 = full.peak * 0.4 / throughput.flops_per_token(QWEN, 300)
    assert found.tokens_per_second == pytest.approx(at_300)


def test_any_gpu_is_described_by_memory_and_peak():
    small = planner.gpu("a100-80", 39, None)
    assert (small.gib, small.peak, small.measured) == (39, planner.GPUS["a100-80"].peak, {})
    own = planner.gpu("h200", 47.5, 181)
    assert (own.gib, own.peak, own.mfu, own.measured) == (47.5, 181e12, 0.3, {})
    assert planner.gpu("h200", 100, None).measured == {}
    assert "assumption" in own.why
    assert planner.gpu("h200", None, None) is planner.GPUS["h200"]
    for odd in (0, -1, math.nan, math.inf):
        with pytest.raises(ConfigError, match=f"--gpu-memory {odd:g} is no number above 0"):
            planner.gpu("h200", odd, None)
        with pytest.raises(ConfigError, match=f"--gpu-tflops {odd:g} is no number above 0"):
            planner.gpu("h200", 80, odd)


def test_an_adapter_and_its_base_are_copied_to_every_device():
    adapter = dataclasses.replace(FULL, weight_bytes=2, trained=161_480_704)
    assert gib(adapter, 8) == gib(adapter, 1)
    names = [part.name for part in planner.states(QWEN, adapter, 8)]
    assert "gathered" not in names


def test_a_base_in_4_bits_is_half_a_byte_and_its_constants():
    assert planner.NF4 == {False: 0.5625, True: 0.5 + 0.015625 + 0.000244140625}
    how = dataclasses.replace(
        FULL, weight_bytes=2, trained=40_370_176, moment_bytes=4, quantised=planner.NF4[True]
    )
    parts = {part.name: part.gib for part in planner.states(QWEN, how, 1)}
    layers = 28 * (2 * 3584 * 3584 + 2 * 3584 * 512 + 3 * 3584 * 18944)
    assert parts["weights in nf4"] == pytest.approx(layers * 0.515869140625 / GIB)
    assert parts["other weights"] == pytest.approx((7_615_616_512 - layers) * 2 / GIB)
    assert parts["adapter"] == pytest.approx(40_370_176 * 2 / GIB)
    assert parts["optimizer"] == pytest.approx(40_370_176 * 4 / GIB)
    assert planner.micro_batch(QWEN, how, planner.GPUS["4090"], 1, 1) == 1


def test_a_plan_names_what_it_cannot_vouch_for():
    def said(devices=1, gpu="h200", **changes):
        how = dataclasses.replace(FULL, **changes)
        found = planner.plan(QWEN, how, planner.GPUS[gpu], devices, Run(ROWS, 32, 3, 1))
        return " ".join(planner.doubts(QWEN, how, found))

    assert said() == ""
    assert said(mode="fast") == ""
    assert "has finished no step on a GPU" in said(mode="lean", weight_bytes=2)
    assert "traffic between devices" in said(devices=8)
    assert "of another recipe, model or GPU" in said(gpu="h100")
    lora = said(trained=161_480_704, weight_bytes=2)
    assert "beside its base is not counted" in lora
    assert "4-bit" not in lora
    assert "4-bit" in said(trained=161_480_704, weight_bytes=2, quantised=0.5625)
