"""The arena: blind votes on who wrote better. And the workbench, at which people write and review triplets.

Run: python space/app.py [VERB] [--help].

As a Hugging Face Space this file is what the Space starts; everything it does is in
``coig_writer.arena`` and ``coig_writer.workbench``.
"""

from __future__ import annotations

import os
import sys

from coig_writer.command_line import Group, Verb, run
from coig_writer.errors import run_command

ABOUT = """
The arena: blind votes on who wrote better. And the workbench, where people write and review triplets.

  python space/app.py                                   the demo pack
  python space/app.py --generations PATH…               your own generation records
  python space/app.py --study FILE                      a study file
  python space/app.py --wpb FILE                        WritingPreferenceBench's published answers
  python space/app.py plan --study FILE                 what the study can show, before any vote
  python space/app.py workbench --curation FOLDER       a curation's triplets, to write and review

Secrets and places come from the environment: ARENA_SECRET (32 characters or more), ARENA_STORE (a
database URL), ARENA_BACKUP (a private Hub dataset, ORG/NAME, with HF_TOKEN; or the path at which a Storage
Bucket is mounted), ARENA_STUDY (in place of --study: a file or folder beside app.py, or a Hub dataset
ORG/NAME[@REVISION] that holds study.yaml and its texts), WORKBENCH_CURATION (in place of --curation; a
Space then opens the workbench).
"""
ARENA = "coig_writer.arena.server.command"
GROUP = Group(
    "python space/app.py",
    ABOUT,
    {
        "serve": Verb(f"{ARENA}:serve_arena", "opens the arena", "--study study.yaml --port 7860"),
        "plan": Verb(
            f"{ARENA}:plan_study",
            "tells what a study can show, before any vote",
            "--study study.yaml --rate 0.6",
        ),
        "invite": Verb(
            f"{ARENA}:invite_raters",
            "prints a link for each rater",
            "--study study.yaml --url https://example.org/",
        ),
        "operator": Verb(
            f"{ARENA}:link_operator",
            "prints the link to the operator's page",
            "--study study.yaml --url https://example.org/",
        ),
        "progress": Verb(
            f"{ARENA}:report_progress", "prints how far each rater is", "--study study.yaml"
        ),
        "export": Verb(
            f"{ARENA}:export_ballots",
            "writes the ballots as Parquet, raw and derived",
            "--study study.yaml --out build/ballots",
        ),
        "import": Verb(
            f"{ARENA}:import_ballots",
            "adds the rankings of one rater, from the authors' ranking files",
            "--study study.yaml --rankings ranking.json --rater NAME",
        ),
        "workbench": Verb(
            "coig_writer.workbench.server.command:GROUP",
            "lets people write and review the triplets of a curation in a browser",
        ),
    },
    default="workbench" if os.environ.get("WORKBENCH_CURATION") else "serve",
)


def main() -> int | None:
    """Runs one verb."""
    return run(GROUP)


if __name__ == "__main__":
    sys.exit(run_command(main))
