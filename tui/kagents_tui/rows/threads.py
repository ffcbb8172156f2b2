"""Mail in threads: one for every two who write to each other, kept change by change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kagents_core.safetext import SafeText
from kagents_tui.journal.mail import Mail
from kagents_tui.rows.ages import age, clock
from kagents_tui.rows.cells import EMPTY, Cell, Column, Scene, cell
from kagents_tui.rows.fields import line

Pair = tuple[str, str]
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Thread:
    """All mail between two. ``oldest_unread``: when the oldest that was not looked at yet was written."""

    key: Pair
    parties: tuple[SafeText, SafeText]
    count: int
    unread: int
    oldest_unread: datetime | None
    last: Mail


@dataclass(slots=True)
class Between:
    """The messages of one thread by key, in the order of the journal, and those that nobody has seen."""

    parties: tuple[SafeText, SafeText]
    mail: dict[str, Mail] = field(default_factory=dict)
    unseen: dict[str, Mail] = field(default_factory=dict)


def pair(mail: Mail) -> Pair:
    """Whose thread a message belongs to, whoever wrote it."""
    first, second = sorted((mail.sender, mail.receiver))
    return (first, second)


@dataclass(slots=True)
class Threads:
    """All threads of a team."""

    between: dict[Pair, Between] = field(default_factory=dict)

    def apply(self, changes: Mapping[str, Mail | None]) -> dict[Pair, Thread | None]:
        """Takes changed messages in (None: forgotten); the threads that changed, None for an empty one."""
        touched: dict[Pair, None] = {}
        for key, mail in changes.items():
            if mail is None:
                touched |= dict.fromkeys(self._without(key))
            else:
                touched[self._with(mail)] = None
        return {each: self.thread(each) for each in touched}

    def _with(self, mail: Mail) -> Pair:
        key = pair(mail)
        kept = self.between.get(key)
        if kept is None:
            kept = self.between[key] = Between((mail.sender, mail.receiver))
        kept.mail[mail.key] = mail
        if mail.seen is None:
            kept.unseen[mail.key] = mail
        else:
            kept.unseen.pop(mail.key, None)
        return key

    def _without(self, key: str) -> list[Pair]:
        """Forgets a message. It is asked of every thread: there are few, and old mail alone is forgotten."""
        found = [each for each, kept in self.between.items() if kept.mail.pop(key, None) is not None]
        for each in found:
            self.between[each].unseen.pop(key, None)
        return found

    def thread(self, key: Pair) -> Thread | None:
        """A thread as it is now; None when it has no message."""
        kept = self.between.get(key)
        if kept is None or not kept.mail:
            self.between.pop(key, None)
            return None
        oldest = next(iter(kept.unseen.values()), None)
        last = kept.mail[next(reversed(kept.mail))]
        return Thread(
            key, kept.parties, len(kept.mail), len(kept.unseen), oldest.written if oldest else None, last
        )


def order(thread: Thread, now: datetime) -> float:
    """The one with the newest message first."""
    return -(thread.last.written or EPOCH).timestamp()


def parties(thread: Thread, scene: Scene) -> Cell:
    """The two."""
    return cell(f"{thread.parties[0]} {scene.symbols.both} {thread.parties[1]}", "strong")


def unread_cell(thread: Thread, scene: Scene) -> Cell:
    """How many were not looked at, and for how long the oldest waits."""
    if not thread.unread:
        return EMPTY
    stale = thread.oldest_unread is not None and scene.now - thread.oldest_unread >= scene.stale_mail
    mark = f" {scene.symbols.warning}" if stale else ""
    return cell(
        f"{thread.unread} {age(scene.now, thread.oldest_unread)}{mark}", "warn" if stale else "accent"
    )


def last_words(thread: Thread, scene: Scene) -> Cell:
    """The newest message: who wrote it, and its beginning."""
    return cell(f"{thread.last.sender}: {line(thread.last.summary or thread.last.text, 400)}")


def search_text(thread: Thread) -> str:
    """What a filter looks at."""
    return f"{thread.parties[0]} {thread.parties[1]} {thread.last.summary} {thread.last.text[:2000]}"


COLUMNS: tuple[Column[Thread], ...] = (
    Column(
        "LAST",
        lambda t, s: cell(clock(t.last.written), "dim"),
        8,
        8,
        drop=2,
        sort=lambda t: t.last.written or EPOCH,
    ),
    Column("BETWEEN", parties, 14, 44, sort=lambda t: t.key),
    Column("MAIL", lambda t, s: cell(t.count), 4, 7, right=True, sort=lambda t: -t.count),
    Column("UNREAD", unread_cell, 6, 14, sort=lambda t: -t.unread),
    Column("LAST MESSAGE", last_words, 12, 200, drop=1, grow=True),
)
