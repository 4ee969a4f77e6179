"""What a run will take before it is paid for: memory by part, micro-batch, steps, tokens, hours.

Arithmetic from the model's shape, the recipe and the rows' lengths. Speed is what each mode was measured at
on an H200, and assumed from published figures elsewhere, each with its source. GiB are 2^30 bytes.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.mixture import steps
from coig_writer.planning import lengths as planner_lengths
from coig_writer.planning.lengths import Lengths
from coig_writer.training import throughput
from coig_writer.training.recipe import longest

if TYPE_CHECKING:
    from transformers import Qwen2Config
    from trl import ModelConfig, SFTConfig

GIB = 2**30


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a Qwen2-like model, by the names of its ``config.json``."""

    num_hidden_layers: int
    hidden_size: int
    intermediate_size: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    vocab_size: int
    tie_word_embeddings: bool

    def config(self, **settings: Any) -> Qwen2Config:
        """Returns the shape as a transformers configuration, with further settings of it."""
        from transformers import Qwen2Config

        sizes = {k: v for k, v in dataclasses.asdict(self).items() if k != "head_dim"}
        return Qwen2Config(**sizes, **settings)

    @property
    def parameters(self) -> int:
        """Counts all parameters, biases and norms included."""
        h, layers = self.hidden_size, self.num_hidden_layers
        width = self.head_dim * (self.num_attention_heads + 2 * self.num_key_value_heads)
        embedding = 0 if self.tie_word_embeddings else self.vocab_size * h
        return throughput.matmul_parameters(self) + embedding + layers * (width + 2 * h) + h


SHAPES = {
    "Qwen/Qwen2.5-0.5B-Instruct": Shape(24, 896, 4864, 14, 2, 64, 151936, True),
    "Qwen/Qwen2.5-1.5B-Instruct": Shape(28, 1536, 8960, 12, 2, 128, 151936, True),
    "Qwen/Qwen2.5-3B-Instruct": Shape(36, 2048, 11008, 16, 2, 128, 151936, True),
    "Qwen/Qwen2.5-7B-Instruct": Shape(28, 3584, 18944, 28, 4, 128, 152064, False),
    "Qwen/Qwen2.5-14B-Instruct": Shape(48, 5120, 13824, 40, 8, 128, 152064, False),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU.

    Attributes:
        name: Its name.
        gib: Memory that software sees, in GiB.
        peak: Dense bf16 peak, in FLOP/s.
        mfu: The strict MFU that is assumed for it.
        why: Where that comes from.
        measured: Mode → strict MFU of this kit's own recipe on one such GPU; no published run's.
    """

    name: str
    gib: float
    peak: float
    mfu: float
    why: str
    measured: Mapping[str, float] = dataclasses.field(default_factory=dict)


GPUS = {
    "h200": Gpu("H200", 139, throughput.PEAKS["H200"], 0.3,
        "measured on lengths drawn for cw_10k, full fine-tuning of 7B: plain 4,024 tok/s (5,008 beside another CPU), fast 9,586, lean 11,122; benchmarks/sft.md",
        measured={"plain": 0.182, "fast": 0.435, "lean": 0.505}),
    "h100": Gpu("H100 80 GB", 79, throughput.PEAKS["H100"], 0.325,
        "llm-foundry: MPT-7B, 8×H100, 8,192 tokens: 6,935 tok/s"),
    "a100-80": Gpu("A100 80 GB", 79, throughput.PEAKS["A100"], 0.477,
        "llm-foundry: MPT-7B, 8×A100-80, 8,192 tokens: 54.5 % as published × 32.5/37.1 for strict"),
    "4090": Gpu("RTX 4090", 23.5, throughput.PEAKS["RTX 4090"], 0.40,
        "an assumption: no published full-length figure was found"),
}  # fmt: skip

MEASURED = "Qwen/Qwen2.5-7B-Instruct"  # the model whose speed was measured
MOMENTS = {  # bytes of AdamW's two moments per trained parameter, on top of the weights' own
    "adamw_torch": None,  # in the weights' dtype
    "adamw_torch_fused": None,
    "adamw_8bit": 2,
    "adamw_bnb_8bit": 2,
    "paged_adamw_8bit": 2,
    "adamw_torch_8bit": 2,
}
ASSUMED_MFU = 0.3  # of a GPU that only its memory and its peak describe
# bitsandbytes' nf4: half a byte per weight, a constant per 64 weights in 4 bytes, or nested: 1 byte and 4 per 256 constants
NF4 = {False: 0.5 + 4 / 64, True: 0.5 + 1 / 64 + 4 / (64 * 256)}
MOMENTS_8BIT = 2 * (1 + 4 / 256)  # two bytes per weight, and an fp32 scale for every 256 of each
RESERVE = 3.0  # GiB: CUDA context, cuBLAS workspaces, backward temporaries, fragmentation


@dataclasses.dataclass(frozen=True, slots=True)
class Setup:
    """What of a recipe decides memory and speed."""

    weight_bytes: int
    autocast: bool
    moment_bytes: int
    checkpointing: bool
    trained: int
    max_length: int
    packing: bool
    foreach: bool = False
    quantised: float | None = (
        None  # bytes per weight of the layers' matrices, where the base is in 4 bits
    )
    mode: str = "plain"

    @property
    def lean(self) -> bool:
        """Whether the layers' matrices have 8-bit moments."""
        return self.mode == "lean"

    @property
    def recomputed(self) -> bool:
        """Whether the backward pass computes a layer's inside again; of lean only with bf16 weights."""
        return (
            self.checkpointing if self.mode == "plain" else not self.lean or self.weight_bytes == 2
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One part of a device's memory.

    Attributes:
        name: What it holds.
        gib: Its size in GiB.
        arithmetic: How the size comes about.
    """

    name: str
    gib: float
    arithmetic: str


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """What is trained on: lengths of the rows, documents per optimizer step, epochs, micro-batch.

    ``epochs`` is a fraction where a run is cut to another's number of steps.
    """

    lengths: Lengths
    global_batch: int
    epochs: float
    rows_per_device: int


@dataclasses.dataclass(frozen=True, slots=True)
class PlannedRun:
    """A predicted run on one kind of device.

    Attributes:
        gpu: The device.
        devices: How many of them.
        parts: Memory of one device, part by part.
        fits: The largest micro-batch that fits, in rows; 0 where none does.
        micro_batch: The recipe's own where that fits, since a larger one only adds padding.
        accumulation: Micro-batches to a step of one device.
        mode: How it is computed.
        mfu: Share of the device's peak that the speed is.
        rows: Of one epoch: the documents, or with packing what they are packed into.
        steps: Optimizer steps of the whole run.
        tokens: Of the whole run, without padding.
        processed: The same with padding.
        tokens_per_second: Of one device, without padding.
        hours: Of the whole run; null in JSON where nothing fits.
        measured: Whether the speed behind it was measured for this model in this mode, trained whole and unpacked on one
            such GPU.
    """

    gpu: Gpu
    devices: int
    parts: tuple[Part, ...]
    fits: int
    micro_batch: int
    accumulation: int
    mode: str
    mfu: float
    rows: int
    steps: int
    tokens: int
    processed: int
    tokens_per_second: float
    hours: float
    measured: bool

    @property
    def gib(self) -> float:
        """Memory of one device in all."""
        return sum(part.gib for part in self.parts)


def shape_of(model: str) -> Shape:
    """Returns the shape of a model: known by name, or read from its folder's ``config.json``.

    Raises:
        MissingInputError: It is neither.
    """
    if model in SHAPES:
        return SHAPES[model]
    if not (Path(model) / "config.json").is_file():
        raise MissingInputError(
            f"the shape of {model!r} is not known",
            f"give a folder with its config.json, or one of {', '.join(SHAPES)}",
        )
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(model)
    fields = [f.name for f in dataclasses.fields(Shape) if f.name != "head_dim"]
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return Shape(head_dim=head, **{name: getattr(config, name) for name in fields})


def gpu(name: str, gib: float | None, tflops: float | None) -> Gpu:
    """Returns a known GPU, with another memory or peak where they are given.

    Args:
        name: One of ``GPUS``.
        gib: Memory that software sees.
        tflops: Dense bf16 peak in 10^12 operations per second; its MFU is then assumed.

    Raises:
        ConfigError: A number is not above 0.
    """
    chosen = GPUS[name]
    for flag, value in (("--gpu-memory", gib), ("--gpu-tflops", tflops)):
        if value is not None and not 0 < value < math.inf:
            raise ConfigError(
                f"{flag} {value:g} is no number above 0", "give GiB, and dense bf16 TFLOPS"
            )
    if gib is not None:
        chosen = dataclasses.replace(
            chosen, name=f"{chosen.name} with {gib:g} GiB", gib=gib, measured={}
        )
    if tflops is not None:
        chosen = dataclasses.replace(
            chosen, name=f"GPU of {chosen.gib:g} GiB and {tflops:g} TFLOPS", peak=tflops * 1e12,
            mfu=ASSUMED_MFU, why="an assumption: nothing was measured or published for it", measured={},
        )  # fmt: skip
    return chosen


def setup(sft: SFTConfig, model: ModelConfig, shape: Shape, mode: str = "plain") -> Setup:
    """Reads a recipe's settings.

    Raises:
        ConfigError: The optimizer's memory is not known here.
    """
    name = str(getattr(sft.optim, "value", sft.optim))
    if name not in MOMENTS:
        raise ConfigError(
            f"optim: {name}: its memory is not known to the planner", f"use {', '.join(MOMENTS)}"
        )
    weight = 2 if str(model.dtype) in ("bfloat16", "float16") else 4
    trained = lora(shape, model) if model.use_peft else shape.parameters
    quantised = NF4[bool(model.use_bnb_nested_quant)] if model.load_in_4bit else None
    trained_bytes = adapter_bytes(quantised) if model.use_peft else weight
    moments = MOMENTS[name]
    return Setup(
        weight,
        bool(sft.bf16) and weight == 4,
        2 * trained_bytes if moments is None else moments,
        bool(sft.gradient_checkpointing),
        trained,
        longest(sft),
        bool(sft.packing),
        foreach=name == "adamw_torch",
        quantised=quantised,
        mode=mode,
    )


def adapter_bytes(quantised: float | None) -> int:
    """Returns the bytes per weight of an adapter: fp32, and on a base in 4 bits bf16."""
    return 4 if quantised is None else 2


def lora(shape: Shape, model: ModelConfig) -> int:
    """Counts the parameters of a LoRA adapter.

    Raises:
        ConfigError: A target is no matrix of a layer.
    """
    h, q = shape.hidden_size, shape.num_attention_heads * shape.head_dim
    kv, i = shape.num_key_value_heads * shape.head_dim, shape.intermediate_size
    sides = {
        "q_proj": h + q, "k_proj": h + kv, "v_proj": h + kv, "o_proj": q + h,
        "gate_proj": h + i, "up_proj": h + i, "down_proj": i + h,
    }  # fmt: skip
    targets: str | list[str] = model.lora_target_modules or ["q_proj", "v_proj"]
    named = [targets] if isinstance(targets, str) else targets  # TRL's text is PEFT's pattern
    chosen = list(sides) if named == ["all-linear"] else named
    if unknown := sorted(set(chosen) - set(sides)):
        raise ConfigError(
            f"lora_target_modules: {unknown[0]} is no matrix of this model's layers",
            f"name some of {', '.join(sides)}",
        )
    return int(model.lora_r) * shape.num_hidden_layers * sum(sides[name] for name in chosen)


def states(shape: Shape, how: Setup, devices: int) -> list[Part]:
    """Returns weights, gradients and optimizer.

    They are sharded over the devices (FSDP or ZeRO-3), but an adapter and its base are copied (plain DDP).
    """
    frozen = shape.parameters if how.trained < shape.parameters else 0
    trained = how.trained
    trained_bytes = adapter_bytes(how.quantised) if frozen else how.weight_bytes
    devices = 1 if frozen else devices
    over = f" ÷ {devices} devices" if devices > 1 else ""

    def part(name: str, count: int, size: float) -> Part:
        return Part(name, count * size / devices / GIB, f"{count:,} × {size:.4g} B{over}")

    parts = [part("weights", frozen or trained, how.weight_bytes)]
    if how.quantised is not None:
        inside = throughput.matmul_parameters(shape) - shape.vocab_size * shape.hidden_size
        parts = [
            part("weights in nf4", inside, how.quantised),
            part("other weights", frozen - inside, how.weight_bytes),
        ]
    if frozen:
        parts.append(part("adapter", trained, trained_bytes))
    parts.append(part("gradients", trained, trained_bytes))
    if how.lean:
        inside = throughput.matmul_parameters(shape) - shape.vocab_size * shape.hidden_size
        parts.append(part("8-bit moments", inside, MOMENTS_8BIT))
        parts.append(part("fp32 moments", trained - inside, 8))
    else:
        parts.append(part("optimizer", trained, how.moment_bytes))
    if devices > 1:  # FSDP gathers embedding, head and two layers at a time, in bf16
        layer = (
            shape.parameters - 2 * shape.vocab_size * shape.hidden_size
        ) // shape.num_hidden_layers
        whole = 2 * shape.vocab_size * shape.hidden_size + 2 * layer
        parts.append(Part("gathered", whole * 2 / GIB, f"{whole:,} × 2 B"))
    elif how.autocast and how.mode == "plain":  # a bf16 copy of every matrix until autocast ends
        parts.append(part("bf16 copies", throughput.matmul_parameters(shape), 2))
    elif how.autocast and not how.recomputed:
        # What a compiled layer cast is kept for its backward pass.
        inside = throughput.matmul_parameters(shape) - shape.vocab_size * shape.hidden_size
        parts.append(part("bf16 copies", inside, 2))
    return parts


def layer_bytes(shape: Shape, residual: int) -> int:
    """Returns what one layer keeps for its backward pass, in bytes per token.

    Two norms (fp32 input, normalised and scaled copy), q, k, v and the attention's output, the
    residual between, and gate, up, activated gate and product of the MLP; matrices in bf16.
    """
    h, i = shape.hidden_size, shape.intermediate_size
    kv = shape.num_key_value_heads * shape.head_dim
    return 2 * 8 * h + 2 * (2 * h + 2 * kv) + residual * h + 2 * 4 * i


def compiled_layer_bytes(shape: Shape) -> int:
    """Returns what a compiled layer keeps beside its input, in bytes per token: matrices' inputs and outputs in bf16.

    Two normalised copies, q, k, v, the attention's output and its projection, and gate, up and product of the MLP.
    """
    h, q = shape.hidden_size, shape.num_attention_heads * shape.head_dim
    kv = shape.num_key_value_heads * shape.head_dim
    return 2 * (3 * h + 2 * q + 2 * kv + 3 * shape.intermediate_size)


def activations(shape: Shape, how: Setup, rows: int) -> list[Part]:
    """Returns activations and head for a micro-batch of so many rows of full length.

    In the modes that pad nothing it is one row, filled up to that length.
    """
    tokens = how.max_length * (rows if how.mode == "plain" else 1)
    h, layers = shape.hidden_size, shape.num_hidden_layers
    residual = 4 if how.autocast or how.weight_bytes == 4 else 2
    live = 1 if how.recomputed else layers
    per_token = layer_bytes(shape, residual)
    if how.mode != "plain" and not how.recomputed:
        per_token = compiled_layer_bytes(shape)
    head = shape.vocab_size * h * 4 + tokens * h * 4
    attended = 2 * shape.num_attention_heads * shape.head_dim
    kept = [
        Part("attention kept", layers * tokens * attended / GIB,
            f"{layers} layers × {tokens:,} tokens × {attended:,} B"),
    ]  # fmt: skip
    return [
        *(kept if how.mode != "plain" and how.recomputed else []),
        Part("layer inputs", layers * tokens * h * residual / GIB,
            f"{layers} layers × {tokens:,} tokens × {h:,} × {residual} B"),
        Part("inside layers", live * tokens * per_token / GIB,
            f"{live} live × {tokens:,} tokens × {per_token:,} B"),
        Part("fused head", head / GIB,
            f"fp32 sums: {shape.vocab_size:,} × {h:,} × 4 B + {tokens:,} × {h:,} × 4 B"),
    ]  # fmt: skip


def memory(shape: Shape, how: Setup, devices: int, rows: int) -> tuple[Part, ...]:
    """Returns a device's memory by part."""
    reserve = Part("reserve", RESERVE, "context, workspaces, fragmentation (assumed)")
    held, transient = states(shape, how, devices), activations(shape, how, rows)
    free = sum(p.gib for p in transient)
    free += sum(p.gib for p in held if p.name in ("bf16 copies", "gathered"))
    return (*held, *transient, *update(shape, how, devices, free), reserve)


def update(shape: Shape, how: Setup, devices: int, free: float) -> list[Part]:
    """Returns what the update needs beyond the memory that forward and backward have left free.

    The unfused AdamW holds a root of the second moment for all parameters at once (measured: without
    this part a plan says 137 of an H200's 139 GiB, and the first update runs out of memory).
    """
    adapter = how.trained < shape.parameters
    trained_bytes = adapter_bytes(how.quantised) if adapter else how.weight_bytes
    beyond = how.trained * trained_bytes / (1 if adapter else devices) / GIB - free
    if not how.foreach or beyond <= 0:
        return []
    shown = f"{how.trained:,} × {trained_bytes} B, less {free:.1f} GiB of activations gone by then; --optim adamw_torch_fused needs none"
    return [Part("update", beyond, shown)]


def micro_batch(shape: Shape, how: Setup, gpu: Gpu, devices: int, share: int) -> int:
    """Returns the most rows, a divisor of ``share``, whose worst case fits; 0 if one does not."""
    fitting = [
        rows
        for rows in range(1, share + 1)
        if share % rows == 0 and sum(p.gib for p in memory(shape, how, devices, rows)) <= gpu.gib
    ]
    return max(fitting, default=0)


def packed_rows(run: Run, how: Setup) -> int:
    """Returns how many rows the documents of an epoch are packed into."""
    return planner_lengths.packed(run.lengths, how.max_length) // how.max_length


def ways(shape: Shape, how: Setup, gpu: Gpu, devices: int, run: Run, adapter: int) -> list[str]:
    """Returns the flags with which a run that does not fit would.

    Args:
        shape: Of the model.
        how: The setup that does not fit.
        gpu: The device.
        devices: How many there are.
        run: Its global batch bounds the number of devices.
        adapter: Parameters of a LoRA adapter, by the recipe's own settings.
    """

    def fits(how: Setup, devices: int) -> bool:
        return micro_batch(shape, how, gpu, devices, 1) > 0

    flags = []
    if how.foreach and fits(dataclasses.replace(how, foreach=False), devices):
        flags.append("--optim adamw_torch_fused")
    plain = dataclasses.replace(how, mode="plain")
    counts = [n for n in range(devices + 1, run.global_batch + 1) if run.global_batch % n == 0]
    for count in counts:
        if fits(how, count) or fits(plain, count):
            flags.append(f"--count {count}" + ("" if fits(how, count) else " --mode plain"))
            break
    lean = dataclasses.replace(plain, weight_bytes=2, autocast=False)
    if how.trained == shape.parameters and fits(dataclasses.replace(lean, moment_bytes=2), devices):
        flags.append(
            "--optim adamw_bnb_8bit --dtype bfloat16 --mode plain (bf16 weights lose small updates: docs/decisions/0010-precision.md)"
        )
    if fits(dataclasses.replace(lean, moment_bytes=8, trained=adapter), devices):
        flags.append(
            "--use_peft true --dtype bfloat16 --mode plain (LoRA; --config recipes/configs/lora.yaml is that with its learning rate)"
        )
    in_4_bits = dataclasses.replace(lean, moment_bytes=4, trained=adapter, quantised=NF4[True])
    if not flags and fits(in_4_bits, devices):
        flags.append("recipes/configs/qlora_24gb.yaml (LoRA on a base in 4 bits)")
    return flags or ["a smaller model, or a shorter --max_length"]


def plan(shape: Shape, how: Setup, gpu: Gpu, devices: int, run: Run) -> PlannedRun:
    """Predicts a run.

    Raises:
        ConfigError: The global batch does not divide by the devices.
    """
    if devices < 1 or run.global_batch % devices:
        raise ConfigError(
            f"a global batch of {run.global_batch} does not divide by {devices} devices",
            "choose a --count that divides it",
        )
    share = run.global_batch // devices
    fits = micro_batch(shape, how, gpu, devices, share)
    rows = max(1, min(fits, run.rows_per_device))
    tokens = round(run.lengths.total * run.epochs)
    padded = round(run.epochs * planner_lengths.padded(run.lengths, rows))
    processed = tokens if how.packing or how.mode != "plain" else padded
    per_epoch = packed_rows(run, how) if how.packing else len(run.lengths.tokens)
    # the model computes on padding as well, so speed without padding falls by its share
    flops = throughput.flops_per_token(shape, run.lengths.attended)
    mode = "fast" if how.lean and how.recomputed else how.mode  # it recomputes as fast does
    mfu = gpu.measured.get(mode, gpu.mfu)
    speed = gpu.peak * mfu / flops * tokens / processed
    return PlannedRun(
        gpu, devices, memory(shape, how, devices, rows), fits, rows if fits else 0, -(-share // rows),
        how.mode, mfu, per_epoch, round(steps(per_epoch, run.global_batch, 1) * run.epochs),
        tokens, processed, speed, tokens / speed / devices / 3600 if fits else math.nan,
        how.mode in gpu.measured and mode == how.mode and devices == 1 and shape == SHAPES[MEASURED]
        and how.trained == shape.parameters and how.weight_bytes == 4 and not how.packing,
    )  # fmt: skip


def doubts(shape: Shape, how: Setup, planned: PlannedRun) -> list[str]:
    """Returns what a plan cannot vouch for, a sentence each."""
    sentences = {
        "speed is of another recipe, model or GPU than planned": not planned.measured,
        "mode lean with bf16 weights has finished no step on a GPU": how.lean and how.recomputed,
        "what an adapter computes beside its base is not counted, in memory or time": how.trained
        < shape.parameters,
        "4-bit layers are unpacked in every pass, which takes time that is not counted": how.quantised
        is not None,
        "traffic between devices is not counted": planned.devices > 1,
    }
    return [sentence for sentence, holds in sentences.items() if holds]
