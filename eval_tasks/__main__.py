"""The stages of evaluation: python -m eval_tasks STAGE --help."""

from __future__ import annotations

import importlib
import sys

from coig_writer.errors import ConfigError, run_command

# Stage → what it does, in the order in which they are run.
STAGES = {
    "score": "lighteval over saved generations, offline: scores, averages and facts for every variant",
    "recount": "the same averages by the kit's own metrics, from the texts alone: to check a number",
    "lighteval": "the lighteval command with the kit's tasks: a model, an endpoint or saved generations",
    "behaviour": "what each paragraph of a reasoning does, over its course (Appendix C)",
    "judge": "a language model judges pairs and rubrics, and an audit of what its verdicts are worth",
    "report": "tables, figures and intervals of your models beside the paper's, as one HTML page",
    "claims": "each claim of the paper as a check over counts: supported, not supported, not testable",
}


def main() -> int | None:
    """Runs one stage."""
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        width = max(map(len, STAGES))
        print("usage: python -m eval_tasks STAGE [options]\n")
        print("\n".join(f"  {name:<{width}}  {text}" for name, text in STAGES.items()))
        print("\nEach stage has its own --help.")
        return 0
    stage = sys.argv[1]
    if stage not in STAGES:
        raise ConfigError(f"unknown stage {stage!r}", f"use one of {', '.join(STAGES)}")
    module = importlib.import_module(f"eval_tasks.{stage}")
    sys.argv = [f"python -m eval_tasks {stage}", *sys.argv[2:]]
    code: int | None = module.main()
    return code


if __name__ == "__main__":
    sys.exit(run_command(main))
