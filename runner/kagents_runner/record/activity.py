"""What each agent is doing, from structured signals alone: hooks, its mail to team-lead, its supervisor.

Pure. Each signal has a time; one that is older than the last is ignored, so that a late idle notification
does not hide the turn that began after it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kagents_core.asks import Ask
from kagents_runner.record.hooks import Signal

DETAIL_LIMIT: Final = 500
QUIET_AFTER_RESUME: Final = 20.0
"""Seconds after which a resumed session that shows no sign of a turn counts as idle: the CLI then waits for
mail."""

Entries = list[Mapping[str, Any]]


@dataclass(slots=True)
class Doing:
    """An agent's state since ``since``; ``heard`` is the time of its last signal."""

    state: str
    detail: str | None
    since: float
    heard: float
    attempt: int = 0
    closed: bool = False
    """Its process is gone: only a new one changes the state."""
    woken: bool = False
    """That it works is only concluded from mail it took, and no sign of a turn has followed."""


class ActivityBoard:
    """The states of all agents. Methods return the journal entries that follow."""

    def __init__(self, simulated: Mapping[str, bool]) -> None:
        """``simulated``: for each declared agent whether it is a scripted one."""
        self._simulated = simulated
        self._doing: dict[str, Doing] = {}
        self._held: dict[str, Ask] = {}

    def doing(self, agent: str) -> Doing | None:
        """The agent's state; None before its first signal."""
        return self._doing.get(agent)

    def told(self, agent: str, told: Signal, at: float) -> Entries:
        """A hook or a mail of the agent says what it does since ``at``."""
        doing = self._doing.get(agent)
        if agent not in self._simulated or (doing is not None and (doing.closed or at < doing.heard)):
            return []
        return self._enter(agent, *self._rests(agent, told.state, told.detail), at)

    def hold(self, agent: str, ask: Ask | None) -> None:
        """The agent waits for a person's answer, or (None) for none any more: that is how it rests."""
        if ask is None:
            self._held.pop(agent, None)
        else:
            self._held[agent] = ask

    def waits_for(self, agent: str, ask: Ask | None, at: float) -> Entries:
        """As ``hold``, and from now on it waits, or goes on."""
        self.hold(agent, ask)
        doing = self._doing.get(agent)
        if agent not in self._simulated or (doing is not None and doing.closed):
            return []
        at = at if doing is None else max(at, doing.heard)
        if ask is not None:
            return self._enter(agent, "waiting-permission", detail_of(ask), at)
        if doing is None or doing.state != "waiting-permission":
            return []
        return self._enter(agent, "working", None, at)

    def _rests(self, agent: str, state: str, detail: str | None) -> tuple[str, str | None]:
        """An agent whose turn is over and that waits for a person, as for its plan, is not idle."""
        ask = self._held.get(agent)
        return (state, detail) if state != "idle" or ask is None else ("waiting-permission", detail_of(ask))

    def wakes(self, agent: str, at: float) -> Entries:
        """The agent has taken or read mail at ``at``: if it rested before that, a turn begins."""
        doing = self._doing.get(agent)
        if (
            doing is None
            or doing.closed
            or at <= doing.heard
            or not (doing.state in ("idle", "failed", "starting") or self._only_plan_waits(agent, doing))
        ):
            return []
        entries = self._enter(agent, "working", None, at)
        self._doing[agent].woken = True
        return entries

    def quiet_since(self, agent: str) -> float | None:
        """Since when nothing shows a turn of a living agent: it rests, or only mail should have begun one."""
        doing = self._doing.get(agent)
        if doing is None or doing.closed:
            return None
        quiet = doing.woken or doing.state == "idle" or self._only_plan_waits(agent, doing)
        return doing.heard if quiet else None

    def _only_plan_waits(self, agent: str, doing: Doing) -> bool:
        """Whether it waits between two turns, so that mail begins one."""
        ask = self._held.get(agent)
        return doing.state == "waiting-permission" and ask is not None and ask.kind == "plan"

    def notified(self, agent: str, data: Mapping[str, Any], at: float) -> Entries:
        """A protocol message of the agent to team-lead."""
        if data.get("type") != "idle_notification":
            return []
        if data.get("idleReason") == "failed":
            return self.told(agent, Signal("failed", _text(data.get("failureReason")) or None), at)
        doing = self._doing.get(agent)
        if doing is not None and doing.state == "failed" and data.get("idleReason") is None:
            return []
        return self.told(agent, Signal("idle"), at)

    def supervised(self, agent: str, state: str, attempt: int, at: float, message: str | None) -> Entries:
        """The agent's supervisor says ``starting``, ``running``, ``ended`` or ``failed``."""
        if agent not in self._simulated:
            return []
        doing = self._doing.get(agent)
        entries: Entries = []
        if state in ("starting", "running"):
            replaced = doing is not None and attempt > doing.attempt and at >= doing.heard
            if doing is None or doing.closed or (state == "starting" and replaced):
                entries = self._enter(agent, "starting", None, at)
        elif state in ("ended", "failed"):
            entries = self._enter(agent, state, message, at)
            self._doing[agent].closed = True
        if agent in self._doing:
            self._doing[agent].attempt = attempt
        return entries

    def due(self, now: float) -> Entries:
        """Takes note of resumed sessions that stay quiet."""
        entries: Entries = []
        for agent in self._resumed():
            if now >= self._doing[agent].heard + QUIET_AFTER_RESUME:
                entries += self._enter(agent, *self._rests(agent, "idle", None), now)
        return entries

    @property
    def next_due(self) -> float | None:
        """When ``due`` should be called next."""
        return min((self._doing[agent].heard + QUIET_AFTER_RESUME for agent in self._resumed()), default=None)

    def restore(self, entry: Mapping[str, Any], at: float) -> None:
        """Learns a journal entry of kind ``activity`` again."""
        state = entry["state"]
        self._doing[entry["agent"]] = Doing(state, entry.get("detail"), at, at, closed=state == "ended")

    def _resumed(self) -> Iterable[str]:
        return [
            agent
            for agent, doing in self._doing.items()
            if doing.state == "starting" and doing.detail == "resumed" and not doing.closed
        ]

    def _enter(self, agent: str, state: str, detail: str | None, at: float) -> Entries:
        detail = None if detail is None else detail[:DETAIL_LIMIT]
        doing = self._doing.get(agent)
        if doing is not None and doing.state == state and (doing.detail == detail or detail is None):
            doing.heard, doing.closed, doing.woken = max(at, doing.heard), False, False
            return []
        since = doing.since if doing is not None and doing.state == state else at
        attempt = 0 if doing is None else doing.attempt
        self._doing[agent] = Doing(state, detail, since, at, attempt)
        entry = {"kind": "activity", "agent": agent, "state": state, "detail": detail}
        return [entry | {"simulated": self._simulated[agent]}]


def detail_of(ask: Ask) -> str:
    """What an agent waits for, in a few words."""
    return {"permission": "", "plan": "plan: ", "question": "question: "}[ask.kind] + ask.summary


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
