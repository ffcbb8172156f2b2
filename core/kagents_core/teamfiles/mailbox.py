"""Mailboxes: ``inboxes/<agent>.json``, an array of messages that is a queue, not a log.

A writer appends under the native lock, a receiver takes everything and leaves ``[]``; both put a new file in
place by ``rename``. What cannot be read is never thrown away: a malformed entry is returned beside the
messages, and a file that is no array at all is kept under ``<agent>.json.malformed.<8 hex>``.
"""

import asyncio
import json
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from kagents_core.teamfiles.files import NotRegularError, TooLargeError, read_bounded, replace_file
from kagents_core.teamfiles.growth import Known, read_grown
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.locks import INBOX_BUDGET, HeldLock, lock
from kagents_core.teamfiles.nativejson import NotJsonError, compact, excerpt, indented, parse, timestamp

INBOX_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of a mailbox that are read or written."""
ENTRY_LIMIT: Final = 10_000
"""Messages that a mailbox may hold."""

_READ_ATTEMPTS: Final = 4
_READ_PAUSE: Final = 0.03


class MailboxFullError(ValueError):
    """The mailbox would exceed its limit; nothing was written. ``str()`` is one plain sentence."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something that could not be read: the file's name, a plain reason, and the start of what it was."""

    source: str
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a mailbox. ``raw`` is the native object with every field, known or not."""

    raw: Mapping[str, Any]

    @property
    def sender(self) -> str:
        """Who wrote it, as the entry says."""
        return str(self.raw["from"])

    @property
    def text(self) -> str:
        """The text, or the JSON of a protocol message."""
        return str(self.raw["text"])

    @property
    def id(self) -> str | None:
        """``msg_id``; None in entries of CLI versions before it."""
        return _text_or_none(self.raw.get("msg_id"))

    @property
    def summary(self) -> str | None:
        """The few words that the sender put above the text."""
        return _text_or_none(self.raw.get("summary"))

    @property
    def color(self) -> str | None:
        """The sender's colour."""
        return _text_or_none(self.raw.get("color"))

    @property
    def written(self) -> str:
        """The sender's RFC 3339 timestamp, or an empty text."""
        return _text_or_none(self.raw.get("timestamp")) or ""

    @property
    def read(self) -> bool:
        """Whether an old CLI (2.1.150 and before) has marked it as read instead of removing it."""
        return self.raw.get("read") is True

    @property
    def data(self) -> Mapping[str, Any] | None:
        """The protocol object inside ``text``; None for a text that a person or a model wrote."""
        return protocol_object(self.text)

    @property
    def type(self) -> str:
        """The protocol object's ``type`` (``idle_notification``, ``task_assignment`` …), else ``message``."""
        data = self.data
        return "message" if data is None else str(data["type"])


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def protocol_object(text: str) -> Mapping[str, Any] | None:
    """The object of a native protocol message (a JSON object with a text ``type``), else None."""
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and isinstance(value.get("type"), str) else None


def new_message(
    sender: str,
    text: str | Mapping[str, Any],
    *,
    summary: str | None = None,
    color: str | None = None,
    message_id: str | None = None,
    at: datetime | None = None,
) -> Message:
    """A message in the native shape, by default new and of now; a mapping as text is a protocol object."""
    raw: dict[str, Any] = {"from": sender, "text": text if isinstance(text, str) else compact(text)}
    if summary is not None:
        raw["summary"] = summary
    raw["timestamp"] = timestamp(at)
    if color is not None:
        raw["color"] = color
    raw |= {"msgV": 1, "msg_id": message_id or str(uuid.uuid4()), "type": "message", "read": False}
    return Message(raw)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a mailbox holds at one moment."""

    messages: tuple[Message, ...]
    malformed: tuple[Malformed, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading has found. ``appended``: only what came behind the entries that were known."""

    contents: Contents
    known: Known | None = None
    appended: bool = False


def parse_contents(value: Any, source: str) -> Contents:
    """Sorts the entries of a mailbox into messages and malformed ones."""
    if not isinstance(value, list):
        return Contents((), (Malformed(source, "not an array of messages", excerpt(value)),))
    messages: list[Message] = []
    malformed: list[Malformed] = []
    for entry in value:
        reason = _wrong(entry)
        if reason is None:
            messages.append(Message(entry))
        else:
            malformed.append(Malformed(source, reason, excerpt(entry)))
    return Contents(tuple(messages), tuple(malformed))


def _wrong(entry: Any) -> str | None:
    if not isinstance(entry, dict):
        return "not an object"
    for field in ("from", "text"):
        if not isinstance(entry.get(field), str):
            return f"{field} is missing or not a text"
    return None


async def read(layout: TeamLayout, agent: str) -> Contents:
    """What the mailbox holds, without a lock and without changing it.

    An empty or half-written file is read again a few times, and then returned as malformed.
    """
    return (await read_on(layout, agent, None)).contents


async def read_on(layout: TeamLayout, agent: str, known: Known | None) -> Reading:
    """As ``read``; of a mailbox that has only grown since it was ``known``, what has come."""
    path = layout.inbox(agent)
    for attempt in range(_READ_ATTEMPTS):
        try:
            data = read_bounded(path, INBOX_LIMIT)
            if not data:
                return Reading(Contents((), ()))
            found = read_grown(data, known)
            return Reading(parse_contents(found.value, path.name), found.known, found.appended)
        except FileNotFoundError:
            return Reading(Contents((), ()))
        except (TooLargeError, NotRegularError) as error:
            return Reading(Contents((), (Malformed(path.name, str(error.strerror), ""),)))
        except NotJsonError as error:
            if attempt == _READ_ATTEMPTS - 1:
                return Reading(Contents((), (Malformed(path.name, str(error), excerpt(data)),)))
        await asyncio.sleep(_READ_PAUSE)
    raise AssertionError("unreachable")


async def deliver(layout: TeamLayout, to: str, *messages: Message, budget: float = INBOX_BUDGET) -> None:
    """Appends messages to a mailbox, in order and in one step.

    A message whose id is already in the mailbox is not added again. Raises ``LockTimeoutError``,
    ``MailboxFullError`` or ``OSError``; then nothing was written.
    """
    path = layout.inbox(to)
    async with lock(path, budget=budget) as held:
        entries = _entries(path)
        present = {entry["msg_id"] for entry in entries if _has_id(entry)}
        added = [dict(message.raw) for message in messages if message.id not in present]
        if added:
            _put(path, entries + added, held)


async def take(
    layout: TeamLayout,
    agent: str,
    *,
    keep: Callable[[Contents], None] | None = None,
    budget: float = INBOX_BUDGET,
) -> tuple[list[Message], list[Malformed]]:
    """Empties a mailbox and returns what was in it.

    ``keep`` is called under the lock before anything is removed: a caller that stores the contents there
    loses nothing when it is killed, and may see them a second time. Raises ``LockTimeoutError``, ``OSError``.
    """
    path = layout.inbox(agent)
    if _surely_empty(path):
        return [], []
    async with lock(path, budget=budget) as held:
        contents = _contents_under_lock(path)
        if not contents.messages and not contents.malformed:
            return [], []
        if keep is not None:
            keep(contents)
        if path.exists():
            _put(path, [], held)
    return list(contents.messages), list(contents.malformed)


def _has_id(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("msg_id"), str)


def _surely_empty(path: Path) -> bool:
    try:
        return path.lstat().st_size <= len(b"[]")
    except FileNotFoundError:
        return True


def _contents_under_lock(path: Path) -> Contents:
    try:
        data = read_bounded(path, INBOX_LIMIT)
        return parse_contents(parse(data), path.name) if data.strip() else Contents((), ())
    except FileNotFoundError:
        return Contents((), ())
    except (TooLargeError, NotRegularError, NotJsonError) as error:
        return Contents((), (_set_aside(path, error),))


def _entries(path: Path) -> list[Any]:
    """The raw array, malformed entries included; a file that is none is set aside. Only under the lock."""
    try:
        data = read_bounded(path, INBOX_LIMIT)
        value = parse(data) if data.strip() else []
        if isinstance(value, list):
            return value
        _set_aside(path, NotJsonError("not an array of messages"))
    except FileNotFoundError:
        pass
    except (TooLargeError, NotRegularError, NotJsonError) as error:
        _set_aside(path, error)
    return []


def _set_aside(path: Path, error: Exception) -> Malformed:
    """Keeps an unreadable file under another name. Under the lock nobody is still writing it."""
    kept = path.with_name(f"{path.name}.malformed.{secrets.token_hex(4)}")
    shown = ""
    if isinstance(error, NotJsonError):
        shown = excerpt(read_bounded(path, INBOX_LIMIT))
    path.rename(kept)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Malformed(kept.name, reason, shown)


def _put(path: Path, entries: Iterable[Any], held: HeldLock) -> None:
    array = list(entries)
    data = indented(array)
    if len(data) > INBOX_LIMIT or len(array) > ENTRY_LIMIT:
        raise MailboxFullError(
            f"The mailbox of {path.stem} would hold {len(array)} messages, {len(data)} bytes: nothing sent."
        )
    held.verify()
    replace_file(path, data)
