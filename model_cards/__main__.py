"""The cards' command line: python -m model_cards VERB."""

from __future__ import annotations

import sys

from coig_writer.command_line import Group, Verb, run
from coig_writer.errors import run_command

GROUP = Group(
    "python -m model_cards",
    "Cards: they state facts, and every fact can be measured again.",
    {
        "render": Verb(
            "model_cards.render:main",
            "renders the cards of models from the facts of their runs",
            "cw_10k --out build/cards",
        ),
        "reproduce": Verb(
            "model_cards.reproduce:main",
            "measures the numbers of a card again from its artefacts, and compares",
            "build/cards/cw_10k --brief",
        ),
        "release": Verb(
            "model_cards.release:main",
            "puts a model, its card and its answers together for the Hub",
            "cw_10k --build build/reproduce",
        ),
        "dpo": Verb(
            "model_cards.preferences:dpo",
            "puts a writer taught by preferences together for the Hub, with its card",
            "build/dpo --out build/release/dpo",
        ),
        "reward": Verb(
            "model_cards.preferences:reward",
            "puts a reward model together for the Hub, with its card",
            "build/reward --out build/release/reward",
        ),
        "arena": Verb(
            "model_cards.arena:main",
            "makes the card of exported votes, and their folder for the Hub",
            "build/ballots --out build/release/votes",
        ),
        "space": Verb(
            "model_cards.space:main",
            "renders the card of the arena's Space from what it measures there",
            "space",
        ),
    },
)


def main() -> int | None:
    """Runs one verb."""
    return run(GROUP)


if __name__ == "__main__":
    sys.exit(run_command(main))
