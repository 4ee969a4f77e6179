"""The training step predicted before it is measured: milliseconds by part, and memory, per variant.

One micro-batch of one full row of Qwen2.5-7B on an H200, from data-sheet peaks and a few published
timings. ``benchmarks/sft.py`` measures the same variants; benchmarks/sft.md says how far off these are.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from coig_writer.planning import planner
from coig_writer.planning.planner import Shape
from coig_writer.training import throughput

PADDED_SHARE = 0.456  # real tokens in padded micro-batches of cw: benchmarks/token_efficiency.py
# Assumptions of --predict. GEMM: TRL #7244, 8,192 × 151,936 × 4,096 forward and backward in 42 ms on an H100.
GEMM, BANDWIDTH = 0.736, 4.8e12 * 0.8
ATTENTION = {"flash": 0.55, "cudnn": 0.65}  # of the peak, assumed
FP8_GEMM = 1.5  # over bf16 matrices, conversions included
HEAD_OVER_GEMM = {
    "full": 59 / 42,
    "chunked": 4 / 3 * 59 / 42,
    "compiled": 1.1,
}  # #7244; one more product when chunked; compiled, the loss in few passes over bf16 logits (assumed)


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to take the step; ``micro`` is rows per device and micro-batch."""

    name: str
    changes: str
    packed: bool = True
    head: Literal["full", "chunked", "compiled"] = "chunked"
    checkpoint: Literal["full", "attention", "none"] = "full"
    compiled: bool = False
    states: Literal["fp32", "master8"] = "fp32"
    attention: Literal["flash", "cudnn"] = "flash"
    fp8: bool = False


VARIANTS = {
    v.name: v
    for v in (
        Variant("default", "fp32 states, bf16 autocast, full checkpointing, full logits, padded rows",
            packed=False, head="full"),
        Variant("packing", "rows filled to 8,192 tokens", head="full"),
        Variant("fused_head", "logits in chunks, never whole"),
        Variant("selective", "attention's outputs are kept, the rest recomputed", checkpoint="attention"),
        Variant("compile", "torch.compile of every layer", checkpoint="attention", compiled=True),
        Variant("master8", "bf16 weights and gradients, fp32 master, 8-bit moments; no checkpointing",
            checkpoint="none", compiled=True, states="master8"),
        Variant("cudnn", "attention by cuDNN's kernel", checkpoint="none", compiled=True,
            states="master8", attention="cudnn"),
        Variant("compiled_head", "whole logits in bf16, their loss compiled", head="compiled",
            checkpoint="none", compiled=True, states="master8", attention="cudnn"),
        Variant("fp8", "matrices of the layers in fp8", head="compiled", checkpoint="none",
            compiled=True, states="master8", attention="cudnn", fp8=True),
    )
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Prediction:
    """Milliseconds of one micro-batch by part, its useful tokens, and memory."""

    parts: dict[str, float]
    tokens: float
    gib: float

    @property
    def speed(self) -> float:
        """Tokens per second without padding."""
        return self.tokens / sum(self.parts.values()) * 1e3


def predict(of: Shape, how: Variant, length: int, accumulate: int) -> Prediction:
    """Predicts a micro-batch of one full row on an H200 from the assumptions above.

    FLOPs are 2 per parameter and token forward and 4 backward; checkpointing computes forward once more.
    Bytes are those that move through the GPU's memory.
    """
    peak, fp32 = throughput.PEAKS["H200"], how.states == "fp32"
    head = of.vocab_size * of.hidden_size
    layers = throughput.matmul_parameters(of) - head
    passes = 6 if how.checkpoint == "none" else 8  # FLOPs per parameter of the layers
    attention = throughput.flops_per_token(of, length) - 6 * (layers + head)
    attention *= 4 / 3 if how.checkpoint == "full" else 1
    kept = planner.layer_bytes(of, 4 if fp32 else 2) * of.num_hidden_layers
    flop_s = {
        "matrices": passes * layers / (peak * GEMM * (FP8_GEMM if how.fp8 else 1)),
        "attention": attention / (peak * ATTENTION[how.attention]),
        "head": 6 * head * HEAD_OVER_GEMM[how.head] / (peak * GEMM),
    }
    moved = {
        "elementwise": kept * length * passes / 2 * (0.5 if how.compiled else 1),
        "casts": 6 * of.parameters if fp32 else 0,
        "optimizer": (28 if fp32 else 16) * of.parameters / accumulate,
    }
    seconds = {name: length * each for name, each in flop_s.items()}
    seconds |= {name: size / BANDWIDTH for name, size in moved.items()}
    useful = length * (1 if how.packed else PADDED_SHARE)
    return Prediction({k: 1e3 * v for k, v in seconds.items()}, useful, memory(of, how, length))


def memory(of: Shape, how: Variant, length: int) -> float:
    """Predicts GiB from the planner's parts; full logits take 2 + 4 + 4 bytes each, compiled 2 + 2."""
    lean = how.states == "master8"
    setup = planner.Setup(
        2 if lean else 4, not lean, 6 if lean else 8, how.checkpoint != "none", of.parameters, length, True
    )  # fmt: skip
    parts = {p.name: p.gib for p in planner.memory(of, setup, 1, 1)}
    if how.head != "chunked":
        size = {"full": 10, "compiled": 4}[how.head]
        parts["fused head"] = size * of.vocab_size * length / planner.GIB
    if how.checkpoint == "attention":
        parts["kept"] = of.num_hidden_layers * length * of.hidden_size * 2 / planner.GIB
    return sum(parts.values())


def predicted(of: Shape, length: int, accumulate: int) -> str:
    """Renders the predictions as a Markdown table."""
    lines = [
        "| variant | what changes | ms per row: matrices, attention, head, elementwise, casts, optimizer | tokens/s | strict MFU | GiB |",
        "|---|---|---|---|---|---|",
    ]
    for how in VARIANTS.values():
        found = predict(of, how, length, accumulate)
        parts = " + ".join(f"{ms:.0f}" for ms in found.parts.values())
        mfu = found.speed * throughput.flops_per_token(of, length) / throughput.PEAKS["H200"]
        note = "" if found.gib <= planner.GPUS["h200"].gib else " (does not fit)"
        lines.append(
            f"| `{how.name}` | {how.changes} | {parts} = {sum(found.parts.values()):.0f} | {found.speed:,.0f} | {mfu:.1%} | {found.gib:.0f}{note} |"
        )
    return "\n".join(lines)
