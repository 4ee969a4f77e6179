"""Where a training step's time goes on a GPU, kernel by kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def table(found: torch.profiler.profile, seconds: float, longest: int = 14) -> str:
    """Renders a profile's longest kernels and how long the device was busy.

    Args:
        found: A stopped ``torch.profiler.profile`` with CUDA activity.
        seconds: What the profiled call took by the clock.
        longest: How many kernels to list.
    """
    spent = [e for e in found.key_averages() if e.device_type.name == "CUDA"]
    spent.sort(key=lambda e: -e.self_device_time_total)
    total = sum(e.self_device_time_total for e in spent) / 1e3
    lines = [f"{1e3 * seconds:8.1f} ms of one step, {total:.1f} ms in kernels, of which"]
    lines += [
        f"{e.self_device_time_total / 1e3:8.1f} ms {e.count:>6} × {e.key[:110]}"
        for e in spent[:longest]
    ]
    return "\n".join(lines)
