"""Facts and card of a release, measured again from its own rows, weights and answers.

``python -m model_cards reproduce`` of the checkout does it, in a process of its own, as a reader would: the
package cannot import the folders that sit on it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from coig_writer.hub.problem import Problem
from coig_writer.hub.release import CARD, Release

MODULE = Path("model_cards") / "reproduce.py"


def problems(release: Release, build: Path | None) -> Iterator[Problem]:
    """Yields one problem that lists what differs; none if facts and card are those of the artefacts.

    Args:
        release: The folder.
        build: Holds the mixture that a model was trained on, which no release carries.
    """
    if "facts.json" not in release.paths:
        yield Problem(
            "facts.json", "is missing: no number can be measured again", "render the card"
        )
        return
    homes = (Path(__file__).parents[3], Path.cwd())
    home = next((home for home in homes if (home / MODULE).is_file()), None)
    if home is None:
        yield Problem(
            CARD,
            "cannot be measured: this is not a checkout of the kit",
            f"run it where {MODULE} is",
        )
        return
    folder, place = (
        str(release.folder.resolve()),
        ["--build", str(build.resolve())] if build else [],
    )
    done = subprocess.run(
        [sys.executable, "-m", "model_cards", "reproduce", folder, "--brief", *place],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(home), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        output = (done.stdout + done.stderr).strip().splitlines()
        indented = "\n".join(f"      {line}" for line in output)
        yield Problem(
            CARD,
            f"its numbers or words are not those of its artefacts:\n{indented}",
            "make the folder again from its artefacts; words belong in the card's template",
        )
