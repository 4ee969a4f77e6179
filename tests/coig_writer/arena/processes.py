"""Servers and writers as processes of their own, for tests that end them the hard way."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
# Below the ports that Linux hands out: one of those may be another's before the server has it. Another worker has others.
PORTS = itertools.cycle(random.sample(range(10_000 + WORKER, 32_000, 8), 2_000))


def free_port() -> int:
    """Returns a port of this machine that nothing listens on, for a server that starts a little later."""
    for port in PORTS:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


@contextlib.contextmanager
def started(
    command: Sequence[str], url: str, cwd: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server, waits until ``url`` answers, and ends it with the block."""
    with (cwd / f"server-{free_port()}.log").open("wb+") as log:
        process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=log, stderr=log)
        try:
            _await(url, process, Path(log.name))
            yield process
        finally:
            process.kill()
            process.wait(300)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 500
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=60):
            return
        time.sleep(0.05)
    raise AssertionError(f"{url} never answered:\n{log.read_text(errors='replace')}")
