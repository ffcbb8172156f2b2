"""Mail of a journal: every message once, and how far it has come."""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from kagents_core.safetext import SafeText, clean
from kagents_core.wording import in_words
from kagents_tui.journal.timeline import tell
from kagents_tui.rows.fields import line, moment

if TYPE_CHECKING:
    from kagents_tui.journal_view import JournalView

MAIL_LIMIT: Final = 100_000
"""Messages kept; the oldest go first, and the view says how many went."""

TEXT_LIMIT: Final = 65_536
"""Characters of one message."""

TEXT_BUDGET: Final = 64 * 1024 * 1024
"""Characters of all messages together; beyond it the oldest go too."""

EPOCH: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Mail:
    """One message, with what is known of its way."""

    key: str
    sender: SafeText
    receiver: SafeText
    kind: SafeText
    text: SafeText
    summary: SafeText
    written: datetime | None
    delivered: datetime | None = None
    seen: datetime | None = None
    resent: int = 0
    task: str = ""
    """Id of the task that the message itself names, if it does."""

    def state(self) -> str:
        """``waiting`` in the mailbox, ``delivered`` but not yet looked at, or ``seen``."""
        return "seen" if self.seen else "delivered" if self.delivered else "waiting"

    def took(self) -> timedelta | None:
        """Written until seen, or until delivered; None while it waits or when a time is missing."""
        end = self.seen or self.delivered
        return end - self.written if end and self.written else None


@lru_cache(maxsize=1024)
def name(value: str) -> SafeText:
    """A name as one harmless line; names come again with every message, so they are made once."""
    return line(value, 100)


def message(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """A message was written."""
    key = str(entry.get("id") or number)
    if key in view.mail:
        return
    data = entry.get("data")
    fields = data if isinstance(data, Mapping) else {}
    kept = Mail(
        key=key,
        sender=name(str(entry.get("from") or "")),
        receiver=name(str(entry.get("to") or "")),
        kind=name(str(entry.get("type") or "message")),
        text=clean(in_words(entry), limit=TEXT_LIMIT),
        summary=line(entry.get("summary"), 300),
        written=moment(entry.get("written")) or moment(entry.get("at")),
        task=line(fields.get("taskId"), 40),
    )
    put(view, kept)
    view.unseen.setdefault(kept.receiver, {})[key] = kept.written
    view.mail_size += len(kept.text)
    while len(view.mail) > MAIL_LIMIT or (view.mail_size > TEXT_BUDGET and len(view.mail) > 1):
        drop_oldest(view)


def put(view: "JournalView", mail: Mail) -> None:
    """Keeps a message as it is now."""
    view.mail[mail.key] = mail
    for watcher in view.watchers:
        watcher.mail[mail.key] = mail
        watcher.agents = True


def drop_oldest(view: "JournalView") -> None:
    """Forgets the oldest message."""
    oldest = view.mail.pop(next(iter(view.mail)))
    view.unseen.get(oldest.receiver, {}).pop(oldest.key, None)
    view.mail_size -= len(oldest.text)
    view.dropped_mail += 1
    for watcher in view.watchers:
        watcher.mail[oldest.key] = None


def keep_within(views: Iterable["JournalView"]) -> None:
    """Forgets the oldest messages of several journals, while they are too many or too long together."""
    held = [view for view in views if view.mail]
    surplus = sum(len(view.mail) for view in held) - MAIL_LIMIT
    size = sum(view.mail_size for view in held) - TEXT_BUDGET
    if surplus <= 0 and size <= 0:
        return
    surplus += MAIL_LIMIT // 100  # more at once than is needed: it need not be looked at again so soon
    oldest = [(_written(view), number) for number, view in enumerate(held)]
    heapq.heapify(oldest)
    while oldest and (surplus > 0 or size > 0):
        _, number = heapq.heappop(oldest)
        view = held[number]
        before = view.mail_size
        drop_oldest(view)
        surplus, size = surplus - 1, size - (before - view.mail_size)
        if view.mail:
            heapq.heappush(oldest, (_written(view), number))


def _written(view: "JournalView") -> datetime:
    return next(iter(view.mail.values())).written or EPOCH


def delivery(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """A message has left its mailbox."""
    mail = view.mail.get(str(entry.get("id")))
    if mail is not None:
        put(view, replace(mail, delivered=moment(entry.get("delivered")) or moment(entry.get("at"))))


def seen(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """A message stands in its receiver's transcript."""
    mail = view.mail.get(str(entry.get("id")))
    if mail is not None:
        view.unseen.get(mail.receiver, {}).pop(mail.key, None)
        put(view, replace(mail, seen=moment(entry.get("seen")) or moment(entry.get("at"))))


def resent(view: "JournalView", entry: Mapping[str, Any], number: str) -> None:
    """A message was put back, since its receiver was killed before it looked."""
    mail = view.mail.get(str(entry.get("id")))
    if mail is not None:
        view.unseen.setdefault(mail.receiver, {})[mail.key] = mail.written
        put(view, replace(mail, resent=mail.resent + 1, delivered=None, seen=None))
    tell(view, entry, number, f"mail put back for {line(entry.get('agent'), 100)}", "warn")


def unread(view: "JournalView", agent: str) -> tuple[int, datetime | None]:
    """How many messages an agent has not seen yet, and when the oldest of them was written."""
    waiting = view.unseen.get(agent, {})
    return len(waiting), min((at for at in waiting.values() if at), default=None)
