"""A transcript as a person reads it: who said what, which tool was called with what, and what came of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from kagents_core.teamfiles.transcript import entry_of, received_mail

TEXT_LIMIT: Final = 65_536
"""Characters of one turn."""

What = Literal["prompt", "mail", "said", "thought", "tool", "result", "error", "summary"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that stands in a transcript. Its texts are hostile."""

    what: What
    """``prompt`` (what the agent was given), ``mail`` (a message that reached it), ``said``, ``thought``,
    ``tool`` (a call), ``result`` (of a call), ``error`` (the model could not be used), ``summary`` (of what
    was compacted)."""
    at: str
    """RFC 3339."""
    text: str
    """A tool's input as JSON; else as it stands there."""
    name: str = ""
    """Of the tool, or of the sender of mail."""
    call: str = ""
    """Joins a tool's call and its result."""
    failed: bool = False
    """The result is an error."""
    cut: bool = False
    """The text was longer."""


def turns_of(line: bytes) -> list[Turn]:
    """What one line of a transcript tells a person; nothing for a line of another kind. Never raises."""
    entry = entry_of(line)
    if entry is None or entry.get("isMeta") is True:
        return []
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(blocks, list):
        return []
    if entry.get("type") == "user":
        return list(_given(entry, [each for each in blocks if isinstance(each, dict)]))
    if entry.get("type") == "assistant":
        failed = entry.get("isApiErrorMessage") is True
        return list(_done(entry, [each for each in blocks if isinstance(each, dict)], failed=failed))
    return []


def _given(entry: dict[str, Any], blocks: list[dict[str, Any]]) -> Iterator[Turn]:
    at = _string(entry.get("timestamp"))
    if entry.get("isCompactSummary") is True:
        yield _turn("summary", at, _text_of(blocks))
        return
    mail = list(received_mail(entry))
    for each in mail:
        yield _turn("mail", each.at, each.text, name=each.sender)
    for block in blocks:
        if block.get("type") == "tool_result":
            call, failed = _string(block.get("tool_use_id")), block.get("is_error") is True
            yield _turn("result", at, _result(block.get("content")), call=call, failed=failed)
        elif block.get("type") == "text" and not mail and _string(block.get("text")).strip():
            yield _turn("prompt", at, _string(block.get("text")))


def _done(entry: dict[str, Any], blocks: list[dict[str, Any]], *, failed: bool) -> Iterator[Turn]:
    at = _string(entry.get("timestamp"))
    for block in blocks:
        match block.get("type"):
            case "text" if _string(block.get("text")).strip():
                yield _turn("error" if failed else "said", at, _string(block.get("text")))
            case "thinking" if _string(block.get("thinking")).strip():
                yield _turn("thought", at, _string(block.get("thinking")))
            case "tool_use":
                given = json.dumps(block.get("input"), ensure_ascii=False)
                name, call = _string(block.get("name")), _string(block.get("id"))
                yield _turn("tool", at, given, name=name, call=call)


def _turn(what: What, at: str, text: str, *, name: str = "", call: str = "", failed: bool = False) -> Turn:
    return Turn(what, at[:64], text[:TEXT_LIMIT], name[:200], call[:200], failed, len(text) > TEXT_LIMIT)


def _result(content: object) -> str:
    if isinstance(content, str):
        return content
    blocks = [each for each in content if isinstance(each, dict)] if isinstance(content, list) else []
    return "\n".join(
        _string(each.get("text")) if each.get("type") == "text" else f"[{_string(each.get('type'))[:40]}]"
        for each in blocks
    )


def _text_of(blocks: list[dict[str, Any]]) -> str:
    return "\n".join(_string(each.get("text")) for each in blocks if each.get("type") == "text")


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
