"""What the ledger remembers of messages that are not settled yet."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from kagents_runner.record.letters import Letter

CLAIM_GRACE: Final = 5.0
"""Seconds that a claim waits for the mailbox entry with its id."""
SIGHTING_GRACE: Final = 10.0
"""Seconds that a sighting waits for hook or mailbox."""
SHOWN: Final = frozenset({"message", "task_assignment", "plan_approval_response"})
"""Types that stand in the receiver's transcript; only these can be unread or lost."""

Place = Literal["queued", "sent", "lying", "gone"]


@dataclass(slots=True)
class Post:
    """A journalled message that is not settled. Times are seconds since 1970 by the recorder's clock.

    ``place``: queued (kagents has still to put it into the mailbox), sent (told by a hook, the mailbox was
    not looked at since), lying (in the mailbox), gone. ``present`` is when it was last known to be on its way
    or lying.
    """

    id: str
    sender: str
    to: str
    type: str
    head: str
    tally: "Tally"
    place: Place
    present: float
    first: float
    """When the journal first told of it."""
    gone: float = 0.0
    uncertain: bool = False
    """It went while no recorder was watching: ``gone`` is only when that was noticed."""
    seen: bool = False


@dataclass(slots=True)
class Tally:
    """Messages of one likeness: how many are journalled, and which of them some source has still to tell."""

    to: str
    mark: bytes
    """What it is recognised by."""
    count: int = 0
    matured: int = 0
    """Claims whose grace is over."""
    spare: int = 0
    """Sightings that may still come and are explained: a message was put back, or is remembered no more."""
    anonymous: list[str] = field(default_factory=list)
    """Derived ids whose real ones nobody has told."""
    unseen: list[Post] = field(default_factory=list)
    """Not sighted, the oldest first; also of types that are never shown."""

    @property
    def at_rest(self) -> bool:
        """Whether two numbers are all that must be remembered of it."""
        return not self.unseen and not self.anonymous and not self.matured


@dataclass(frozen=True, slots=True)
class Pending:
    """A claim or a sighting that waits. ``key`` tells it apart from every other one of its source."""

    kind: Literal["claim", "sighting"]
    key: str
    letter: Letter
    due: float

    def pack(self) -> list[Any]:
        """As it is kept in recorder.json."""
        letter = self.letter
        told = [letter.sender, letter.to, letter.text, letter.summary, letter.written]
        return [self.kind, self.key, self.due, *told]

    @classmethod
    def unpack(cls, packed: list[Any]) -> Self:
        """What ``pack`` gave."""
        kind, key, due, *told = packed
        return cls(kind, key, Letter(*told), due)
