"""What ``observability.webhook`` is told of a team: new events, their records, and the requests still due.

An event becomes a record in the status in the same write as the step it tells of, and is sent only then: so
no crash loses one or makes a second of it. Its id never changes, and what is sent again has the same one.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kagents_core.api.backends import WebhookEvent
from kagents_core.api.constants import APPROVAL_PREFIX
from kagents_core.api.status import TERMINAL_PHASES, Condition, Notification, Phase
from kagents_core.api.team import ApprovalGate
from kagents_core.reconcile.names import announcement_id
from kagents_core.reconcile.plan import Effect
from kagents_core.reconcile.rules.agents import AgentState
from kagents_core.reconcile.rules.budgets import budgets
from kagents_core.reconcile.rules.gates import notifications
from kagents_core.reconcile.rules.webhook_forms import is_slack, slack_body
from kagents_core.reconcile.snapshot import Snapshot
from kagents_core.reconcile.times import to_text

MOST_ATTEMPTS = 20
"""With the controller's delays about three hours; then the record stays as failed."""

DELETION_WAITS = 5
"""Attempts that the deletion of a finished team waits for."""

KEPT = 64
"""Records of what was told that the status keeps."""

_MOST_RECORDS = 256
_DETAIL_LIMIT = 1024
_SHOWN = ("phase", "ready", "branch", "commit", "pullRequest")
"""Of the controller's part of the status."""


_OF_PHASES: Mapping[Phase, WebhookEvent] = {
    "Running": "team.started",
    "Suspended": "team.suspended",
    "Completed": "team.completed",
    "Failed": "team.failed",
    "TimedOut": "team.timed-out",
    "BudgetExceeded": "budget.exceeded",
    "Cancelled": "team.cancelled",
}


@dataclass(frozen=True, slots=True)
class Step:
    """The step that this reconcile takes: from what status says to this."""

    phase: Phase
    reason: str
    states: Sequence[AgentState] = ()
    said: Sequence[Condition] = ()
    waiting: Sequence[ApprovalGate] = ()


@dataclass(frozen=True, slots=True)
class _News:
    event: WebhookEvent
    detail: str = ""
    subject: str | None = None
    key: str = ""
    """What tells it from the same event of the same subject at another time."""
    lasting: bool = False
    """It is news for as long as it is true, not only in the step that made it so."""


def tell(snapshot: Snapshot, step: Step) -> tuple[list[Notification], list[Effect]]:
    """Records of everything that was or is to be told; and the requests of gates' own webhooks."""
    records, effects = notifications(snapshot, iter(step.waiting), over=step.phase in TERMINAL_PHASES)
    known = {record.id for record in records}
    standing: set[str] = set()
    for news in _news(snapshot, step):
        if not _wanted(snapshot, news.event):
            continue
        identity = announcement_id(snapshot.identity.uid, news.event, news.subject or "", news.key)
        if news.lasting:
            standing.add(identity)
        if identity not in known:
            known.add(identity)
            records.append(_record(snapshot, identity, news))
    return list(_kept(records, standing)), effects


def due(snapshot: Snapshot, records: Collection[Notification], report: Mapping[str, Any]) -> Iterator[Effect]:
    """The requests to ``observability.webhook`` that are still to be made; ``report`` is the new status."""
    webhook = snapshot.spec.observability and snapshot.spec.observability.webhook
    if not webhook:
        return
    slack = webhook.format == "slack" or (webhook.format is None and is_slack(webhook.url))
    identity = snapshot.identity
    for record in records:
        if record.at is None or record.state == "sent" or record.attempts >= MOST_ATTEMPTS:
            continue
        told = f"{record.subject}: {record.detail}" if record.subject else record.detail or ""
        body: dict[str, Any] = slack_body(identity.namespace, identity.name, record.event, told)
        yield Effect(record.id, webhook.url, body if slack else _body(snapshot, record, report))


def holds_deletion(records: Collection[Notification]) -> bool:
    """Whether something was not told yet that a little patience may tell."""
    return any(
        record.at is not None and record.state != "sent" and record.attempts < DELETION_WAITS
        for record in records
    )


def _wanted(snapshot: Snapshot, event: WebhookEvent) -> bool:
    webhook = snapshot.spec.observability and snapshot.spec.observability.webhook
    if not webhook:
        return False
    notifies = snapshot.spec.lifecycle.on_complete == "notify" and event == "team.completed"
    return notifies or not webhook.events or event in webhook.events


def _record(snapshot: Snapshot, identity: str, news: _News) -> Notification:
    return Notification(
        id=identity,
        event=news.event,
        state="pending",
        at=to_text(snapshot.now),
        subject=news.subject,
        detail=news.detail[:_DETAIL_LIMIT] or None,
    )


def _kept(records: Sequence[Notification], standing: Collection[str]) -> Iterator[Notification]:
    """Without the oldest that were told; what is still true keeps its record, or it would be told again."""
    old = [record for record in records if record.at is not None and record.id not in standing]
    told = [record for record in old if record.state == "sent" or record.attempts >= MOST_ATTEMPTS]
    gone = {record.id for record in told[: max(0, len(told) - KEPT)]}
    open_ones = [record for record in old if record not in told]
    gone |= {record.id for record in open_ones[: max(0, len(open_ones) - _MOST_RECORDS)]}
    return (record for record in records if record.id not in gone)


def _body(snapshot: Snapshot, record: Notification, report: Mapping[str, Any]) -> dict[str, Any]:
    """The described system's envelope. ``status`` is the team's at this attempt."""
    identity = snapshot.identity
    shown = {key: report[key] for key in _SHOWN if key in report}
    if snapshot.status.estimated_cost is not None:
        shown["estimatedCost"] = snapshot.status.estimated_cost
    return {
        "event": record.event,
        "type": record.event,
        "timestamp": record.at,
        "team": identity.name,
        "namespace": identity.namespace,
        "uid": identity.uid,
        "data": {"subject": record.subject, "message": record.detail},
        "status": shown,
    }


def _news(snapshot: Snapshot, step: Step) -> Iterator[_News]:
    over = step.phase in TERMINAL_PHASES
    if not over:
        yield from _of_team(snapshot, step)
    for state in step.states:
        yield from _of_agent(snapshot, state)
    for gate in step.waiting:
        told = f"annotate the team with {APPROVAL_PREFIX}{gate.event}=true, or false"
        yield _News("approval.required", told, gate.event, lasting=True)
    if step.phase in ("Initializing", "Running"):
        yield from _of_requests(snapshot)
    if not over:
        yield from _of_budgets(snapshot)
    before = {entry.type: (entry.reason, entry.message) for entry in snapshot.status.conditions}
    for entry in step.said:
        if entry.reason == "NeedsAttention" and before.get(entry.type) != (entry.reason, entry.message):
            yield _News("delivery.failed", entry.message, key=to_text(snapshot.now))
    if over:  # the last word
        yield from _of_team(snapshot, step)


def _of_team(snapshot: Snapshot, step: Step) -> Iterator[_News]:
    before = snapshot.status.phase
    if step.phase == before:
        return
    if before == "Suspended" and step.phase in ("Initializing", "Running"):
        yield _News("team.resumed", step.reason, key=to_text(snapshot.now))
    elif step.phase in _OF_PHASES:
        key = to_text(snapshot.now) if step.phase == "Suspended" else ""
        yield _News(_OF_PHASES[step.phase], step.reason, key=key)


def _of_agent(snapshot: Snapshot, state: AgentState) -> Iterator[_News]:
    name = state.agent.name
    before = snapshot.previous(name)
    was = before.phase if before else "Pending"
    if state.phase in ("Running", "Idle") and was in ("Pending", "Waiting"):
        yield _News("teammate.started", "has started", name, str(state.attempt))
    if state.phase == "Completed" and was != "Completed":
        yield _News("teammate.completed", "has ended as it should", name)
    if state.create and state.create.restarts > (before.restart_count if before else 0):
        told = f"{state.message or 'failed'} (restart {state.create.restarts})"
        yield _News("teammate.error", told, name, f"restart {state.create.restarts}")
    if state.phase == "Failed" and was != "Failed":
        yield _News("teammate.error", state.message or "failed", name, "for good")


def _of_requests(snapshot: Snapshot) -> Iterator[_News]:
    for doing in snapshot.status.activity:
        for request in doing.requests:
            told = f"asks ({request.kind}): {request.summary}"
            yield _News("agent.asks", told, doing.agent, request.id, lasting=True)


def _of_budgets(snapshot: Snapshot) -> Iterator[_News]:
    """Each once a limit: that most of it is spent, and, where that ends nothing, that all of it is."""
    for budget in budgets(snapshot):
        if budget.near:
            yield _News("budget.warning", budget.warning, budget.agent, budget.limit, lasting=True)
        if budget.reached and snapshot.spec.lifecycle.on_budget == "suspend":
            yield _News("budget.exceeded", budget.said, budget.agent, budget.limit, lasting=True)
