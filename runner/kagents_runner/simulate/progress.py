"""How far a simulated agent has come: kept in its home, so that a new attempt goes on from there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from kagents_core.teamfiles.files import read_bounded, replace_file
from kagents_core.teamfiles.mailbox import Contents, Message

FILE: Final = "simulation.json"
LIMIT: Final = 16 * 1024 * 1024
KEPT: Final = 10_000
"""Senders of received messages that are remembered."""


@dataclass
class Progress:
    """The next step, and what was received and not yet waited for."""

    path: Path
    step: int = 0
    turns: int = 0
    unused: list[str] = field(default_factory=list)
    """Senders of messages that no ``wait`` has used up."""
    unread: list[dict[str, Any]] = field(default_factory=list)
    """Messages taken from the mailbox that have not reached the transcript."""
    known: list[str] = field(default_factory=list)
    """Ids of messages that were taken: one that was delivered twice is read once."""
    shutdown: str | None = None
    """The id of a request to shut down that was read and is not answered for certain."""
    plan: str | None = None
    """The id of a plan that was submitted and not answered: it outlives a kill, other requests do not."""

    @classmethod
    def load(cls, home: Path) -> "Progress":
        """What a former attempt left; a fresh start when there is nothing, or nothing readable."""
        path = home / FILE
        try:
            kept = orjson.loads(read_bounded(path, LIMIT))
            return cls(
                path,
                int(kept["step"]),
                int(kept["turns"]),
                list(kept["unused"]),
                list(kept["unread"]),
                list(kept["known"]),
                kept["shutdown"],
                kept.get("plan"),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return cls(path)

    def save(self) -> None:
        """Store it. A kill loses nothing. A loss of power may cost the last steps, which are then done again:
        better than a disk that a hundred agents keep busy."""
        document = {
            "step": self.step,
            "turns": self.turns,
            "unused": self.unused[-KEPT:],
            "unread": self.unread,
            "known": self.known[-KEPT:],
            "shutdown": self.shutdown,
            "plan": self.plan,
        }
        replace_file(self.path, orjson.dumps(document))

    def keep(self, contents: Contents) -> None:
        """Store mail under the mailbox's lock, before it is removed from there."""
        new = [message for message in contents.messages if message.id not in self.known]
        self.unread += [dict(message.raw) for message in new]
        self.known += [message.id for message in new if message.id is not None]
        self.save()

    def waiting(self) -> list[Message]:
        """Mail that was taken and not looked at."""
        return [Message(raw) for raw in self.unread]

    def looked_at(self, messages: Sequence[Message]) -> None:
        """Mail has reached the transcript."""
        self.unread = []
        self.unused += [message.sender for message in messages if message.type == "message"]
        for message in messages:
            if message.type == "shutdown_request":
                self.shutdown = str((message.data or {}).get("requestId", ""))
        self.save()

    def answer(self, request: str) -> Mapping[str, Any] | None:
        """A person's answer to a request, if it was taken; it never reaches the transcript as mail."""
        for raw in self.unread:
            if _answers(raw, request):
                self.unread.remove(raw)
                self.plan = None if self.plan == request else self.plan
                self.save()
                return Message(raw).data
        return None

    def answered(self, request: str) -> bool:
        """Whether the answer to a request was taken."""
        return any(_answers(raw, request) for raw in self.unread)

    def use_up(self, sender: str) -> bool:
        """Whether a message of this sender was there to be waited for; used up once the step is done."""
        if sender not in self.unused:
            return False
        self.unused.remove(sender)
        return True

    def advance(self) -> None:
        """A step is done."""
        self.step += 1
        self.save()


def _answers(raw: Mapping[str, Any], request: str) -> bool:
    data = Message(raw).data or {}
    return request in (data.get("request_id"), data.get("requestId"))
