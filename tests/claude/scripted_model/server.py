"""The HTTP side: a threaded server on 127.0.0.1 that streams scripted answers as server-sent events."""

import json
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from scripted_model.conversation import Conversation, read_conversation
from scripted_model.script import Call, Cut, Fail, Reply, Say, Script


class ScriptedModel:
    """A running model server; a context manager. ``requests`` holds what was asked, in order."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Conversation] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.unexpected: list[str] = []
        self.input_tokens = 100
        self.fault: Callable[[int], Fail | Cut | None] = lambda number: None
        """What becomes of a request, by its number from 1 on, in the place of the script's answer."""
        self.answered: dict[str, bool] = {}
        """Answers that were begun, by request id (else message id), and whether they are whole."""
        self.pause = 0.0
        """Seconds between the beginning of a streamed answer and the rest of it."""
        self.changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Value for ``ANTHROPIC_BASE_URL``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "ScriptedModel":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answer(self, body: dict[str, Any], headers: dict[str, str]) -> tuple[Reply, Fail | Cut | None]:
        """Records the request and gives the scripted answer, and what goes wrong with it."""
        conversation = read_conversation(body, headers.get("x-claude-code-session-id", ""))
        with self.changed:
            self.requests.append(conversation)
            self.bodies.append(body)
            self.headers.append(headers)
            fault = self.fault(len(self.requests))
            self.changed.notify_all()
        return self.script.reply(conversation) if conversation.has_tools else Say("A title"), fault


def _handler(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stays quiet."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", "0"))) or b"{}")
            if not self.path.startswith("/v1/messages") or "count_tokens" in self.path:
                model.unexpected.append(f"POST {self.path}")
                return self._json(
                    404, {"type": "error", "error": {"type": "not_found_error", "message": "no"}}
                )
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply, fault = model.answer(body, headers)
            reply = fault if isinstance(fault, Fail) else reply
            time.sleep(reply.delay)
            if isinstance(reply, Fail):
                error = {"type": reply.kind, "message": reply.message}
                return self._json(reply.status, {"type": "error", "error": error}, again=reply.again)
            name: str = body.get("model", "claude-sonnet-4-6")
            if not body.get("stream"):
                return self._whole(name, reply)
            return self._stream(name, reply, cut=isinstance(fault, Cut))

        def do_GET(self) -> None:
            model.unexpected.append(f"GET {self.path}")
            self._json(404, {"type": "error", "error": {"type": "not_found_error", "message": "no"}})

        do_HEAD = do_GET  # noqa: N815

        def _json(self, status: int, value: dict[str, Any], *, again: bool = False) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            if not again:
                self.send_header("x-should-retry", "false")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def _whole(self, name: str, reply: Say | Call) -> None:
            """The answer in one piece, as the CLI asks for it where a stream has broken off."""
            start, block, *_ = _events(name, reply, model.input_tokens)
            whole = dict(block["content_block"])
            whole |= {"text": reply.text} if isinstance(reply, Say) else {"input": reply.input}
            reason = "end_turn" if isinstance(reply, Say) else "tool_use"
            usage = {**start["message"]["usage"], "output_tokens": 20}
            model.answered[start["message"]["id"]] = True
            self._json(200, start["message"] | {"content": [whole], "stop_reason": reason, "usage": usage})

        def _stream(self, name: str, reply: Say | Call, *, cut: bool) -> None:
            events, told = _events(name, reply, model.input_tokens), f"req_{uuid.uuid4().hex[:24]}"
            model.answered[told] = not cut
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("request-id", told)
            self.send_header("connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                for event in events[:1] if cut else events:
                    self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
                    if event["type"] == "message_start":
                        time.sleep(model.pause)
            except (BrokenPipeError, ConnectionResetError):
                return

    return Handler


def _events(name: str, reply: Say | Call, input_tokens: int) -> list[dict[str, Any]]:
    usage = {
        "input_tokens": input_tokens,
        "cache_creation_input_tokens": 7,
        "cache_read_input_tokens": 5,
        "output_tokens": 1,
    }
    message = {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": name,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    block: dict[str, Any]
    delta: dict[str, Any]
    if isinstance(reply, Say):
        block, delta, reason = (
            {"type": "text", "text": ""},
            {"type": "text_delta", "text": reply.text},
            "end_turn",
        )
    else:
        block = {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:24]}", "name": reply.name, "input": {}}
        delta, reason = {"type": "input_json_delta", "partial_json": json.dumps(reply.input)}, "tool_use"
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": 20},
        },
        {"type": "message_stop"},
    ]
