"""The endpoint client against a loopback server that misbehaves."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import random
import shutil
import socket
import ssl
import threading
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from urllib3 import ProxyManager

from coig_writer.endpoint import Endpoint, Price, Reply, Request, fence, transport
from coig_writer.endpoint.records import Usage, estimated
from coig_writer.endpoint.unpacking import STEP, unpacked
from coig_writer.errors import ConfigError, EndpointError
from coig_writer.triplet import Message
from tests.loopback import Answer, Server, said

SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "integer", "minimum": 0, "maximum": 3}},
    "required": ["score"],
    "additionalProperties": False,
}


def ask(text: str = "score this", **options: Any) -> Request:
    return Request((Message(role="user", content=text),), **options)


@pytest.fixture
def server() -> Iterator[Server]:
    result = Server()
    yield result
    result.http.shutdown()
    result.http.server_close()


@pytest.fixture
def endpoint(server: Server, tmp_path: Path) -> Endpoint:
    return Endpoint(server.url, "m", cache=tmp_path / "cache", backoff=0.001, timeout=60, retries=3)


@pytest.mark.parametrize(("asked", "waited"), [(59.9, 59.9), (60.0, 60.0), (3600.0, 60.0)])
def test_a_servers_wish_is_kept_up_to_a_minute(
    endpoint: Endpoint, asked: float, waited: float
) -> None:
    assert endpoint._wait(0, asked) == waited
    assert 30 <= endpoint._wait(40, None) <= 60


def test_answers_come_in_the_order_of_the_requests(server: Server, endpoint: Endpoint) -> None:
    def echo(body: dict[str, Any], _: int) -> Answer:
        text = body["messages"][0]["content"]
        time.sleep(0.01 * (9 - int(text)) / 9)
        return said(text)

    server.behaviour = echo
    replies = endpoint.complete_all([ask(str(i)) for i in range(10)])
    assert [reply.text for reply in replies] == [str(i) for i in range(10)]
    assert {reply.state for reply in replies} == {"answered"}
    assert (endpoint.ledger.calls, endpoint.ledger.tokens_in) == (10, 100)


def test_no_more_requests_at_once_than_allowed(server: Server, endpoint: Endpoint) -> None:
    def slow(_body: dict[str, Any], _n: int) -> Answer:
        time.sleep(0.02)
        return said("x")

    server.behaviour = slow
    endpoint.concurrency = 3
    endpoint.complete_all([ask(str(i)) for i in range(12)])
    assert 1 <= server.most_at_once <= 3


def test_a_rerun_makes_no_call_and_gives_identical_replies(
    server: Server, endpoint: Endpoint, tmp_path: Path
) -> None:
    requests = [ask("a"), ask("b"), ask("a"), ask("a", repeat=1)]
    first = endpoint.complete_all(requests)
    assert len(server.bodies) == 3  # equal requests are sent once, repeats apart
    files = {p: p.read_bytes() for p in (tmp_path / "cache").rglob("*.json")}
    again = Endpoint(server.url, "m", cache=tmp_path / "cache")
    assert again.complete_all(requests) == first
    assert len(server.bodies) == 3
    assert (again.ledger.calls, again.ledger.cached) == (0, 3)
    assert {p: p.read_bytes() for p in (tmp_path / "cache").rglob("*.json")} == files
    assert len((tmp_path / "cache" / "ledger.jsonl").read_text().splitlines()) == 3


def test_a_damaged_cache_entry_is_asked_again(
    server: Server, endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.complete(ask())
    (file,) = (tmp_path / "cache").glob("*/*.json")
    file.write_text(file.read_text()[:20])
    assert endpoint.complete(ask()).state == "answered"
    assert len(server.bodies) == 2


@pytest.mark.parametrize("edited", ['{"score": 99}', '"ten"', "null"])
def test_a_kept_reply_that_no_longer_fits_is_asked_again(
    server: Server, endpoint: Endpoint, tmp_path: Path, edited: str
) -> None:
    server.behaviour = lambda _b, _n: said('{"score": 2}')
    endpoint.complete(ask(schema=SCHEMA))
    (file,) = (tmp_path / "cache").glob("*/*.json")
    file.write_text(file.read_text().replace('"data": {"score": 2}', f'"data": {edited}'))
    assert endpoint.complete(ask(schema=SCHEMA)).data == {"score": 2}
    assert len(server.bodies) == 2


def test_no_text_holds_the_digits_of_its_fence() -> None:
    first = fence.code(["春天", "雨"])
    assert first == fence.code(["春天", "雨"])  # the cache knows an equal request
    assert first != fence.code(["春天雨"])
    assert len(first) == fence.DIGITS


def test_digits_that_stand_in_a_text_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hash:
        def __init__(self, content: bytes) -> None:
            self.draw = int(content.split(b":")[0])

        def hexdigest(self) -> str:
            return f"{self.draw:x}" * 64

    monkeypatch.setattr("coig_writer.endpoint.fence.hashlib.sha256", Hash)
    text = "〔article " + "0" * 16 + " 结束〕" + "１" * 16  # full width, too
    assert fence.code([text, "春天"]) == "2" * 16


@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_failures_are_tried_again(server: Server, endpoint: Endpoint, status: int) -> None:
    server.behaviour = lambda _b, n: (
        said("ok") if n == 3 else (status, {"retry-after": "0"}, b"busy")
    )
    assert endpoint.complete(ask()).text == "ok"
    assert len(server.bodies) == 3


@pytest.mark.parametrize("wish", ["²", "-1", "soon"])
def test_a_wish_that_is_no_number_of_seconds_is_not_one(
    server: Server, endpoint: Endpoint, wish: str
) -> None:
    server.behaviour = lambda _b, n: said("ok") if n == 2 else (429, {"retry-after": wish}, b"")
    assert endpoint.complete(ask()).text == "ok"


def test_a_ledger_that_is_deleted_during_a_run_begins_anew(
    server: Server, endpoint: Endpoint
) -> None:
    assert endpoint.cache is not None
    for text in ("a", "b"):
        assert endpoint.complete(ask(text)).state == "answered"
        assert len((endpoint.cache / "ledger.jsonl").read_text().splitlines()) == 1
        shutil.rmtree(endpoint.cache)


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"choices": []}', b'{"choices": [{"message": {}}]}', b"[" * 99999]
)
def test_a_body_that_is_no_completion_fails_after_the_last_try(
    server: Server, endpoint: Endpoint, body: bytes
) -> None:
    server.behaviour = lambda _b, _n: (200, {}, body)
    reply = endpoint.complete(ask())
    assert reply.state == "failed"
    assert reply.reason is not None
    assert "after 4 tries" in reply.reason
    assert len(server.bodies) == 4


def heard(server: Server, number: int) -> int:
    """Counts the requests once there are so many: a client may give up before its server has read."""
    while len(server.bodies) < number:
        time.sleep(0.001)
    return len(server.bodies)


def test_time_outs_are_tried_again_then_fail(server: Server, endpoint: Endpoint) -> None:
    over = threading.Event()

    def asleep(_body: dict[str, Any], _n: int) -> Answer:
        over.wait(300)
        return said("late")

    server.behaviour = asleep
    endpoint.timeout, endpoint.retries = 0.05, 1
    reply = endpoint.complete(ask())
    assert reply.state == "failed"
    assert "ReadTimeout" in str(reply.reason)
    assert heard(server, 2) == 2
    over.set()


def test_a_reply_that_trickles_past_its_time_is_cut_and_tried_again(
    server: Server, endpoint: Endpoint
) -> None:
    server.pause = 0.2  # each byte comes well within the time limit; the whole reply takes 20 s
    endpoint.timeout, endpoint.retries = 1.0, 1
    (reply,) = endpoint.complete_all([ask()])
    assert (reply.state, heard(server, 2)) == ("failed", 2)
    assert "ReadTimeout" in (reply.reason or "")


@contextlib.contextmanager
def raw(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server of one connection after another; gives its address without a scheme."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return  # the test is over
                with connection, contextlib.suppress(OSError):
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}/v1"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize("proxied", [False, True])
def test_an_answer_whose_headers_trickle_past_their_time_is_lost(
    monkeypatch: pytest.MonkeyPatch, proxied: bool
) -> None:
    def trickle(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        status, _, body = said("late")
        lines = b"HTTP/1.1 %d OK\r\nx: %s\r\n\r\n" % (status, b"x" * 20)
        for byte in lines + body:  # each well within the time limit; together several times as long
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    with raw(trickle) as address:
        url = f"http://{address}"
        if proxied:  # the answer to CONNECT
            for name in ("https_proxy", "no_proxy", "NO_PROXY"):
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("HTTPS_PROXY", url)
            url = "https://model.invalid/v1"
        reply = Endpoint(url, "m", timeout=0.5, retries=0).complete(ask())
    assert reply.state == "failed"
    assert "ReadTimeout" in (reply.reason or "")


def test_a_server_that_is_not_there_fails_every_request_and_says_so(tmp_path: Path) -> None:
    endpoint = Endpoint("http://127.0.0.1:9/v1", "m", retries=1, backoff=0.001)
    replies = endpoint.complete_all([ask("a"), ask("b")])
    assert [r.state for r in replies] == ["failed", "failed"]
    assert "Connection refused" in (replies[0].reason or "")


def test_an_answer_that_ends_early_is_not_called_none() -> None:
    def part(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")

    with raw(part) as address:
        reply = Endpoint(f"http://{address}", "m", timeout=60, retries=0).complete(ask())
    assert (reply.state, "no whole answer" in (reply.reason or "")) == ("failed", True)


def certificate(folder: Path) -> Path:
    """Makes a certificate of localhost that nothing but itself vouches for, with its key in the same file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def test_a_certificate_that_nothing_vouches_for_stops_the_run_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    pem = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    _, _, body = said("hello")

    def encrypted(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1 << 16)
            tls.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + body)

    with raw(encrypted) as address:
        port = address.partition(":")[2]
        for trusted, host, problem in (
            (None, "localhost", "certificate verify failed: self-signed certificate"),
            (pem, "127.0.0.1", "certificate verify failed: IP address mismatch"),
            (pem, "localhost", ""),
        ):
            if trusted:
                monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
            transport._certificates.cache_clear()
            endpoint = Endpoint(f"https://{host}:{port}", "m", timeout=60, backoff=0.001)
            if not problem:
                assert endpoint.complete(ask()).text == "hello"
                continue
            with pytest.raises(EndpointError) as caught:
                endpoint.complete(ask())
            assert caught.value.message.startswith(f"{endpoint.url}: {problem}")
            assert "SSL_CERT_FILE" in caught.value.remedy
            assert "sk-secret" not in str(caught.value)
            assert "_ssl.c" not in str(caught.value)
    transport._certificates.cache_clear()


def test_https_to_a_server_without_it_stops_the_run_with_a_sentence(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    url = server.url.replace("http:", "https:")
    with pytest.raises(EndpointError, match="begin its address with http://"):
        Endpoint(url, "m", timeout=60, backoff=0.001).complete(ask())
    # a proxy's fault is no fault of the server
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTPS_PROXY", url)
    reply = Endpoint("https://model.invalid/v1", "m", timeout=60, retries=0).complete(ask())
    assert reply.state == "failed"
    assert "ProxyError" in (reply.reason or "")
    assert "no answer" not in (reply.reason or "")


def test_failures_are_not_cached(server: Server, endpoint: Endpoint) -> None:
    server.behaviour = lambda _b, _n: (500, {}, b"")
    assert endpoint.complete(ask()).state == "failed"
    server.behaviour = lambda _b, _n: said("ok")
    assert endpoint.complete(ask()).state == "answered"


def test_a_refused_key_stops_the_run_at_once_and_does_not_print_it(
    server: Server, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    def bad(_body: dict[str, Any], n: int) -> Answer:
        if n > 1:
            time.sleep(1)
        return 401, {}, b"bad key sk-secret"

    server.behaviour = bad
    endpoint.concurrency = 2
    with pytest.raises(EndpointError) as caught:
        endpoint.complete_all([ask(str(i)) for i in range(50)])
    assert len(server.bodies) <= 3
    assert "sk-secret" not in str(caught.value)
    assert "OPENAI_API_KEY" in str(caught.value)
    assert server.headers[0]["Authorization"] == "Bearer sk-secret"


def test_one_bad_request_changes_no_other(server: Server, endpoint: Endpoint) -> None:
    server.behaviour = lambda b, _n: (
        (400, {}, b"too long") if b["messages"][0]["content"] == "bad" else said("ok")
    )
    states = [r.state for r in endpoint.complete_all([ask("a"), ask("bad"), ask("c")])]
    assert states == ["answered", "failed", "answered"]


@pytest.mark.parametrize(
    "text",
    [
        '{"score": 2}',
        '```json\n{"score": 2}\n```',
        '<think>well {"score": 1}</think>\n{"score": 2}',
    ],
)
def test_json_is_found_in_fences_and_after_reasoning(
    server: Server, endpoint: Endpoint, text: str
) -> None:
    server.behaviour = lambda _b, _n: said(text)
    assert endpoint.complete(ask(schema=SCHEMA)).data == {"score": 2}
    assert server.bodies[0]["response_format"]["json_schema"]["schema"] == SCHEMA


def test_one_repair_round_says_what_was_wrong(server: Server, endpoint: Endpoint) -> None:
    server.behaviour = lambda _b, n: said('{"score": 7}' if n == 1 else '{"score": 3}')
    reply = endpoint.complete(ask(schema=SCHEMA))
    assert (reply.state, reply.data, reply.calls) == ("answered", {"score": 3}, 2)
    assert reply.usage.tokens_in == 20
    told = server.bodies[1]["messages"]
    assert [m["role"] for m in told] == ["user", "assistant", "user"]
    assert "does not fit the schema at score" in told[2]["content"]


@pytest.mark.parametrize(
    "text", ["3", "I'd say 3", '{"score": NaN}', '{"score": "3"}', '{"score": 3}}', "[" * 99999, ""]
)
def test_what_stays_broken_is_unparsable(server: Server, endpoint: Endpoint, text: str) -> None:
    server.behaviour = lambda _b, _n: said(text)
    reply = endpoint.complete(ask(schema=SCHEMA))
    assert (reply.state, reply.data) == ("unparsable", None)
    assert reply.reason
    assert len(server.bodies) == 2  # one repair round, no more
    endpoint.complete(ask(schema=SCHEMA))
    assert len(server.bodies) == 2  # and it is cached


@pytest.mark.parametrize(
    "answer",
    [said(None, refusal="I cannot help"), said("", finish_reason="content_filter")],
)
def test_refusals_are_refusals(server: Server, endpoint: Endpoint, answer: Answer) -> None:
    server.behaviour = lambda _b, _n: answer
    reply = endpoint.complete(ask(schema=SCHEMA))
    assert reply.state == "refused"
    assert len(server.bodies) == 1


def test_half_surrogate_pairs_are_sent_and_kept_as_replacement_characters(
    server: Server, endpoint: Endpoint
) -> None:
    schema = {"type": "object", "properties": {"why": {"type": "string"}}}
    server.behaviour = lambda _b, _n: said('{"why": "\\ud83d!"}')
    reply = endpoint.complete(ask("poem \ud83d", schema=schema))
    assert server.bodies[0]["messages"][0]["content"] == "poem \ufffd"
    assert reply.data == {"why": "\ufffd!"}


def test_a_huge_reply_is_not_read_to_its_end(
    server: Server, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coig_writer.endpoint.client.LARGEST_BODY", 1 << 20)
    server.behaviour = lambda b, _n: said(
        "x" * ((3 << 20) if b["messages"][0]["content"] == "big" else 10)
    )
    big, small = endpoint.complete_all([ask("big"), ask("small")])
    assert (big.state, small.state) == ("failed", "answered")
    assert "larger than 1 MiB" in str(big.reason)


@pytest.mark.parametrize(
    "changes",
    [
        {"concurrency": 0},
        {"timeout": 0.0},
        {"timeout": float("nan")},
        {"price": Price(1, float("nan"))},
        {"price": Price(-1, 1)},
        {"price": Price(1, 1), "budget": float("nan")},
        {"price": Price(1, 1), "budget": -1.0},
    ],
)
def test_a_limit_that_limits_nothing_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"concurrency is|timeout is|price or budget"):
        Endpoint("http://127.0.0.1:9/v1", "m", **changes)


def test_costs_are_counted_and_the_budget_stops_the_run(server: Server, endpoint: Endpoint) -> None:
    server.behaviour = lambda _b, _n: said("x", usage=(1000, 100))
    endpoint.price, endpoint.budget, endpoint.concurrency = Price(1.0, 10.0), 0.007, 1
    requests = [ask(str(i), max_tokens=100) for i in range(6)]
    replies = endpoint.complete_all(requests)
    assert [r.state for r in replies] == ["answered"] * 3 + ["skipped"] * 3
    assert endpoint.ledger.cost == pytest.approx(3 * 0.002)
    assert replies[0].cost == pytest.approx(0.002)
    assert "budget of 0.007" in str(replies[5].reason)


@pytest.mark.parametrize("usage", [None, (10**4000, 5)])  # the second fits no float
def test_the_budget_holds_where_a_server_counts_no_tokens(
    server: Server, endpoint: Endpoint, usage: object
) -> None:
    server.behaviour = lambda _b, _n: said("x", usage=usage)
    endpoint.price, endpoint.budget, endpoint.concurrency = Price(1.0, 10.0), 0.0035, 1
    replies = endpoint.complete_all([ask(str(i), max_tokens=100) for i in range(6)])
    assert [r.state for r in replies].count("answered") == 2
    assert replies[0].cost is None
    assert endpoint.ledger.uncounted == 2


def test_the_budget_holds_with_many_requests_at_once(server: Server, endpoint: Endpoint) -> None:
    server.behaviour = lambda _b, _n: said("x", usage=(10, 100))
    endpoint.price, endpoint.budget, endpoint.concurrency = Price(1.0, 10.0), 0.01, 8
    endpoint.complete_all([ask(str(i), max_tokens=100) for i in range(40)])
    assert 0 < endpoint.ledger.cost <= 0.01


def test_a_wide_character_is_a_token_and_two_others_are_one() -> None:
    """Six wide ones, three others as two, eight for the turn."""
    assert estimated(ask("春風，かな！abc", max_tokens=7)) == Usage(6 + 2 + 8, 7)


BILLED = {
    "null content": said(None, usage=(1000, 100)),
    "no JSON": (200, {}, b"<html>"),
    "cut off": said(None, usage=(1000, 100), finish_reason="length"),
    "parts": said([{"type": "text", "text": "x"}], usage=(1000, 100)),
    "tool call": said(None, usage=(1000, 100), tool_calls=[{"id": "1"}]),
    "refusal": said(None, usage=(1000, 100), refusal="no"),
    "unparsable": said("x", usage=(1000, 100)),
}


@pytest.mark.parametrize("kind", BILLED)
def test_every_billed_reply_counts_and_the_budget_holds(
    server: Server, endpoint: Endpoint, kind: str
) -> None:
    server.behaviour = lambda _b, _n: BILLED[kind]
    endpoint.price, endpoint.budget, endpoint.concurrency = Price(1.0, 10.0), 0.013, 4
    requests = [ask("x" * 1800 + str(i), max_tokens=100, schema=SCHEMA) for i in range(20)]
    replies = endpoint.complete_all(requests)
    ledger = endpoint.ledger
    assert ledger.calls == len(server.bodies) > 2
    assert ledger.cost == pytest.approx(
        ledger.calls * (0.001908 if kind == "no JSON" else 0.002), abs=4e-6 * ledger.calls
    )
    assert (
        ledger.cost <= 0.0132
    )  # the estimate of a prompt is a little under what this server counts
    assert {r.state for r in replies} >= {"skipped"}
    assert endpoint.cache is not None
    lines = (endpoint.cache / "ledger.jsonl").read_text().splitlines()
    assert len(lines) == ledger.calls


def test_content_in_parts_is_text_and_a_tool_call_no_answer(
    server: Server, endpoint: Endpoint
) -> None:
    server.behaviour = lambda _b, _n: said(
        [{"type": "text", "text": '{"score"'}, {"type": "text", "text": ": 2}"}]
    )
    assert endpoint.complete(ask(schema=SCHEMA)).data == {"score": 2}
    server.behaviour = lambda _b, _n: said(None, tool_calls=[{"id": "1"}])
    reply = endpoint.complete(ask("other", schema=SCHEMA))
    assert (reply.state, reply.reason) == (
        "refused",
        "the model called a tool instead of answering",
    )


def test_a_reply_that_was_cut_off_is_not_asked_for_again(
    server: Server, endpoint: Endpoint
) -> None:
    server.behaviour = lambda _b, _n: said(None, finish_reason="length", reasoning_content="hm")
    reply = endpoint.complete(ask(schema=SCHEMA, max_tokens=5))
    assert (reply.state, len(server.bodies)) == ("unparsable", 1)
    assert reply.reason == "cut off at 5 tokens: allow a longer reply"
    free = endpoint.complete(ask(max_tokens=5))
    assert (free.state, free.text, free.reasoning) == ("answered", "", "hm")


@pytest.mark.parametrize(("requests", "sent"), [(1, 1), (2, 2), (3, 3), (50, 3)])
def test_refused_first_requests_stop_the_run_with_the_servers_words(
    server: Server, endpoint: Endpoint, requests: int, sent: int
) -> None:
    server.behaviour = lambda _b, _n: (400, {}, b"Unsupported parameter: 'temperature'")
    with pytest.raises(EndpointError, match="Unsupported parameter: 'temperature'"):
        endpoint.complete_all([ask(str(i)) for i in range(requests)])
    assert len(server.bodies) == sent


def test_two_short_texts_that_a_server_filters_stop_no_run(
    server: Server, endpoint: Endpoint
) -> None:
    server.behaviour = lambda b, _n: (
        (400, {}, b"content filter") if len(b["messages"][0]["content"]) < 3 else said("ok")
    )
    asked = [ask("a"), ask("bb"), *(ask(f"text {i}") for i in range(9))]
    replies = endpoint.complete_all(asked)
    assert [r.state for r in replies] == ["failed", "failed", *["answered"] * 9]
    assert replies[0].reason == "HTTP 400: content filter"
    server.behaviour = lambda _b, _n: (400, {}, b"content filter")
    again = Endpoint(endpoint.url, "m", cache=endpoint.cache, retries=0)  # nine are kept
    assert [r.state for r in again.complete_all(asked)] == [r.state for r in replies]


def test_a_long_request_that_is_refused_stops_no_run_that_met_an_answer(
    server: Server, endpoint: Endpoint
) -> None:
    server.behaviour = lambda b, _n: (
        (400, {}, b"too long") if len(b["messages"][0]["content"]) > 100 else said("ok")
    )
    asked = [ask("long" * 99), ask("a")]
    assert [r.state for r in endpoint.complete_all(asked)] == ["failed", "answered"]
    again = Endpoint(endpoint.url, "m", cache=endpoint.cache, retries=0)  # the short one is kept
    assert [r.state for r in again.complete_all(asked)] == ["failed", "answered"]


def test_further_keys_are_sent_and_none_takes_one_out(server: Server, endpoint: Endpoint) -> None:
    extra = {"temperature": None, "max_tokens": None, "max_completion_tokens": 9000}
    endpoint.complete(ask(extra=extra))
    assert "temperature" not in server.bodies[0]
    assert "max_tokens" not in server.bodies[0]
    assert server.bodies[0]["max_completion_tokens"] == 9000
    assert ask(extra=extra).key("m") != ask().key("m")
    assert ask(extra=None).key("m") == ask().key("m")
    assert endpoint.estimate([ask("b", extra=extra)]).tokens_out == 9000
    with pytest.raises(ConfigError, match="messages"):
        ask(extra={"messages": []})


def packed(encoding: str, content: bytes) -> bytes:
    if encoding == "br":
        return bytes(brotli.compress(content, quality=5))
    if encoding == "zstd":
        return zstandard.ZstdCompressor().compress(content)
    if encoding == "raw deflate":
        squeezer = zlib.compressobj(wbits=-15)
        return squeezer.compress(content) + squeezer.flush()
    return gzip.compress(content) if encoding == "gzip" else zlib.compress(content)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate", "br", "zstd"])
def test_packed_replies_are_read(server: Server, endpoint: Endpoint, encoding: str) -> None:
    status, _, body = said("春风" * 9999)
    header = {"content-encoding": encoding.removeprefix("raw ")}
    server.behaviour = lambda _b, _n: (status, header, packed(encoding, body))
    assert endpoint.complete(ask()).text == "春风" * 9999


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate", "br", "zstd"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pieces_of_any_size_are_unpacked(encoding: str, size: int) -> None:
    content = random.Random(0).randbytes(STEP) + bytes(3 * STEP) + b"end"
    small = packed(encoding, content)
    pieces = [small[i : i + size] for i in range(0, len(small), size)]
    assert b"".join(unpacked(pieces, encoding.removeprefix("raw "))) == content


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate", "br", "zstd"])
def test_no_step_of_unpacking_is_large(encoding: str) -> None:
    """64 MiB of zeros come in a few kilobytes; the reader stops after the first megabyte."""
    small, taken = packed(encoding, bytes(64 << 20)), 0
    for step in unpacked([small[:1000], small[1000:]], encoding.removeprefix("raw ")):
        assert len(step) <= 4 * STEP
        taken += len(step)
        if taken > 1 << 20:
            break
    assert 1 << 20 < taken < 2 << 20


@pytest.mark.parametrize("encoding", ["br", "zstd"])
def test_a_bomb_is_stopped_at_the_limit_and_billed(
    server: Server, endpoint: Endpoint, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coig_writer.endpoint.client.LARGEST_BODY", 1 << 20)
    bomb = packed(encoding, bytes(64 << 20))
    assert len(bomb) < 10_000
    server.behaviour = lambda _b, _n: (200, {"content-encoding": encoding}, bomb)
    endpoint.price, endpoint.budget, endpoint.concurrency = Price(1.0, 10.0), 0.0035, 1
    first, *rest = endpoint.complete_all([ask(str(i), max_tokens=100) for i in range(6)])
    assert first.state == "failed"
    assert "larger than 1 MiB" in str(first.reason)
    # 9 tokens in, 100 out at most: 0.001009 each, and twice that is held for a request and its repair
    assert endpoint.ledger.cost == pytest.approx(2 * 0.001009)
    assert (len(server.bodies), rest[-1].state) == (2, "skipped")


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "rot13"])
def test_a_damaged_packing_is_tried_again(
    server: Server, endpoint: Endpoint, encoding: str
) -> None:
    server.behaviour = lambda _b, _n: (200, {"content-encoding": encoding}, b"not packed at all")
    reply = endpoint.complete(ask())
    assert (reply.state, len(server.bodies)) == ("failed", 4)
    assert endpoint.ledger.calls == 4
    assert "unpacked" in str(reply.reason) or "'rot13' cannot be read" in str(reply.reason)


def test_the_estimate_calls_nothing_and_knows_the_cache(server: Server, endpoint: Endpoint) -> None:
    endpoint.complete(ask("a"))
    endpoint.price = Price(1.0, 2.0)
    estimate = endpoint.estimate([ask("a"), ask("春风" * 50, max_tokens=7)])
    assert len(server.bodies) == 1
    assert (estimate.requests, estimate.cached, estimate.tokens_out) == (2, 1, 7)
    assert estimate.tokens_in >= 100
    assert estimate.cost == pytest.approx((estimate.tokens_in + 14) / 1e6)
    assert "1 of them in the cache" in str(estimate)


def test_the_reasoning_of_a_server_is_kept_apart(server: Server, endpoint: Endpoint) -> None:
    server.behaviour = lambda _b, _n: said("text", reasoning_content="hm")
    reply = endpoint.complete(ask())
    assert (reply.text, reply.reasoning) == ("text", "hm")


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigError):
        Endpoint("127.0.0.1:8000", "m")
    with pytest.raises(ConfigError):
        Endpoint("http://127.0.0.1:8000/v1", "m", budget=1.0)


@pytest.mark.parametrize("url", ["http://", "http:///v1", "http://host:99999/v1", "ftp://host/v1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="is not a URL"):
        Endpoint(url, "m")


def test_a_key_that_no_header_can_carry_is_refused_and_not_printed(
    server: Server, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret\n")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY") as caught:
        endpoint.complete(ask())
    assert "sk-secret" not in str(caught.value)
    assert not server.bodies


def test_the_proxy_of_the_environment_is_used_but_where_it_says_not(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "all_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", server.url.replace("http://", "http://me:p%40ss密@")[:-3])
    monkeypatch.delenv("REQUEST_METHOD", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    endpoint = Endpoint("http://you:词@model.invalid/v1", "m", retries=0, timeout=60)
    assert endpoint.complete(ask()).text == "hello"
    headers = server.headers[0]
    assert headers["Host"] == "model.invalid"
    assert headers["proxy-authorization"] == "Basic " + b64encode("me:p@ss密".encode()).decode()
    assert headers["Authorization"] == "Basic " + b64encode("you:词".encode()).decode()
    monkeypatch.setenv("NO_PROXY", "model.invalid")
    assert endpoint.complete(ask()).state == "failed"  # asked itself, and no such host
    monkeypatch.setenv("NO_PROXY", "")
    for proxy in ("socks9://127.0.0.1:1", "http://[::1"):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        with pytest.raises(ConfigError, match="proxy"):
            endpoint.complete(ask())
    assert len(server.bodies) == 1


def test_certificates_are_those_of_the_environment_for_a_proxy_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "no_proxy", "NO_PROXY", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "https://127.0.0.1:1")
    transport._certificates.cache_clear()
    http = transport.connections("https://model.invalid/v1", 1, 1.0, {})
    trusted = http.connection_pool_kw["ssl_context"]
    assert isinstance(http, ProxyManager)
    assert http.proxy_config is not None
    assert http.proxy_config.ssl_context is trusted
    transport._certificates.cache_clear()
    for content in (None, b"no certificate"):
        bundle = tmp_path / "ca.pem"
        if content is not None:
            bundle.write_bytes(content)
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        with pytest.raises(ConfigError, match=r"ca\.pem: no certificates"):
            Endpoint("https://model.invalid/v1", "m").complete(ask())


def test_a_redirect_is_not_followed(server: Server, endpoint: Endpoint) -> None:
    server.behaviour = lambda _b, _n: (307, {"location": f"{server.url}/elsewhere"}, b"moved")
    with pytest.raises(EndpointError, match="HTTP 307"):
        endpoint.complete(ask())
    assert len(server.bodies) == 1


def test_half_a_reply_is_tried_again_and_billed(server: Server, endpoint: Endpoint) -> None:
    whole = said("春风")
    server.behaviour = lambda _b, n: (
        whole if n == 2 else (200, {"content-length": "999"}, whole[2][:20])
    )
    assert endpoint.complete(ask()).text == "春风"
    assert (len(server.bodies), endpoint.ledger.calls) == (2, 2)


def test_connections_are_kept_open(server: Server, endpoint: Endpoint) -> None:
    endpoint.concurrency = 2
    endpoint.complete_all([ask(str(i)) for i in range(20)])
    assert len(server.peers) <= 2


def test_a_kept_connection_that_the_server_ends_costs_no_answer_and_no_bill(
    server: Server, endpoint: Endpoint
) -> None:
    def ends(_body: dict[str, Any], number: int) -> Answer:
        if number == 2:  # the second question on one connection; it was read, and is asked again
            raise ConnectionError
        return said("hello")

    server.behaviour, endpoint.concurrency = ends, 1
    replies = endpoint.complete_all([ask(str(i)) for i in range(3)])
    assert [reply.state for reply in replies] == ["answered"] * 3
    assert (len(server.bodies), len(server.peers), endpoint.ledger.calls) == (4, 2, 3)


def test_a_body_that_is_no_json_is_not_sent(server: Server, endpoint: Endpoint) -> None:
    assert endpoint.complete(ask(extra={"min_p": float("nan")})).state == "failed"
    assert not server.bodies


def test_what_decides_a_reply_changes_its_key() -> None:
    keys = {
        request.key(model)
        for model in ("m", "n")
        for request in (ask(), ask("b"), ask(schema=SCHEMA), ask(temperature=0.5), ask(repeat=1))
    }
    assert len(keys) == 10
    assert Reply("k", "skipped").usage.tokens_in is None
