"""Fine-tunes on a mixture: accelerate launch recipes/sft.py --config recipes/configs/cw_10k.yaml.

Without ``--config`` it is cw_10k, the paper's best. Any key of the recipe can be a flag after it, such
as ``--use_peft true`` for LoRA, ``--mode lean`` or ``--gradient_accumulation_steps 4`` on eight GPUs. Finished runs are
kept, unfinished ones resume from their last checkpoint. ``--help`` lists every key.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from coig_writer.errors import run_command
from coig_writer.training import modes, run
from coig_writer.training import recipe as recipes

DEFAULT = Path(__file__).parent / "configs" / "cw_10k.yaml"


def main() -> int | None:
    """Trains every variant of the recipe."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("coig_writer").setLevel(logging.INFO)
    recipe, sft, model = recipes.parse(default_config=DEFAULT)
    for variant in recipe.variants:
        run.read_mixture(recipe, variant, recipes.longest(sft))
    recipes.check_hardware(sft, recipes.base(model))
    recipes.check_quantization(model)
    modes.choose(
        recipe.mode, sft, model.dtype, lora=model.use_peft
    )  # before a mixture is tokenised
    for variant in recipe.variants:
        out = run.train(recipe, sft, model, variant)
        print(f"{variant}: {out}", flush=True)
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
