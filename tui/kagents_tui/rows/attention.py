"""What of a team waits for a person or has gone wrong, most pressing first.

When something counts follows from the configured thresholds; what waits for a decision counts at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from kagents_core.safetext import SafeText
from kagents_tui.delivery_states import Failure, delivery_of
from kagents_tui.gate_states import gates_of
from kagents_tui.rows.ages import age
from kagents_tui.rows.fields import line, mapping, micros, moment, sequence, whole
from kagents_tui.settings import Thresholds

DEFAULTS: Final = Thresholds()
STALE_MAIL = timedelta(minutes=DEFAULTS.stale_mail_minutes)
"""Mail that nobody has read for this long counts as stale, unless configured otherwise."""

Kind = Literal["gate", "delivery", "failed", "plan", "asks", "mail", "silent", "restarts", "held", "budget"]
RANKS: dict[Kind, int] = {
    "gate": 0,
    "delivery": 1,
    "failed": 2,
    "plan": 3,
    "asks": 4,
    "mail": 5,
    "silent": 6,
    "restarts": 7,
    "held": 8,
    "budget": 9,
}
AGED = frozenset({"mail", "silent"})
"""Kinds whose words end in their age."""
FAILED_PHASES = frozenset({"Failed", "TimedOut", "BudgetExceeded"})
_BUDGETS = ("WithinBudgets", "BudgetLeft")
"""Conditions that are false while a budget holds something back."""
ENDED_PHASES = FAILED_PHASES | {"Completed", "Cancelled"}


@dataclass(frozen=True, slots=True)
class Request:
    """What an agent asks, exactly as the status has it. ``seq`` is the journal's entry with all of it."""

    id: str
    kind: str
    agent: str
    tool: SafeText
    summary: SafeText
    seq: int


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that asks for attention. ``text`` is said as it is; mail and silence add their age."""

    kind: Kind
    text: SafeText
    agent: SafeText
    since: datetime | None = None
    event: str = ""
    """The gate's event, exactly as the object has it."""
    request: Request | None = None
    failure: Failure | None = None
    """Of the delivery, exactly as the object has it."""
    due: datetime | None = None
    """From when on it counts; at once when absent."""

    @property
    def rank(self) -> int:
        """Smaller is more pressing."""
        return RANKS[self.kind]

    @property
    def for_person(self) -> bool:
        """Whether the team waits for a person's decision."""
        return self.kind in ("gate", "delivery", "plan", "asks")

    @property
    def search(self) -> str:
        """What a filter looks at."""
        return self.text

    def counts(self, now: datetime) -> bool:
        """Whether it is due: mail counts once it is stale, an agent once it has been silent for long."""
        return self.due is None or now >= self.due

    def words(self, now: datetime) -> SafeText:
        """The need in a few words."""
        return line(f"{self.text} {age(now, self.since)}") if self.kind in AGED else self.text


def pressing(needs: tuple[Need, ...], now: datetime) -> Need | None:
    """The most pressing need that is due, if any."""
    for need in needs:
        if need.counts(now):
            return need
    return None


def needs_of(team: Mapping[str, Any], thresholds: Thresholds = DEFAULTS) -> tuple[Need, ...]:
    """Every need of a team, most pressing first. An ended team can only have failed."""
    spec, status = mapping(team.get("spec")), mapping(team.get("status"))
    phase = str(status.get("phase"))
    found: list[Need] = []
    if phase in FAILED_PHASES:
        ended = moment(status.get("completedAt"))
        found.append(Need("failed", line(why_failed(phase, status)), line(""), ended))
    if phase not in ENDED_PHASES:
        found += [*gates(team), *undelivered(team), *from_activity(status, thresholds), *restarts(status)]
        found += [*budget(spec, status, thresholds.budget_percent), *held(status)]
    return tuple(sorted(found, key=lambda need: (need.rank, need.since.timestamp() if need.since else 0.0)))


def gates(team: Mapping[str, Any]) -> list[Need]:
    """Gates that wait for an approval: of a teammate, or of the end of the team."""
    return [
        Need("gate", line(f"approve {gate.event}"), line(gate.teammate), event=gate.event)
        for gate in gates_of(team)
        if gate.state == "waiting" and gate.event
    ]


def undelivered(team: Mapping[str, Any]) -> list[Need]:
    """Work that is done and cannot be delivered until a person has mended something."""
    found = delivery_of(team)
    if found is None or found.failure is None:
        return []
    words = line(f"not delivered: {found.failure.message}")
    return [Need("delivery", words, line(""), moment(found.since), failure=found.failure)]


def from_activity(status: Mapping[str, Any], thresholds: Thresholds = DEFAULTS) -> list[Need]:
    """Agents that ask or give no sign of life, and mail that lies unread."""
    found = []
    for each in map(mapping, sequence(status.get("activity"))):
        agent = line(each.get("agent"))
        found += asks(each, agent)
        oldest = moment(each.get("oldestUnreadAt"))
        if whole(each.get("unread")) and oldest is not None:
            due = oldest + timedelta(minutes=thresholds.stale_mail_minutes)
            found.append(Need("mail", line(f"mail to {agent} unread"), agent, oldest, due=due))
        heard = moment(each.get("heardAt"))
        if heard is not None and each.get("task") and each.get("state") in ("working", "idle"):
            due = heard + timedelta(minutes=thresholds.silent_agent_minutes)
            words = f"{agent} silent with task {line(each.get('task'), 20)} open"
            found.append(Need("silent", line(words), agent, heard, due=due))
    return found


def asks(activity: Mapping[str, Any], agent: SafeText) -> list[Need]:
    """What an agent asks of a person; an older recorder only says that it asks something."""
    found = []
    for each in map(mapping, sequence(activity.get("requests"))):
        identity, kind = each.get("id"), each.get("kind")
        if not isinstance(identity, str) or kind not in ("permission", "plan", "question"):
            continue
        summary = line(each.get("summary"), 300)
        request = Request(
            identity,
            kind,
            str(activity.get("agent")),
            line(each.get("tool"), 100),
            summary,
            whole(each.get("seq")),
        )
        words = f"{agent} has a plan: {summary}" if kind == "plan" else f"{agent} asks: {summary}"
        what: Kind = "plan" if kind == "plan" else "asks"
        found.append(Need(what, line(words), agent, moment(each.get("since")), request=request))
    if not found and activity.get("state") == "waiting-permission":
        detail = line(activity.get("detail"), 300) or line("a permission")
        found.append(Need("asks", line(f"{agent} asks: {detail}"), agent, moment(activity.get("since"))))
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


def budget(spec: Mapping[str, Any], status: Mapping[str, Any], percent: int = 80) -> list[Need]:
    """From so many percent of the budget on."""
    limit = micros(mapping(spec.get("lifecycle")).get("budgetLimit"))
    spent = micros(status.get("estimatedCost"))
    if not limit or spent is None or spent * 100 < limit * percent:
        return []
    return [Need("budget", line(f"{spent * 100 // limit} % of the budget spent"), line(""))]


def held(status: Mapping[str, Any]) -> list[Need]:
    """Budgets that are spent and hold the team or an agent back: its own, or one over several teams."""
    return [
        Need("held", line(condition.get("message")), line(""), moment(condition.get("lastTransitionTime")))
        for condition in map(mapping, sequence(status.get("conditions")))
        if condition.get("type") in _BUDGETS and condition.get("status") == "False"
    ]


def why_failed(phase: str, status: Mapping[str, Any]) -> str:
    """The condition that tells why, or the phase in words."""
    for condition in map(mapping, sequence(status.get("conditions"))):
        message = condition.get("message")
        if condition.get("type") == "Succeeded" and condition.get("status") == "False" and message:
            return str(message)
    return {"TimedOut": "out of time", "BudgetExceeded": "out of budget"}.get(phase, "the team failed")
