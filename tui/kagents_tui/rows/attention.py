"""What of a team waits for a person or has gone wrong, most pressing first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from kagents_core.safetext import SafeText
from kagents_tui.gate_states import gates_of
from kagents_tui.rows.ages import age
from kagents_tui.rows.fields import line, mapping, micros, moment, sequence, whole

STALE_MAIL = timedelta(minutes=5)
"""Mail that nobody has read for this long counts as stale."""

Kind = Literal["gate", "failed", "asks", "mail", "restarts", "budget"]
RANKS: dict[Kind, int] = {"gate": 0, "failed": 1, "asks": 2, "mail": 3, "restarts": 4, "budget": 5}
FAILED_PHASES = frozenset({"Failed", "TimedOut", "BudgetExceeded"})
ENDED_PHASES = FAILED_PHASES | {"Completed", "Cancelled"}


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that asks for attention. ``text`` is said as it is; mail adds its age."""

    kind: Kind
    text: SafeText
    agent: SafeText
    since: datetime | None = None
    event: str = ""
    """The gate's event, exactly as the object has it."""

    @property
    def rank(self) -> int:
        """Smaller is more pressing."""
        return RANKS[self.kind]

    @property
    def for_person(self) -> bool:
        """Whether the team waits for a person's decision."""
        return self.kind in ("gate", "asks")

    @property
    def search(self) -> str:
        """What a filter looks at."""
        return self.text

    def counts(self, now: datetime) -> bool:
        """Whether it is due: mail counts once it is stale."""
        return self.kind != "mail" or (self.since is not None and now - self.since >= STALE_MAIL)

    def words(self, now: datetime) -> SafeText:
        """The need in a few words."""
        return line(f"{self.text} {age(now, self.since)}") if self.kind == "mail" else self.text


def pressing(needs: tuple[Need, ...], now: datetime) -> Need | None:
    """The most pressing need that is due, if any."""
    for need in needs:
        if need.counts(now):
            return need
    return None


def needs_of(team: Mapping[str, Any]) -> tuple[Need, ...]:
    """Every need of a team, most pressing first. An ended team can only have failed."""
    spec, status = mapping(team.get("spec")), mapping(team.get("status"))
    phase = str(status.get("phase"))
    found: list[Need] = []
    if phase in FAILED_PHASES:
        found.append(Need("failed", line(why_failed(phase, status)), line("")))
    if phase not in ENDED_PHASES:
        found += [*gates(team), *from_activity(status), *restarts(status), *budget(spec, status)]
    return tuple(sorted(found, key=lambda need: (need.rank, need.since.timestamp() if need.since else 0.0)))


def gates(team: Mapping[str, Any]) -> list[Need]:
    """Gates that wait for an approval: of a teammate, or of the end of the team."""
    return [
        Need("gate", line(f"approve {gate.event}"), line(gate.teammate), event=gate.event)
        for gate in gates_of(team)
        if gate.state == "waiting" and gate.event
    ]


def from_activity(status: Mapping[str, Any]) -> list[Need]:
    """Agents that ask, and mail that lies unread."""
    found = []
    for each in map(mapping, sequence(status.get("activity"))):
        agent = line(each.get("agent"))
        if each.get("state") == "waiting-permission":
            detail = line(each.get("detail"), 300) or line("a permission")
            found.append(Need("asks", line(f"{agent} asks: {detail}"), agent, moment(each.get("since"))))
        oldest = moment(each.get("oldestUnreadAt"))
        if whole(each.get("unread")) and oldest is not None:
            found.append(Need("mail", line(f"mail to {agent} unread"), agent, oldest))
    return found


def restarts(status: Mapping[str, Any]) -> list[Need]:
    """Agents that have been started again or have failed."""
    found = []
    lead = mapping(status.get("lead"))
    for agent in [{**lead, "name": "lead"}, *map(mapping, sequence(status.get("teammates")))]:
        name, count = line(agent.get("name")), whole(agent.get("restartCount"))
        if agent.get("phase") == "Failed":
            found.append(Need("restarts", line(f"{name} failed"), name))
        elif count:
            found.append(Need("restarts", line(f"{name} restarted {count}x"), name))
    return found


def budget(spec: Mapping[str, Any], status: Mapping[str, Any]) -> list[Need]:
    """At 80 % of the budget."""
    limit = micros(mapping(spec.get("lifecycle")).get("budgetLimit"))
    spent = micros(status.get("estimatedCost"))
    if not limit or spent is None or spent * 5 < limit * 4:
        return []
    return [Need("budget", line(f"{spent * 100 // limit} % of the budget spent"), line(""))]


def why_failed(phase: str, status: Mapping[str, Any]) -> str:
    """The condition that tells why, or the phase in words."""
    for condition in map(mapping, sequence(status.get("conditions"))):
        message = condition.get("message")
        if condition.get("type") == "Succeeded" and condition.get("status") == "False" and message:
            return str(message)
    return {"TimedOut": "out of time", "BudgetExceeded": "out of budget"}.get(phase, "the team failed")
