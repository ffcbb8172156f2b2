"""The cluster counted: as it is now, and what happened since the terminal was started. From watches alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from kagents_tui.rows.attention import ENDED_PHASES, Need
from kagents_tui.rows.teams import Key, Team

SAMPLE: Final = timedelta(seconds=5)
POINTS: Final = 40
"""Points of a curve; when there are twice as many, every two become one."""


@dataclass(frozen=True, slots=True)
class Count:
    """The cluster at one moment. ``oldest`` is the person's oldest duty with its team."""

    teams: int
    phases: Mapping[str, int]
    states: Mapping[str, int]
    agents: int
    spent: int
    requests: int
    tasks_done: int
    tasks: int
    unread: int
    oldest_unread: tuple[datetime, Key] | None
    waiting: int
    oldest: tuple[datetime, Need, Key] | None


def count(teams: Iterable[Team]) -> Count:
    """Counts all teams once."""
    phases: dict[str, int] = {}
    states: dict[str, int] = {}
    number = agents = spent = requests = done = tasks = unread = waiting = 0
    oldest_unread: tuple[datetime, Key] | None = None
    oldest: tuple[datetime, Need, Key] | None = None
    for team in teams:
        number += 1
        phases[team.phase] = phases.get(team.phase, 0) + 1
        spent += team.cost or 0
        requests += team.requests
        done, tasks = done + team.tasks_done, tasks + team.tasks_total
        if team.phase in ENDED_PHASES:
            continue
        agents += team.agents
        for state in team.states:
            states[state] = states.get(state, 0) + 1
        unread += team.unread
        for need in team.needs:
            if (
                need.kind == "mail"
                and need.since
                and (oldest_unread is None or need.since < oldest_unread[0])
            ):
                oldest_unread = (need.since, team.key)
            if need.for_person:
                waiting += 1
                if need.since and (oldest is None or need.since < oldest[0]):
                    oldest = (need.since, need, team.key)
    return Count(
        number, phases, states, agents, spent, requests, done, tasks, unread, oldest_unread, waiting, oldest
    )


@dataclass(slots=True)
class Series:
    """A curve of at most ``2 * POINTS`` values over a whole session: it becomes coarser, never longer."""

    values: list[float] = field(default_factory=list)
    step: int = 1
    _sum: float = 0.0
    _held: int = 0

    def add(self, value: float) -> None:
        """Takes the next value in."""
        self._sum += value
        self._held += 1
        if self._held < self.step:
            return
        self.values.append(self._sum / self._held)
        self._sum, self._held = 0.0, 0
        if len(self.values) >= 2 * POINTS:
            self.values = [
                (first + second) / 2 for first, second in zip(*[iter(self.values)] * 2, strict=False)
            ]
            self.step *= 2


@dataclass(slots=True)
class Session:
    """What has happened since the terminal was started, from the counts of the watches alone.

    ``spent``, ``requests`` and ``tasks`` count what was added since then: by teams that were there, from what
    they had when they were first seen; by teams that were made later, from nothing.
    """

    scope: object = None
    """Which cluster and namespaces are counted; with others everything begins anew."""
    began: datetime | None = None
    spent: int = 0
    requests: int = 0
    tasks: int = 0
    curves: dict[str, Series] = field(default_factory=dict)
    now: Count | None = None
    _known: dict[tuple[Key, str], tuple[int, int, int]] = field(default_factory=dict)
    _recent: list[tuple[datetime, int, int, int]] = field(default_factory=list)

    def sample(self, teams: Mapping[Key, Team], at: datetime, scope: object = None) -> None:
        """Counts the cluster as it is now, and adds a point to every curve; at most every ``SAMPLE``."""
        if scope != self.scope:
            self.forget()
            self.scope = scope
        if self._recent and at - self._recent[-1][0] < SAMPLE:
            return
        first, before = self.began is None, (self.spent, self.requests, self.tasks)
        self.began = self.began or at
        known = {}
        for team in teams.values():
            figures = (team.cost or 0, team.requests, team.tasks_done)
            young = team.created is not None and team.created > self.began
            had = self._known.get((team.key, team.uid), (0, 0, 0) if young else figures)
            self.spent += max(0, figures[0] - had[0])
            self.requests += max(0, figures[1] - had[1])
            self.tasks += max(0, figures[2] - had[2])
            known[team.key, team.uid] = figures
        self._known = known
        self.now = now = count(teams.values())
        self._recent = [each for each in self._recent if at - each[0] <= timedelta(hours=1)]
        self._recent.append((at, *before) if first else (at, self.spent, self.requests, self.tasks))
        points = {"teams": now.teams, "agents": now.states.get("working", 0), "unread": now.unread}
        points |= {"waiting": now.waiting, "spent": self.spent - before[0]}
        points |= {"requests": self.requests - before[1], "tasks": self.tasks - before[2]}
        points |= {f"phase {name}": number for name, number in now.phases.items()}
        points |= {f"state {name}": number for name, number in now.states.items()}
        for name in {*points, *self.curves}:
            self.curves.setdefault(name, Series()).add(points.get(name, 0))

    def rate(self, which: int, per: timedelta) -> float | None:
        """What was added in the last hour of the session, per span of time: 0 money, 1 requests, 2 tasks.

        None in the first half minute.
        """
        if len(self._recent) < 2:
            return None
        first, last = self._recent[0], self._recent[-1]
        lived = (last[0] - first[0]).total_seconds()
        if lived < 30:
            return None
        return (last[1:][which] - first[1:][which]) * per.total_seconds() / lived

    def forget(self) -> None:
        """Another cluster, or other namespaces: everything begins anew."""
        self.began, self.spent, self.requests, self.tasks = None, 0, 0, 0
        self.now, self.curves, self._known, self._recent = None, {}, {}, []
