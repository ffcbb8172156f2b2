"""Spans as plain data, and their ids: the same for the same thing, whichever recorder tells it."""

import hashlib
from dataclasses import dataclass, field
from typing import Final

Value = str | int | float | bool

MOST_EVENTS: Final = 128
"""Moments of one span; of later ones only the number is told."""


@dataclass(slots=True)
class Span:
    """A part of a team's life. Times are seconds since 1970."""

    name: str
    id: bytes
    parent: bytes | None
    start: float
    end: float = 0.0
    attributes: dict[str, Value] = field(default_factory=dict)
    moments: list[tuple[float, str, dict[str, Value]]] = field(default_factory=list)
    failed: str | None = None
    """Why it did not end well, in one harmless word or two."""

    def add(self, key: str, amount: int) -> None:
        """Add to a number."""
        before = self.attributes.get(key, 0)
        self.attributes[key] = (before if isinstance(before, int) else 0) + amount

    def mark(self, at: float, name: str, **attributes: Value) -> None:
        """Something happened at this moment."""
        if len(self.moments) < MOST_EVENTS:
            self.moments.append((at, name, attributes))
        else:
            self.add("kagents.moments_left_out", 1)

    def pack(self) -> list[object]:
        """As JSON holds it."""
        parent = None if self.parent is None else self.parent.hex()
        moments = [list(moment) for moment in self.moments]
        return [self.name, self.id.hex(), parent, self.start, self.attributes, moments]

    @classmethod
    def unpack(cls, packed: list[object]) -> "Span":
        """What ``pack`` gave. Raises ValueError or TypeError for anything else."""
        name, own, parent, start, attributes, moments = packed
        if not isinstance(attributes, dict) or not isinstance(moments, list):
            raise TypeError("not a span")
        above = None if parent is None else bytes.fromhex(str(parent))
        kept = [(float(at), str(what), dict(more)) for at, what, more in moments]
        return cls(str(name), bytes.fromhex(str(own)), above, float(str(start)), 0.0, attributes, kept)


def trace_id(uid: str) -> bytes:
    """The trace of the team of this UID."""
    return hashlib.sha256(f"kagents trace\0{uid}".encode()).digest()[:16]


def span_id(uid: str, *what: object) -> bytes:
    """The id of one thing of that team."""
    named = "\0".join(("kagents span", uid, *map(str, what)))
    return hashlib.sha256(named.encode("utf-8", "replace")).digest()[:8]
