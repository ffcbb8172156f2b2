"""Gates: what a person decided, and whom to tell that a decision is due."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from kagents_core.api.constants import APPROVAL_PREFIX
from kagents_core.api.status import Notification
from kagents_core.api.team import ApprovalGate
from kagents_core.reconcile.names import notification_id
from kagents_core.reconcile.plan import Effect
from kagents_core.reconcile.rules.webhook_forms import is_slack, slack_body
from kagents_core.reconcile.snapshot import Snapshot
from kagents_core.reconcile.times import to_text

Decision = Literal["approved", "denied", "waiting"]

UNCONFIRMED = "it is not known whether it arrived, and this decision is not waited for any more"
"""Of a gate's webhook: a controller died between the receiver's answer and the status, or never tried."""


def decision(annotations: Mapping[str, str], event: str) -> Decision:
    """What the annotation says: only the exact words ``true`` and ``false`` decide anything."""
    value = annotations.get(APPROVAL_PREFIX + event)
    if value == "true":
        return "approved"
    return "denied" if value == "false" else "waiting"


def notifications(
    snapshot: Snapshot, waiting: Iterator[ApprovalGate], *, over: bool
) -> tuple[list[Notification], list[Effect]]:
    """All records with their outcomes, and the requests of waiting gates that are still due.

    A delivery is due while its gate waits and no attempt is known to have succeeded; the id stays the same.
    ``over``: the team has ended, so that no gate waits any more.
    """
    records = {record.id: _with_outcome(snapshot, record) for record in snapshot.status.notifications}
    effects = []
    for gate in waiting:
        if gate.channel != "webhook" or not gate.webhook_url:
            continue
        identity = notification_id(snapshot.identity.uid, gate.event)
        record = records.get(identity) or Notification(id=identity, event=gate.event, state="pending")
        record = records[identity] = _with_outcome(snapshot, record)
        if record.state != "sent":
            payload = _for_people if is_slack(gate.webhook_url) else _payload
            effects.append(Effect(identity, gate.webhook_url, payload(snapshot, gate.event)))
    asked = {effect.id for effect in effects}
    return [
        each if each.id in asked else _settled(snapshot, each, over) for each in records.values()
    ], effects


def _settled(snapshot: Snapshot, record: Notification, over: bool) -> Notification:
    """What is said of a gate's webhook that nobody will send again, and of which nothing was heard."""
    heard = record.at is not None or record.state != "pending"
    if heard or not (over or decision(snapshot.annotations, record.event) != "waiting"):
        return record
    return record.model_copy(update={"state": "failed", "message": UNCONFIRMED})


def _with_outcome(snapshot: Snapshot, record: Notification) -> Notification:
    outcome = snapshot.observed.outcomes.get(record.id)
    if outcome is None or record.state == "sent":
        return record
    return record.model_copy(
        update={
            "state": outcome.state,
            "attempts": outcome.attempts,
            "last_attempt_at": to_text(outcome.at),
            "message": outcome.message,
        }
    )


def _for_people(snapshot: Snapshot, event: str) -> dict[str, Any]:
    """A message for Slack."""
    told = f"annotate the team with {APPROVAL_PREFIX}{event}=true, or false"
    identity = snapshot.identity
    return slack_body(identity.namespace, identity.name, f"waits for approval of {event}", told)


def _payload(snapshot: Snapshot, event: str) -> dict[str, Any]:
    """The described system's four fields first, then what a person needs to decide."""
    identity = snapshot.identity
    held = next((agent for agent in snapshot.agents if agent.gate and agent.gate.event == event), None)
    return {
        "event": event,
        "team": identity.name,
        "namespace": identity.namespace,
        "phase": snapshot.status.phase or "Pending",
        "uid": identity.uid,
        "annotation": APPROVAL_PREFIX + event,
        "teammate": held.name if held else None,
        "prompt": held.spec.prompt[:2000] if held else None,
        "estimatedCost": snapshot.status.estimated_cost,
    }
