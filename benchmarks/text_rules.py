"""How right the rules about a text are, on real answers: python benchmarks/text_rules.py [--data FILE].

Precision comes from verdicts of a reader (a language model) on what the rules found, in text_rules/: labels.csv
was written before the rules changed, labels_second.csv repeats fifty of them blind, labels_after.csv
reads what the changed rules find besides. Recall is by construction: whole texts cut in mid-sentence,
loops, openings and closings put into texts. Frames marked ``held`` were not read while patterns were written.
Without --data the kit's own samples stand in for the answers, and nothing has a label.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import hashlib
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the stages are never installed

from coig_writer import taxonomy
from coig_writer.document import Document
from coig_writer.errors import run_command
from coig_writer.files import read_rows
from coig_writer.preference.agreement import cohen
from coig_writer.preference.rates import wilson
from coig_writer.text import framing, repetition, truncation
from coig_writer.text.verdict import Verdict
from dataset_builder.packing import samples
from dataset_builder.stages import assess

FOLDER = Path(__file__).parent / "text_rules"
DATA = Path(__file__).parents[2] / "shared" / "data" / "writing_preference_bench_zh.jsonl.gz"
LABELLED = {  # rule → its name among the labels
    "boilerplate_opening": "assistant_opening",
    "boilerplate_closing": "assistant_closing",
    "repeated_paragraphs": "repetition",
    "mixed_scripts": "wrong_language",
}
FEWEST = 60  # firings below which no percentage is printed
FALSE_DROPS = 12  # at most, on the answers, all rules together
PLACES = 300
SEED = 17
GOALS = {"cut off": 0.8, "loop": 0.9, "opening": 0.8, "closing": 0.8}
# The look-behind keeps the search linear on a line without a stop.
_SENTENCE = re.compile(r"(?<![^。！？!?\n])[^。！？!?\n]+[。！？!?]")
_MARKS = frozenset('。！？!?…”’」』）)】》~～；;：:—，,、 *|"')

Labels = dict[tuple[str, str], bool]  # (hash of the text, rule) → what the reader said


@dataclasses.dataclass(frozen=True)
class Text:
    """A text to try the rules on; ``finish_reason`` says why its model stopped, if one wrote it."""

    id: str
    text: str
    genre: str | None
    finish_reason: str | None = None

    @property
    def sha256(self) -> str:
        """The first 16 digits of the hash of the text, by which labels know it."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Firing:
    """What a rule said about a text, and what the reader said of that; None where nobody read it."""

    rule: str
    text: Text
    verdict: Verdict
    right: bool | None

    def __str__(self) -> str:
        said = {True: "right", False: "WRONG", None: "not read"}[self.right]
        return f"    {said:<8} {self.text.id}: {self.verdict.evidence[:60]!r}"


def answers(file: Path) -> list[Text]:
    """Reads the answers of WritingPreferenceBench (ODC-BY)."""
    names = taxonomy.published()
    slugs = {genre.zh: genre.slug for genre in names.genres}
    return [
        Text(
            f"{row['prompt_id']} by {row['model']}",
            row["response"] or "",
            slugs.get(row["genre_zh"]),
            row["finish_reason"],
        )
        for _, row in read_rows(file)
    ]


def kit_samples() -> list[Text]:
    """Reads the kit's own samples."""
    return [Text(t.id, t.article, t.genre) for t in samples.read(taxonomy.published())]


def labels(*names: str) -> Labels:
    """Reads verdicts; a later file adds to an earlier one."""
    verdicts: Labels = {}
    for name in names:
        with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                verdicts[row["sha256"], row["rule"]] = row["label"] == "yes"
    return verdicts


def frames(kind: str) -> list[tuple[str, bool]]:
    """Reads the frames of a kind, and whether each is held back."""
    with (FOLDER / "frames.csv").open(encoding="utf-8", newline="") as file:
        return [(r["text"], r["half"] == "held") for r in csv.DictReader(file) if r["kind"] == kind]


def firings(texts: Sequence[Text], known: Labels) -> list[Firing]:
    """Applies every rule of curation to every text."""
    fired = []
    for text in texts:
        document = Document(text.id, text.text, genre=text.genre)
        for verdict in assess.broken(document):
            name = LABELLED.get(verdict.rule, verdict.rule)
            fired.append(Firing(verdict.rule, text, verdict, known.get((text.sha256, name))))
    return fired


def precision(found: Sequence[Firing]) -> Iterator[str]:
    """Renders each rule: how often it fired, and how often a reader agrees."""
    for rule in sorted({firing.rule for firing in found}):
        own = [firing for firing in found if firing.rule == rule]
        read = [firing.right for firing in own if firing.right is not None]
        if len(own) >= FEWEST and read:
            rate = wilson(sum(read), len(read))
            yield (
                f"{rule:<22}{len(own):>5} fired, {sum(read)} of {len(read)} read are right: "
                f"{rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]"
            )
            continue
        yield f"{rule:<22}{len(own):>5} fired, each listed"
        yield from map(str, own)


def false_drops(fired: Sequence[Firing]) -> Iterator[str]:
    """Renders the texts that were dropped and should not have been."""
    right = {firing.text.id for firing in fired if firing.right}
    wrong = {f.text.id: f for f in fired if f.right is False and f.text.id not in right}
    yield f"false drops, all rules together: {len(wrong)} (at most {FALSE_DROPS})"
    yield from (f"    {firing.rule}{str(firing).strip()[5:]}" for firing in wrong.values())


def cut(text: str, draw: random.Random) -> str:
    """Cuts a text in mid-sentence, behind its first quarter.

    A sentence ends in its own line: headings, cells and verse without marks hold none to be cut.
    """
    places = [
        sentence.start() + i
        for sentence in _SENTENCE.finditer(text)
        for i in range(2, len(sentence.group()) - 1)
        if sentence.start() + i > len(text) // 4
        and not (_MARKS & set(text[sentence.start() + i - 1 : sentence.start() + i + 1]))
    ]
    return text[: draw.choice(places)] if places else text[:-2]


def recall(texts: Sequence[Text], known: Labels) -> Iterator[str]:
    """Renders how much of what was put into whole texts is found."""
    draw = random.Random(SEED)
    whole = [
        text for text in texts if text.finish_reason in (None, "stop") and len(text.text) > 100
    ]
    chosen = [draw.choice(whole).text for _ in range(PLACES)]
    yield _share("cut off", [truncation.cut_off(cut(text, draw)) is not None for text in chosen])
    looped = [text[: len(text) // 2] + _loop(text, draw) for text in chosen]
    yield _share(
        "loop", [any((repetition.loop(t), repetition.repeated_paragraphs(t))) for t in looped]
    )
    for kind, find, put in _FRAMES:
        bare = [
            t.text.strip()
            for t in whole
            if not known.get((t.sha256, f"assistant_{kind}")) and find(t.text) is None
        ]
        tries = [
            (held, find(put(draw.choice(bare), frame)))
            for frame, held in frames(kind)
            for _ in range(5)
        ]
        yield _share(kind, [verdict is not None for _, verdict in tries])
        yield _share(
            f"{kind}, held", [verdict is not None for held, verdict in tries if held], kind
        )


def _loop(text: str, draw: random.Random) -> str:
    """A phrase, sentence or paragraph of the text, over and over, as models that hang write it."""
    size = draw.choice((2, 4, 8, 16, 30, 60, 120))
    part = ""
    while sum(map(str.isalpha, part)) < 2:
        start = draw.randrange(max(1, len(text) - size))
        part = text[start : start + size]
    return part * max(5, 600 // size)


_FRAMES: tuple[tuple[str, Callable[[str], Verdict | None], Callable[[str, str], str]], ...] = (
    ("opening", framing.opening, lambda text, frame: f"{frame}\n\n{text}"),
    ("closing", framing.closing, lambda text, frame: f"{text}\n\n{frame}"),
)


def _share(name: str, hits: Sequence[bool], goal: str | None = None) -> str:
    rate = wilson(sum(hits), len(hits))
    return (
        f"{name:<16}{sum(hits):>4} of {len(hits)} found: {rate.value:.1%} "
        f"[{rate.low:.1%}, {rate.high:.1%}]; goal {GOALS[goal or name]:.0%}"
    )


def agreement(first: Labels, second: Labels) -> str:
    """Renders how far two readings of the same passages agree."""
    pairs = [(first[key], said) for key, said in second.items()]
    same = sum(a == b for a, b in pairs)
    kappa = cohen(pairs)
    shown = "undefined" if kappa is None else f"{kappa:.2f}"
    return f"second reading, blind: {same} of {len(pairs)} verdicts agree, kappa {shown}"


def table(texts: Sequence[Text]) -> Iterator[str]:
    """Renders the whole table, one line at a time."""
    first, known = labels("labels"), labels("labels", "labels_after")
    fired = firings(texts, known)
    dropped = firings(kit_samples(), {})
    yield f"{len(texts)} texts; labels of a reader (a language model): {len(known)}"
    yield agreement(first, labels("labels_second"))
    yield ""
    yield "precision"
    yield from precision(fired)
    yield ""
    yield from false_drops(fired)
    yield f"kit samples dropped: {len({firing.text.id for firing in dropped})} of {len(kit_samples())}"
    yield from map(str, dropped)
    yield ""
    yield f"recall by construction (seed {SEED}, finish_reason hidden)"
    yield from recall(texts, known)


def main() -> int | None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="answers of WritingPreferenceBench, .jsonl.gz")
    options = parser.parse_args()
    print("\n".join(table(answers(options.data) if options.data else kit_samples())))
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
