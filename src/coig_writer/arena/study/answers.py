"""The texts of a study: prompts and the answers to them.

Models are numbered by a digest of what they wrote, never by name, so that renaming models changes
nothing a rater could see. An answer that the scan refuses takes its prompt out of the study, and
the finding says so.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from coig_writer import taxonomy
from coig_writer.arena.study.scan import Finding, Scan, Scanner, shown_as_it_came
from coig_writer.errors import InputError
from coig_writer.files import read_records, read_rows
from coig_writer.generation import Generation, of_sample, split
from coig_writer.triplet import Language


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """One answer as it came in: who wrote it, to which prompt, and why its model stopped, if known."""

    variant: str
    query_id: str
    language: Language
    genre: str
    prompt: str
    article: str
    finish_reason: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with its answers; ``answers[i]`` is by model number ``i``."""

    query_id: str
    language: Language
    genre: str
    text: str
    answers: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Collection:
    """Everything a study can show: prompts, the names behind the model numbers, what the scan did."""

    prompts: tuple[Prompt, ...]
    variants: tuple[str, ...]
    findings: tuple[Finding, ...]

    def fingerprint(self) -> str:
        """Returns a digest of prompts, models and texts."""
        digest = hashlib.sha256("\0".join(self.variants).encode())
        for p in self.prompts:
            digest.update("\0".join([p.query_id, p.language, p.text, *p.answers]).encode())
        return digest.hexdigest()

    def in_language(self, language: str) -> tuple[Prompt, ...]:
        """Returns the prompts of one language."""
        return tuple(p for p in self.prompts if p.language == language)

    @functools.cached_property
    def dropped(self) -> Mapping[str, Finding]:
        """The prompts that the scan took out, each with the first finding that did."""
        refused = [f for f in self.findings if f.action == "refused"]
        return {f.query_id: f for f in reversed(refused)}

    @functools.cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages there are prompts in, Chinese first."""
        return tuple(code for code in ("zh", "en") if self.in_language(code))


def read_generations(paths: Iterable[Path], sample: int = 0) -> list[Text]:
    """Reads answers from generation records: files, or folders of them; of several to a prompt one sample."""
    records = [
        g for path in paths for g in read_records(path, Generation, "python recipes/generate.py")
    ]
    return [
        Text(
            g.variant,
            g.query_id,
            g.language,
            g.genre or "unassigned",
            g.prompt,
            g.article,
            g.finish_reason,
        )
        for g in of_sample(records, sample)
    ]


def read_preference_bench(path: Path) -> list[Text]:
    """Reads WritingPreferenceBench's published answers (arXiv 2510.14616).

    Columns: ``prompt_id, genre_zh, prompt, model, response`` and, where given, ``finish_reason``; others are
    ignored. Plain or gzip-compressed JSONL, or Parquet.
    """
    genres = taxonomy.published()
    texts = []
    for place, row in read_rows(path):
        missing = sorted({"prompt_id", "genre_zh", "prompt", "model", "response"} - set(row))
        if missing:
            raise InputError(
                f"{place}: column {missing[0]!r} is missing", "give the published columns"
            )
        slug = genres.genre(str(row["genre_zh"])).slug
        article = split(str(row["response"] or "")).article
        reason = row.get("finish_reason")
        texts.append(
            Text(
                str(row["model"]), str(row["prompt_id"]), "zh", slug, str(row["prompt"]), article,
                str(reason) if reason else None,
            )
        )  # fmt: skip
    return texts


def collect(
    texts: Sequence[Text],
    *,
    models: Sequence[str] = (),
    prompts: Sequence[str] = (),
    allowed: Sequence[str] = (),
    scanned: bool = True,
) -> Collection:
    """Builds the collection of a study from texts.

    Args:
        texts: Answers, in any order.
        models: Variants to keep; empty keeps all.
        prompts: Query ids to keep; empty keeps all.
        allowed: Phrases that the scan lets pass.
        scanned: Whether there is a scan at all.

    Raises:
        InputError: A prompt differs between its answers, an answer is missing or duplicate, a
            named model or prompt does not exist, or the scan leaves no prompt.
    """
    kept = _kept(texts, models, prompts)
    by_query = _by_query(kept)
    models_compared = sorted({t.variant for t in kept})
    if len(models_compared) < 2:
        raise InputError(
            f"one model only ({', '.join(models_compared)}): nothing to compare",
            "give generations of at least two variants",
        )
    variants = blind_order(kept)
    scan = Scanner(models_compared, allowed).scan if scanned else shown_as_it_came
    built, findings = [], []
    for query_id in sorted(by_query):
        prompt, prompt_findings = _prompt(by_query[query_id], variants, scan)
        findings += prompt_findings
        built += [prompt] if prompt else []
    if not built:
        raise InputError(
            f"the scan refused an answer to every one of the {len(by_query)} prompts; first: {findings[0].describe()}",
            "mend the generations, or list harmless phrases under `allow` in the study file",
        )
    return Collection(tuple(built), variants, tuple(findings))


def blind_order(texts: Sequence[Text]) -> tuple[str, ...]:
    """Numbers the models by a digest of all they wrote, so that names decide nothing."""
    digests: dict[str, list[str]] = {}
    for text in texts:
        key = f"{text.query_id}\0{text.article}"
        digests.setdefault(text.variant, []).append(hashlib.sha256(key.encode()).hexdigest())
    return tuple(
        sorted(digests, key=lambda v: hashlib.sha256("".join(sorted(digests[v])).encode()).digest())
    )


def _kept(texts: Sequence[Text], models: Sequence[str], prompts: Sequence[str]) -> list[Text]:
    _all_there("model", models, {t.variant for t in texts})
    _all_there("prompt", prompts, {t.query_id for t in texts})
    return [
        t
        for t in texts
        if (not models or t.variant in models) and (not prompts or t.query_id in prompts)
    ]


def _all_there(kind: str, wanted: Sequence[str], there: set[str]) -> None:
    for name in wanted:
        if name not in there:
            raise InputError(
                f"the study names {kind} {name!r}, which no generation has",
                f"use some of: {', '.join(sorted(there)[:12])}",
            )


def _by_query(texts: Sequence[Text]) -> Mapping[str, dict[str, Text]]:
    by_query: dict[str, dict[str, Text]] = {}
    for text in texts:
        answers = by_query.setdefault(text.query_id, {})
        if text.variant in answers:
            raise InputError(
                f"{text.query_id}: two answers of {text.variant!r}",
                "keep one generation per variant and query",
            )
        answers[text.variant] = text
    return by_query


def _prompt(
    answers: Mapping[str, Text],
    variants: Sequence[str],
    scan: Callable[[str, str, str | None], Scan],
) -> tuple[Prompt | None, list[Finding]]:
    first = next(iter(answers.values()))
    for text in answers.values():
        if (text.prompt, text.language) != (first.prompt, first.language):
            raise InputError(
                f"{text.query_id}: {text.variant!r} and {first.variant!r} answer different prompts",
                "generate all variants from the same benchmark",
            )
    for name in variants:
        if name not in answers:
            raise InputError(
                f"{first.query_id}: no answer of {name!r}",
                "list models or prompts in the study file so that every model answers every prompt",
            )
    scans = [scan(answers[v].article, first.prompt, answers[v].finish_reason) for v in variants]
    findings = [
        dataclasses.replace(f, variant=v, query_id=first.query_id)
        for v, scanned in zip(variants, scans, strict=True)
        for f in scanned.findings
    ]
    if any(scanned.refused for scanned in scans):
        return None, findings
    cleaned = tuple(scanned.text for scanned in scans)
    return Prompt(first.query_id, first.language, first.genre, first.prompt, cleaned), findings
