"""Mail in both directions: looks into mailboxes, takes team-lead's, delivers what kagents and people send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kagents_core.api.constants import TEAM_LEAD
from kagents_core.asks import ASKING
from kagents_core.journal import entries
from kagents_core.teamfiles import mailbox
from kagents_core.teamfiles.files import NotRegularError, TooLargeError, read_bounded
from kagents_core.teamfiles.growth import Known
from kagents_core.teamfiles.locks import LockLostError, LockTimeoutError
from kagents_core.teamfiles.mailbox import (
    Contents,
    MailboxFullError,
    Malformed,
    Message,
    new_message,
    protocol_object,
)
from kagents_core.teamfiles.nativejson import NotJsonError, parse
from kagents_runner.record.books import Books
from kagents_runner.record.changes import FileChanges
from kagents_runner.record.clock import rfc3339, seconds
from kagents_runner.record.letters import Letter
from kagents_runner.record.posts import SHOWN, Post

SENT_LIMIT: Final = 2 * 1024 * 1024
"""Bytes of a file in ``send/``: a text of 256 KiB grows when it is escaped."""
RETRY_SECONDS: Final = 1.0
"""Time between two attempts on a mailbox whose lock is held."""
_DELIVERY_ERRORS: Final = (LockTimeoutError, LockLostError, MailboxFullError, OSError)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A journalled message that has still to be put into a mailbox; ``file``, its source, goes afterwards."""

    to: str
    message: Message
    file: Path | None = None


class MailRoom:
    """Everything that reads or writes mailboxes."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._names = {name for name, _ in books.agents}
        self._inboxes = FileChanges(books.layout.inboxes, ".json")
        self._send = FileChanges(books.layout.outgoing, ".json")
        self._known: dict[str, Known | None] = {}
        self._out: list[Outgoing] = []
        self._first = books.restarted
        self._retry_at: float | None = None

    @property
    def next_due(self) -> float | None:
        """When ``step`` should be called although nothing has changed."""
        return self._retry_at

    @property
    def young(self) -> bool:
        """Whether mailboxes must be looked at again soon."""
        return self._inboxes.young or self._send.young

    async def step(self) -> None:
        """Looks at what has changed, and delivers what waits."""
        self._retry_at = None
        self._collect_sent()
        await self._deliver()
        changed, _ = self._inboxes.changed()
        agents = {name.removesuffix(".json") for name in changed} | set(self._books.ledger.to_look_at())
        if self._first:
            agents |= self._names
        for agent in sorted(agents & self._names):
            try:
                await self._look(agent)
            except OSError as error:  # whatever one agent does to its mailbox, the others are looked at
                self._books.malformed([Malformed(f"{agent}.json", f"cannot be read: {error.strerror}", "")])
                self._inboxes.again(f"{agent}.json")
                self._retry_at = self._books.clock() + RETRY_SECONDS
        if TEAM_LEAD in agents or self._first:
            await self._take()
        self._first = False

    async def ask(self, agent: str, text: str) -> None:
        """Sends a protocol message as team-lead."""
        await self._send_own(agent, new_message(TEAM_LEAD, text))

    async def wake(self, agent: str, text: str) -> None:
        """Sends an agent plain words as team-lead."""
        await self._send_own(agent, new_message(TEAM_LEAD, text, summary="mail was held back"))

    async def put_back(self, lost: Sequence[Post]) -> None:
        """Puts lost messages into their mailbox again, as they were, and journals it."""
        books = self._books
        wanted = {post.id: post for post in lost}
        for entry in entries(books.layout.journal):
            post = wanted.get(entry.get("id", "")) if entry["kind"] == "message" else None
            if post is None:
                continue
            raw = new_message(entry["from"], entry["text"], summary=entry["summary"], message_id=post.id).raw
            message = Message({**raw, "timestamp": entry["written"] or raw["timestamp"]})
            try:
                await mailbox.deliver(books.layout, post.to, message, budget=5.0)
            except _DELIVERY_ERRORS as error:
                books.malformed([Malformed(f"{post.to}.json", f"lost mail not put back: {error}", post.id)])
            else:
                books.write(books.ledger.resent(post, books.clock()))

    def enter(self, to: str, message: Message, file: Path | None = None) -> None:
        """Journals a message of kagents' own; ``deliver_waiting`` puts it into the mailbox."""
        books = self._books
        books.write(books.ledger.queued(_letter(to, message), books.clock()))
        self._out.append(Outgoing(to, message, file))

    async def deliver_waiting(self) -> None:
        """Puts what was entered into the mailboxes; what cannot be put there now is tried again."""
        await self._deliver()

    async def reply_again(self, to: str, message_id: str, file: Path) -> None:
        """Delivers a message that was entered before a crash, unless it has arrived; then ``file`` goes."""
        books = self._books
        if file in {outgoing.file for outgoing in self._out}:
            return
        if books.ledger.settled(to, message_id):
            file.unlink(missing_ok=True)
            return
        for entry in entries(books.layout.journal):
            if entry["kind"] == "message" and entry["id"] == message_id:
                message = new_message(entry["from"], entry["text"], message_id=message_id)
                self.enter(to, message, file)
                await self._deliver()
                return
        file.unlink(missing_ok=True)

    async def _send_own(self, to: str, message: Message) -> None:
        self.enter(to, message)
        await self._deliver()

    def _collect_sent(self) -> None:
        """Journals people's messages; on the disk before anything else happens to them."""
        names, _ = self._send.changed()
        waiting = {outgoing.file for outgoing in self._out}
        books = self._books
        for name in names:
            path = books.layout.outgoing / name
            found = None if path in waiting else self._read_sent(name)
            if found is None:
                continue
            to, message = found
            if books.ledger.settled(to, message.id or ""):
                path.unlink(missing_ok=True)
                continue
            self.enter(to, message, path)
        if self._out:
            books.journal.sync()

    def _read_sent(self, name: str) -> tuple[str, Message] | None:
        path = self._books.layout.outgoing / name
        try:
            value = parse(read_bounded(path, SENT_LIMIT))
            to, text, summary = value["to"], value["text"], value.get("summary")
            if to not in self._names or not isinstance(text, str) or not isinstance(summary, str | None):
                raise NotJsonError("no message to a member of the team")
            return to, new_message(TEAM_LEAD, text, summary=summary, message_id=str(value["id"]))
        except FileNotFoundError:
            return None
        except (NotJsonError, TooLargeError, NotRegularError, KeyError, TypeError) as error:
            self._books.malformed([Malformed(f"send/{name}", f"not a message: {error}", "")])
            path.rename(path.with_name(f"{name}.malformed"))
            return None

    async def _deliver(self) -> None:
        books, waiting, self._out = self._books, self._out, []
        for outgoing in waiting:
            try:
                await mailbox.deliver(books.layout, outgoing.to, outgoing.message)
            except _DELIVERY_ERRORS:
                self._out.append(outgoing)
                self._retry_at = books.clock() + RETRY_SECONDS
                continue
            books.ledger.posted(outgoing.to, outgoing.message.id or "", books.clock())
            if outgoing.file is not None:
                outgoing.file.unlink(missing_ok=True)

    async def _look(self, agent: str) -> None:
        """Looks at a mailbox; at what has come alone, when the rest is as it was and tells nothing new."""
        books = self._books
        reading = await mailbox.read_on(books.layout, agent, self._known.pop(agent, None))
        letters = _letters(agent, reading.contents)
        if reading.appended and not books.ledger.goes_on(agent, letters):
            reading = await mailbox.read_on(books.layout, agent, None)
            letters = _letters(agent, reading.contents)
        contents = reading.contents
        books.malformed(contents.malformed)
        if contents.malformed and not contents.messages:
            self._inboxes.again(f"{agent}.json")
            self._retry_at = books.clock() + RETRY_SECONDS
            return  # perhaps the whole file is torn: that nothing is seen proves nothing
        now, first = books.clock(), self._first
        look = books.ledger.look(agent, letters, now, first=first, appended=reading.appended)
        books.write(look.entries)
        if look.plain:
            self._known[agent] = reading.known
        for post in look.left:
            if post.type in SHOWN and not post.uncertain:
                books.write(books.board.wakes(agent, post.present))

    async def _take(self) -> None:
        try:
            await mailbox.take(self._books.layout, TEAM_LEAD, keep=self._keep)
        except (LockTimeoutError, LockLostError, OSError):
            self._inboxes.again(f"{TEAM_LEAD}.json")
            self._retry_at = self._books.clock() + RETRY_SECONDS

    def _keep(self, contents: Contents) -> None:
        """Under the lock of team-lead's mailbox: what is journalled here may be removed."""
        books = self._books
        books.malformed(contents.malformed)
        letters = _letters(TEAM_LEAD, contents)
        known = {letter.id for letter in letters if letter.id is not None and books.ledger.knows(letter.id)}
        books.write(books.ledger.taken(letters, TEAM_LEAD, books.clock()))
        for (
            letter
        ) in letters:  # also what a crash has journalled and not looked at: nobody else will ask again
            self._note_ask(letter, known=letter.id in known)
        books.journal.sync()
        for letter in letters:
            if letter.id not in known:
                self._interpret(letter)

    def _interpret(self, letter: Letter) -> None:
        """What an agent tells team-lead in a protocol message changes its state."""
        data = protocol_object(letter.text)
        if data is not None:
            at = seconds(data.get("timestamp"), seconds(letter.written, self._books.clock()))
            self._books.write(self._books.board.notified(letter.sender, data, at))

    def _note_ask(self, letter: Letter, *, known: bool) -> None:
        """Journals what asks for a person's answer; one that nobody could answer is set aside and said."""
        data, books, agent = protocol_object(letter.text), self._books, letter.sender
        if data is None or data["type"] not in ASKING:
            return
        at = seconds(data.get("timestamp"), seconds(letter.written, books.clock()))
        outlived = at < seconds(books.starts.get(agent), 0.0)
        asked = books.asks.asked(agent, data, rfc3339(at), outlived=outlived)
        if asked:
            books.write(asked)
            books.reflect_asks(agent, at)
        elif not known:
            reason = "a request that cannot be answered: no usable id, no agent of this team, or asked before"
            books.malformed([Malformed(f"{TEAM_LEAD}.json", reason, letter.text[:200])])


def _letters(agent: str, contents: Contents) -> list[Letter]:
    return [_letter(agent, message) for message in contents.messages if not message.read]


def _letter(to: str, message: Message | Mapping[str, Any]) -> Letter:
    found = message if isinstance(message, Message) else Message(message)
    return Letter(found.sender, to, found.text, found.summary, found.written, found.id)
