"""Serves the double of the Hub for trying a publication by hand: python -m tests.hub_double [--port N].

Prints the variables that point the Hub's client at it, and serves until Ctrl-C. What is sent there is kept
in memory alone.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading

from tests.hub_double.client import environment
from tests.hub_double.server import Hub


def main() -> None:
    """Starts the server and waits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0, help="(default: a free one)")
    hub = Hub(parser.parse_args().port)
    with tempfile.TemporaryDirectory() as home, contextlib.suppress(KeyboardInterrupt):
        lines = [f"export {name}={value}" for name, value in environment(hub, home).items()]
        lines.append("# type these lines in another shell; Ctrl-C here ends the double")
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        threading.Event().wait()
    hub.close()


if __name__ == "__main__":
    main()
