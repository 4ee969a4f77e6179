"""A look at what the model writes at the end of each epoch: lexical diversity of a few answers.

Diversity that falls from epoch to epoch is an early sign of a model that repeats itself.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import torch
from transformers import (
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from coig_writer import benchmark
from coig_writer.generating.local import complete
from coig_writer.generation import Sampling, split
from coig_writer.metrics.lexical import moving_average_ttr, type_token_ratio
from coig_writer.metrics.tokens import tokenize

if TYPE_CHECKING:
    from coig_writer.training.trainer import RecipeTrainer

WINDOW = 50
SAMPLING = Sampling(temperature=0.7, top_p=0.9, max_new_tokens=512)


class EpochSamples(TrainerCallback):
    """Answers a few Chinese benchmark queries at each epoch's end and logs TTR and MATTR.

    Left out where the weights are sharded (FSDP, ZeRO-3): a rank alone cannot generate there.

    Args:
        count: How many queries, one per genre.
        trainer: Whose log receives ``sample/ttr`` and ``sample/mattr_50``.
        sampling: Decoding settings.
    """

    def __init__(self, count: int, trainer: RecipeTrainer, sampling: Sampling = SAMPLING) -> None:
        self.queries = benchmark.one_per_genre("zh", count)
        self.trainer = trainer
        self.sampling = sampling

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: object,
    ) -> None:
        """Generates on the main process and logs on all."""
        if self.trainer.is_fsdp_enabled or self.trainer.is_deepspeed_enabled:
            return
        self.trainer.log(self.measure(args.seed) if state.is_world_process_zero else {})

    def measure(self, seed: int) -> dict[str, float]:
        """Returns the means over the answers that have enough tokens."""
        model, tokenizer = (
            self.trainer.accelerator.unwrap_model(self.trainer.model),
            self.trainer.processing_class,
        )
        side, tokenizer.padding_side = tokenizer.padding_side, "left"
        model.eval()
        # compiled layers were compiled for training; compiling them for a cache too would use up their variants
        with torch.compiler.set_stance("force_eager"):
            answers = complete(model, tokenizer, self.queries, self.sampling, seed)
        model.train()
        tokenizer.padding_side = side
        texts = [tokenize(split(answer.text).article or answer.text, "zh") for answer in answers]
        ttr = [value for tokens in texts if (value := type_token_ratio(tokens)) is not None]
        mattr = [
            value for tokens in texts if (value := moving_average_ttr(tokens, WINDOW)) is not None
        ]
        means = {"sample/answers": float(len(answers))}
        if ttr:
            means["sample/ttr"] = round(statistics.mean(ttr), 4)
        if mattr:
            means[f"sample/mattr_{WINDOW}"] = round(statistics.mean(mattr), 4)
        return means
