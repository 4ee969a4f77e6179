"""Sampling by hash order against tokenising every row: python benchmarks/mix.py [--rows 11400] [--full].

Makes two synthetic sources at the real sources' row sizes (6 kB Chinese, 23 kB English; random words, named
synthetic), takes a tenth of each by hash, and tokenises everything once for comparison, in the same run on
the same machine. Prints seconds of each, their ratio and the peak memory above the start. ``--full`` uses
114,000 rows each and 10,000 taken, which takes several gigabytes of disk and over half an hour.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coig_writer.errors import run_command

ROOT = Path(__file__).parents[1]
# Ordinary words, so that a row of 23 kB has the tokens of English text and not of noise.
WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "that",
    "for",
    "it",
    "as",
    "was",
    "with",
    "be",
    "by",
    "on",
    "not",
    "he",
    "this",
    "are",
    "or",
    "his",
    "from",
    "at",
    "which",
    "but",
    "have",
    "an",
    "had",
    "they",
    "you",
    "were",
    "their",
    "one",
    "all",
    "we",
    "can",
    "her",
    "has",
    "there",
    "been",
    "if",
    "more",
    "when",
    "will",
    "would",
    "who",
    "so",
    "no",
    "time",
    "than",
    "into",
    "only",
    "some",
    "could",
    "other",
    "these",
    "two",
    "may",
    "then",
    "do",
    "first",
    "any",
    "my",
    "now",
    "such",
    "like",
    "our",
    "over",
    "man",
    "even",
    "most",
    "made",
    "after",
    "also",
    "did",
    "many",
    "before",
    "must",
    "through",
    "number",
    "equation",
    "solve",
    "function",
    "value",
    "because",
    "therefore",
    "suppose",
    "consider",
    "proof",
    "answer",
    "check",
    "again",
    "wait",
    "however",
]


def synthetic_zh(random_: random.Random, number: int) -> dict[str, Any]:
    """Returns a row of about 6 kB in Congliu's columns."""

    def text(length: int) -> str:
        return "".join(chr(random_.randint(0x4E00, 0x9FA5)) for _ in range(length))

    return {
        "input": f"第{number}题" + text(60),
        "reasoning_content": text(1200),
        "content": text(700),
    }


def synthetic_en(random_: random.Random, number: int) -> dict[str, Any]:
    """Returns a row of about 23 kB in OpenThoughts' columns."""

    def text(length: int) -> str:
        return " ".join(random_.choices(WORDS, k=length))

    answer = f"<|begin_of_thought|>\n\n{text(3000)}\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\n{text(300)}\n\n<|end_of_solution|>"
    return {
        "system": "",
        "conversations": [
            {"from": "user", "value": f"{number} {text(40)}"},
            {"from": "assistant", "value": answer},
        ],
    }


def write(path: Path, rows: int, make: Callable[[int], dict[str, Any]]) -> None:
    """Writes a source."""
    with path.open("w", encoding="utf-8") as handle:
        for number in range(rows):
            handle.write(json.dumps(make(number), ensure_ascii=False) + "\n")


def main() -> int | None:
    """Runs the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows",
        type=int,
        default=11_400,
        help="rows per source (default: 11,400, a tenth of the real ones)",
    )
    parser.add_argument("--full", action="store_true", help="114,000 rows per source")
    arguments = parser.parse_args()
    rows = 114_000 if arguments.full else arguments.rows
    tokenizer_folder = ROOT / "build" / "tokenizer"
    folder = (
        tokenizer_folder
        if (tokenizer_folder / "tokenizer.json").is_file()
        else ROOT / "build" / "smoke"
    )
    with tempfile.TemporaryDirectory() as scratch:
        compare(Path(scratch), rows, rows * 10 // 114, folder)
    return None


def compare(scratch: Path, rows: int, count: int, tokenizer_folder: Path) -> None:
    """Measures one scale."""
    import os

    os.environ["HF_DATASETS_CACHE"] = str(scratch / "cache")
    from transformers import AutoTokenizer

    from coig_writer.training import chat, mixing
    from coig_writer.training.sources import Source, convert, load
    from coig_writer.triplet import messages

    chance = random.Random(0)
    write(scratch / "zh.jsonl", rows, lambda n: synthetic_zh(chance, n))
    write(scratch / "en.jsonl", rows, lambda n: synthetic_en(chance, n))
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    rules = mixing.Rules(
        seed=42, max_length_tokens=8192 if tokenizer_folder.name == "tokenizer" else 10**6
    )
    named = {"general_zh": ("zh", "congliu"), "general_en": ("en", "openthoughts")}
    print(f"{rows:,} synthetic rows per source, {count:,} taken; tokenizer {tokenizer_folder.name}")
    for name, (file, kind) in named.items():
        source = Source(name, str(scratch / f"{file}.jsonl"), kind)
        load(source)  # the one-time conversion to a memory-mapped file is not what is compared
        before = peak_mb()
        started = time.perf_counter()
        taken = mixing.sample(source, count, rules, tokenizer)
        ours = time.perf_counter() - started
        grown = peak_mb() - before
        started = time.perf_counter()
        for row in load(source)[0]:
            example = convert(source, row)
            chat.count(tokenizer, messages(example.prompt, example.reasoning, example.article))
        everything = time.perf_counter() - started
        print(
            f"{name}: {len(taken.taken):,} rows by hash order {ours:.1f} s, tokenising all {everything:.1f} s, ratio {everything / ours:.1f}x, peak memory +{grown:.0f} MB"
        )


def peak_mb() -> float:
    """Returns the process's peak memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(run_command(main))
