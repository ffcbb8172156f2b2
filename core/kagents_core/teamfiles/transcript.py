"""Reads the transcript that the real CLI keeps of a session, piece by piece.

A transcript is ``<config dir>/projects/<slug of cwd>/<session id>.jsonl``; subagents write beside it,
in ``<session id>/subagents/agent-<id>.jsonl``. The file only grows, so a reader keeps an offset. Other
lines repeat message texts (``api-request-blob``), so only ``user`` and ``assistant`` lines count.
Observed on 2.1.329; docs/protocol-notes.md has the details.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kagents_core.teamfiles.lines import CHUNK, read_lines
from kagents_core.teamfiles.toolcalls import ToolCall, ToolResult, calls_of, prompt_of, results_of

_TEXT_LIMIT = 2000
_INPUT_TEXT_LIMIT = 500
_OPENING = re.compile(r"<teammate-message ([^>\n]*)>\n")
_CLOSING = "\n</teammate-message>"
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A message as it reached the agent.

    The transcript has no message id: match by sender and ``same_text``.
    """

    sender: str
    text: str
    summary: str | None
    at: str
    """RFC 3339, when the line was written."""


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """Tokens of one response. Of two records with the same ``key`` the later one counts."""

    key: str
    """The request id, or the message id where there is none."""
    model: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    at: str


@dataclass(frozen=True, slots=True)
class Action:
    """Something that the agent did: it said something, or called a tool."""

    kind: str
    """``said``, ``tool``, or ``error`` (the model could not be reached, or refused)."""
    text: str
    """What was said, cut to 2,000 characters; or the tool's input as JSON, each text in it cut to 500."""
    tool: str | None
    at: str


@dataclass(frozen=True, slots=True)
class CostState:
    """The CLI's own estimate of the cost so far, written when it exits; absent after a kill."""

    session: str
    cost_micros: int


@dataclass(frozen=True, slots=True)
class TranscriptBatch:
    """What stands between two offsets."""

    offset: int
    """Where the next call begins."""
    received: tuple[ReceivedMail, ...] = ()
    usage: tuple[UsageRecord, ...] = ()
    actions: tuple[Action, ...] = ()
    cost: CostState | None = None
    malformed: int = 0
    """Complete lines that could not be read."""
    finished: tuple[str, ...] = ()
    """Ids of tool calls that have their result, refused and interrupted ones too."""
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()
    prompts: tuple[str, ...] = ()
    """When something was given to the agent that begins a turn, or comes within one: RFC 3339."""


def session_slug(cwd: str) -> str:
    """The folder below ``projects/`` for sessions of this working directory (an absolute, resolved path)."""
    return re.sub(r"[^A-Za-z0-9]", "-", cwd)


def same_text(one: str, other: str) -> bool:
    """Whether two message texts are the same once the CLI's escaping of its own tags is undone."""
    return _unescape(one) == _unescape(other)


def subagent_transcripts(transcript: Path) -> list[Path]:
    """Transcripts of the subagents of a session (their usage counts too), in a stable order."""
    return sorted(transcript.with_suffix("").joinpath("subagents").glob("agent-*.jsonl"))


def read_transcript(path: Path, offset: int = 0, *, chunk: int = CHUNK) -> TranscriptBatch:
    """Reads the complete lines from ``offset`` on, at most ``chunk`` bytes; call until the offset stays.

    A missing file gives an empty batch; one shorter than ``offset`` is read from its beginning; a line
    longer than ``chunk`` counts as malformed. Raises ``NotRegularError`` for a symbolic link or a pipe, or
    another ``OSError``.
    """
    found = read_lines(path, offset, chunk=chunk)
    return _batch(found.lines, found.offset)


def _batch(lines: Iterable[bytes], offset: int) -> TranscriptBatch:
    received: list[ReceivedMail] = []
    usage: dict[str, UsageRecord] = {}
    actions: list[Action] = []
    cost: CostState | None = None
    malformed = 0
    calls: list[ToolCall] = []
    results: list[ToolResult] = []
    prompts: list[str] = []
    for line in lines:
        entry = entry_of(line)
        if entry is None:
            malformed += bool(line.strip())
        elif entry.get("type") == "user":
            received += received_mail(entry)
            results += results_of(entry)
            prompts += prompt_of(entry)
        elif entry.get("type") == "assistant":
            record = _usage(entry)
            if record is not None:
                usage.pop(record.key, None)
                usage[record.key] = record
            actions += _actions(entry)
            calls += calls_of(entry)
        elif entry.get("type") == "cost-state":
            cost = _cost(entry) or cost
    return TranscriptBatch(
        offset,
        tuple(received),
        tuple(usage.values()),
        tuple(actions),
        cost,
        malformed,
        tuple(result.id for result in results),
        tuple(calls),
        tuple(results),
        tuple(prompts),
    )


def entry_of(line: bytes) -> dict[str, Any] | None:
    """One line of a transcript; None when it is no object."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:  # the CLI writes lone surrogates, which orjson refuses
            value = json.loads(line)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def received_mail(entry: dict[str, Any]) -> Iterator[ReceivedMail]:
    """The messages that stand in one user turn."""
    if entry.get("isCompactSummary") is True:  # the model's own words about the past, which may quote mail
        return
    for text in _texts(_message(entry).get("content")):
        position = 0
        while opening := _OPENING.search(text, position):
            # The opening's own newline may also be the one before the closing tag: an empty message.
            closing = text.find(_CLOSING, opening.end() - 1)
            if closing < 0:
                break
            attributes = dict(_ATTRIBUTE.findall(opening.group(1)))
            summary = attributes.get("summary")
            yield ReceivedMail(
                sender=html.unescape(attributes.get("teammate_id", "")),
                text=_unescape(text[opening.end() : closing]),
                summary=None if summary is None else html.unescape(summary),
                at=_string(entry.get("timestamp")),
            )
            position = closing + len(_CLOSING)


def _unescape(text: str) -> str:
    return text.replace("<\\/teammate-message", "</teammate-message").replace(
        "<\\teammate-message", "<teammate-message"
    )


def _usage(entry: dict[str, Any]) -> UsageRecord | None:
    message = _message(entry)
    counts = message.get("usage")
    key = _string(entry.get("requestId")) or _string(message.get("id"))
    model = _string(message.get("model"))
    if not isinstance(counts, dict) or not key or model in ("", "<synthetic>"):
        return None
    return UsageRecord(
        key=key,
        model=model,
        input_tokens=_count(counts.get("input_tokens")),
        output_tokens=_count(counts.get("output_tokens")),
        cache_read_tokens=_count(counts.get("cache_read_input_tokens")),
        cache_write_tokens=_count(counts.get("cache_creation_input_tokens")),
        at=_string(entry.get("timestamp")),
    )


def _actions(entry: dict[str, Any]) -> Iterator[Action]:
    at = _string(entry.get("timestamp"))
    failed = entry.get("isApiErrorMessage") is True
    if _message(entry).get("model") == "<synthetic>" and not failed:
        return
    content = _message(entry).get("content")
    for block in content if isinstance(content, list) else []:
        if not isinstance(block, dict):
            continue
        if block.get("type") == "text" and _string(block.get("text")).strip():
            yield Action("error" if failed else "said", _string(block.get("text"))[:_TEXT_LIMIT], None, at)
        elif block.get("type") == "tool_use":
            given = json.dumps(_shortened(block.get("input")), ensure_ascii=False)
            yield Action("tool", given, _string(block.get("name")), at)


def _shortened(value: object, depth: int = 4) -> object:
    if isinstance(value, str):
        return value[:_INPUT_TEXT_LIMIT]
    if isinstance(value, dict) and depth:
        return {key[:100]: _shortened(item, depth - 1) for key, item in list(value.items())[:20]}
    if isinstance(value, list) and depth:
        return [_shortened(item, depth - 1) for item in value[:20]]
    return value if isinstance(value, int | float | bool | None) else None


def _cost(entry: dict[str, Any]) -> CostState | None:
    total = entry.get("totalCostUSD")
    if isinstance(total, bool) or not isinstance(total, int | float) or not 0 <= total < 1e9:
        return None
    return CostState(_string(entry.get("sessionId")), round(total * 1_000_000))


def _message(entry: dict[str, Any]) -> dict[str, Any]:
    message = entry.get("message")
    return message if isinstance(message, dict) else {}


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    blocks = content if isinstance(content, list) else []
    return [
        _string(block.get("text"))
        for block in blocks
        if isinstance(block, dict) and block.get("type") == "text"
    ]


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
