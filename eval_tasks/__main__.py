"""The command line of evaluation: python -m eval_tasks VERB."""

from __future__ import annotations

import sys

from coig_writer.command_line import Group, Verb, run
from coig_writer.errors import run_command

RECORDS = "--generations build/generations --scores build/scores"
# In the order in which they are run.
GROUP = Group(
    "python -m eval_tasks",
    "Answers, scored, compared, judged and reported beside the paper's.",
    {
        "score": Verb(
            "eval_tasks.score:main",
            "scores saved generations, offline: scores, averages and facts for every variant",
            "--generations build/generations",
        ),
        "recount": Verb(
            "eval_tasks.recount:main",
            "computes the same averages from the texts alone, to check a number",
            "--generations build/generations/cw_10k.parquet",
        ),
        "lighteval": Verb(
            "eval_tasks.lighteval:main",
            "runs the lighteval command with the kit's tasks: a model, a server or saved generations",
            'accelerate "model_name=build/models/cw" "coig_writer:zh|0"',
            verbatim=True,
        ),
        "behaviour": Verb(
            "eval_tasks.behaviour:main",
            "labels what each paragraph of a reasoning does, over its course (Appendix C)",
            "--generations build/generations",
        ),
        "bound": Verb(
            "eval_tasks.bound:main",
            "counts the names, quotations and numbers of a reasoning that its article keeps",
            "--triplets COIG-Writer/data --show sample-wuxia-1",
        ),
        "form": Verb(
            "eval_tasks.form:main",
            "checks verse against its form: tones, rhyme, counts, words that may not occur",
            "poems.jsonl --html build/form.html",
        ),
        "human": Verb(
            "eval_tasks.human:main",
            "compares models with people's articles, and seats people in a blind study",
            "--rows COIG-Writer/data --scores build/scores",
        ),
        "judge": Verb(
            "eval_tasks.judge:GROUP",
            "has a language model judge pairs and rubrics, and audits what its verdicts are worth",
        ),
        "validate": Verb(
            "eval_tasks.validate:main",
            "tests which metrics predict what people prefer at equal length; the others only describe",
            "--scores build/scores --ballots build/ballots/ballots.parquet",
        ),
        "report": Verb(
            "eval_tasks.report:main",
            "reports on your models beside the paper: tables, figures and intervals as one HTML page",
            f"{RECORDS} --out build/report",
        ),
        "claims": Verb(
            "eval_tasks.claims:main",
            "checks each claim of the paper over counts: supported, not supported, not testable",
            f"{RECORDS} --html build/claims.html",
        ),
        "pages": Verb(
            "eval_tasks.pages:main",
            "writes claims and report as a static Space, to publish",
            RECORDS,
        ),
    },
)


def main() -> int | None:
    """Runs one verb."""
    return run(GROUP)


if __name__ == "__main__":
    sys.exit(run_command(main))
