"""Strict model-FLOPs utilisation: what a step must compute, over what the chip could; where its time and energy go.

Per token: 6 x parameters that enter a matrix product (all but the input embedding; the output head
counts) + 6 x layers x heads x head size x mean length (causal attention, half of the square, forward and
backward). Recomputation under checkpointing earns nothing, and padding is not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coig_writer.facts import Fact

if TYPE_CHECKING:
    import torch

# Dense bf16 peaks in FLOP/s, from the vendors' data sheets.
PEAKS = {"H200": 989.5e12, "H100": 989.5e12, "A100": 312e12, "RTX 4090": 165.2e12}
# Power limits in watts, from the makers' data sheets; the first name that is found counts.
BOARD_WATTS = {
    "H200 NVL": 600,
    "H200": 700,
    "H100 PCIe": 350,
    "H100 NVL": 400,
    "H100": 700,
    "A100-SXM": 400,
    "A100-PCIE-40GB": 250,
    "A100 80GB PCIe": 300,
    "L40S": 350,
    "L4": 72,
    "V100-SXM2": 300,
}


def matmul_parameters(config: Any) -> int:
    """Counts the parameters of a Qwen2-like model that enter a matrix product."""
    hidden, layers = config.hidden_size, config.num_hidden_layers
    head = getattr(config, "head_dim", None) or hidden // config.num_attention_heads
    attention = hidden * head * (2 * config.num_attention_heads + 2 * config.num_key_value_heads)
    mlp = 3 * hidden * config.intermediate_size
    return int(layers * (attention + mlp) + hidden * config.vocab_size)


def flops_per_token(config: Any, mean_length: float) -> float:
    """Returns forward and backward FLOPs per token of documents of a mean length."""
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    width = int(config.num_attention_heads) * int(head)
    return (
        6.0 * matmul_parameters(config) + 6.0 * int(config.num_hidden_layers) * width * mean_length
    )


def peak() -> float | None:
    """Returns the device's dense bf16 peak in FLOP/s; None on a CPU or an unknown GPU."""
    import torch

    if not torch.cuda.is_available():
        return None
    name = torch.cuda.get_device_name()
    return next((flops for chip, flops in PEAKS.items() if chip in name), None)


def strict_mfu(config: Any, tokens_per_second: float, mean_length: float) -> float | None:
    """Returns strict MFU per device, or None where the peak is unknown."""
    flops = peak()
    return (
        None if flops is None else tokens_per_second * flops_per_token(config, mean_length) / flops
    )


def kernels(profile: torch.profiler.profile, seconds: float, longest: int = 14) -> str:
    """Renders a profile's longest kernels and how long the device was busy.

    Args:
        profile: A stopped ``torch.profiler.profile`` with CUDA activity.
        seconds: What the profiled call took by the clock.
        longest: How many kernels to list.
    """
    spent = [e for e in profile.key_averages() if e.device_type.name == "CUDA"]
    spent.sort(key=lambda e: -e.self_device_time_total)
    total = sum(e.self_device_time_total for e in spent) / 1e3
    lines = [f"{1e3 * seconds:8.1f} ms of one step, {total:.1f} ms in kernels, of which"]
    lines += [
        f"{e.self_device_time_total / 1e3:8.1f} ms {e.count:>6} × {e.key[:110]}"
        for e in spent[:longest]
    ]
    return "\n".join(lines)


def energy(hardware: str, devices: int, seconds: float) -> list[Fact]:
    """Returns an upper estimate: ``run/watts`` of one board and ``run/kwh`` of the run; nothing for unknown hardware.

    The board's power limit times devices times seconds. Hosts, networks and cooling are not in it, and a run
    rarely draws the limit all the time.
    """
    watts = next((w for name, w in BOARD_WATTS.items() if name in hardware), None)
    if watts is None:
        return []
    kwh = watts * devices * seconds / 3_600_000
    return [Fact("run/watts", watts, unit="W"), Fact("run/kwh", round(kwh, 4), unit="kWh")]
