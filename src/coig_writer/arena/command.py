"""The arena's command: opens the page.

python space/app.py                                   the demo pack
python space/app.py --generations PATH…               your own generation records
python space/app.py --study FILE                      a study file
python space/app.py --wpb FILE                        WritingPreferenceBench's published answers
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from coig_writer.arena import study as studies
from coig_writer.arena.answers import Collection, collect, read_generations, read_preference_bench
from coig_writer.arena.booth import Booth
from coig_writer.arena.identity import Identity, find_secret
from coig_writer.arena.store import Store, sqlite_url
from coig_writer.arena.study import Study

STORE_VARIABLE = "ARENA_STORE"


def parser() -> argparse.ArgumentParser:
    """Returns the argument parser of ``python space/app.py``."""
    root = argparse.ArgumentParser(
        prog="python space/app.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    texts = root.add_mutually_exclusive_group()
    texts.add_argument("--generations", nargs="+", type=Path, metavar="PATH", default=[])
    texts.add_argument("--study", type=Path, metavar="FILE", help="study file (YAML)")
    texts.add_argument("--wpb", type=Path, metavar="FILE", help="answers of WritingPreferenceBench")
    root.add_argument("--folder", type=Path, default=Path("build/arena"), help="ballots and secret")
    root.add_argument(
        "--no-gradio", action="store_true", help="start without the tables at /gradio"
    )
    root.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"))
    root.add_argument("--port", type=int, default=int(os.environ.get("GRADIO_SERVER_PORT", "7860")))
    return root


def opened(arguments: argparse.Namespace, demo_pack: Path) -> Booth:
    """Builds the booth that the arguments describe."""
    study = studies.load(arguments.study) if arguments.study else Study()
    collection = _collection(arguments, study, demo_pack)
    for finding in collection.findings:
        sys.stderr.write(f"scan: {finding.describe()}\n")
    folder: Path = arguments.folder
    url = os.environ.get(STORE_VARIABLE) or sqlite_url(folder / "ballots.sqlite")
    return Booth(study, collection, Store(url), Identity(find_secret(folder)))


def _collection(arguments: argparse.Namespace, study: Study, demo_pack: Path) -> Collection:
    if arguments.wpb:
        texts = read_preference_bench(arguments.wpb)
    else:
        named = [arguments.study.parent / path for path in study.generations]
        texts = read_generations(arguments.generations or named or [demo_pack])
    return collect(texts, models=study.models, prompts=study.prompts, allowed=study.allow)


def main(demo_pack: Path, argv: Sequence[str] | None = None) -> int:
    """Runs the command; ``demo_pack`` is what it shows when no texts are named."""
    import uvicorn

    from coig_writer.arena.server import create_app, mount_gradio

    arguments = parser().parse_args(argv)
    booth = opened(arguments, demo_pack)
    sys.stderr.write(f"arena: http://{arguments.host}:{arguments.port}/\n")
    app = create_app(booth) if arguments.no_gradio else mount_gradio(create_app(booth))
    uvicorn.run(app, host=arguments.host, port=arguments.port, log_level="warning")
    return 0
