"""What is known of messages, asked without a change: the ledger's answers to the recorder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kagents_runner.record.letters import Letter
from kagents_runner.record.posts import SHOWN, Post
from kagents_runner.record.register import Register
from kagents_runner.record.shelves import Shelves

Entries = list[Mapping[str, Any]]


_ELSEWHERE: Final = frozenset({"_register", "_pending", "_sightings"})
"""Parts that are no part of the digest: ``state`` tells of what waits."""


@dataclass(frozen=True, slots=True)
class Look:
    """What follows from a look into a mailbox."""

    entries: Entries
    left: Sequence[Post]
    """What was not found there any more."""
    plain: bool
    """Whether every letter is known by the id that it bears."""


class OpenMail:
    """Known messages, and those of them that are not settled."""

    def __init__(self) -> None:
        self._register = Register()
        self._shelves = Shelves()

    def learned(self) -> dict[str, object]:
        """The parts that follow from the journal, for its digest."""
        kept = {name: value for name, value in vars(self).items() if name not in _ELSEWHERE}
        return kept | {"_register": self._register.learned()}

    def relearn(self, learned: Mapping[str, Any]) -> None:
        """Takes over what ``learned`` gave. Where messages are the first look at the mailboxes tells."""
        self._register.relearn(learned["_register"])
        vars(self).update({name: value for name, value in learned.items() if name != "_register"})
        self._shelves.start_again()

    def goes_on(self, agent: str, letters: Sequence[Letter]) -> bool:
        """Whether letters behind those of the last look can be taken alone: each by an id of its own, and
        with everything among them that was told of since."""
        ids = {letter.id for letter in letters}
        return (
            len(ids) == len(letters)
            and all(self._register.is_plain(letter) for letter in letters)
            and self._shelves.untold(agent).keys() <= ids
        )

    def knows(self, message_id: str) -> bool:
        """Whether the journal holds this id, also as another name."""
        return message_id in self._register

    def to_look_at(self) -> list[str]:
        """Agents whose mailboxes must be read to learn whether a message still lies there."""
        return self._shelves.receivers_untold()

    def unread(self, agent: str) -> tuple[Post, ...]:
        """Messages the agent has not looked at."""
        return tuple(post for post in self._shelves.of(agent) if post.type in SHOWN)

    def count_unread(self, agent: str) -> int:
        """How many messages the agent has not looked at."""
        return self._shelves.shown(agent)

    def oldest_unread(self, agent: str) -> Post | None:
        """Of them the one that the journal has told of first."""
        return self._shelves.oldest_shown(agent)

    def held(self, agent: str) -> tuple[Post, ...]:
        """Of them those that it has taken out of its mailbox."""
        return self._shelves.held(agent)

    def waits(self, agent: str, message_id: str) -> bool:
        """Whether a message has not left kagents or the mailbox yet."""
        post = self._post(agent, message_id)
        return post is not None and post.place != "gone"

    def settled(self, to: str, message_id: str) -> bool:
        """Whether a message has reached its receiver for good."""
        return message_id in self._register and self._post(to, message_id) is None

    def lost(self, agent: str, since: float) -> tuple[Post, ...]:
        """Messages that the agent's process before ``since`` took and never wrote into its transcript."""
        return tuple(
            post
            for post in self._shelves.of(agent)
            if post.place == "gone" and (post.gone <= since or (post.uncertain and post.present < since))
        )

    def _post(self, to: str, message_id: str) -> Post | None:
        return self._shelves.find(to, self._register.name(message_id))
