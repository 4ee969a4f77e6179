"""The stages of evaluation: python -m eval_tasks STAGE --help."""

from __future__ import annotations

import sys

from coig_writer.errors import run_command
from coig_writer.stages import run_stage

# Stage → what it does, in the order in which they are run.
STAGES = {
    "score": "lighteval over saved generations, offline: scores, averages and facts for every variant",
    "recount": "the same averages by the kit's own metrics, from the texts alone: to check a number",
    "lighteval": "the lighteval command with the kit's tasks: a model, an endpoint or saved generations",
    "behaviour": "what each paragraph of a reasoning does, over its course (Appendix C)",
    "bound": "whether articles do what their reasoning settles on: names, quoted strings, numbers",
    "form": "verse against its form, character by character: tones, rhyme, counts, words that may not occur",
    "human": "where models stand among people's articles, and people as a model in a blind study",
    "judge": "a language model judges pairs and rubrics, and an audit of what its verdicts are worth",
    "validate": "which metrics predict what people prefer at equal length; the others only describe",
    "report": "tables, figures and intervals of your models beside the paper's, as one HTML page",
    "claims": "each claim of the paper as a check over counts: supported, not supported, not testable",
    "pages": "claims and report as a static Space, to publish",
}


def main() -> int | None:
    """Runs one stage."""
    return run_stage("eval_tasks", STAGES)


if __name__ == "__main__":
    sys.exit(run_command(main))
