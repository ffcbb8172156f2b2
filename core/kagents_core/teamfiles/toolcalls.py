"""What a line of a transcript tells of tools and of turns: who called what and when, never with what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool was called. Its arguments are not here."""

    id: str
    name: str
    at: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool call has its result, refused and interrupted ones too."""

    id: str
    failed: bool
    at: str


def calls_of(entry: Mapping[str, Any]) -> Iterator[ToolCall]:
    """The calls of an ``assistant`` line."""
    for block in _blocks(entry, "tool_use"):
        if call := _string(block.get("id")):
            yield ToolCall(call, _string(block.get("name")), _string(entry.get("timestamp")))


def results_of(entry: Mapping[str, Any]) -> Iterator[ToolResult]:
    """The results of a ``user`` line."""
    for block in _blocks(entry, "tool_result"):
        if call := _string(block.get("tool_use_id")):
            yield ToolResult(call, block.get("is_error") is True, _string(entry.get("timestamp")))


def prompt_of(entry: Mapping[str, Any]) -> Iterator[str]:
    """When a ``user`` line gave the agent something that begins a turn, or comes within one: RFC 3339."""
    if (
        entry.get("isMeta") is True
        or entry.get("isCompactSummary") is True
        or "interruptedMessageId" in entry
    ):
        return
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str) or any(True for _ in _blocks(entry, "text")):
        yield _string(entry.get("timestamp"))


def _blocks(entry: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    for block in content if isinstance(content, list) else []:
        if isinstance(block, dict) and block.get("type") == kind:
            yield block


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
