"""How fast the fast segmenter is, and whether it cuts as jieba does: python benchmarks/segmentation.py.

Prints CPU seconds of plain jieba and of the fast path (package rjieba on runs of Han characters),
their ratio, and the tokens in which they differ. Goal on prose: at least 4 times faster, 0 tokens.
Without --text it cuts the kit's own sample triplets and benchmark queries.
"""

from __future__ import annotations

import argparse
import difflib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from coig_writer import benchmark
from coig_writer.errors import ConfigError, run_command
from coig_writer.metrics import tokens

SAMPLES = Path(__file__).parents[1] / "dataset_builder" / "sample" / "triplets"
GOAL = 4.0


def main() -> int | None:
    """Measures both segmenters on the same texts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--text", type=Path, nargs="*", help="files of UTF-8 text, one text each")
    parser.add_argument("--megabytes", type=float, default=5.0, help="repeat the texts up to this")
    options = parser.parse_args()
    if tokens.audit(["字"]).texts == 0:
        raise ConfigError("the package rjieba is not installed", "pip install rjieba")
    files = options.text or sorted(SAMPLES.glob("*.txt"))
    texts = [file.read_text(encoding="utf-8") for file in files]
    texts += [query.query for query in benchmark.queries("zh")]
    for segment in (tokens.segment_plain, tokens.segment_fast):
        segment("热身")  # loads the dictionaries
    differing = sum(_differing(text) for text in texts)
    size = sum(len(text.encode()) for text in texts)
    repeat = max(1, round(options.megabytes * 1e6 / size))
    plain = _cpu(tokens.segment_plain, texts, repeat)
    fast = _cpu(tokens.segment_fast, texts, repeat)
    megabytes = size * repeat / 1e6
    print(f"{len(texts)} texts, {megabytes:.1f} MB in {repeat} rounds")
    print(f"jieba      {plain:7.2f} CPU s   {megabytes / plain:5.2f} MB/s")
    print(f"fast path  {fast:7.2f} CPU s   {megabytes / fast:5.2f} MB/s")
    print(f"ratio      {plain / fast:7.2f}   (goal {GOAL:g})")
    print(f"differing tokens  {differing}   (goal 0)")
    return int(differing > 0 or plain / fast < GOAL)


def _differing(text: str) -> int:
    """Counts the tokens of jieba that the fast path does not give in their place."""
    plain, fast = tokens.segment_plain(text), tokens.segment_fast(text)
    if plain == fast:
        return 0
    blocks = difflib.SequenceMatcher(None, plain, fast, autojunk=False).get_matching_blocks()
    return len(plain) - sum(block.size for block in blocks)


def _cpu(segment: Callable[[str], list[str]], texts: Sequence[str], repeat: int) -> float:
    started = time.process_time()
    for _ in range(repeat):
        for text in texts:
            segment(text)
    return time.process_time() - started


if __name__ == "__main__":
    raise SystemExit(run_command(main))
