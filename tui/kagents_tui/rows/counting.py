"""The cluster counted: as it is now, and what happened since the terminal was started. From watches alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from kagents_tui.rows.attention import ENDED_PHASES, Need
from kagents_tui.rows.teams import Key, Team

SAMPLE: Final = timedelta(seconds=5)
POINTS: Final = 40
"""Points of a curve; when there are twice as many, every two become one."""


class Flow(NamedTuple):
    """What only grows, of one team or of all: micro-dollars, requests to models, finished tasks, messages."""

    spent: int = 0
    requests: int = 0
    tasks: int = 0
    messages: int = 0

    def more(self, now: "Flow", had: "Flow") -> "Flow":
        """With what was added from ``had`` to ``now``; a figure that fell has added nothing."""
        return Flow(*(whole + max(0, new - old) for whole, new, old in zip(self, now, had, strict=True)))


NOTHING: Final = Flow()


def flow_of(team: Team) -> Flow:
    """The figures of a team."""
    return Flow(team.cost or 0, team.requests, team.tasks_done, team.messages)


@dataclass(frozen=True, slots=True)
class Count:
    """The cluster at one moment. ``oldest`` is the person's oldest duty with its team."""

    teams: int
    phases: Mapping[str, int]
    states: Mapping[str, int]
    agents: int
    flow: Flow
    tasks: int
    unread: int
    oldest_unread: tuple[datetime, Key] | None
    waiting: int
    oldest: tuple[datetime, Need, Key] | None


def count(teams: Iterable[Team]) -> Count:
    """Counts all teams once."""
    phases: dict[str, int] = {}
    states: dict[str, int] = {}
    number = agents = tasks = unread = waiting = 0
    flow = NOTHING
    oldest_unread: tuple[datetime, Key] | None = None
    oldest: tuple[datetime, Need, Key] | None = None
    for team in teams:
        number += 1
        phases[team.phase] = phases.get(team.phase, 0) + 1
        flow = flow.more(flow_of(team), NOTHING)
        tasks += team.tasks_total
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
    return Count(number, phases, states, agents, flow, tasks, unread, oldest_unread, waiting, oldest)


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

    ``flow`` counts what was added since then: by teams that were there, from what they had when they were
    first seen; by teams that were made later, from nothing.
    """

    scope: object = None
    """Which cluster and namespaces are counted; with others everything begins anew."""
    began: datetime | None = None
    flow: Flow = NOTHING
    curves: dict[str, Series] = field(default_factory=dict)
    now: Count | None = None
    _known: dict[tuple[Key, str], Flow] = field(default_factory=dict)
    _recent: list[tuple[datetime, Flow]] = field(default_factory=list)

    def sample(self, teams: Mapping[Key, Team], at: datetime, scope: object = None) -> None:
        """Counts the cluster as it is now, and adds a point to every curve; at most every ``SAMPLE``."""
        if scope != self.scope:
            self.forget()
            self.scope = scope
        if self._recent and at - self._recent[-1][0] < SAMPLE:
            return
        first, before = self.began is None, self.flow
        self.began = self.began or at
        known = {}
        for team in teams.values():
            figures = flow_of(team)
            young = team.created is not None and team.created > self.began
            had = self._known.get((team.key, team.uid), NOTHING if young else figures)
            self.flow = self.flow.more(figures, had)
            known[team.key, team.uid] = figures
        self._known = known
        self.now = now = count(teams.values())
        self._recent = [each for each in self._recent if at - each[0] <= timedelta(hours=1)]
        self._recent.append((at, before if first else self.flow))
        points = {"teams": now.teams, "agents": now.states.get("working", 0), "unread": now.unread}
        points |= {"waiting": now.waiting} | NOTHING.more(self.flow, before)._asdict()
        points |= {f"phase {name}": number for name, number in now.phases.items()}
        points |= {f"state {name}": number for name, number in now.states.items()}
        for name in {*points, *self.curves}:
            self.curves.setdefault(name, Series()).add(points.get(name, 0))

    def rate(self, which: str, per: timedelta) -> float | None:
        """How much of one figure of ``Flow`` was added in the last hour of the session, per span of time.

        None in the first half minute.
        """
        if len(self._recent) < 2:
            return None
        (began, first), (ended, last) = self._recent[0], self._recent[-1]
        lived = (ended - began).total_seconds()
        if lived < 30:
            return None
        added: int = getattr(last, which) - getattr(first, which)
        return added * per.total_seconds() / lived

    def forget(self) -> None:
        """Another cluster, or other namespaces: everything begins anew."""
        self.began, self.flow = None, NOTHING
        self.now, self.curves, self._known, self._recent = None, {}, {}, []
