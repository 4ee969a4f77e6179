"""Merges a LoRA adapter into its base: python recipes/merge.py build/lora/cw_10k --out build/lora-merged/cw_10k.

The result is a plain model with the tokenizer and the records of the run, for generate, cards and any other
loader. The product is added in fp32 and then rounded to --dtype. An adapter that was trained on a base in 4 bits
is added to the base in 16: not quite the model that was trained, so measure the merged one.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from coig_writer import facts
from coig_writer.errors import DriftError, MissingInputError, run_command
from coig_writer.files import read_json
from coig_writer.folder import atomic_folder
from coig_writer.training import recount

RECORDS = (
    *("mixture.lock.json", "recipe.json", "trainer_state.json", "consumed-*.jsonl"),
    *("preferences*", "held-out-margins.jsonl"),
)


def merge(run: Path, out: Path, dtype: str, base: str | None = None) -> None:
    """Writes the merged model.

    Args:
        run: The trained adapter.
        out: The folder to write.
        dtype: Of the merged weights, ``float32`` or ``bfloat16``.
        base: The model that it was trained on; None for the one that the adapter names.

    Raises:
        MissingInputError: There is no adapter, or its base is neither on this machine nor on the Hub.
        DriftError: The base reads text as other tokens.
    """
    settings = read_json(
        run / recount.ADAPTER, "python recipes/sft.py --config recipes/configs/lora.yaml"
    )
    name, revision = (
        base or settings["base_model_name_or_path"],
        None if base else settings.get("revision"),
    )
    import torch
    from peft import PeftModel
    from transformers import (
        AutoModelForCausalLM,
        AutoModelForSequenceClassification,
        AutoTokenizer,
    )

    # a reward model has one output in place of the head, and the adapter holds it
    reward = settings.get("task_type") == "SEQ_CLS"
    loader: Any = AutoModelForSequenceClassification if reward else AutoModelForCausalLM
    given = {"revision": revision, "dtype": torch.float32} | ({"num_labels": 1} if reward else {})
    try:
        plain = loader.from_pretrained(name, **given)
    except OSError as error:
        raise MissingInputError(
            f"{run}: its base {name} is not here ({str(error)[:80]})", "give --base FOLDER"
        ) from error
    tokenizer = AutoTokenizer.from_pretrained(run)
    if AutoTokenizer.from_pretrained(name, revision=revision).get_vocab() != tokenizer.get_vocab():
        raise DriftError(
            f"{run} was not trained on {name}: their tokenizers differ", "give --base its own base"
        )
    model = PeftModel.from_pretrained(plain, run).merge_and_unload()
    with atomic_folder(out, "merged model") as folder:
        model.to(getattr(torch, dtype)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        shutil.copy(run / recount.ADAPTER, folder / recount.MERGED)
        for file in (file for pattern in RECORDS for file in run.glob(pattern)):
            shutil.copy(file, folder / file.name)
        if (run / "facts.json").is_file():
            stated = facts.read(run / "facts.json")
            weights = recount.parameters(sorted(folder.glob("model*.safetensors")))
            now = [*recount.adapter(folder), facts.Fact("run/parameters", weights)]
            facts.write(folder / "facts.json", (stated | {fact.id: fact for fact in now}).values())


def main() -> int | None:
    """Merges one adapter."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of the trained adapter")
    parser.add_argument("--out", type=Path, required=True, help="folder for the merged model")
    parser.add_argument(
        "--base", help="the base model, where the one that the adapter names is not on this machine"
    )
    parser.add_argument(
        "--dtype", choices=("bfloat16", "float32"), default="bfloat16", help="default: bfloat16"
    )
    arguments = parser.parse_args()
    merge(arguments.run, arguments.out, arguments.dtype, arguments.base)
    print(f"{arguments.out}: merged model in {arguments.dtype}, its records and facts")
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
