"""Answers of a model as its providers send them, with usage that a test knows."""

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import orjson

MODEL = "claude-sonnet-4-6"
START: dict[str, Any] = {
    "input_tokens": 100,
    "cache_creation_input_tokens": 30,
    "cache_read_input_tokens": 40,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    "output_tokens": 1,
}


def events(
    *,
    response_id: str = "msg_1",
    model: str = MODEL,
    start: dict[str, Any] | None = None,
    end: dict[str, Any] | None = None,
    words: Sequence[str] = ("Hello", " there"),
) -> list[dict[str, Any]]:
    """The events of a whole answer."""
    message = {"id": response_id, "type": "message", "role": "assistant", "model": model, "content": []}
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "message_start", "message": message | {"usage": START if start is None else start}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
            for word in words
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 20} if end is None else end},
        {"type": "message_stop"},
    ]


def server_sent(found: Sequence[dict[str, Any]], line_end: str = "\n") -> bytes:
    """Events as server-sent events."""
    parts = [f"event: {event['type']}{line_end}data: {orjson.dumps(event).decode()}" for event in found]
    return "".join(part + 2 * line_end for part in parts).encode()


def amazon(found: Sequence[dict[str, Any]]) -> bytes:
    """Events as messages of AWS's event stream."""
    return b"".join(
        amazon_message(
            orjson.dumps({"bytes": base64.b64encode(orjson.dumps(event)).decode(), "p": "abcdef"}),
            {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"},
        )
        for event in found
    )


def amazon_message(body: bytes, headers: dict[str, str]) -> bytes:
    """One message of AWS's event stream."""
    told = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", len(told) + len(body) + 16, len(told))
    head = prelude + struct.pack(">I", zlib.crc32(prelude)) + told + body
    return head + struct.pack(">I", zlib.crc32(head))


def plain(response_id: str = "msg_1", model: str = MODEL, usage: dict[str, Any] | None = None) -> bytes:
    """The body of an answer that is no stream."""
    told = {**START, "output_tokens": 20} if usage is None else usage
    content = [{"type": "text", "text": "Hello"}]
    message = {"id": response_id, "type": "message", "role": "assistant", "model": model, "content": content}
    return orjson.dumps({**message, "usage": told})
