"""What a team of the demonstration is made of: who is in it, what they do, what they ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Role:
    """One agent. ``doing`` is what it is seen at, in turn."""

    name: str
    prompt: str
    doing: tuple[str, ...] = ("Read README.md",)
    model: str = "sonnet"
    after: tuple[str, ...] = ()
    gate: bool = False
    makes: tuple[str, ...] = ()
    """Artifacts, by their names in ``leavings.CONTENT``; ``coverage`` is never made."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What an agent asks of a person, and since how many minutes. ``then`` is what it does next."""

    agent: str
    kind: str
    tool: str
    summary: str
    given: Mapping[str, Any]
    minutes: float
    then: str


@dataclass(frozen=True, slots=True)
class Cast:
    """One team. Tasks are pairs of owner and subject; the first ``done`` of them are completed."""

    namespace: str
    name: str
    age: float
    """Minutes."""
    roles: tuple[Role, ...]
    tasks: tuple[tuple[str, str], ...] = ()
    done: int = 0
    talk: tuple[tuple[float, str, str, str, str], ...] = ()
    """Minutes ago, sender, receiver, summary, text."""
    asks: tuple[Ask, ...] = ()
    phase: str = "Running"
    why: str = ""
    budget: str | None = None
    cost: float = 1.0
    repository: str | None = None
    unread: Mapping[str, float] = field(default_factory=dict)
    """Who has not looked at mail, and since how many minutes."""
    silent: Mapping[str, float] = field(default_factory=dict)
    """Of whom nothing was heard, and since how many minutes."""
    restarts: Mapping[str, int] = field(default_factory=dict)
