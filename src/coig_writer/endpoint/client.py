"""The client: bounded concurrency, back-off, one repair round, cache, ledger and budget."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import math
import os
import random
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from coig_writer.endpoint.cache import Cache
from coig_writer.endpoint.reading import (
    Completion,
    Nonsense,
    Unparsable,
    completion,
    structured,
    used,
)
from coig_writer.endpoint.records import (
    Estimate,
    Ledger,
    Price,
    Reply,
    Request,
    State,
    Usage,
    estimated,
)
from coig_writer.endpoint.transport import connections, why
from coig_writer.endpoint.unpacking import Unreadable, unpacked
from coig_writer.errors import ConfigError, EndpointError
from coig_writer.text.normalise import repaired
from coig_writer.triplet import Message

if TYPE_CHECKING:
    import urllib3

Structure = Literal["json_schema", "json_object", "none"]  # how a server is told a schema
AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
OURS = {
    401: "the key is wrong or missing",
    402: "the account has no credit",
    403: "the key may not use this model",
}
LARGEST_BODY = 32 * 1024 * 1024
PIECE = 1 << 16
LONGEST_PAUSE = 60.0
WAKES_S = 0.2  # how soon Ctrl-C is noticed at most
PROBES = (
    3  # refusals before any answer that stop a run: a single refusal may be a filter of that text
)


class _GaveUpError(Exception):
    """One request failed for good; the run goes on."""


class _SpentError(Exception):
    """A further call could exceed the budget."""


@dataclasses.dataclass(frozen=True)
class _Run:
    """The connections of one run, and whether it has ended: after an error its threads come to their end alone."""

    http: urllib3.PoolManager
    ended: threading.Event


@dataclasses.dataclass
class _Hold:
    """What one request holds back of the budget."""

    amount: float = 0.0


@dataclasses.dataclass
class Endpoint:
    """An OpenAI-compatible server and how to treat it.

    Attributes:
        url: Base address, up to and with ``/v1``.
        model: Name of the model, as the server knows it.
        key_variable: Environment variable that holds the key; a local server needs none.
        cache: Folder for replies and ledger; None keeps nothing.
        concurrency: Requests under way at once.
        timeout: Seconds until a call counts as lost.
        retries: Further tries after 429, 5xx, a time-out or a body that is no completion.
        price: For costs; None where tokens are free.
        budget: Most that one run may cost; requests and further tries that could exceed it are skipped.
        structure: How the schema is sent. No prompt contains it, so a server that knows neither
            form needs it in the messages.
        backoff: First pause between tries, in seconds; doubled each time, with jitter.
    """

    url: str
    model: str
    key_variable: str = "OPENAI_API_KEY"
    cache: Path | None = None
    concurrency: int = 8
    timeout: float = 300.0
    retries: int = 5
    price: Price | None = None
    budget: float | None = None
    structure: Structure = "json_schema"
    backoff: float = 1.0

    def __post_init__(self) -> None:
        if not _is_address(self.url):
            raise ConfigError(
                f"endpoint address {self.url!r} is not a URL",
                "give one like http://127.0.0.1:8000/v1",
            )
        if self.budget is not None and self.price is None:
            raise ConfigError(
                "a budget needs prices", "give the price per million tokens in and out"
            )
        if self.concurrency < 1:
            raise ConfigError(f"concurrency is {self.concurrency}", "give at least 1")
        if not 0 < self.timeout < math.inf:
            raise ConfigError(f"timeout is {self.timeout} seconds", "give a number above 0")
        prices = (self.price.tokens_in, self.price.tokens_out) if self.price else ()
        for amount in (*prices, *([] if self.budget is None else [self.budget])):
            if not 0 <= amount < math.inf:
                raise ConfigError(
                    f"price or budget {amount} is not valid", "give a number of at least 0"
                )
        self.ledger = Ledger()
        self._cache = Cache(self.cache)
        self._lock = threading.Lock()
        self._reserved = 0.0
        self._met = False  # whether the server has answered anything
        self._refused = 0  # how often it refused a request before that

    def estimate(self, requests: Sequence[Request]) -> Estimate:
        """Estimates the most that a run would take, without calling; a repair round is not counted."""
        open_ = [r for r in requests if self._cache.get(r.key(self.model)) is None]
        usage = sum((estimated(r) for r in open_), Usage(0, 0))
        cost = self._cost(usage)
        cached = len(requests) - len(open_)
        return Estimate(len(requests), cached, usage.tokens_in or 0, usage.tokens_out or 0, cost)

    def _cost(self, usage: Usage) -> float | None:
        return None if self.price is None else self.price.of(usage)

    def _most(self, request: Request, messages: Sequence[Message]) -> float:
        """Returns the most that a call may cost; tokens are only estimated where they have a price."""
        return 0.0 if self.price is None else self._cost(estimated(request, messages)) or 0.0

    def complete(self, request: Request) -> Reply:
        """Completes one request."""
        return self.complete_all([request])[0]

    def complete_all(self, requests: Sequence[Request], progress: str | None = None) -> list[Reply]:
        """Completes requests, at most ``concurrency`` at once.

        Args:
            requests: In any number; equal ones are sent once.
            progress: Title of a progress bar; None for none.

        Returns:
            One reply per request, in order. Failures are replies, never exceptions.

        Raises:
            EndpointError: The server refuses the key, the model, the address or the first three requests (all,
                where there are fewer), or no certificate shows that it is the right one: none could succeed.
                What was answered until then is in the cache.
        """
        self._refused = 0
        keys = [request.key(self.model) for request in requests]
        unique = dict(zip(keys, requests, strict=True))
        self._probes = min(PROBES, len(unique))
        done = {key: kept for key, request in unique.items() if (kept := self._kept(key, request))}
        if open_ := {key: request for key, request in unique.items() if key not in done}:
            at_once = min(self.concurrency, len(open_))
            with connections(self.url, at_once, self.timeout, self._headers()) as http:
                done.update(self._run(http, open_, progress, len(done)))
        return [done[key] for key in keys]

    def _kept(self, key: str, request: Request) -> Reply | None:
        kept = self._cache.get(key)
        if kept is None or not _fits(kept, request):
            return None
        with self._lock:
            self.ledger.cached += 1
            self._met = True
        return kept

    def _headers(self) -> dict[str, str]:
        key = os.environ.get(self.key_variable) or ""
        if not (key.isascii() and key.isprintable()):
            raise ConfigError(
                f"the key in ${self.key_variable} holds a character that no key has",
                "copy it again, without line ends",
            )
        return {
            "Accept-Encoding": "gzip, deflate",
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {key}"} if key else {}),
        }

    def _run(
        self,
        http: urllib3.PoolManager,
        requests: dict[str, Request],
        progress: str | None,
        kept: int,
    ) -> Iterator[tuple[str, Reply]]:
        from tqdm import tqdm

        jobs: SimpleQueue[tuple[str, Request]] = SimpleQueue()
        results: SimpleQueue[tuple[str, Reply] | Exception] = SimpleQueue()
        # Until the server has answered, the shortest goes first and alone, and where it is refused the next: a
        # server that refuses all of those refuses the settings.
        waiting = sorted(
            requests.items(), key=lambda job: sum(len(turn["content"]) for turn in job[1].messages)
        )
        run = _Run(http, threading.Event())
        try:
            for number in tqdm(
                range(len(waiting)),
                desc=progress,
                disable=progress is None,
                initial=kept,
                total=kept + len(waiting),
            ):
                if waiting:
                    alone = not self._met and (number == 0 or self._refused > 0)
                    started, waiting = (waiting[:1], waiting[1:]) if alone else (waiting, [])
                    for job in started:
                        jobs.put(job)
                    # Daemons: Ctrl-C must not wait for a server that is slow to answer.
                    for _ in range(min(self.concurrency, len(started))):
                        threading.Thread(
                            target=self._work, args=(run, jobs, results), daemon=True
                        ).start()
                outcome = None
                # In steps: Ctrl-C that comes while this thread falls asleep would not wake it.
                while outcome is None:
                    with contextlib.suppress(Empty):
                        outcome = results.get(timeout=WAKES_S)
                if isinstance(outcome, Exception):
                    raise outcome
                yield outcome
        finally:
            run.ended.set()

    def _work(
        self,
        run: _Run,
        jobs: SimpleQueue[tuple[str, Request]],
        results: SimpleQueue[tuple[str, Reply] | Exception],
    ) -> None:
        """Takes one request after another until none is left or the run is stopped."""
        while not run.ended.is_set():
            try:
                key, request = jobs.get_nowait()
            except Empty:
                return
            try:
                results.put((key, self._one(run, key, request)))
            except (EndpointError, OSError) as error:  # a full disk ends the run too
                results.put(error)
            except Exception as error:
                results.put((key, Reply(key, "failed", reason=f"{type(error).__name__}: {error}")))

    def _one(self, run: _Run, key: str, request: Request) -> Reply:
        hold = _Hold()
        try:
            # Twice, because of the repair round.
            self._hold(hold, 2 * self._most(request, request.messages))
            reply = self._ask(run, key, request, hold)
        except _SpentError as spent:
            return Reply(key, "skipped", reason=str(spent))
        finally:
            with self._lock:
                self._reserved -= hold.amount
        self._cache.put(reply)
        return reply

    def _hold(self, hold: _Hold, amount: float) -> None:
        """Reserves the most that the next calls may cost, in place of the former reservation.

        Raises:
            _SpentError: That could exceed the budget.
        """
        with self._lock:
            others = self._reserved - hold.amount
            if self.budget is not None and self.ledger.cost + others + amount > self.budget:
                raise _SpentError(f"the budget of {self.budget:g} is spent")
            self._reserved, hold.amount = others + amount, amount

    def _ask(self, run: _Run, key: str, request: Request, hold: _Hold) -> Reply:
        """Asks, reads, and asks once more if what came does not fit the schema."""
        spent, messages, answer, problem = Usage(0, 0), list(request.messages), None, ""
        for calls in (1, 2):
            try:
                answer = self._call(run, key, messages, request, hold)
            except _GaveUpError as error:
                return Reply(key, "failed", reason=str(error), usage=spent, calls=calls)
            except _SpentError as error:
                return Reply(key, "skipped", reason=str(error), usage=spent, calls=calls)
            spent += answer.usage
            made = _Made(key, answer, spent, self._cost(spent))
            if answer.refusal is not None:
                return made.reply("refused", calls, reason=answer.refusal[:500])
            if request.schema is None:
                return made.reply("answered", calls)
            try:
                return made.reply("answered", calls, data=structured(answer.text, request.schema))
            except Unparsable as error:
                problem = str(error)
                messages = [*request.messages, *_repair(answer.text, problem)]
            if answer.finish_reason == "length":
                problem = f"cut off at {request.max_tokens} tokens: allow a longer reply"
                break  # asked again it would be cut off again
        return made.reply("unparsable", calls, reason=problem)

    def _call(
        self,
        run: _Run,
        key: str,
        messages: Sequence[Message],
        request: Request,
        hold: _Hold,
    ) -> Completion:
        """Makes one call, again after a pause where that may help; every reply counts as billed."""
        fields, reason = self._body(messages, request), ""
        body = json.dumps(
            fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        ).encode()
        most = self._most(request, messages)
        for attempt in range(self.retries + 1):
            if run.ended.is_set():
                break
            if attempt or messages != list(request.messages):
                self._hold(hold, most)
            try:
                content = self._post(run, key, body, most)
                self._bill(key, used(content), most)
                return completion(content)
            except (_TryAgainError, Nonsense) as error:
                reason = str(error)
                if attempt < self.retries:
                    run.ended.wait(self._wait(attempt, getattr(error, "after", None)))
        raise _GaveUpError(f"gave up after {self.retries + 1} tries: {reason}")

    def _bill(self, key: str, usage: Usage, most: float) -> None:
        """Counts a reply: at its own price, or, where the server gave no tokens, at the most it may cost."""
        cost = self._cost(usage)
        with self._lock:
            self._met = True
            self.ledger.add(usage, most if cost is None else cost)
        self._cache.record(key, self.model, usage, cost)

    def _wait(self, attempt: int, after: float | None) -> float:
        """Returns the seconds to wait: the server's wish, or doubling with jitter, up to a minute."""
        if after is not None:
            return min(after, LONGEST_PAUSE)
        return min(self.backoff * 2.0**attempt, LONGEST_PAUSE) * random.uniform(0.5, 1.0)

    def _body(self, messages: Sequence[Message], request: Request) -> dict[str, object]:
        body: dict[str, object] = {
            "model": self.model,
            "messages": [{"role": m["role"], "content": repaired(m["content"])} for m in messages],
            "temperature": request.temperature,
            "top_p": request.top_p,
            "max_tokens": request.max_tokens,
        }
        # top_k and repetition_penalty by vLLM's and SGLang's names; to both of them -1 is "all"
        optional = {
            "seed": request.seed,
            "top_k": -1 if request.top_k == 0 else request.top_k,
            "repetition_penalty": request.repetition_penalty,
            "stop": list(request.stop) or None,
        }
        body |= {name: value for name, value in optional.items() if value is not None}
        if request.schema is not None and self.structure == "json_object":
            body["response_format"] = {"type": "json_object"}
        elif request.schema is not None and self.structure == "json_schema":
            schema = {"name": "reply", "strict": True, "schema": dict(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        body |= request.extra or {}
        return {name: value for name, value in body.items() if value is not None}

    def _post(self, run: _Run, key: str, body: bytes, most: float) -> bytes:
        status, after, content = self._fetch(run, key, body, most)
        if status == 200:
            return content
        excerpt = content[:200].decode("utf-8", "replace").strip()
        if secret := os.environ.get(self.key_variable):
            excerpt = excerpt.replace(secret, "…")
        if status in AGAIN:
            raise _TryAgainError(f"HTTP {status}: {excerpt}", after)
        if status in OURS or status == 404:
            raise EndpointError(
                f"{self.url} answered HTTP {status}: {excerpt}",
                f"{OURS.get(status, 'address or model name is wrong')}; the key is read from ${self.key_variable}",
            )
        self._refused += not self._met
        if not self._met and self._refused >= self._probes:
            raise EndpointError(
                f"{self.url} refused the first {self._refused} requests, the last with HTTP {status}: {excerpt}"
                if self._refused > 1
                else f"{self.url} refused the first request with HTTP {status}: {excerpt}",
                "change the setting that the server names: length of the reply, sampling, extra body or structure",
            )
        raise _GaveUpError(f"HTTP {status}: {excerpt}")

    def _fetch(
        self, run: _Run, key: str, body: bytes, most: float
    ) -> tuple[int, str | None, bytes]:
        """Returns status, wished pause and body; a reply that cannot be read to its end is billed all the same."""
        from urllib3.exceptions import HTTPError

        try:
            answer = run.http.urlopen(
                "POST",
                f"{self.url.rstrip('/')}/chat/completions",
                redirect=False,
                body=body,
                preload_content=False,
                decode_content=False,
            )
            try:
                read = functools.partial(answer.read1, PIECE)  # what has come, not all that will
                encoding = answer.headers.get("content-encoding", "")
                content = _limited(unpacked(iter(read, b""), encoding))
            except Exception:
                if answer.status == 200:  # the server answered: it has counted the tokens
                    self._bill(key, Usage(), most)
                raise
            finally:
                answer.close()
            return answer.status, answer.headers.get("retry-after"), content
        except HTTPError as error:
            reason, remedy = why(error)
            if remedy:
                raise EndpointError(f"{self.url}: {reason}", remedy) from error
            raise _TryAgainError(f"{type(error).__name__}: {reason}") from error
        except Unreadable as error:
            raise _TryAgainError(str(error)) from error


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class _TryAgainError(Exception):
    """A failure that may pass; ``after`` is the server's wish in seconds, if it has one."""

    def __init__(self, message: str, after: str | None = None) -> None:
        super().__init__(message)
        self.after = float(after) if after and after.isdecimal() else None  # "²" is a digit


@dataclasses.dataclass(frozen=True, slots=True)
class _Made:
    """A reply in the making."""

    key: str
    completion: Completion
    usage: Usage
    cost: float | None

    def reply(
        self, state: State, calls: int, *, data: object = None, reason: str | None = None
    ) -> Reply:
        return Reply(
            self.key,
            state,
            self.completion.text,
            self.completion.reasoning,
            data,
            reason,
            self.completion.finish_reason,
            self.usage,
            self.cost,
            calls,
        )


def _fits(kept: Reply, request: Request) -> bool:
    """Says whether a kept reply is one that its request could have got: its file may be edited."""
    if kept.state != "answered" or request.schema is None:
        return True
    try:
        return bool(structured(json.dumps(kept.data), request.schema) == kept.data)
    except (Unparsable, TypeError, ValueError):
        return False


def _repair(text: str, problem: str) -> list[Message]:
    wish = f"Your reply was {problem}. Reply again with the JSON alone: no fence, no other word."
    return [Message(role="assistant", content=text[:4000]), Message(role="user", content=wish)]


def _limited(pieces: Iterable[bytes]) -> bytes:
    """Joins the pieces of a body that is not too large."""
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > LARGEST_BODY:
            raise _GaveUpError(f"the reply is larger than {LARGEST_BODY >> 20} MiB")
    return bytes(body)
