"""Sums over all teams, for the title line."""

from collections.abc import Mapping

from kagents_tui.rows.teams import Key, Team


class Totals:
    """Sums over all teams, kept change by change: ten thousand teams are not counted anew for one of them.

    What waits for a person's decision waits from the moment it is there, so nothing here depends on the time.
    """

    def __init__(self) -> None:
        self.people: dict[Key, Team] = {}
        """The teams that need a person's decision."""
        self._counted: dict[Key, tuple[int, int]] = {}
        self._working = 0
        self._cost = 0

    def take(self, changes: Mapping[Key, Team | None]) -> None:
        """Some teams changed; None is a team that is gone."""
        for key, team in changes.items():
            working, cost = self._counted.pop(key, (0, 0))
            self._working -= working
            self._cost -= cost
            self.people.pop(key, None)
            if team is None:
                continue
            self._counted[key] = (team.working, team.cost or 0)
            self._working += team.working
            self._cost += team.cost or 0
            if any(need.for_person for need in team.needs):
                self.people[key] = team

    @property
    def now(self) -> tuple[int, int, int, int]:
        """Teams, agents working, micro-dollars so far, and teams that need a person."""
        return len(self._counted), self._working, self._cost, len(self.people)
