"""The cluster counted: as it is now, and what happened since the terminal was started. From watches alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
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
    tally = Tally()
    for team in teams:
        tally.add(team)
    return tally.now()


class Tally:
    """A count that is kept: a team that changed is taken out as it was, and put in as it is.

    Nothing that is counted depends on the time.
    """

    def __init__(self) -> None:
        self._teams = self._agents = self._tasks = self._unread = self._waiting = 0
        self._phases: Counter[str] = Counter()
        self._states: Counter[str] = Counter()
        self._flow = [0] * len(NOTHING)
        self._needy: dict[Key, Team] = {}
        """Those that have not ended and need something."""

    def add(self, team: Team) -> None:
        """One more team."""
        self._take(team, +1)
        if team.needs and team.phase not in ENDED_PHASES:
            self._needy[team.key] = team

    def remove(self, team: Team) -> None:
        """A team, as it was added."""
        self._take(team, -1)
        self._needy.pop(team.key, None)

    def _take(self, team: Team, sign: int) -> None:
        self._teams += sign
        self._phases[team.phase] += sign
        self._tasks += sign * team.tasks_total
        for place, figure in enumerate(flow_of(team)):
            self._flow[place] += sign * max(0, figure)
        if team.phase in ENDED_PHASES:
            return
        self._agents += sign * team.agents
        self._unread += sign * team.unread
        self._waiting += sign * sum(1 for need in team.needs if need.for_person)
        for state in team.states:
            self._states[state] += sign

    def now(self) -> Count:
        """What was added and not removed."""
        since = [
            (need.since, need, team.key)
            for team in self._needy.values()
            for need in team.needs
            if need.since is not None
        ]
        unread = [each for each in since if each[1].kind == "mail"]
        duties = [each for each in since if each[1].for_person]
        oldest_unread = min(unread, key=itemgetter(0, 2), default=None)
        return Count(
            self._teams,
            dict(+self._phases),
            dict(+self._states),
            self._agents,
            Flow(*self._flow),
            self._tasks,
            self._unread,
            (oldest_unread[0], oldest_unread[2]) if oldest_unread else None,
            self._waiting,
            min(duties, key=itemgetter(0, 2), default=None),
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

    ``flow`` counts what was added since then: by teams that were there, from what they had when they were
    first seen; by teams that were made later, from nothing.
    """

    scope: object = None
    """Which cluster and namespaces are counted; with others everything begins anew."""
    began: datetime | None = None
    flow: Flow = NOTHING
    curves: dict[str, Series] = field(default_factory=dict)
    now: Count | None = None
    _tally: Tally = field(default_factory=Tally)
    _known: dict[Key, Team] = field(default_factory=dict)
    """Those that the tally has, as it has them."""
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
        self._take(teams)
        self.now = now = self._tally.now()
        self._recent = [each for each in self._recent if at - each[0] <= timedelta(hours=1)]
        self._recent.append((at, before if first else self.flow))
        points = {"teams": now.teams, "agents": now.states.get("working", 0), "unread": now.unread}
        points |= {"waiting": now.waiting} | NOTHING.more(self.flow, before)._asdict()
        points |= {f"phase {name}": number for name, number in now.phases.items()}
        points |= {f"state {name}": number for name, number in now.states.items()}
        for name in {*points, *self.curves}:
            self.curves.setdefault(name, Series()).add(points.get(name, 0))

    def _take(self, teams: Mapping[Key, Team]) -> None:
        """Counts those that are others than at the last sample: of ten thousand teams few are."""
        known = self._known
        for key in known.keys() - teams.keys():
            self._tally.remove(known.pop(key))
        for key, team in teams.items():
            before = known.get(key)
            if before is team:
                continue
            figures = flow_of(team)
            if before is not None:
                self._tally.remove(before)
            if before is not None and before.uid == team.uid:
                had = flow_of(before)
            else:
                young = self.began is not None and team.created is not None and team.created > self.began
                had = NOTHING if young else figures
            self.flow = self.flow.more(figures, had)
            self._tally.add(team)
            known[key] = team

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
        self.now, self.curves, self._recent = None, {}, []
        self._tally, self._known = Tally(), {}
