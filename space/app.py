"""The arena: blind votes on who wrote better. And the workbench, at which people write and review triplets.

Run: python space/app.py [--help], python space/app.py workbench [--help].

As a Hugging Face Space this file is what the Space starts; everything it does is in
``coig_writer.arena`` and ``coig_writer.workbench``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from coig_writer.arena.server import command as arena
from coig_writer.errors import run_command
from coig_writer.workbench.server import command as workbench

DEMO_PACK = Path(__file__).parent / "data" / "demo_pack.jsonl"


def main(demo_pack: Path = DEMO_PACK) -> int:
    """Runs the workbench if it is named, here or in the environment of a Space; else the arena."""
    if sys.argv[1:2] == ["workbench"]:
        return workbench.main(sys.argv[2:])
    if os.environ.get(workbench.CURATION_VARIABLE) and not sys.argv[1:]:
        return workbench.main([])
    return arena.main(demo_pack)


if __name__ == "__main__":
    sys.exit(run_command(main))
