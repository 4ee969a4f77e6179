"""Preferences to learn from: read from ballots or files, held apart by prompt.

A preference is a prompt with a chosen and a rejected article. Ties, skips and ratings are no
preferences; like everything else that is left out they are counted under a named reason.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from coig_writer.ballot import Ballot, check, comparisons
from coig_writer.errors import InputError
from coig_writer.files import read_records, read_rows
from coig_writer.generation import Generation, of_sample
from coig_writer.mixing.chat import Tokenizer
from coig_writer.mixture import content_id, rank

# The files of a run that hold the pairs it was trained on, and those held out.
TRAIN, HELD_OUT = "preferences-train.jsonl", "preferences-held-out.jsonl"


@dataclasses.dataclass(frozen=True, slots=True)
class Preference:
    """One pair: of two articles for a prompt, which was preferred.

    Attributes:
        query_id: The prompt's id; pairs of one prompt are held out together.
        prompt: What was asked for.
        chosen: The article that was preferred.
        rejected: The other one.
    """

    query_id: str
    prompt: str
    chosen: str
    rejected: str


@dataclasses.dataclass(frozen=True, slots=True)
class Preferences:
    """Pairs, and how many were left out by reason."""

    pairs: tuple[Preference, ...]
    left_out: Mapping[str, int]

    def __add__(self, other: Preferences) -> Preferences:
        """Joins two readings."""
        return Preferences(
            self.pairs + other.pairs, dict(Counter(self.left_out) + Counter(other.left_out))
        )


def from_ballots(
    ballots: Iterable[Ballot],
    answers: Iterable[Generation],
    *,
    whole: bool = False,
    sample: int = 0,
) -> Preferences:
    """Takes ballots apart into pairs of the articles that were shown.

    Args:
        ballots: Standing votes, as the arena exports them.
        answers: The generations that they are about.
        whole: Take the whole answers, with the reasoning that the raters did not see.
        sample: Which of several answers to a prompt was voted on, for old ballots that do not say.
    """
    given = list(answers)
    if sample:
        of_sample(given, sample)  # refuses a number that no answer has
    articles = {(a.variant, a.query_id, a.sample): a for a in given}
    pairs: list[Preference] = []
    left_out: Counter[str] = Counter()
    for ballot in ballots:
        pairs_of_ballot = comparisons(check(ballot))
        if not pairs_of_ballot:
            left_out["rating" if ballot.protocol == "rating" else "skip"] += 1
        for comparison in pairs_of_ballot:
            better, worse = comparison.left, comparison.right
            if comparison.outcome == 0.0:
                better, worse = worse, better
            answer = comparison.query_id, comparison.sample or sample
            won, lost = (articles.get((v, *answer)) for v in (better, worse))
            reason = "tie" if comparison.outcome == 0.5 else _unusable(won, lost)
            if reason or won is None or lost is None:
                left_out[reason] += 1
            else:
                texts = (won.text, lost.text) if whole else (won.article, lost.article)
                pairs.append(Preference(comparison.query_id, won.prompt, *texts))
    return Preferences(tuple(pairs), dict(left_out))


def _unusable(won: Generation | None, lost: Generation | None) -> str:
    if won is None or lost is None:
        return "no_answer_at_hand"
    if not won.article.strip() or not lost.article.strip():
        return "empty_article"
    return "equal_articles" if won.article == lost.article else ""


def from_file(path: Path) -> Preferences:
    """Reads JSONL or Parquet with columns ``prompt, chosen, rejected`` and, if there, ``query_id``.

    Raises:
        InputError: A column is missing or no text.
    """
    pairs: list[Preference] = []
    left_out: Counter[str] = Counter()
    for where, row in read_rows(path):
        texts = [row.get(column) for column in ("prompt", "chosen", "rejected")]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise InputError(
                f"{where}: prompt, chosen and rejected must each hold a text",
                "write one JSON object per line with these three columns",
            )
        prompt, chosen, rejected = map(str, texts)
        if chosen == rejected:
            left_out["equal_articles"] += 1
            continue
        query_id = str(row.get("query_id") or content_id(prompt, None, ""))
        pairs.append(Preference(query_id, prompt, chosen, rejected))
    return Preferences(tuple(pairs), dict(left_out))


def read(
    files: Sequence[Path],
    ballots: Sequence[Path],
    answers: Sequence[Path],
    *,
    whole: bool = False,
    sample: int = 0,
) -> Preferences:
    """Reads preference files, and ballots with the generations they are about.

    Args:
        files: Of prompt, chosen, rejected; taken as they are.
        ballots: Exported votes.
        answers: The generations that they are about.
        whole: Of ballots take the whole answers, not only their articles.
        sample: Which of several answers to a prompt was voted on, for old ballots that do not say.

    Raises:
        InputError: There is no pair, or ballots come without generations.
    """
    preferences = Preferences((), {})
    for file in files:
        preferences += from_file(file)
    if ballots:
        if not answers:
            raise InputError("ballots name variants, not texts", "give --generations as well")
        votes = [b for path in ballots for b in read_records(path, Ballot)]
        texts = [a for path in answers for a in read_records(path, Generation)]
        preferences += from_ballots(votes, texts, whole=whole, sample=sample)
    if not preferences.pairs:
        raise InputError(
            f"no preference to learn from; left out: {dict(preferences.left_out) or 'nothing'}",
            "give --preferences FILE (prompt, chosen, rejected), or --ballots with --generations",
        )
    return preferences


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """Pairs for training and pairs held out; no prompt is in both."""

    train: tuple[Preference, ...]
    held_out: tuple[Preference, ...]


def split(pairs: Sequence[Preference], share: float, seed: int) -> Split:
    """Holds out the first ``share`` of the prompts in hash order, at least two.

    Raises:
        InputError: Fewer than four prompts: nothing could be learned or measured.
    """
    prompts = {p.prompt for p in pairs}
    order = sorted(prompts, key=lambda prompt: rank(seed, "reward", content_id(prompt, None, "")))
    if len(order) < 4:
        raise InputError(
            f"{len(order)} prompts: too few to hold some out", "collect votes on four or more"
        )
    out = set(order[: max(2, round(share * len(order)))])
    return Split(
        tuple(p for p in pairs if p.prompt not in out), tuple(p for p in pairs if p.prompt in out)
    )


def conversation(prompt: str, article: str) -> list[dict[str, str]]:
    """Returns what the reward model reads: the prompt and the article, without reasoning."""
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": article}]


def conversations(pairs: Sequence[Preference]) -> list[dict[str, list[dict[str, str]]]]:
    """Returns pairs as TRL reads them.

    Raises:
        InputError: There is none.
    """
    if not pairs:
        raise InputError("no pair is left to train on", "lower held_out, or raise max_length")
    return [
        {
            "prompt": conversation(p.prompt, p.chosen)[:1],
            "chosen": conversation(p.prompt, p.chosen)[1:],
            "rejected": conversation(p.prompt, p.rejected)[1:],
        }
        for p in pairs
    ]


def tokens(tokenizer: Tokenizer, prompt: str, article: str) -> list[int]:
    """Encodes a prompt and an article exactly as the trainer does."""
    encoded = tokenizer.apply_chat_template(
        conversation(prompt, article), tokenize=True, return_dict=True
    )
    return list(encoded["input_ids"])


def fitting(preferences: Preferences, tokenizer: Tokenizer, max_length: int) -> Preferences:
    """Leaves out pairs of which one side exceeds the length; the trainer would drop them without a word."""
    kept = tuple(
        p
        for p in preferences.pairs
        if all(len(tokens(tokenizer, p.prompt, a)) <= max_length for a in (p.chosen, p.rejected))
    )
    over = len(preferences.pairs) - len(kept)
    return Preferences(kept, {**preferences.left_out, **({"over_long": over} if over else {})})
