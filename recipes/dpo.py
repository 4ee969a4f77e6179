"""Teaches a writer by human preferences: accelerate launch recipes/dpo.py --ballots … --generations ….

Or from files of prompt, chosen, rejected: --preferences FILE …. Without ``--config`` it is dpo.yaml, an adapter on
cw_10k; on a CPU with the smoke model: python recipes/dpo.py --config recipes/configs/dpo_demo.yaml --preferences
FILE. Some prompts are held out; on them it prints how often the model has come to like the chosen answer
better, with an interval by prompt, and how far it merely likes length. recipes/merge.py makes a plain model.
A finished run is kept; an unfinished one resumes from its last checkpoint (--save_strategy steps).
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from coig_writer.errors import run_command
from coig_writer.reward import dpo
from coig_writer.reward import report as reward_report
from coig_writer.training import recipe as recipes

DEFAULT = Path(__file__).parent / "configs" / "dpo.yaml"


def main() -> int | None:
    """Trains and reports."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("coig_writer").setLevel(logging.INFO)
    preferences, settings, model = dpo.parse(None, DEFAULT)
    recipes.check_hardware(settings, recipes.base(model))
    recipes.check_quantization(model)
    report = dpo.train(preferences, settings, model)
    if report is not None:
        print(reward_report.rendered(report))
    print(f"{settings.output_dir}: model, its pairs, their lock and facts", flush=True)
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
