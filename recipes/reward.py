"""Trains a reward model on human preferences: accelerate launch recipes/reward.py --ballots … --generations ….

Or from files of prompt, chosen, rejected: --preferences FILE …. Without ``--config`` it is reward.yaml; on a
CPU with the smoke model: python recipes/reward.py --config recipes/configs/reward_demo.yaml --preferences FILE.
Some prompts are held out; on them it prints accuracy with an interval by prompt, calibration, and how far the
model merely likes length. The answers are then scored (metric ``reward``), for `eval_tasks report --scores`.
A finished run is kept and only scores; an unfinished one resumes from its last checkpoint (--save_strategy steps).
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from coig_writer.errors import run_command
from coig_writer.files import read_records, write_records
from coig_writer.generation import Generation
from coig_writer.reward import model as reward_model
from coig_writer.reward import report as reward_report
from coig_writer.reward import run
from coig_writer.score import Score
from coig_writer.training import recipe as recipes

DEFAULT = Path(__file__).parent / "configs" / "reward.yaml"


def main() -> int | None:
    """Trains, reports and scores."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("coig_writer").setLevel(logging.INFO)
    arguments, settings, model = run.parse(None, DEFAULT)
    recipes.check_hardware(settings, recipes.base(model))
    recipes.check_quantization(model)
    report, trained, tokenizer = reward_model.train(arguments, settings, model)
    first = settings.process_index == 0  # the others score too: they may hold parts of the model
    if first:
        if report is not None:
            print(reward_report.rendered(report))
        print(f"{settings.output_dir}: reward model, its pairs, their lock and facts", flush=True)
    answers = [
        a
        for path in arguments.score or arguments.generations
        for a in read_records(Path(path), Generation)
    ]
    trained_on, longest = reward_model.prompts(recipes.out(settings)), recipes.longest(settings)
    for variant in dict.fromkeys(a.variant for a in answers):
        mine = [a for a in answers if a.variant == variant]
        scores = reward_model.score(trained, tokenizer, mine, trained_on, longest)
        if first:
            file = Path(arguments.scores) / f"{variant}.parquet"
            write_records(file, scores, Score)
            print(file, flush=True)
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
