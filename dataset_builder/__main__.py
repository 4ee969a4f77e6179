"""The stages of building the dataset: python -m dataset_builder STAGE --help."""

from __future__ import annotations

import sys

from coig_writer.errors import run_command
from coig_writer.stages import run_stage

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
    "cluster": "spreads a stage over processes, Slurm or Ray",
    "pack": "writes triplets as the published dataset: Parquet per genre, card, statistics, figures",
    "remove": "makes a new version of a packed dataset without some rows, and logs it",
    "describe": "recomputes the statistics and facts of a packed dataset",
}
# Stage → its module in this folder, where it has another name.
MODULES = {
    "import": "official.importing",
    "assign": "official.assign",
    "collect": "stages.collect",
    "assess": "stages.assess",
    "dedup": "stages.dedup",
    "screen": "stages.screen",
    "reverse": "people.reverse",
    "validate": "stages.validate",
    "score": "stages.score",
    "review": "people.review",
    "audit": "audit.audit",
    "pack": "packing.pack",
    "remove": "packing.remove",
    "describe": "packing.describe",
}


def main() -> int | None:
    """Runs one stage."""
    return run_stage("dataset_builder", STAGES, MODULES)


if __name__ == "__main__":
    sys.exit(run_command(main))
