"""The lighteval stage: what it adds to a command before lighteval sees it."""

from __future__ import annotations

import pytest

from eval_tasks.lighteval import bounded


@pytest.mark.parametrize(
    ("command", "model"),
    [
        (["accelerate", "model_name=m,device=cpu"], "model_name=m,device=cpu,batch_size=1"),
        (["accelerate", "model_name=m,device=cpu,batch_size=4"], "model_name=m,device=cpu,batch_size=4"),
        (["accelerate", "model_name=m,device=cuda"], "model_name=m,device=cuda"),
        (["custom", "device=cpu"], "device=cpu"),
    ],
)  # fmt: skip
def test_a_cpu_is_never_asked_for_the_largest_batch(command: list[str], model: str) -> None:
    assert bounded([*command, "coig_writer|0"]) == [command[0], model, "coig_writer|0"]
