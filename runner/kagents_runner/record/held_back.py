"""Mail that an agent has taken out of its mailbox and does not read: when to wake it. Pure.

The CLI may take a message in the moment in which a turn ends and hold it back until the next one comes, which
then brings both (docs/protocol-notes.md). Without another message that is never.
"""

from collections.abc import Sequence
from typing import Final

from kagents_runner.record.posts import SIGHTING_GRACE, Post

PAUSES: Final = (SIGHTING_GRACE + 2.0, 30.0, 120.0)
"""Seconds without a sign of a turn until the agent is woken, then until the next time; beyond, it is left.
The first is longer than a transcript's line may wait to be matched with its message.
"""
WORDS: Final = "Mail for you came while your last turn ended and was held back: read it now, and go on."


class HeldBack:
    """How often each agent was woken for what it holds back."""

    def __init__(self) -> None:
        self._woken: dict[str, tuple[int, float]] = {}

    def due(self, agent: str, quiet_since: float | None, held: Sequence[Post]) -> float | None:
        """When the agent must be woken (seconds since 1970) for what it has taken and not looked at; None
        when it holds nothing back."""
        if not held:
            self._woken.pop(agent, None)
        if not held or quiet_since is None:
            return None
        times, last = self._woken.get(agent, (0, 0.0))
        if times == len(PAUSES):
            return None
        return max(quiet_since, last, *(post.gone for post in held)) + PAUSES[times]

    def woken(self, agent: str, now: float) -> None:
        """The agent was sent another message."""
        self._woken[agent] = self._woken.get(agent, (0, 0.0))[0] + 1, now

    def waiting(self, agent: str, unread: int, held: int) -> int:
        """How much mail an agent may still look at; what it was woken for in vain holds nobody up."""
        given_up = self._woken.get(agent, (0, 0.0))[0] == len(PAUSES)
        return unread - held if given_up else unread
