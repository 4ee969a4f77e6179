"""The lean optimizer: AdamW with 8-bit moments for the matrices of the layers, fp32 ones for the rest.

Embeddings and head keep fp32 moments: their rows are rarely touched, and a block of 8-bit moments
scaled by its largest entry moved untouched rows by up to 0.12 in 14 steps, fp32 ones by 0.007.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch


def lean(
    groups: Iterable[dict[str, object]], whole: Iterable[object], **settings: Any
) -> torch.optim.Optimizer:
    """Returns torchao's AdamW, one compiled kernel per parameter, with lean moments.

    Weights in bf16 are rounded stochastically, so that updates too small for bf16 are not lost on average.

    Args:
        groups: Parameter groups.
        whole: The parameters among them whose moments stay fp32.
        **settings: As for ``torch.optim.AdamW``: lr, betas, eps.
    """
    from torchao.optim import AdamW8bit

    kept = {id(p) for p in whole}

    class LeanAdamW(AdamW8bit):
        def _new_buffer(self, p: torch.Tensor, signed: bool) -> torch.Tensor:
            if p.ndim < 2 or id(p) in kept:
                return torch.zeros_like(p, dtype=torch.float32)
            quantised: torch.Tensor = super()._new_buffer(p, signed)
            return quantised

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            """Restores moments as they were saved; torch would cast them to the weights' dtype."""
            super().load_state_dict(state_dict)
            parameters = [p for group in self.param_groups for p in group["params"]]
            for at, saved in state_dict["state"].items():
                for name, value in saved.items():
                    now = self.state[parameters[at]][name]
                    if now.dtype != value.dtype:
                        self.state[parameters[at]][name] = value.to(now.device)

    return LeanAdamW(groups, bf16_stochastic_round=True, **settings)
