"""The command line of dataset construction: python -m dataset_builder VERB."""

from __future__ import annotations

import sys

from coig_writer.command_line import Group, Verb, run
from coig_writer.errors import run_command

# In the order of the paper's section 2; before them the way of the authors' own file.
GROUP = Group(
    "python -m dataset_builder",
    """Builds the dataset. The authors' file takes import, assign and pack; new texts take curate, or its stages
from collect to audit one by one, and pack. Each stage reads what the one before kept.""",
    {
        "import": Verb(
            "dataset_builder.official.importing:main",
            "reads the authors' file (all_human_data.json) and reports every problem",
            "all_human_data.json --out build/import",
        ),
        "assign": Verb(
            "dataset_builder.official.assign:main",
            "gives each imported row a genre, with a confidence and a file for corrections",
            "build/import --threshold 0.8",
        ),
        "curate": Verb(
            "dataset_builder.curate:main",
            "runs all stages from collect to pack; --demo: on the kit's samples",
            "texts.jsonl --endpoint http://127.0.0.1:8000/v1 --author draft --reviewers r1 r2 r3",
        ),
        "collect": Verb(
            "dataset_builder.stages.collect:main",
            "reads raw texts with their provenance; dates and engagement decide",
            "texts.jsonl more.csv folder/ --column text=正文",
        ),
        "assess": Verb(
            "dataset_builder.stages.assess:main",
            "judges five dimensions: by rule where characters decide, else by a model",
            "--endpoint http://127.0.0.1:8000/v1",
        ),
        "dedup": Verb(
            "dataset_builder.stages.dedup:main",
            "drops exact and near duplicates, and what overlaps the benchmark",
            "--similarity-threshold 0.5",
        ),
        "screen": Verb(
            "dataset_builder.stages.screen:main",
            "asks a model for the article's quality and creativity, each at least 8",
            "--endpoint http://127.0.0.1:8000/v1",
        ),
        "reverse": Verb(
            "dataset_builder.people.reverse:main",
            "goes from article to prompt and reasoning: by people, from a model's drafts",
            "--author draft --endpoint http://127.0.0.1:8000/v1",
        ),
        "validate": Verb(
            "dataset_builder.stages.validate:main",
            "asks a model about four coherence criteria; what fails goes back to reverse",
            "--endpoint http://127.0.0.1:8000/v1",
        ),
        "score": Verb(
            "dataset_builder.stages.score:main",
            "asks a model for six scores, each at least 8 and together at least 50",
            "--endpoint http://127.0.0.1:8000/v1",
        ),
        "review": Verb(
            "dataset_builder.people.review:main",
            "lets two or four people judge each triplet, blind to each other",
            "--reviewers r1 r2 r3 r4 r5 --gold gold.jsonl",
        ),
        "audit": Verb(
            "dataset_builder.audit.audit:main",
            "measures balance, provenance, variety and leakage, as a page",
            "--after screen",
        ),
        "pack": Verb(
            "dataset_builder.packing.pack:main",
            "writes the dataset: Parquet per genre, card, statistics, figures",
            "--source build/curation/09-audit --out COIG-Writer",
        ),
        "describe": Verb(
            "dataset_builder.packing.describe:main",
            "computes the statistics, facts and card of a packed dataset again",
            "COIG-Writer --facts build/facts.json",
        ),
        "remove": Verb(
            "dataset_builder.packing.remove:main",
            "makes a new version of a packed dataset without some rows, and logs it",
            "COIG-Writer --id ID --reason author --note 'letter of 3 May'",
        ),
        "cluster": Verb(
            "dataset_builder.cluster:main",
            "spreads a stage over processes, Slurm or Ray",
            "screen --tasks 16 --workers 8 -- --endpoint http://127.0.0.1:8000/v1",
        ),
        "fit-genres": Verb(
            "dataset_builder.official.fit:main",
            "fits the genre classifier that the package ships",
            "--out src/coig_writer/data/genre_classifier.npz",
        ),
        "scripted-endpoint": Verb(
            "dataset_builder.demo.scripted_endpoint:main",
            "serves a scripted model for the sample texts, to try the stages by hand",
            "--port 8123",
        ),
    },
)


def main() -> int | None:
    """Runs one verb."""
    return run(GROUP)


if __name__ == "__main__":
    sys.exit(run_command(main))
