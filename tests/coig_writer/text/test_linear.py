"""No pattern and no rule takes more than linear time, whatever a text repeats.

Every compiled pattern of the rooms that read strange texts is driven with its own literals, the samples
of its own classes and the first halves of its own matches, over and over, at a size and at four times
that. Four times the text may take four times as long; quadratic time takes sixteen.
"""

import collections
import dataclasses
import functools
import importlib
import io
import itertools
import json
import os
import pkgutil
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from coig_writer.arena.study import scan
from coig_writer.document import Document
from coig_writer.metrics import requirements
from coig_writer.text import contamination, genre, language, masking, refusal, truncation
from coig_writer.text.framing.closing import LONGEST_WEIGHED
from coig_writer.text.framing.signs import SIGNS
from dataset_builder.official.reader import Reader
from dataset_builder.stages import assess, dates

SIZE, TIMES, MOST_GROWTH, NOTABLE = 4_000, 4, 8, 0.05
MOST_SEEDS = 8  # of its own, for each pattern
ROOT = Path(__file__).parents[3]
PACKAGES = (
    "coig_writer.text",
    "coig_writer.text.framing",
    "coig_writer.tables",
    "coig_writer.verse",
    "coig_writer.metrics",
    "coig_writer.endpoint",
    "coig_writer.mixing",
    "dataset_builder.stages",
    "dataset_builder.official",
    "dataset_builder.audit",
)
MODULES = (
    "coig_writer.arena.study.scan",
    "benchmarks.text_rules",
)
# Patterns whose callers let so many characters through and no more: quick at that length is enough.
BOUNDED = {
    "coig_writer.text.truncation._APART": truncation.SHORT_TAIL,
    "dataset_builder.stages.dates._WEEKDAY": dates.LONGEST,
    "dataset_builder.stages.sources._THOUSANDS": 40,
    "coig_writer.text.truncation._BEHIND": truncation.SHORT_TAIL,
    "coig_writer.text.truncation._BLANK": truncation.SHORT_TAIL,
    "coig_writer.arena.study.scan._CLOSING_TOKENS": scan.LAST,
    "coig_writer.verse.literal._ASIDE": 12,  # a speaker's name
    **{
        "coig_writer.text.framing.signs.SIGNS" + (f"[{number}]" if number else ""): LONGEST_WEIGHED
        for number in range(len(SIGNS))
    },
}
SPOILED = "x字\x00"  # behind what repeats, so that nothing matches to the end
FIXED = (
    *' \n(["“1a字。，-',
    "A a ",
    "- ",
    "```",
    "<|",
    "[ ",
    "好的，",
    "1. ",
    "**",
    "| ",
    "“",
    "雨\n",
)

_parse = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse").parse


def modules() -> list[str]:
    inside = (
        f"{package}.{found.name}"
        for package in PACKAGES
        for found in pkgutil.iter_modules(importlib.import_module(package).__path__)
    )
    return [*inside, *MODULES]


def patterns(value: object, depth: int = 4) -> Iterator[re.Pattern[Any]]:
    """Yields what a global holds, also inside containers and dataclasses."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for item in itertools.chain(value, value.values()):
            yield from patterns(item, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from patterns(item, depth - 1)
    elif depth and dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from patterns(list(vars(value).values()) if hasattr(value, "__dict__") else [], depth)


def compiled() -> dict[str, re.Pattern[Any]]:
    """Every pattern by the name of the global that holds it."""
    found: dict[re.Pattern[Any], str] = {}
    for name in modules():
        for holder, value in vars(importlib.import_module(name)).items():
            for number, pattern in enumerate(patterns(value)):
                found.setdefault(pattern, f"{name}.{holder}" + (f"[{number}]" if number else ""))
    return {name: pattern for pattern, name in found.items()}


def _character(items: list[Any]) -> str:
    """A character of a class."""
    inside = [_sample_item(item) for item in items if str(item[0]) != "NEGATE"]
    if len(inside) < len(items):  # a negated class
        return next(c for c in "a字1 。x\n" if c not in inside)
    return inside[0] if inside else "a"


def _sample_item(item: tuple[Any, Any]) -> str:
    kind, value = str(item[0]), item[1]
    if kind == "LITERAL":
        return chr(value)
    if kind == "RANGE":
        return chr(value[0])
    return {"DIGIT": "1", "SPACE": " ", "WORD": "a"}.get(str(value).removeprefix("CATEGORY_"), "。")


def samples(tree: Iterable[Any], seen: set[str]) -> str:  # noqa: C901 - one case per kind
    """Spells one match; adds the beginnings of it, and what each class and branch can be, to ``seen``."""
    spelled = ""
    for kind, value in tree:
        match str(kind):
            case "LITERAL":
                spelled += chr(value)
            case "NOT_LITERAL" | "ANY":
                spelled += "a"
            case "IN":
                spelled += _character(value)
                seen.update(_sample_item(item) for item in value if str(item[0]) != "NEGATE")
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                low, high, inner = value
                part = samples(inner, seen)
                seen |= {spelled + part, part}
                spelled += part * max(low, min(1, int(high)))
            case "SUBPATTERN":
                spelled += samples(value[3], seen)
            case "BRANCH":
                options = [samples(option, seen) for option in value[1]]
                seen.update(spelled + option for option in options[:12])
                spelled += options[0]
            case "ATOMIC_GROUP":
                spelled += samples(value, seen)
    seen |= {spelled, spelled[: len(spelled) // 2], spelled[:-1]}
    return spelled


@functools.cache
def seeds(pattern: re.Pattern[Any]) -> tuple[str, ...]:
    """What to repeat: own literals, classes and half matches, and what is always tried."""
    source = pattern.pattern
    found: set[str] = set()
    samples(_parse(source, pattern.flags & ~re.DEBUG), found)
    own = sorted(found - {""}, key=lambda seed: (len(seed), seed))
    chosen = (
        own
        if len(own) <= MOST_SEEDS
        else [own[i * len(own) // MOST_SEEDS] for i in range(MOST_SEEDS)]
    )
    return tuple(dict.fromkeys((*chosen, *FIXED)))


@functools.cache
def _source(module: str) -> str:
    return Path(importlib.import_module(module).__file__ or "").read_text(encoding="utf-8")


def called(name: str) -> set[str]:
    """The methods by which the module of a global searches with it; ``finditer`` where that is not seen."""
    module, holder = name.rsplit(".", 1)
    wanted = rf"\b{re.escape(holder)}\.(match|fullmatch|search|finditer|findall|sub|split)\b"
    found = {said[1] for said in re.finditer(wanted, _source(module))}
    return {m if m in ("match", "fullmatch") else "finditer" for m in found} or {"finditer"}


def drive(pattern: re.Pattern[Any], methods: Iterable[str]) -> Callable[[str], object]:
    def run(text: str) -> None:
        content = text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text
        for method in methods:
            found = getattr(pattern, method)(content)
            if method == "finditer":
                collections.deque(found, maxlen=0)

    return run


def took(work: Callable[[str], object], seed: str, size: int) -> float:
    text = seed * (size // len(seed)) + SPOILED
    began = time.process_time()
    work(text)
    return time.process_time() - began


def fault(
    work: Callable[[str], object], seed: str, bound: int | None = None, size: int = TIMES * SIZE
) -> str | None:
    """Says how its time grows from a size to four times that, if too fast; None where it is soon done."""
    size = bound or size
    best = took(work, seed, size)
    if best <= NOTABLE:
        return None
    best = min(best, took(work, seed, size), took(work, seed, size))
    growth = best / max(1e-6, min(took(work, seed, size // TIMES) for _ in range(3)))
    if best <= NOTABLE or (growth <= MOST_GROWTH and not bound):
        return None
    return f"{best:.2f} s, {growth:.0f} times that of a quarter, on {seed!r} over and over"


def rules() -> dict[str, Callable[[str], object]]:
    """The public functions that read a text."""
    scanner = scan.Scanner(["qwen-2.5", "model_a"])
    return {
        "assess.broken": lambda text: list(assess.broken(Document("a", text))),
        "masking.masked": masking.masked,
        "language.confusion, zh": lambda text: language.confusion(text, "zh"),
        "language.confusion, en": lambda text: language.confusion(text, "en"),
        "refusal.speaks_as_assistant": refusal.speaks_as_assistant,
        "contamination.contaminated": contamination.contaminated,
        "genre.prompt_rules": genre.prompt_rules,
        "genre.article_rules": genre.article_rules,
        "scan.Scanner.scan": scanner.scan,
        "requirements.script_share": requirements.script_share,
        "reader": lambda text: list(Reader(io.BytesIO(f'[{{"query": "{text}'.encode())).pieces()),
    }


def measure() -> None:
    """Prints each name before its turn, then all that grows too fast; runs in a process of its own."""
    slow = []
    work = [(n, drive(p, called(n)), seeds(p), BOUNDED.get(n)) for n, p in compiled().items()]
    work += [(name, rule, FIXED, None) for name, rule in rules().items()]
    for name, run, repeated, bound in work:
        print(name, flush=True)  # noqa: T201 - read by the test
        said = next(filter(None, (fault(run, seed, bound) for seed in repeated)), None)
        slow += [f"{name}: {said}"] if said else []
    print(json.dumps({"names": [name for name, *_ in work], "slow": slow}, ensure_ascii=False))  # noqa: T201


def test_time_is_linear_in_the_length_of_a_text() -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    try:
        done = subprocess.run(
            [sys.executable, __file__],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            encoding="utf-8",
            timeout=500,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
        shown = output.decode() if isinstance(output, bytes) else output
        pytest.fail(f"never ends: {shown.splitlines()[-1:]}")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["slow"] == []
    assert set(BOUNDED) < set(found["names"])
    assert "coig_writer.text.masking._PERSONAL[5]" in found["names"]  # inside a dict


def test_counts_in_patterns_are_counts() -> None:
    """In an f-string, ``x{1, 6}`` spells ``x(1, 6)``, which no text holds."""
    spelled = re.compile(r"\(\d+, \d+\)")
    assert [n for n, p in compiled().items() if spelled.search(str(p.pattern))] == []


@pytest.mark.parametrize("source", [r"[^。\n]+。", r"(?:[\W_]*|test)[\W_]*"])
def test_a_quadratic_pattern_is_found(source: str) -> None:
    pattern = re.compile(source)
    assert any(
        fault(drive(pattern, ("finditer", "fullmatch")), seed, size=6_000)
        for seed in seeds(pattern)
    )


@pytest.mark.parametrize("source", [r"\s{1,8}x", r"(?<![^。\n])[^。\n]+。", r"(?:test)?[\W_]*"])
def test_a_linear_pattern_passes(source: str) -> None:
    pattern = re.compile(source)
    assert not any(
        fault(drive(pattern, ("finditer", "fullmatch")), seed, size=6_000)
        for seed in seeds(pattern)
    )


if __name__ == "__main__":
    measure()
