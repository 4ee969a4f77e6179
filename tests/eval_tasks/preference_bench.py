"""Turns WritingPreferenceBench's Chinese file into this kit's records, to try the report on real data.

    python -m tests.eval_tasks.preference_bench writing_preference_bench_zh.jsonl.gz OUT

writes ``generations.parquet``, ``ballots.parquet`` (protocol rating, overall preference) and
``scores.parquet``. The data are WritingPreferenceBench's (arXiv 2510.14616, ODC-BY), no part of this kit.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from coig_writer import taxonomy
from coig_writer.ballot import Ballot
from coig_writer.files import write_records
from coig_writer.generation import Generation
from coig_writer.metrics.length import characters
from coig_writer.metrics.lexical import moving_average_ttr, type_token_ratio
from coig_writer.metrics.tokens import tokenize
from coig_writer.score import Score
from tests.generations import generation


def convert(source: Path, out: Path) -> None:
    """Writes the three files."""
    with gzip.open(source, "rt", encoding="utf-8") as handle:
        rows = [json.loads(line) for line in handle]
    answers = [_generation(row) for row in rows]
    votes = [_ballot(row) for row in rows if row["human_score"] is not None]
    write_records(out / "generations.parquet", answers, Generation)
    write_records(out / "ballots.parquet", votes, Ballot)
    write_records(out / "scores.parquet", [s for a in answers for s in _scores(a)], Score)


def _query(row: dict[str, Any]) -> str:
    return f"zh-{row['prompt_id'][:13]}"


def _generation(row: dict[str, Any]) -> Generation:
    return generation(
        row["model"],
        _query(row),
        row["response"],
        genre=taxonomy.published().genre(row["genre_zh"]).slug,
        prompt=row["prompt"],
        finish_reason=row["finish_reason"] or "unknown",
        n_tokens=row["completion_tokens"],
        model=row["model"],
    )


def _ballot(row: dict[str, Any]) -> Ballot:
    name = f"{row['model']}/{_query(row)}"
    verdict = json.dumps({"overall_preference": int(row["human_score"])})
    return Ballot(name, "writing-preference-bench", "rating", name, _query(row), f"rater-of-{row['model']}", 0,
                  (row["model"],), verdict)  # fmt: skip


def _scores(answer: Generation) -> list[Score]:
    tokens = tokenize(answer.article, answer.language)
    values = {
        "ttr": type_token_ratio(tokens),
        "mattr_100": moving_average_ttr(tokens, 100),
        "chars": float(characters(answer.article)),
        "tokens": float(len(tokens)),
    }
    return [
        Score(answer.variant, answer.query_id, name, value, "scored")
        if value is not None
        else Score(answer.variant, answer.query_id, name, None, "missing", "too_short")
        for name, value in values.items()
    ]


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
