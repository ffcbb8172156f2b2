"""Who should end now: the rules of docs/internals.md section 5, as a pure function of what is known.

kagents asks by a native ``shutdown_request``; the agent approves and exits, or rejects and is asked again
later. What was asked and answered is learned from journal entries alone, so a restart changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kagents_core.api.constants import TEAM_LEAD
from kagents_core.teamfiles.nativejson import compact
from kagents_runner.record.clock import rfc3339

GRACE: Final = 3.0
"""Seconds that an agent must have been idle before it is ended for having nothing to do."""
AFTER_REJECTION: Final = 15.0
"""Seconds after which an agent that rejected is asked again."""
UNANSWERED: Final = 60.0
"""Seconds after which an idle agent that has not answered is asked again."""


@dataclass(frozen=True, slots=True)
class AgentView:
    """What the rules see of one declared agent."""

    name: str
    lead: bool
    alive: bool
    """Its supervisor says starting or running."""
    gone: bool
    """It ended as it should, or will never come (denied)."""
    idle_since: float | None
    unread: int
    """Messages on their way to it, lying in its mailbox, or taken and not looked at."""
    open_tasks: int
    """Tasks it owns that are not completed."""
    attempt: int
    asked_waits: bool
    """The last shutdown_request still lies in its mailbox."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask this agent to shut down, and why (a short plain text)."""

    agent: str
    reason: str


@dataclass(slots=True)
class Asked:
    """A request to shut down, and what was answered."""

    at: float
    message_id: str
    attempt: int | None = None
    rejected: float | None = None
    approved: bool = False


class Endings:
    """Remembers wishes and answers, and says whom to ask."""

    def __init__(self, lead: str | None, idle_timeout: float | None) -> None:
        """``lead``: the lead's name, None in a team without one. ``idle_timeout`` in seconds."""
        self._lead = lead
        self._idle_timeout = idle_timeout
        self._dismissed: set[str] = set()
        self._finish = False
        self._asked: dict[str, Asked] = {}

    def learn(self, entry: Mapping[str, Any], at: float) -> None:
        """Takes note of a journal entry, when it is written and when it is read again after a restart."""
        if entry["kind"] == "request" and "refused" not in entry:
            if entry["request"] == "dismiss":
                self._dismissed.add(entry.get("teammate", ""))
            elif entry["request"] == "finish":
                self._finish = True
        elif entry["kind"] == "message":
            self._learn_message(entry, at)

    def _learn_message(self, entry: Mapping[str, Any], at: float) -> None:
        if entry["type"] == "shutdown_request" and entry["from"] == TEAM_LEAD:
            self._asked[entry["to"]] = Asked(at, entry["id"])
        elif entry["to"] == TEAM_LEAD and entry["from"] in self._asked:
            asked = self._asked[entry["from"]]
            if entry["type"] == "shutdown_rejected":
                asked.rejected = at
            elif entry["type"] == "shutdown_approved":
                asked.approved = True

    def last_request(self, agent: str) -> str | None:
        """The message id of the last shutdown_request to the agent."""
        asked = self._asked.get(agent)
        return None if asked is None else asked.message_id

    def due(self, agents: Sequence[AgentView], open_tasks: int, now: float) -> tuple[list[Ask], float | None]:
        """Whom to ask now, and when to look again although nothing has changed."""
        asks: list[Ask] = []
        wakes: list[float] = []
        for agent in agents:
            if not agent.alive or agent.gone:
                continue
            reason, at = self._wish(agent, agents, open_tasks)
            if reason is None:
                continue
            at = max(at, self._may_ask(agent))
            if at <= now:
                asks.append(Ask(agent.name, reason))
            elif at < float("inf"):
                wakes.append(at)
        return asks, min(wakes, default=None)

    def _wish(
        self, agent: AgentView, agents: Sequence[AgentView], open_tasks: int
    ) -> tuple[str | None, float]:
        """Why the agent should end, and from when on."""
        others_gone = all(other.gone for other in agents if other.name != agent.name)
        rests = agent.idle_since is not None and agent.unread == 0
        idle_since = agent.idle_since or 0.0
        if agent.lead:
            if self._finish and others_gone:
                return "the lead has finished", 0.0
            if rests and others_gone and open_tasks == 0:
                return "nothing is left to do", idle_since + GRACE
            return None, 0.0
        if agent.name in self._dismissed:
            return "dismissed by the lead", 0.0
        if rests and any(other.lead and other.gone for other in agents):
            return "the lead has ended", idle_since + GRACE
        if self._lead is None and open_tasks == 0 and self._all_rest(agents):
            last = max(other.idle_since or 0.0 for other in agents if other.alive)
            return "nothing is left to do", last + GRACE
        if rests and self._idle_timeout is not None and agent.open_tasks == 0:
            return "idle for too long", idle_since + self._idle_timeout
        return None, 0.0

    @staticmethod
    def _all_rest(agents: Sequence[AgentView]) -> bool:
        return all(
            other.idle_since is not None and other.unread == 0
            for other in agents
            if other.alive and not other.gone
        )

    def _may_ask(self, agent: AgentView) -> float:
        """The earliest time at which the agent may be asked (again)."""
        asked = self._asked.get(agent.name)
        if asked is None:
            return 0.0
        if asked.attempt is None:
            asked.attempt = agent.attempt
        if agent.asked_waits:
            return float("inf")
        if asked.attempt != agent.attempt:
            return 0.0
        if asked.approved:
            return float("inf")
        if asked.rejected is not None:
            return asked.rejected + AFTER_REJECTION
        return asked.at + UNANSWERED if agent.idle_since is not None else float("inf")


def shutdown_request(ask: Ask, now: float) -> str:
    """The native form; the id's shape matters, another one reaches the model as invalid."""
    return compact(
        {
            "type": "shutdown_request",
            "requestId": f"shutdown-{int(now * 1000)}@{ask.agent}",
            "from": "team-lead",
            "reason": ask.reason,
            "timestamp": rfc3339(now),
        }
    )
