"""A Space carries the kit itself: its wheel beside ``app.py``, and a requirement line that names it.

While a Space is built, its files are not there yet: only ``requirements.txt`` is mounted. So the line
names the wheel by its address in the Space's own repository, with its SHA-256.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from coig_writer.errors import PublicationError
from coig_writer.hub.release import File, Release, read_file

REQUIREMENTS = "requirements.txt"
_KIT = re.compile(r"^coig[-_]writer(\[[\w,-]+\])?(?:\s*[=<>@~].*)?$", re.MULTILINE | re.IGNORECASE)
_WHEEL = re.compile(r"coig_writer-[^-]+-.+\.whl")


def with_wheel(
    release: Release, repo_id: str, endpoint: str, wheel: Path, scratch: Path
) -> Release:
    """Adds the kit's wheel to a Space and rewrites its requirement line.

    Raises:
        PublicationError: The Space does not require the kit, or the file is no wheel of it.
    """
    if not (_WHEEL.fullmatch(wheel.name) and zipfile.is_zipfile(wheel)):
        raise PublicationError(
            f"{wheel}: no wheel of the kit",
            "leave --wheel out, or make one: python -m build --wheel",
        )
    source = release.folder / REQUIREMENTS
    text = source.read_text(encoding="utf-8") if source.is_file() else ""
    packed = read_file(wheel, wheel.name)
    address = f"{endpoint}/spaces/{repo_id}/resolve/main/{wheel.name}#sha256={packed.sha256}"
    rewritten, times = _KIT.subn(lambda m: f"coig-writer{m.group(1) or ''} @ {address}", text)
    if times != 1:
        raise PublicationError(
            f"{source}: {times} lines require coig-writer, one is needed",
            "write the line coig-writer[space]",
        )
    (scratch / REQUIREMENTS).write_text(rewritten, encoding="utf-8")
    requirements = read_file(scratch / REQUIREMENTS, REQUIREMENTS)
    kept = [f for f in release.files if f.path != REQUIREMENTS and not f.path.endswith(".whl")]
    files: tuple[File, ...] = (*kept, requirements, packed)
    return dataclasses.replace(release, files=files)


def build_wheel(checkout: Path, out: Path) -> Path:
    """Builds the kit's wheel from a checkout; fetches the build backend if it is not installed.

    Raises:
        PublicationError: The build failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(checkout)],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = sorted(out.glob("*.whl"))
    if done.returncode or not wheels:
        raise PublicationError(
            f"the kit's wheel could not be built: {done.stderr.strip()[-300:]}",
            "run it in the kit's checkout, or give a wheel with --wheel",
        )
    return wheels[0]
