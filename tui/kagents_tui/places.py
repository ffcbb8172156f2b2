"""Where a person is and was: a view with its filter and order, and the history of such views."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kagents_tui.rows.fields import mapping, sequence

HISTORY_LIMIT: Final = 100
SINCE_LIMIT: Final = 7 * 24 * 60
"""Minutes."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a list is looked at: what is left out, in which order, with which columns."""

    filter: str = ""
    labels: tuple[str, ...] = ()
    """Label selectors that all must hold, ``key=value`` each."""
    sort: str | None = None
    """A column's title; None is the list's own order."""
    reversed: bool = False
    wide: bool = False
    people: bool = False
    """Only what needs a person."""
    other: bool = False
    """The other of two views: threads instead of messages, the list instead of the board."""
    since: int | None = None
    """Of a log: only the last so many minutes."""


@dataclass(frozen=True, slots=True)
class Place:
    """One view: its kind (an action that ``opens`` a screen, or a drilled view), what it shows, its look."""

    kind: str
    about: tuple[str, ...] = ()
    """What a drilled view shows: a namespace and a team's name, then for instance an agent."""
    look: Look = Look()

    def document(self) -> dict[str, Any]:
        """As JSON has it, for the state that is kept over restarts."""
        look = self.look
        return {
            "kind": self.kind,
            "about": list(self.about),
            "filter": look.filter,
            "labels": list(look.labels),
            "sort": look.sort,
            "reversed": look.reversed,
            "wide": look.wide,
            "people": look.people,
            "other": look.other,
            "since": look.since,
        }


def place_of(document: object) -> Place | None:
    """What ``Place.document`` wrote; None when it is none. A field of the wrong type reads as absent."""
    source: Mapping[str, Any] = mapping(document)
    kind, sort, since = source.get("kind"), source.get("sort"), source.get("since")
    if not isinstance(kind, str) or not kind:
        return None
    return Place(
        kind,
        _words(source.get("about")),
        Look(
            filter=str(source.get("filter") or "")[:1000],
            labels=_words(source.get("labels")),
            sort=sort if isinstance(sort, str) else None,
            reversed=source.get("reversed") is True,
            wide=source.get("wide") is True,
            people=source.get("people") is True,
            other=source.get("other") is True,
            since=since if type(since) is int and 0 < since <= SINCE_LIMIT else None,
        ),
    )


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(each)[:1000] for each in sequence(value)[:20])


@dataclass(slots=True)
class History:
    """The places a person has been to, the oldest first, and where in them she is."""

    places: list[Place] = field(default_factory=list)
    at: int = -1
    last: int = -1
    """Where she was before, for going there and back."""

    @property
    def here(self) -> Place | None:
        """The present place."""
        return self.places[self.at] if self.places else None

    def look(self, look: Look) -> None:
        """The present place is looked at in another way."""
        if self.places:
            self.places[self.at] = replace(self.places[self.at], look=look)

    def visit(self, place: Place) -> None:
        """A new place. What lay ahead is forgotten; the same view once more is no new place."""
        here = self.here
        if here is not None and (here.kind, here.about) == (place.kind, place.about):
            self.places[self.at] = place
            return
        del self.places[self.at + 1 :]
        self.last = self.at
        self.places.append(place)
        surplus = max(0, len(self.places) - HISTORY_LIMIT)
        del self.places[:surplus]
        self.at = len(self.places) - 1
        self.last -= surplus

    def step(self, by: int) -> Place | None:
        """One place back or ahead; None at the end."""
        return self._to(self.at + by)

    def swap(self) -> Place | None:
        """The place before this one; again, this one. None when there is none."""
        return self._to(self.last)

    def _to(self, index: int) -> Place | None:
        if not 0 <= index < len(self.places) or index == self.at:
            return None
        self.last, self.at = self.at, index
        return self.places[index]
