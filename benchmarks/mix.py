"""Sampling by hash order against tokenising every row: python benchmarks/mix.py [--rows 11400] [--full].

Makes two synthetic sources at the real sources' row sizes (6 kB Chinese, 23 kB English; random words, named
synthetic), takes rows by hash, and tokenises everything for comparison, in the same run on the same machine.
Prints seconds of each, their ratio, and by how much the process's own memory grew: with the rows that are
taken, and not with the rows of the source. ``--full`` is 114,000 rows each, 10,000 taken, every tenth row
tokenised and the time multiplied by ten; it takes ten gigabytes of disk and some twenty minutes.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from coig_writer.errors import MissingInputError, run_command
from coig_writer.files import write_rows
from coig_writer.mixing import chat, mixing
from coig_writer.mixing.sources import Source, convert, load
from coig_writer.triplet import messages

ROOT = Path(__file__).parents[1]
ROWS, TAKEN = 114_000, 10_000  # of the real sources, and of cw_10k
# Ordinary words, so that a row of 23 kB has the tokens of English text and not of noise.
WORDS = """
the of and to in is that for it as was with be by on not he this are or his from at which
but have an had they you were their one all we can her has there been if more when will
would who so no time than into only some could other these two may then do first any my now
such like our over man even most made after also did many before must through number
equation solve function value because therefore suppose consider proof answer check again
wait however
""".split()  # noqa: SIM905 - a hundred lines of quotes would read worse
HAN = [chr(code) for code in range(0x4E00, 0x9FA6)]


Cut = Callable[[int], str]


def cutter(words: list[str], joint: str) -> Cut:
    """Returns a function that cuts a text of so many words out of one long random text."""
    chance = random.Random(0)
    pool = chance.choices(words, k=100_000)

    def cut(length: int) -> str:
        start = chance.randrange(len(pool) - length)
        return joint.join(pool[start : start + length])

    return cut


def synthetic_zh(text: Cut, number: int) -> dict[str, object]:
    """Returns a row of about 6 kB in Congliu's columns."""
    prompt = f"第{number}题" + text(60)
    return {"input": prompt, "reasoning_content": text(1200), "content": text(700)}


def synthetic_en(text: Cut, number: int) -> dict[str, object]:
    """Returns a row of about 23 kB in OpenThoughts' columns."""
    thought, solution = text(4300), text(450)
    answer = (
        f"<|begin_of_thought|>\n\n{thought}\n\n<|end_of_thought|>\n\n"
        f"<|begin_of_solution|>\n\n{solution}\n\n<|end_of_solution|>"
    )
    return {
        "system": "",
        "conversations": [
            {"from": "user", "value": f"{number} {text(40)}"},
            {"from": "assistant", "value": answer},
        ],
    }


SOURCES = {
    "general_zh": ("congliu", synthetic_zh, cutter(HAN, "")),
    "general_en": ("openthoughts", synthetic_en, cutter(WORDS, " ")),
}


@contextmanager
def grown_mb() -> Iterator[list[float]]:
    """Watches the process's own memory; the list holds its growth to the peak, in MB, at the end.

    Own memory is what is not backed by a file. Pages of the memory-mapped source also count as
    resident while they are warm, but the system takes them back whenever it likes.
    """
    found: list[float] = []
    peak = start = own_mb()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, own_mb())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()
        found.append(peak - start)


def own_mb() -> float:
    """Returns the memory of this process that no file backs, in MB (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


def tokenizer_folder() -> Path:
    """Returns the folder of the real Qwen2.5 tokenizer.

    Raises:
        MissingInputError: It was not fetched.
    """
    folder = ROOT / "build" / "tokenizer"
    if not (folder / "tokenizer.json").is_file():
        raise MissingInputError(f"{folder}: no tokenizer", "type: make tokenizer")
    return folder


def compare(source: Source, taken: int, every: int, tokenizer: chat.Tokenizer) -> str:
    """Measures one source and renders the result."""
    rows, _ = load(source)  # the one-time conversion to a mapped file is not what is compared
    rules = mixing.Rules(seed=42, max_length_tokens=8192)
    started = time.perf_counter()
    with grown_mb() as grown:
        sampled = mixing.sample(source, taken, rules, tokenizer)
    ours = time.perf_counter() - started
    started = time.perf_counter()
    for number in range(0, len(rows), every):
        example = convert(source, rows[number])
        chat.count(tokenizer, messages(example.prompt, example.reasoning, example.article))
    whole = (time.perf_counter() - started) * every
    text = sum(len(turn.content.encode()) for row in sampled.taken for turn in row.messages)
    how = f" ({every} × every {every}th row)" if every > 1 else ""
    return (
        f"{source.name}: {taken:,} of {len(rows):,} rows by hash order {ours:.1f} s, "
        f"tokenising all {whole:.1f} s{how}, ratio {whole / ours:.1f}x; "
        f"own memory +{grown[0]:.0f} MB, of which {text / 2**20:.0f} MB are the taken rows' text"
    )


def main() -> int | None:
    """Runs the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows", type=int, default=ROWS // 10, help=f"per source (default: {ROWS // 10:,})"
    )
    parser.add_argument("--taken", type=int, help="rows to take (default: 10 of 114)")
    parser.add_argument("--every", type=int, help="tokenise every so many rows for comparison")
    parser.add_argument("--full", action="store_true", help=f"{ROWS:,} rows, every 10th tokenised")
    options = parser.parse_args()
    rows = ROWS if options.full else options.rows
    taken = options.taken or rows * TAKEN // ROWS
    every = options.every or (10 if options.full else 1)
    folder = tokenizer_folder()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HF_DATASETS_CACHE"] = f"{scratch}/cache"
        measure(Path(scratch), rows, taken, every, folder)
    return None


def measure(scratch: Path, rows: int, taken: int, every: int, folder: Path) -> None:
    """Makes each source, measures it, and prints its line."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    for name, (kind, make, text) in SOURCES.items():
        file = scratch / f"{name}.jsonl"
        write_rows(file, (make(text, number) for number in range(rows)))
        size = file.stat().st_size / rows
        print(f"{name}: synthetic, {rows:,} rows of {size / 1000:.1f} kB", flush=True)
        print(compare(Source(name, str(file), kind), taken, every, tokenizer), flush=True)


if __name__ == "__main__":
    sys.exit(run_command(main))
