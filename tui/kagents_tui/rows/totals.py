"""Sums over all teams, for the title line."""

from collections.abc import Mapping
from typing import NamedTuple

from kagents_tui.rows.teams import Key, Team


class Sums(NamedTuple):
    """Sums at one moment: ``cost`` in micro-dollars, ``estimated`` if no gateway has counted a part of it."""

    teams: int
    working: int
    cost: int
    estimated: bool
    people: int
    """Teams that need a person."""


class Totals:
    """Sums over all teams, kept change by change: ten thousand teams are not counted anew for one of them.

    What waits for a person's decision waits from the moment it is there, so nothing here depends on the time.
    """

    def __init__(self) -> None:
        self.people: dict[Key, Team] = {}
        """The teams that need a person's decision."""
        self._counted: dict[Key, tuple[int, int, int]] = {}
        self._working = 0
        self._cost = 0
        self._estimated = 0

    def take(self, changes: Mapping[Key, Team | None]) -> None:
        """Some teams changed; None is a team that is gone."""
        for key, team in changes.items():
            if key in self._counted:
                self._add(self._counted.pop(key), -1)
            self.people.pop(key, None)
            if team is None:
                continue
            cost = team.cost or 0
            self._counted[key] = (team.working, cost, int(team.estimated and cost > 0))
            self._add(self._counted[key], 1)
            if any(need.for_person for need in team.needs):
                self.people[key] = team

    def _add(self, counted: tuple[int, int, int], sign: int) -> None:
        working, cost, estimated = counted
        self._working += sign * working
        self._cost += sign * cost
        self._estimated += sign * estimated

    @property
    def now(self) -> Sums:
        """The sums as they are."""
        return Sums(len(self._counted), self._working, self._cost, self._estimated > 0, len(self.people))
