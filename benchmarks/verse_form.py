"""How right the checker of verse forms is: python benchmarks/verse_form.py [--data FOLDER] [--answers FILE].

(a) Tang poems that a reader labelled before the checker existed (verse/labels.csv, two readings) and ci by tune;
(b) one position changed to the opposite tone is found at that character; (c) the kit's own 七律; (d) modern free
poems are not taken for regulated verse; (e) cost against reading every combination; (f) the metric on answers to
prompts that ask for verse. Without --data (the folder with tang.jsonl and ci.jsonl) the thirty poems of the tests
stand in; (d) takes the kit's own prose and poems, cut into short lines, and (f) needs --answers.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import gzip
import hashlib
import itertools
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the stages are never installed

from coig_writer import taxonomy
from coig_writer.errors import run_command
from coig_writer.preference.agreement import cohen
from coig_writer.preference.rates import wilson
from coig_writer.verse import ci, regulated
from coig_writer.verse.books import LEVEL, OBLIQUE, Tone, line_tones, tones
from coig_writer.verse.form import check
from dataset_builder.packing import samples

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared" / "data"
POEMS = HERE.parent / "tests" / "coig_writer" / "verse" / "poems.jsonl"
MODERN = POEMS.with_name("modern.txt")
SEED = 22
CHANGES = 2_000
# Characters with one tone in both tables, put in place of others.
PLAIN: dict[Tone, str] = {LEVEL: "天山花春秋云风人家书楼城", OBLIQUE: "水月酒雪玉草鸟柳日石客路"}
_STOPS = re.compile(r"[，。！？；、,.!?;\s]+")
# Texts of ci.jsonl that lost a character or have a wrong one: what stands there, and the received text.
FAULTY = {
    ("醉中真・浣溪沙", "贺铸"): {"送春归": "送馀春"},
    ("高阳台", "周密"): {"茸帽风": "茸帽风欹"},
    ("蝶恋花", "周邦彦"): {"辘，牵金井": "轣辘牵金井", "红棉泠": "红绵冷"},
}


@dataclasses.dataclass(frozen=True)
class Poem:
    """A poem and what the readers said of it."""

    title: str
    author: str
    lines: tuple[str, ...]
    label: str


def clauses(rows: Sequence[str]) -> tuple[str, ...]:
    """Divides lines at their punctuation."""
    return tuple(part for row in rows for part in _STOPS.split(row) if part)


def labelled(folder: Path | None, reading: str = "label") -> list[Poem]:
    """Reads the poems as a reading labels them; those of the tests where the corpus is not there."""
    if folder is None:
        names = {"passes": "regulated", "broken": "irregular", "not regulated": "old-style"}
        return [
            Poem(p["title"], p["author"], clauses([p["text"]]), names[p["verdict"]])
            for p in map(json.loads, POEMS.read_text(encoding="utf-8").splitlines())
            if p["form"] in regulated.FORMS
        ]
    with (HERE / "verse" / "labels.csv").open(encoding="utf-8", newline="") as file:
        known = {row["sha256"]: row[reading] for row in csv.DictReader(file)}
    poems = []
    for row in map(json.loads, (folder / "tang.jsonl").read_text(encoding="utf-8").splitlines()):
        digest = hashlib.sha256("\n".join(row["lines"]).encode()).hexdigest()[:16]
        if digest in known:
            poems.append(Poem(row["title"], row["author"], clauses(row["lines"]), known[digest]))
    return poems


def readings() -> Iterator[str]:
    """Renders how far each pair of the three readings agrees."""
    with (HERE / "verse" / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for one, other in itertools.combinations(("first", "second", "third"), 2):
        pairs = [(row[one], row[other]) for row in rows]
        kappa = cohen(pairs)
        assert kappa is not None
        yield f"{one} and {other} reading of {len(pairs)} poems: {sum(a == b for a, b in pairs)} agree, kappa {kappa:.2f}"


def regulated_verse(poems: Sequence[Poem]) -> Iterator[str]:
    """Renders (a): what passes of each label, and every regulated poem that does not."""
    counts: Counter[tuple[str, str]] = Counter()
    failures = []
    for poem in poems:
        verdict = regulated.check(poem.lines, None, "平水韵")
        said = (
            "not taken for regulated"
            if verdict is None
            else "passes"
            if verdict.passes
            else "broken"
        )
        counts[poem.label, said] += 1
        if (poem.label == "regulated") != (said == "passes"):
            failures.append(poem)
    good = [p for p in poems if p.label == "regulated"]
    rate = wilson(counts["regulated", "passes"], len(good))
    yield f"regulated: {counts['regulated', 'passes']} of {len(good)} pass: {rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]; goal 95%"
    for (label, said), n in sorted(counts.items()):
        yield f"    {label:<12}{said:<26}{n:>4}"
    marks = [m for p in good for m in regulated.marks(regulated.fitted(p.lines, "平水韵"))]
    decided = sum(mark.state != "open" for mark in marks)
    yield f"positions decided: {decided} of {len(marks)}: {decided / len(marks):.1%}; goal 90%"
    for poem in failures:
        found = regulated.check(poem.lines, regulated.shape(poem.lines), "平水韵")
        assert found is not None
        why = (
            "；".join(r.zh for r in found.rules if r.state == "broken") or "passes by open readings"
        )
        yield f"    {poem.label}: {poem.title} ({poem.author}): {why}"


def third(folder: Path) -> Iterator[str]:
    """Renders (a) by the reading alone that was made without sight of the other two."""
    good = [p for p in labelled(folder, "third") if p.label == "regulated"]
    rate = wilson(sum(map(passes, good)), len(good))
    yield f"by the third reading alone: {sum(map(passes, good))} of {len(good)} pass: {rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]; goal 95%"


def tunes(folder: Path) -> Iterator[str]:
    """Renders (a) for ci: each covered tune, its source and how many of its poems pass."""
    counts: dict[str, list[bool]] = {}
    listed = []
    restored = 0
    for row in map(json.loads, (folder / "ci.jsonl").read_text(encoding="utf-8").splitlines()):
        tune = ci.named(row["tune"])
        if tune is None:
            continue
        passes = ci.check(clauses(row["lines"]), tune).passes is True
        counts.setdefault(ci.tunes()[tune][0].tune, []).append(passes)
        if fault := FAULTY.get((row["tune"], row["author"])):
            mended = "".join(row["lines"])
            for old, new in fault.items():
                mended = mended.replace(old, new)
            again = ci.check(clauses([mended]), tune).passes is True
            restored += again and not passes
            said = "; ".join(f"{old} stands for {new}" for old, new in fault.items())
            listed.append(
                f"    {row['tune']} ({row['author']}): {said}; with these restored it passes: {again}"
            )
        elif not passes:
            listed.append(f"    {row['tune']} ({row['author']}) breaks")
    covered = {v[0].tune: v for v in ci.tunes().values()}
    passing, total = sum(map(sum, counts.values())), sum(map(len, counts.values()))
    yield f"ci: {passing} of {total} poems of {len(counts)} tunes pass as they stand in ci.jsonl, {passing + restored} with the received text of {len(FAULTY)}"
    for tune, variants in covered.items():
        own = counts.get(tune, [])
        shown = f"{sum(own)} of {len(own)}" if own else "none in ci.jsonl"
        yield f"    {tune:<5} {shown:<18}{'; '.join(f'{v.name}: {v.source}' for v in variants)}"
    yield from listed


def change(poem: Poem, draw: random.Random) -> tuple[list[str], tuple[int, int]] | None:
    """Changes one place that is not free and has one tone; None where the drawn place is another."""
    fit = regulated.fitted(poem.lines, "平水韵")
    line, place = draw.randrange(len(poem.lines)), draw.randrange(len(poem.lines[0]))
    wanted = fit.path[line].tones[place]
    text = poem.lines[line]
    if wanted == "中" or tones(text[place]).possible != {wanted}:
        return None
    other = draw.choice(PLAIN[OBLIQUE if wanted == LEVEL else LEVEL])
    lines = [*poem.lines]
    lines[line] = text[:place] + other + text[place + 1 :]
    return lines, (line + 1, place + 1)


def changed(poems: Sequence[Poem]) -> Iterator[str]:
    """Renders (b): one place that is not free gets the opposite tone; is it found there?"""
    draw = random.Random(SEED)
    good = [p for p in poems if p.label == "regulated" and passes(p)]
    hits = tried = saved = 0
    missed: list[str] = []
    while tried < CHANGES:
        made = change(draw.choice(good), draw)
        if made is None:
            continue
        lines, where = made
        if naive(lines):
            saved += 1
            continue
        tried += 1
        verdict = regulated.check(lines, regulated.shape(lines), "平水韵")
        assert verdict is not None
        broken = [rule for rule in verdict.rules if rule.state == "broken"]
        hit = any(where in rule.places for rule in broken)
        hits += hit
        missed += (
            [] if hit else [f"    missed {where} of {'/'.join(lines)}: {[r.zh for r in broken]}"]
        )
    rate = wilson(hits, tried)
    yield f"one place changed: {hits} of {tried} found at that character: {rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]; goal 98%; {saved} more that a listed variant allows"
    yield from missed[:5]


def passes(poem: Poem) -> bool:
    """Says whether a poem is taken for regulated verse and keeps its rules."""
    verdict = regulated.check(poem.lines, None, "平水韵")
    return verdict is not None and verdict.passes is True


def line_readings(line: str) -> Iterator[str]:
    """All combinations of tones of a line."""
    options = [sorted(own.possible) or [LEVEL, OBLIQUE] for own in line_tones(line)]
    return map("".join, itertools.product(*options))


def allowed(
    size: int, count: int, first: bool, start: Tone
) -> Iterator[tuple[frozenset[str], ...]]:
    """The shapes of each line of a pattern, written out; rescues pair a line with its answer."""
    path: list[list[regulated.Variant]] = []
    second = start
    for number in range(count):
        if number:
            second = (OBLIQUE if second == LEVEL else LEVEL) if number % 2 else second
        types = "BD" if number % 2 or (number == 0 and first) else "AC"
        path.append([v for v in regulated.variants(size) if v.type in types and v.second == second])
    for chosen in itertools.product(*path):
        if any(
            a.role == regulated.CALLS and b.role != regulated.ANSWERS
            for a, b in itertools.pairwise(chosen)
        ):
            continue
        yield tuple(
            frozenset(
                map("".join, itertools.product(*("平仄" if t == "中" else t for t in v.tones)))
            )
            for v in chosen
        )


_PATTERNS: dict[tuple[int, int], list[tuple[frozenset[str], ...]]] = {}


def naive(lines: Sequence[str]) -> bool:
    """Says whether tones alone fit, by trying every pattern against every combination of readings.

    Written for this, apart from the checker: lists of whole lines, no costs and no search.
    """
    key = len(lines[0]), len(lines)
    if key not in _PATTERNS:
        _PATTERNS[key] = [
            p
            for first in (False, True)
            for start in (LEVEL, OBLIQUE)
            for p in allowed(*key, first, start)
        ]
    readings_ = [set(line_readings(line)) for line in lines]
    return any(
        all(shapes & read for shapes, read in zip(pattern, readings_, strict=True))
        for pattern in _PATTERNS[key]
    )


def every_combination(lines: Sequence[str]) -> int:
    """The number of readings of a whole poem."""
    total = 1
    for character in "".join(lines):
        total *= max(1, len(tones(character).possible))
    return total


def cost(poems: Sequence[Poem]) -> Iterator[str]:
    """Renders (e): the checker against trying every reading of a whole poem, where that ends at all."""
    good = [p for p in poems if p.label == "regulated"]
    few = [p for p in good if every_combination(p.lines) <= 2**11]
    start = time.process_time()
    for poem in few:
        regulated.fitted(poem.lines, "平水韵")
    ours = time.process_time() - start
    naive(few[0].lines)
    for poem in few:
        naive(poem.lines)  # patterns are made before the clock starts
    start = time.process_time()
    for poem in few:
        whole_poem(poem.lines)
    theirs = time.process_time() - start
    largest = max(every_combination(p.lines) for p in good)
    yield f"cost: every reading of {len(few)} poems with at most 2,048 readings takes {theirs / ours:.0f} times as long as the checker"
    yield f"    most readings of one poem: {largest:,}; the checker's work does not grow with them"
    agree = sum(naive(p.lines) == tones_fit(p.lines) for p in poems)
    yield f"    both say the same of tones: {agree} of {len(poems)} poems"


def tones_fit(lines: Sequence[str]) -> bool:
    """Says whether the checker finds a path on which no tone is broken."""
    return any(regulated.best_path(lines, "平水韵", first)[0][0] == 0 for first in (False, True))


def whole_poem(lines: Sequence[str]) -> bool:
    """Says whether a reading of the whole poem fits, one reading after another."""
    patterns = _PATTERNS[len(lines[0]), len(lines)]
    return any(
        all(read in shapes for shapes, read in zip(pattern, chosen, strict=True))
        for chosen in itertools.product(*map(list, map(line_readings, lines)))
        for pattern in patterns
    )


def modern_poems() -> list[str]:
    """Reads the poems of today that were written for the tests: free verse, prose, doggerel, folk songs."""
    parts = re.split(r"^(?:%|#.*)$", MODERN.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [part.strip() for part in parts if part.strip()]


def modern() -> Iterator[str]:
    """Renders (d): poems of today; free poems and prose of the kit, as they are and cut into short lines."""
    own = modern_poems()
    yield f"poems of today taken for a form: {sum(check(p).form is not None for p in own)} of {len(own)}"
    draw = random.Random(SEED)
    texts = [
        t.article
        for t in samples.read(taxonomy.published())
        if not re.search(r"七律|浣溪沙|绝句|平水韵", t.prompt)
    ]
    free = [
        t
        for t in samples.read(taxonomy.published())
        if t.genre == "poetry" and "七律" not in t.prompt
    ]
    taken = [t for t in texts if check(t).form is not None]
    cut: list[str] = []
    while len(cut) < 100:
        parts = [p for p in _STOPS.split(draw.choice(texts)) if 3 <= len(p) <= 9 and p.isalpha()]
        if len(parts) >= 8:
            at = draw.randrange(len(parts) - 7)
            cut.append("\n".join(parts[at : at + draw.choice([4, 8])]))
    wrong = [c for c in cut if check(c).form is not None]
    yield f"free verse and prose taken for a form: {len(taken)} of {len(texts)} texts ({len(free)} free poems), {len(wrong)} of {len(cut)} made of their clauses"
    same = equal_lines(texts)
    yield f"    of {len(same)} made of clauses of one length, four or eight lines of 5 or 7: {sum(check(t).form is not None for t in same)}"


def equal_lines(texts: Sequence[str]) -> list[str]:
    """The hardest case: prose clauses of one length, stood in lines like a quatrain."""
    draw = random.Random(SEED)
    poems = []
    for size, count in ((5, 4), (7, 4), (5, 8), (7, 8)):
        parts = [
            p
            for t in texts
            for p in _STOPS.split(t)
            if len(p) == size and re.fullmatch("[一-鿿]+", p)
        ]
        poems += ["\n".join(draw.sample(parts, count)) for _ in range(25)]
    return poems


ASKS = (
    (r"七律|七言律", "七言律诗"),
    (r"五律|五言律", "五言律诗"),
    (r"七绝|七言绝", "七言绝句"),
    (r"五绝|五言绝", "五言绝句"),
    (r"对联|楹联", "对联"),
    (r"打油诗|顺口溜|押韵|说唱|RAP|rap|Rap|歌词|三句半|快板", "押韵"),
)


def asked(prompt: str) -> str | None:
    """The form that a prompt names; a tune only where the prompt names it in 《》 or with a dot."""
    for pattern, form in ASKS:
        if re.search(pattern, prompt):
            return form
    named = [n for n in ci.tunes() if f"《{n}" in prompt or f"{n}·" in prompt]
    return named[0] if named else None


def answers(file: Path) -> Iterator[str]:
    """Renders (f): the metric on answers to prompts that ask for verse."""
    with gzip.open(file, "rt", encoding="utf-8") as rows:
        every = list(map(json.loads, rows))
    asking = [row for row in every if asked(row["prompt"])]
    taken = Counter(check(row["response"] or "").form for row in every)
    poems = sum(row["genre_zh"] in {"诗歌", "现代诗"} for row in every)
    yield f"unasked: {len(every) - taken[None]} of {len(every)} answers ({poems} of the genre 诗歌) are taken for a form: {dict(taken)}"
    forms = {row["prompt_id"]: asked(row["prompt"]) or "" for row in asking}
    yield f"prompts that name a form: {len(forms)} ({dict(Counter(forms.values()))}); {len(asking)} answers"
    yield "| model | answers | pass | rules kept |"
    yield "| --- | ---: | ---: | ---: |"
    for model in sorted({row["model"] for row in asking}):
        verdicts = [
            check(r["response"] or "", forms[r["prompt_id"]]) for r in asking if r["model"] == model
        ]
        shares = [v.share for v in verdicts if v.share is not None]
        passing = sum(v.passes is True for v in verdicts)
        mean = f"{sum(shares) / len(shares):.2f}" if shares else "–"
        yield f"| {model} | {len(verdicts)} | {passing} | {mean} |"


def own() -> str:
    """Renders (c)."""
    (sample,) = [t for t in samples.read(taxonomy.published()) if "慢车过秦岭" in t.article]
    verdict = check(sample.article)
    rescue = [rule.zh for rule in verdict.rules if rule.name == "孤平拗救"]
    return f"《慢车过秦岭》: {verdict.form}, passes {verdict.passes}; {'; '.join(rescue)}"


def main() -> int | None:
    """Prints the whole table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with tang.jsonl and ci.jsonl")
    parser.add_argument("--answers", type=Path, help="answers of WritingPreferenceBench, .jsonl.gz")
    options = parser.parse_args()
    poems = labelled(options.data)
    for part in (
        readings(),
        regulated_verse(poems),
        third(options.data) if options.data else (),
        tunes(options.data) if options.data else (),
        changed(poems),
        (own(),),
        modern(),
        cost(poems),
        answers(options.answers) if options.answers else (),
    ):
        for line in part:
            print(line)
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
