"""The training step of Qwen2.5-7B at 8,192 tokens, from random weights: python benchmarks/sft.py [VARIANT …].

A plain torch and transformers step, so nothing is downloaded and nothing hides: tokens per second without
padding, strict MFU, peak memory, and where the time goes (attention, MLP, head, optimizer), per variant.
``--predict`` prints what is expected of one H200 before it is measured; ``--smoke`` runs every variant that a
CPU can on a tiny shape, which proves the code and no speed. Results belong in benchmarks/sft.md.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gc
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from coig_writer.errors import MissingInputError, run_command
from coig_writer.planning import planner
from coig_writer.planning import step as planner_step
from coig_writer.planning.planner import Shape
from coig_writer.planning.step import PADDED_SHARE, VARIANTS, Variant
from coig_writer.training import kernels, throughput

MODEL = "Qwen/Qwen2.5-7B-Instruct"
GOAL, STRETCH = 10_450, 12_540  # tokens/s on one H200: 50 % and 60 % strict MFU


def build(of: Shape, how: Variant, device: str) -> Any:
    """Makes a model of random weights on the device, with a variant's changes."""
    import torch
    from transformers import Qwen2ForCausalLM

    config = of.config(attn_implementation="sdpa", use_cache=False)
    dtype = torch.bfloat16 if how.states == "master8" else torch.float32
    torch.manual_seed(0)
    with torch.device(device):
        model = Qwen2ForCausalLM._from_config(config, dtype=dtype)
    model.train()
    if how.fp8:
        to_fp8(model)
    if how.checkpoint != "none":
        kept: dict[str, Any] = {"use_reentrant": False}
        if how.checkpoint == "attention":
            kept["context_fn"] = keep_attention
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=kept)
    if how.compiled:
        for layer in model.model.layers:
            layer.compile()
    return model


def kernel(how: Variant, device: str) -> Any:
    """Returns the context in which attention runs with a variant's kernel; a CPU has its own."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if device != "cuda":
        return contextlib.nullcontext()
    return sdpa_kernel(
        SDPBackend.CUDNN_ATTENTION if how.attention == "cudnn" else SDPBackend.FLASH_ATTENTION
    )


def keep_attention() -> Any:
    """Returns checkpoint contexts that keep what the attention kernel computed."""
    import torch
    from torch.utils.checkpoint import create_selective_checkpoint_contexts

    names = ("flash_attention", "efficient_attention", "cudnn_attention", "flash_attention_for_cpu")
    packets = (getattr(torch.ops.aten, f"_scaled_dot_product_{name}", None) for name in names)
    return create_selective_checkpoint_contexts([p.default for p in packets if p is not None])


def to_fp8(model: Any) -> None:
    """Replaces the layers' matrices by torchao's fp8 ones.

    Raises:
        MissingInputError: torchao is not installed.
    """
    try:
        from torchao.float8 import (  # type: ignore[import-not-found,unused-ignore]
            convert_to_float8_training,
        )
    except ImportError as error:
        raise MissingInputError("fp8 needs torchao", "pip install torchao") from error
    convert_to_float8_training(model, module_filter_fn=lambda _, name: "lm_head" not in name)


class Master8:
    """AdamW on fp32 master weights with 8-bit moments in blocks of 256, for bf16 parameters.

    The first moment is stored linearly, the second as its square root, both scaled by the largest of
    their block.
    """

    BLOCK = 256

    def __init__(self, parameters: Iterator[Any], lr: float) -> None:
        import torch

        self.lr, self.count = lr, 0
        self.parameters = list(parameters)
        self.master = [p.detach().float() for p in self.parameters]
        self.moments = []
        for p in self.parameters:
            blocks = -(-p.numel() // self.BLOCK)
            shape = (blocks, self.BLOCK)
            self.moments.append(
                [
                    torch.zeros(shape, dtype=kind, device=p.device)
                    for kind in (torch.int8, torch.uint8)
                ]
                + [torch.zeros((blocks, 1), device=p.device) for _ in range(2)]
            )

    def step(self) -> None:
        """Updates master weights and copies them to the bf16 parameters."""
        import torch

        self.count += 1
        # compiled, the update reads and writes each state once; alone it makes a dozen fp32 copies
        update = torch.compile(update8, dynamic=True) if self.parameters[0].is_cuda else update8
        bias = [torch.tensor(1 - beta**self.count) for beta in (0.9, 0.999)]
        for p, master, moments in zip(self.parameters, self.master, self.moments, strict=True):
            update(p, p.grad, master, moments, self.lr, bias)
            p.grad = None


def update8(
    p: Any, gradient: Any, master: Any, moments: list[Any], lr: float, bias: list[Any]
) -> None:
    """Takes one AdamW step (β 0.9 and 0.999, no decay) with 8-bit moments."""
    import torch

    with torch.no_grad():
        first, second, scale1, scale2 = moments
        grad = torch.nn.functional.pad(gradient.float().flatten(), (0, first.numel() - p.numel()))
        grad = grad.view_as(first)
        m = (first.float() * (scale1 / 127)).lerp_(grad, 0.1)
        v = (second.float() * (scale2 / 255)).square_().lerp_(grad.square(), 0.001)
        step = (m / bias[0]) / ((v / bias[1]).sqrt() + 1e-8)
        master.sub_(lr * step.flatten()[: p.numel()].view_as(master))
        p.copy_(master)
        root = v.sqrt()
        for code, value, scale, top in ((first, m, scale1, 127), (second, root, scale2, 255)):
            scale.copy_(value.abs().amax(1, keepdim=True).clamp_(min=1e-30))
            code.copy_((value / scale * top).round_().to(code.dtype))


def loss_of(model: Any, ids: Any, how: Variant) -> Any:
    """Returns the mean cross-entropy of the next token; chunked, logits exist 1,024 tokens at a time."""
    import torch
    from torch.utils.checkpoint import checkpoint

    if how.head == "full":
        return model(input_ids=ids, labels=ids).loss
    hidden = model.model(input_ids=ids).last_hidden_state[:, :-1].flatten(0, 1)
    targets = ids[:, 1:].flatten()

    def part(h: Any, t: Any) -> Any:
        return torch.nn.functional.cross_entropy(model.lm_head(h).float(), t, reduction="sum")

    if how.head == "compiled":
        return torch.compile(part)(hidden, targets) / len(targets)
    chunks = zip(hidden.split(1024), targets.split(1024), strict=True)
    return sum(checkpoint(part, h, t, use_reentrant=False) for h, t in chunks) / len(targets)


@dataclasses.dataclass(frozen=True)
class Measured:
    """One variant's result: seconds per step, useful tokens of it, peak GiB, first and last loss."""

    seconds: float
    tokens: float
    gib: float
    losses: tuple[float, float]
    split: dict[str, float]


class Step:
    """A model, its optimizer and one optimizer step on random tokens."""

    def __init__(self, of: Shape, how: Variant, *, device: str, length: int, rows: int) -> None:
        import torch

        self.how, self.device, self.rows = how, device, rows
        self.model = build(of, how, device)
        self.optimizer: Any = (
            Master8(self.model.parameters(), 1e-5)
            if how.states == "master8"
            else torch.optim.AdamW(self.model.parameters(), lr=1e-5, fused=device == "cuda")
        )
        self.ids = torch.randint(0, of.vocab_size, (1, length), device=device)
        self.optimizer_seconds = 0.0

    def take(self) -> float:
        """Takes one step; returns its loss and notes the optimizer's own seconds."""
        import torch

        total = 0.0
        for _ in range(self.rows):
            with (
                torch.autocast(self.device, torch.bfloat16, enabled=self.how.states == "fp32"),
                kernel(self.how, self.device),
            ):
                loss = loss_of(self.model, self.ids, self.how) / self.rows
                loss.backward()  # recomputes with the same attention kernel
            total += float(loss.detach())
        self.optimizer_seconds, _ = clocked(self.optimizer.step, self.device, 1)
        self.model.zero_grad(set_to_none=True)
        return total


def measure(step: Step, times: int) -> Measured:
    """Takes two warm-up steps and the timed ones, then times the parts alone."""
    import torch

    first = step.take()
    step.take()
    cuda = step.device == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    seconds, last = clocked(step.take, step.device, times)
    gib = torch.cuda.max_memory_allocated() / planner.GIB if cuda else 0.0
    split = apart(step) | {"optimizer": step.optimizer_seconds}
    useful = step.ids.numel() * step.rows * (1 if step.how.packed else PADDED_SHARE)
    return Measured(seconds, useful, gib, (first, last), split)


def clocked(call: Callable[[], Any], device: str, times: int) -> tuple[float, Any]:
    """Returns mean seconds of a call and its last result, the device's queue drained."""
    import torch

    wait: Callable[[], None] = torch.cuda.synchronize if device == "cuda" else lambda: None
    wait()
    started = time.perf_counter()
    for _ in range(times):
        result = call()
    wait()
    return (time.perf_counter() - started) / times, result


def apart(step: Step) -> dict[str, float]:
    """Times attention, MLP and head alone, forward and backward, in seconds for all layers."""
    import torch

    model, device, ids = step.model, step.device, step.ids
    body, layer = model.model, model.model.layers[0]
    dtype = next(model.parameters()).dtype
    hidden = torch.randn(1, ids.shape[1], model.config.hidden_size, device=device, dtype=dtype)
    hidden.requires_grad_()
    where = torch.arange(ids.shape[1], device=device)[None]
    rope = body.rotary_emb(hidden, where)
    calls = {
        "attention": lambda: layer.self_attn(hidden, position_embeddings=rope, attention_mask=None)[
            0
        ],
        "mlp": lambda: layer.mlp(hidden),
        "head": lambda: model.lm_head(hidden),
    }
    found = {}
    for name, call in calls.items():

        def both(call: Callable[[], Any] = call) -> None:
            with (
                torch.autocast(device, torch.bfloat16, enabled=step.how.states == "fp32"),
                kernel(step.how, device),
            ):
                out = call()
            out.backward(torch.ones_like(out))

        both()
        layers = 1 if name == "head" else model.config.num_hidden_layers
        found[name] = clocked(both, device, 3)[0] * layers
        model.zero_grad(set_to_none=True)
    return found


def profiled(call: Callable[[], Any], longest: int = 14) -> str:
    """Makes a call under the profiler; returns its longest kernels, by milliseconds."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as found:
        seconds, _ = clocked(call, "cuda", 1)
    return kernels.table(found, seconds, longest)


def row(how: Variant, found: Measured, of: Shape, length: int) -> str:
    """Renders a result as a row of benchmarks/sft.md."""
    speed = found.tokens / found.seconds
    mfu = throughput.strict_mfu(of, speed, length)
    split = ", ".join(f"{name} {1e3 * s:.0f}" for name, s in found.split.items())
    # no known peak, no speed: a CPU's says nothing about the step
    shown = "– | – | –" if mfu is None else f"{speed:,.0f} | {mfu:.1%} | {found.gib:.1f}"
    loss = f"{found.losses[0]:.3f} → {found.losses[1]:.3f}"
    return f"| `{how.name}` | {1e3 * found.seconds:.0f} ms | {split} | {shown} | {loss} |"


def main() -> int | None:
    """Predicts, smokes or measures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("variants", nargs="*", help=f"of {', '.join(VARIANTS)} (default: all)")
    parser.add_argument("--predict", action="store_true", help="print the predicted table and stop")
    parser.add_argument("--smoke", action="store_true", help="a tiny shape on the CPU: no speeds")
    parser.add_argument("--length", type=int, default=8192, help="tokens per row")
    parser.add_argument("--steps", type=int, default=5, help="timed optimizer steps per variant")
    parser.add_argument("--accumulate", type=int, default=4, help="rows per optimizer step")
    parser.add_argument(
        "--profile", action="store_true", help="also list each step's longest kernels"
    )
    options = parser.parse_args()
    if options.predict:
        print(
            "predicted, not measured\n\n"
            + planner_step.predicted(planner.SHAPES[MODEL], options.length, options.accumulate)
        )
    else:
        run(options)
    return None


def run(options: Any) -> None:
    """Measures each variant and prints its row; one that cannot run says why."""
    import torch
    import torch._inductor.config

    if not options.smoke and not torch.cuda.is_available():
        raise MissingInputError(
            "no GPU here", "for the code alone type: python benchmarks/sft.py --smoke; for expectations --predict"
        )  # fmt: skip
    # the cache's key leaves the attention kernel out: one variant would run another's compiled layer
    torch._inductor.config.force_disable_caches = not options.smoke
    tiny = planner.Shape(2, 64, 128, 4, 2, 16, 512, False)
    of = tiny if options.smoke else planner.SHAPES[MODEL]
    device, length = ("cpu", 128) if options.smoke else ("cuda", options.length)
    where = (
        "CPU smoke: proves the code, no speed" if options.smoke else torch.cuda.get_device_name()
    )
    print(
        f"{where}; torch {torch.__version__}; goal {GOAL:,}, stretch {STRETCH:,} tokens/s on an H200"
    )
    print("| variant | step | parts alone (ms) | tokens/s | strict MFU | peak GiB | loss |")
    print("|---|---|---|---|---|---|---|")
    for name in options.variants or VARIANTS:
        how = VARIANTS[name]
        step: Step | None = None
        try:
            step = Step(of, how, device=device, length=length, rows=options.accumulate)
            found = measure(step, options.steps)
            print(row(how, found, of, length), flush=True)
            if options.profile and device == "cuda":
                print(profiled(step.take), flush=True)
        except (MissingInputError, RuntimeError) as error:  # out of memory is a RuntimeError
            print(f"| `{name}` | not run: {str(error).splitlines()[0]} | | | | | |", flush=True)
        step = None  # frees the model before the next is made
        torch._dynamo.reset()
        gc.collect()
        if device == "cuda":
            torch.cuda.empty_cache()


if __name__ == "__main__":
    sys.exit(run_command(main))
