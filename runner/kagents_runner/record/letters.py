"""Names and likenesses of messages: stable ids for those that have none, and marks to recognise one by its
text.

The transcript of a receiver shows sender and text but no id, and may write special characters differently;
two sightings are of the same message when sender, receiver and the letters and digits of the text agree. A
task assignment carries a time of its own; it is recognised by its task, and a request to shut down by its id.
The answer to a plan is shown to its receiver in words of the CLI's own.
"""

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from kagents_core.journal import message

MAX_TEXT: Final = 256 * 1024
"""Characters of a message that are kept; what a person may send, and more than a mailbox holds well."""
_HEAD: Final = 32
_DECODER: Final = json.JSONDecoder()
_NOT_IN_WORDS: Final = {code: None for code in range(128) if not chr(code).isalnum()}
_LIMITS: Final = {"sender": 256, "to": 256, "summary": 4096, "written": 64}
_ID_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as some source tells it. ``written`` is RFC 3339 or empty; ``id`` is None when not told.

    All but the text is cut to a sane length, and an absurd id is none: a message must fit into the journal.
    """

    sender: str
    to: str
    text: str
    summary: str | None = None
    written: str = ""
    id: str | None = None

    def __post_init__(self) -> None:
        for name, limit in _LIMITS.items():
            value = getattr(self, name)
            if value is not None and len(value) > limit:
                object.__setattr__(self, name, value[:limit])
        if self.id is not None and not 0 < len(self.id) <= _ID_LIMIT:
            object.__setattr__(self, "id", None)


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a message is recognised by: ``mark`` is exact, ``head`` survives changes further down the text."""

    mark: bytes
    head: str


def protocol(text: str) -> Mapping[str, Any] | None:
    """The object inside a native protocol message, else None."""
    if not text.startswith("{") or len(text) > MAX_TEXT:
        return None
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None
    return value if isinstance(value, dict) and isinstance(value.get("type"), str) else None


def likeness(letter: Letter) -> Likeness:
    """The likeness of a message, equal for every source that tells of it."""
    named = _named(letter.text.strip())
    essence = named if named is not None else _essence(letter.text)
    return Likeness(_digest(letter.sender, letter.to, essence)[:16], essence[:_HEAD])


def _named(text: str) -> str | None:
    """What a protocol message is about, when it says so; a receiver may be shown advice behind the object."""
    if not text.startswith("{") or len(text) > MAX_TEXT:
        return None
    try:
        data, _ = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        return None
    if data["type"] == "task_assignment":
        return f"task_assignment {data.get('taskId')}"
    if data["type"] == "shutdown_request" and isinstance(data.get("requestId"), str):
        return f"shutdown_request {data['requestId']}"
    if data["type"] == "plan_approval_response":
        return _essence(_plan_words(data))
    return None


def _plan_words(data: Mapping[str, Any]) -> str:
    """The answer to a plan as the CLI writes it into the receiver's transcript (docs/protocol-notes.md)."""
    feedback = data.get("feedback") if isinstance(data.get("feedback"), str) else ""
    if data.get("approved"):
        return f"[Plan Approved] {feedback or 'You can now proceed with implementation'}"
    return f"[Plan Rejected] {feedback or 'Please revise your plan'}"


def _essence(text: str) -> str:
    shown = html.unescape(text[:MAX_TEXT]).translate(_NOT_IN_WORDS)
    return shown if shown.isascii() else "".join(filter(str.isalnum, shown))


def message_entry(letter: Letter, message_id: str, source: str | None) -> dict[str, Any]:
    """The journal's entry for a message; ``source`` tells who told of one that has a derived id."""
    data = protocol(letter.text)
    entry: dict[str, Any] = dict(
        message(
            message_id,
            letter.sender,
            letter.to,
            "message" if data is None else data["type"],
            kept(letter.text),
            summary=letter.summary,
            written=letter.written,
            data=data,
        )
    )
    return entry if source is None else entry | {"source": source}


def derived_id(*parts: str) -> str:
    """A stable id for a message that has none, from what is known of it."""
    return f"derived-{_digest(*parts).hex()[:24]}"


def kept(text: str) -> str:
    """The text as the journal keeps it: cut with a visible mark when it is beyond all measure."""
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… [cut, {len(text)} characters]"


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
