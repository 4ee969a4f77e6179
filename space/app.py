"""The arena: blind votes on who wrote better.

Run: python space/app.py [--help].

As a Hugging Face Space this file is what the Space starts; everything it does is in
``coig_writer.arena``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from coig_writer.arena.server.command import main
from coig_writer.errors import run_command

DEMO_PACK = Path(__file__).parent / "data" / "demo_pack.jsonl"

if __name__ == "__main__":
    sys.exit(run_command(lambda: main(DEMO_PACK)))
