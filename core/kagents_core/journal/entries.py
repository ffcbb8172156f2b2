"""The shapes of journal entries (docs/internals.md section 3), and how one becomes a line."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NotRequired, TypedDict

import orjson

Kind = Literal[
    "message",
    "delivery",
    "seen",
    "resent",
    "task",
    "activity",
    "usage",
    "request",
    "phase",
    "gate",
    "ask",
    "answer",
    "artifact",
    "malformed",
]
MAX_DEPTH: Final = 64
"""Levels of a native object that are kept; what lies deeper is replaced by a mark."""


class Entry(TypedDict):
    """What every entry has. ``seq`` and ``at`` (RFC 3339, UTC, milliseconds) are set when it is written."""

    seq: NotRequired[int]
    at: NotRequired[str]


MessageEntry = TypedDict(
    "MessageEntry",
    {
        "seq": NotRequired[int],
        "at": NotRequired[str],
        "kind": Literal["message"],
        "id": str,
        "from": str,
        "to": str,
        "type": str,
        "text": str,
        "summary": str | None,
        "written": str,
        "data": NotRequired[Mapping[str, Any]],
    },
)
"""A message, once an id, ever."""


class DeliveryEntry(Entry):
    """A message has left its mailbox."""

    kind: Literal["delivery"]
    id: str
    delivered: str


class SeenEntry(Entry):
    """A message stands in its receiver's transcript. ``line`` names the place: ``<line uuid>:<index>``."""

    kind: Literal["seen"]
    id: str
    seen: str
    line: NotRequired[str]


class ResentEntry(Entry):
    """A message was put back into the mailbox after its receiver was killed."""

    kind: Literal["resent"]
    id: str
    agent: str


class TaskEntry(Entry):
    """A task changed; ``task`` is the whole native task, or None when it was deleted."""

    kind: Literal["task"]
    id: str
    task: dict[str, Any] | None
    changed: list[str]


class ActivityEntry(Entry):
    """What an agent is doing from now on."""

    kind: Literal["activity"]
    agent: str
    state: str
    detail: str | None
    simulated: bool


class UsageEntry(Entry):
    """Tokens and price (integer micro-dollars) of one model request."""

    kind: Literal["usage"]
    agent: str
    model: str
    requestId: str
    inputTokens: int
    outputTokens: int
    cacheReadTokens: int
    cacheWriteTokens: int
    costMicros: int
    estimated: bool


class RequestEntry(Entry):
    """An agent asked for something: ``dismiss`` (teammate), ``finish`` (summary), ``report`` (key, value)."""

    kind: Literal["request"]
    agent: str
    request: str
    id: NotRequired[str]
    teammate: NotRequired[str]
    summary: NotRequired[str]
    key: NotRequired[str]
    value: NotRequired[Any]
    refused: NotRequired[str]


class PhaseEntry(Entry):
    """The team's phase as its object shows it."""

    kind: Literal["phase"]
    phase: str
    message: str


class GateEntry(Entry):
    """A gate waits, or a person has decided."""

    kind: Literal["gate"]
    event: str
    state: Literal["waiting", "approved", "denied"]
    teammate: str | None


class AskEntry(Entry):
    """An agent asks a person; ``id`` is unique for its agent. ``input``: the exact tool call, or the plan."""

    kind: Literal["ask"]
    id: str
    agent: str
    ask: Literal["permission", "plan", "question"]
    tool: str
    summary: str
    input: Mapping[str, Any]
    cut: bool
    toolUseId: str | None
    asked: str


class AnswerEntry(Entry):
    """A person has answered, or the request was withdrawn (its agent's process has ended, or needs none)."""

    kind: Literal["answer"]
    id: str
    agent: str
    ask: Literal["permission", "plan", "question"]
    answer: Literal["allow", "deny", "withdrawn"]
    reason: str | None
    by: NotRequired[str]
    choices: NotRequired[list[list[str | int]]]
    mode: NotRequired[str]
    answerId: NotRequired[str]


class ArtifactEntry(Entry):
    """An agent has ended and left what it was to make, or not: then ``problem`` says why."""

    kind: Literal["artifact"]
    agent: str
    name: str
    path: str
    folder: NotRequired[bool]
    files: NotRequired[int]
    size: NotRequired[int]
    sha256: NotRequired[str]
    problem: NotRequired[str]


class MalformedEntry(Entry):
    """Something that could not be read and was set aside; ``excerpt`` is at most 500 characters."""

    kind: Literal["malformed"]
    source: str
    reason: str
    excerpt: str


def message(
    id: str,  # noqa: A002
    sender: str,
    to: str,
    type: str,  # noqa: A002
    text: str,
    *,
    summary: str | None,
    written: str,
    data: Mapping[str, Any] | None = None,
) -> MessageEntry:
    """A ``message`` entry; ``data`` is left out for plain text."""
    entry: MessageEntry = {
        "kind": "message",
        "id": id,
        "from": sender,
        "to": to,
        "type": type,
        "text": text,
        "summary": summary,
        "written": written,
    }
    if data is not None:
        entry["data"] = data
    return entry


def encode(entry: Mapping[str, Any]) -> bytes:
    """The entry as one line of JSON without the line end.

    Agents write what they like into messages and tasks: what JSON cannot carry (lone surrogates, numbers
    beyond 64 bits, hundreds of levels) is replaced, so that no message can stop the journal.
    """
    try:
        return orjson.dumps(entry)
    except TypeError:
        return orjson.dumps(_carried(entry, MAX_DEPTH))


def _carried(value: object, depth: int) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {str(_carried(str(key), 1)): _carried(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_carried(item, depth - 1) for item in value]
    return str(value)
