"""A scripted model server: it answers from the answer key, over real HTTP on loopback.

Its model is called ``scripted-answer-key``. It finds the document by its opening inside the fence,
the question by the title of the JSON schema, and never reads for meaning. ``misbehave`` makes it fail
the way real servers do; the client must live with it.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated

import typer

from coig_writer.files import read_rows
from coig_writer.text.normalise import reduced
from dataset_builder.demo import answer_key

MODEL = "scripted-answer-key"
SAMPLE = Path(__file__).parents[1] / "sample" / "raw_texts.jsonl"
OPENING = 60
UNKNOWN = "unknown"
FOREIGN = "a scripted server judges no text but those of its script: for your own, give the --endpoint of a model"
REVISED = "修订"
_FENCE = re.compile(r"〔(\w+) [0-9a-f]+ 开始〕\n(.*?)\n〔\1 [0-9a-f]+ 结束〕", re.DOTALL)
# (title of the schema, document) → a fault's name, or None to answer as asked
Misbehave = Callable[[str, str], str | None]


class Script:
    """The answers to all questions about a set of texts."""

    def __init__(self, texts: Mapping[str, str], seed: int = answer_key.SEED) -> None:
        self._ids = {reduced(text)[:OPENING]: name for name, text in texts.items()}
        self._seed = seed

    def document(self, parts: Mapping[str, str]) -> str:
        """Returns the id of the document that a question is about."""
        return self._ids.get(reduced(parts.get("article", ""))[:OPENING], UNKNOWN)

    def answer(self, title: str, message: str) -> object:
        """Answers one question; None is a refusal."""
        parts = dict(_FENCE.findall(message))
        document = self.document(parts)
        if title == "screen" and document in answer_key.REFUSED:
            return None
        if title.startswith("score_"):
            return self._score(title.removeprefix("score_"), document)
        content: object = getattr(self, f"_{title}")(document, parts, message)
        return content

    def _assess(self, _document: str, parts: dict[str, str], _message: str) -> object:
        evidence = _sentence(parts["article"])
        dimensions = ("completeness", "format", "errors", "logic", "creativity")
        return {**{n: {"score": 8, "evidence": evidence} for n in dimensions}, "unsafe": False}

    def _screen(self, document: str, _parts: dict[str, str], _message: str) -> object:
        quality, creativity = answer_key.screen(document, self._seed)
        return {"quality": quality, "creativity": creativity, "reason": "脚本给出的分数"}

    def _usability(self, _document: str, _parts: dict[str, str], _message: str) -> object:
        return {"usable": True, "reason": "脚本示例", "difficulties": [], "specialised": False}

    def _reconstruct_prompt(self, document: str, parts: dict[str, str], _message: str) -> object:
        leaked = parts["article"].replace("\n", "")[20:80] if document in answer_key.LEAKING else ""
        draft = re.match(r"第 (\d+) 稿", parts.get("feedback", ""))
        again = f"（{REVISED}{int(draft[1]) - 1}）" if draft else ""
        fields = {
            name: f"脚本示例：{document} 的{zh}"
            for name, zh in (
                ("theme", "立意"),
                ("style", "风格"),
                ("structure", "结构"),
                ("culture", "文化"),
            )
        }
        return {
            **fields,
            "prompt": f"【脚本示例 {document}{again}】请以日常见闻为材，写一篇有具体人和事的短文，语言朴素，结尾留有余味。{leaked}",
        }

    def _articulate_reasoning(self, document: str, parts: dict[str, str], _message: str) -> object:
        quote = _sentence(parts["article"])
        return {
            "planning": f"【脚本示例 {document}】先读提示：要具体的人和事，不要道理。我从“{quote}”这一处起笔。",
            "structure_style": "按时间顺着写，句子放短，不加评论；原想倒叙，那样会把结尾的力气提前用掉。",
            "culture_context": "用读者家里都有的东西说话，方言只留一两处，免得外地人读不下去。",
            "development": "一件小事接一件小事，每一件都比前一件多露出一点人的心思，最后一件不说破。",
            "revision": "写完删掉了结尾的议论，又把中间一段解释改成一句对话，还嫌开头略慢，没有再动。",
        }

    def _validate(self, document: str, parts: dict[str, str], _message: str) -> object:
        draft = drafts_so_far(parts.get("prompt", ""))
        failed = answer_key.unmet(document, draft)
        quotation = _sentence(parts["article"])
        note = "脚本给出的意见：这一条没有做到"
        return {
            name: {
                "verdict": "unmet" if name == failed else "met",
                "quotation": quotation,
                "note": note if name == failed else "",
            }
            for name in ("i", "ii", "iii", "iv")
        }

    def _score(self, part: str, document: str) -> object:
        scores = answer_key.scores(document, self._seed)
        kinds = ("quality", "creativity")
        return {**{k: scores[f"{part}_{k}"] for k in kinds}, "reason": "脚本给出的分数"}


def drafts_so_far(prompt: str) -> int:
    """Returns which draft a scripted prompt is, counted from 1."""
    match = re.search(REVISED + r"(\d+)", prompt)
    return 1 + int(match[1]) if match else 1


def _sentence(text: str) -> str:
    """Returns a quotable stretch of a text."""
    return text.strip().replace("\n", "")[:16]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        shape = (body.get("response_format") or {}).get("json_schema", {}).get("schema", {})
        title, message = shape.get("title", ""), body["messages"][1]["content"]
        parts = dict(_FENCE.findall(message))
        document = self.server.script.document(parts)
        with self.server.lock:
            self.server.calls += 1
            fault = self.server.misbehave(title, document) if self.server.misbehave else None
        time.sleep(self.server.latency)
        if fault in FAULTS:
            FAULTS[fault](self)
            return
        if "article" in parts and document == UNKNOWN:
            self.reply(400, {"error": {"message": FOREIGN}})
            return
        answer = self.server.script.answer(title, message) if title else "脚本示例：没有分析"
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        self.reply(200, completion(text) if answer is not None else refusal())

    def reply(
        self, status: int, content: Mapping[str, object] | bytes, cut: int | None = None
    ) -> None:
        """Sends a body, or only its first ``cut`` bytes under the full length."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, *_arguments: object) -> None:
        """Keeps quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    script: Script
    misbehave: Misbehave | None = None
    latency: float = 0.0
    calls: int = 0

    def __init__(self, port: int, script: Script) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.script, self.lock = script, threading.Lock()


def completion(text: str) -> dict[str, object]:
    """Returns a chat completion that says ``text``."""
    message = {"role": "assistant", "content": text}
    return {
        "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    }


def refusal() -> dict[str, object]:
    """Returns a chat completion that refuses."""
    message = {"role": "assistant", "content": None, "refusal": "scripted refusal"}
    return {"choices": [{"message": message, "finish_reason": "stop"}]}


def _hang(handler: _Handler) -> None:
    time.sleep(3.0)
    handler.close_connection = True


FAULTS: dict[str, Callable[[_Handler], None]] = {
    "429": lambda h: h.reply(429, {"error": "slow down"}),
    "500": lambda h: h.reply(500, {"error": "scripted failure"}),
    "hang": _hang,
    "half": lambda h: h.reply(200, completion("x" * 4000), cut=200),
    "wrong_schema": lambda h: h.reply(200, completion('{"quality": "十分", "score": 11}')),
    "prose": lambda h: h.reply(200, completion("我觉得这篇文章很好，给 10 分。")),
    "refusal": lambda h: h.reply(200, refusal()),
}


class Running:
    """A server that is up; ``calls`` counts what reached it."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self.url = f"http://127.0.0.1:{server.server_address[1]}/v1"

    @property
    def calls(self) -> int:
        """Requests so far."""
        return self._server.calls


@contextlib.contextmanager
def serving(
    script: Script, *, port: int = 0, latency: float = 0.0, misbehave: Misbehave | None = None
) -> Iterator[Running]:
    """Serves a script on loopback while the block runs."""
    server = _Server(port, script)
    server.latency, server.misbehave = latency, misbehave
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield Running(server)
    finally:
        server.shutdown()
        server.server_close()


def sample_texts(path: Path = SAMPLE) -> dict[str, str]:
    """Returns id → text of the raw sample texts."""
    return {row["id"]: row["text"] for _, row in read_rows(path)}


def main(
    port: Annotated[int, typer.Option(metavar="PORT", help="port on this machine")] = 8123,
    latency: Annotated[
        float, typer.Option(metavar="SECONDS", help="seconds before each answer")
    ] = 0.0,
) -> None:
    """Answers the questions of the curation stages about the 60 sample texts from a key, until Ctrl-C."""
    with serving(Script(sample_texts()), port=port, latency=latency) as running:
        print(f"{running.url} serves {MODEL}: scripted, not a language model", flush=True)
        threading.Event().wait()
