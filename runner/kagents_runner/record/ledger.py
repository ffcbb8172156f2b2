"""Merges what hooks, mailboxes, transcripts and people tell about mail: one journal entry a message.

Pure: no I/O, no clock. Sources may come in any order, late, twice or not at all. The law: the number of
journalled messages of one likeness is the largest number that any single source has told, and an id is
journalled once, ever.

A message with an id (hooks of the sending tool, mailbox entries) is journalled at once. One that is only
claimed (a task assignment seen in a hook, which names no id) or only sighted (in the receiver's transcript)
waits for the source that knows its id, and is journalled under a derived id when none comes. If that one
comes later still, its id becomes another name for the message.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kagents_runner.record.clock import rfc3339
from kagents_runner.record.letters import Letter, derived_id, likeness, message_entry, protocol
from kagents_runner.record.openmail import Look, OpenMail
from kagents_runner.record.packed import PackedTable
from kagents_runner.record.posts import CLAIM_GRACE, SHOWN, SIGHTING_GRACE, Pending, Place, Post

Entries = list[Mapping[str, Any]]


class MailLedger(OpenMail):
    """The state machine. Every method that observes returns the entries that follow, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = PackedTable()  # of transcripts: those whose message is seen by the journal
        self._sightings: set[str] = set()  # and those that wait
        self._claims: set[str] = set()
        self._pending: list[Pending] = []
        self._blind: set[str] = set()

    def sent(self, letter: Letter, now: float) -> Entries:
        """A hook of the sending tool told of a message; without an id it is a claim (see ``claimed``)."""
        if letter.id is None:
            raise ValueError("a message without an id is claimed, not sent")
        return [] if letter.id in self._register else self._capture(letter, letter.id, "sent", now)

    def queued(self, letter: Letter, now: float) -> Entries:
        """kagents itself is about to put a message (with an id) into a mailbox."""
        if letter.id is None:
            raise ValueError("what kagents sends has an id")
        found = [] if letter.id in self._register else self._capture(letter, letter.id, "queued", now)
        post = self._post(letter.to, letter.id)
        if post is not None:
            self._shelves.put(post, "queued")
        return found

    def posted(self, to: str, message_id: str, now: float) -> None:
        """What was queued is in the mailbox now."""
        post = self._post(to, message_id)
        if post is not None:
            post.present = now
            self._shelves.put(post, "sent")

    def claimed(self, key: str, letter: Letter, now: float) -> Entries:
        """A source without ids tells of a message; ``key`` names the telling, so that it counts once."""
        if key not in self._claims:
            self._claims.add(key)
            self._pending.append(Pending("claim", key, letter, now + CLAIM_GRACE))
        return []

    def mailbox(self, agent: str, letters: Sequence[Letter], now: float, *, first: bool = False) -> Entries:
        """What lies unread in the mailbox; see ``look``."""
        return self.look(agent, letters, now, first=first).entries

    def look(
        self,
        agent: str,
        letters: Sequence[Letter],
        now: float,
        *,
        first: bool = False,
        appended: bool = False,
    ) -> Look:
        """What lies unread in the mailbox, looked at after everything told so far had been told.

        ``first``: nobody watched before, so what is missing went at an unknown time. ``appended``: everything
        that the last look found lies there still, and the letters are those behind it; ``goes_on`` must say
        that they can be taken so.
        """
        entries: Entries = []
        lying: set[str] = set()
        plain = True
        for letter, message_id in self._register.named(agent, letters):
            entries += self._lies(letter, message_id, now)
            lying.add(self._register.name(message_id))
            plain = plain and message_id == letter.id
        left = self._shelves.leaving(agent, lying, appended=appended)
        for post in left:
            post.uncertain, post.present = first, self._shelves.was_lying(post)
            entries += self._leaves(post, now)
        self._shelves.looked(agent, now)
        return Look(entries, left, plain)

    def taken(self, letters: Sequence[Letter], agent: str, now: float) -> Entries:
        """kagents itself takes everything out of its own mailbox: delivered and seen at once."""
        entries = self.mailbox(agent, letters, now)
        for post in self._shelves.of(agent):
            entries += self._is_seen(post, now, None)
        return entries

    def sighted(self, line: str, letter: Letter, now: float) -> Entries:
        """The receiver's transcript shows a message. ``line`` is its place there, ``<line uuid>:<index>``."""
        if line in self._sightings or line.encode() in self._lines:
            return []
        tally = self._register.tally(letter)
        if tally.unseen:
            return self._is_seen(tally.unseen[0], now, line)
        self._sightings.add(line)
        self._pending.append(Pending("sighting", line, letter, now + SIGHTING_GRACE))
        return []

    def keeps_transcript(self, agent: str, *, kept: bool) -> None:
        """Whether the agent's transcript can be read. Without one, what has left its mailbox is settled."""
        if kept:
            self._blind.discard(agent)
        elif agent not in self._blind:
            self._blind.add(agent)
            for post in self._shelves.held(agent):
                self._shelves.forgo(post)

    def due(self, now: float, *, last: bool = False) -> Entries:
        """Decides on claims and sightings that have waited long enough; at the ``last``, on all of them."""
        entries: Entries = []
        while self._pending:
            first = min(self._pending, key=lambda pending: pending.due)
            if first.due > now and not last:
                break
            self._pending.remove(first)
            self._sightings.discard(first.key)
            entries += self._mature(first, now) if first.kind == "claim" else self._explain(first, now)
        return entries

    def resent(self, post: Post, now: float) -> Entries:
        """A lost message was put back into its mailbox."""
        post.present, post.uncertain = now, False
        self._shelves.put(post, "lying", untold=True)
        post.tally.spare += 1
        return [{"kind": "resent", "id": post.id, "agent": post.to}]

    @property
    def next_due(self) -> float | None:
        """When ``due`` should be called next."""
        return min((pending.due for pending in self._pending), default=None)

    def restore(self, entry: Mapping[str, Any], at: float) -> None:
        """Learns one journal entry again (in the journal's order); ``at`` is its time."""
        kind = entry.get("kind")
        if kind == "message":
            letter = Letter(entry["from"], entry["to"], entry["text"], entry.get("summary"), entry["written"])
            self._enter(letter, entry["id"], "sent", at, anonymous="source" in entry)
            return
        tally = self._register.get(entry.get("id", ""))
        unseen = () if tally is None else tally.unseen
        post = next((post for post in unseen if post.id == entry["id"]), None)
        if kind == "seen" and "line" in entry:
            self._lines.put(entry["line"].encode())
        if post is None:
            return
        if kind == "delivery":
            self._leaves(post, at)
        elif kind == "seen":
            self._is_seen(post, at, None)
        elif kind == "resent":
            self.resent(post, at)
            self._shelves.put(post, "sent")

    def state(self) -> dict[str, Any]:
        """What the journal does not tell: save it together with the places in the sources."""
        tallies = {
            mark.hex(): tally.matured for mark, tally in self._register.tallies.items() if tally.matured
        }
        pending = [pending.pack() for pending in self._pending]
        found = {"aliases": self._register.aliases, "matured": tallies, "pending": pending}
        return found | {"claims": sorted(self._claims)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Takes over what ``state`` gave, after every entry was restored."""
        for alias, message_id in dict(state.get("aliases", {})).items():
            if message_id in self._register:
                self._register.alias(alias, message_id)
        for mark, matured in dict(state.get("matured", {})).items():
            tally = self._register.tally_of_mark(bytes.fromhex(mark))
            if tally is not None:
                tally.matured = matured
        self._claims.update(state.get("claims", ()))
        for pending in map(Pending.unpack, state.get("pending", ())):
            if pending.key.encode() not in self._lines:
                self._pending.append(pending)
                if pending.kind == "sighting":
                    self._sightings.add(pending.key)

    def _lies(self, letter: Letter, message_id: str, now: float) -> Entries:
        entries: Entries = []
        if message_id not in self._register:
            entries = self._capture(letter, message_id, "lying", now)
        self._register.lies(message_id)
        post = self._post(letter.to, message_id)
        if post is not None and post.place != "gone":
            post.present = now
            self._shelves.put(post, "lying")
        return entries

    def _capture(self, letter: Letter, message_id: str, place: Place, now: float) -> Entries:
        """A message with an id nobody has told before: a new one, or the one behind a claim or sighting."""
        tally = self._register.tally(letter)
        if tally.anonymous:
            self._register.alias(message_id, tally.anonymous[0])
            return []
        return self._journal(letter, message_id, place, now)

    def _journal(
        self,
        letter: Letter,
        message_id: str,
        place: Place,
        now: float,
        *,
        source: str | None = None,
        line: str | None = None,
    ) -> Entries:
        """Journals a message; ``line`` is where it was sighted, when that is how it is known."""
        entry = message_entry(letter, message_id, source)
        post = self._enter(letter, message_id, place, now, anonymous=source is not None)
        return [entry, *(self._met(post, now) if line is None else self._is_seen(post, now, line))]

    def _enter(self, letter: Letter, message_id: str, place: Place, now: float, *, anonymous: bool) -> Post:
        data, like = protocol(letter.text), likeness(letter)
        tally = self._register.tally_of(like, letter.to)
        kind = "message" if data is None else str(data["type"])
        post = Post(message_id, letter.sender, letter.to, kind, like.head, tally, place, now, now)
        tally.count += 1
        tally.unseen.append(post)
        if anonymous:
            tally.anonymous.append(message_id)
        self._register.enter(message_id, tally)
        self._shelves.add(post)
        return post

    def _met(self, post: Post, now: float) -> Entries:
        """Lets a new message meet a sighting that waits for it."""
        for pending in self._pending:
            if pending.kind == "sighting" and self._register.tally(pending.letter) is post.tally:
                self._pending.remove(pending)
                self._sightings.discard(pending.key)
                return self._is_seen(post, now, pending.key)
        return []

    def _mature(self, pending: Pending, now: float) -> Entries:
        tally = self._register.tally(pending.letter)
        tally.matured += 1
        if tally.matured <= tally.count:
            return []
        return self._journal(pending.letter, derived_id(pending.key), "sent", now, source="hook")

    def _explain(self, pending: Pending, now: float) -> Entries:
        """A sighting that no source has explained: seen again after it was put back, written a little
        differently, or a message that everything else has missed."""
        tally = self._register.tally(pending.letter)
        if tally.unseen:  # a crash came between the message and its being seen
            return self._is_seen(tally.unseen[0], now, pending.key)
        if tally.spare:
            tally.spare -= 1
            self._lines.put(pending.key.encode())
            return []
        like = likeness(pending.letter)
        for post in self._shelves.of(pending.letter.to):
            if post.sender == pending.letter.sender and post.head == like.head != "":
                return self._is_seen(post, now, pending.key)
        return self._journal(
            pending.letter, derived_id(pending.key), "sent", now, source="transcript", line=pending.key
        )

    def _leaves(self, post: Post, now: float) -> Entries:
        post.gone = now
        self._shelves.put(post, "gone")
        self._register.left(post.id)
        if post.type not in SHOWN or post.to in self._blind:
            self._shelves.forgo(post)
        return [{"kind": "delivery", "id": post.id, "delivered": rfc3339(now)}]

    def _is_seen(self, post: Post, now: float, line: str | None) -> Entries:
        entries = [] if post.place == "gone" else self._leaves(post, now)
        post.seen = True
        self._shelves.close(post)
        post.tally.unseen.remove(post)
        if line is not None:
            self._lines.put(line.encode())
        seen: dict[str, Any] = {"kind": "seen", "id": post.id, "seen": rfc3339(now)}
        return [*entries, seen if line is None else seen | {"line": line}]
