"""The stages of building the dataset: python -m dataset_builder STAGE --help."""

from __future__ import annotations

import importlib
import sys

from coig_writer.errors import ConfigError, run_command

# Stage → what it does, in the order of the paper's section 2.
STAGES = {
    "import": "reads the authors' file (all_human_data.json) by streaming and reports every problem",
    "assign": "gives each imported row a genre, with a confidence and a file for corrections",
    "collect": "reads raw texts with their provenance; dates and engagement decide",
    "assess": "five dimensions, by rule where characters decide, by model where they do not",
    "dedup": "drops exact and near duplicates, and what overlaps the benchmark",
    "screen": "quality and creativity of the article by a language model, each at least 8",
    "reverse": "from article to prompt and reasoning: work for people, drafts of a model",
    "validate": "four coherence criteria; what fails goes back to reverse",
    "score": "six scores, each at least 8 and at least 50 together",
    "review": "two or four people per triplet, blind to each other",
    "audit": "balance, provenance, variety and leakage as a page; --sample: the kit's own samples",
    "curate": "all stages from collect to pack in one command; --demo: on the samples",
    "cluster": "spreads a stage that asks a model over processes, Slurm or Ray",
    "pack": "writes triplets as the published dataset: Parquet per genre, card, statistics, figures",
    "remove": "makes a new version of a packed dataset without some rows, and logs it",
    "describe": "recomputes the statistics and facts of a packed dataset",
}
# Stages whose module has another name: `import` is a keyword.
MODULES = {"import": "import_official"}


def main() -> int | None:
    """Runs one stage."""
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        width = max(map(len, STAGES))
        print("usage: python -m dataset_builder STAGE [options]\n")
        print("\n".join(f"  {name:<{width}}  {text}" for name, text in STAGES.items()))
        print("\nEach stage has its own --help.")
        return 0
    stage = sys.argv[1]
    if stage not in STAGES:
        raise ConfigError(f"unknown stage {stage!r}", f"use one of {', '.join(STAGES)}")
    module = importlib.import_module(f"dataset_builder.{MODULES.get(stage, stage)}")
    sys.argv = [f"python -m dataset_builder {stage}", *sys.argv[2:]]
    code: int | None = module.main()
    return code


if __name__ == "__main__":
    sys.exit(run_command(main))
