"""Generation through any OpenAI-compatible server, such as vLLM: the same records, the same resumption.

A server may return the reasoning apart from the text; it is joined again as the models were trained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from coig_writer.benchmark import Query
from coig_writer.endpoint import Endpoint, Reply, Request
from coig_writer.errors import EndpointError
from coig_writer.files import write_records
from coig_writer.generating.local import row_seed
from coig_writer.generation import Generation, Sampling, split
from coig_writer.triplet import Message, assistant_turn


def generate(
    variant: str,
    endpoint: Endpoint,
    queries: Sequence[Query],
    sampling: Sampling,
    *,
    seed: int,
    out: Path,
) -> Path:
    """Answers all queries through a server and writes ``OUT/VARIANT.parquet``.

    Answers are kept in the endpoint's cache, so a second call asks only for what is missing.

    Raises:
        EndpointError: Some queries stay unanswered; they are counted by reason.
    """
    requests = [_request(q, sampling, seed) for q in queries]
    replies = endpoint.complete_all(requests, progress=f"generate {variant}")
    failed = Counter(reply.reason for reply in replies if reply.state != "answered")
    if failed:
        raise EndpointError(
            f"{endpoint.url}: {failed.total()} of {len(queries)} queries stay unanswered {dict(failed)}",
            "run the same command again: only these are asked anew",
        )
    records = [
        _record(variant, endpoint.model, q, r, sampling, seed)
        for q, r in zip(queries, replies, strict=True)
    ]
    final = out / f"{variant}.parquet"
    write_records(final, records, Generation)
    return final


def _request(query: Query, sampling: Sampling, seed: int) -> Request:
    return Request(
        (Message(role="user", content=query.query),),
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_new_tokens,
        seed=row_seed(seed, query.id),
    )


def _record(
    variant: str, model: str, query: Query, reply: Reply, sampling: Sampling, seed: int
) -> Generation:
    text = assistant_turn(reply.reasoning, reply.text) if reply.reasoning else reply.text
    parts = split(text)
    return Generation(
        variant=variant,
        query_id=query.id,
        language=query.language,
        genre=query.genre,
        prompt=query.query,
        text=text,
        reasoning=parts.reasoning,
        article=parts.article,
        reasoning_state=parts.state,
        finish_reason=reply.finish_reason or "unknown",
        n_tokens=reply.usage.tokens_out,
        seed=row_seed(seed, query.id),
        sampling=sampling,
        model=model,
        revision=None,
    )
