"""After a team's end: its agents are stopped, then its hub, what is not yet told is told, the TTL removes it.

The hub ends by itself when the agents have: until then they spend, and nobody else would count it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from kagents_core.api.constants import HUB
from kagents_core.api.status import Condition
from kagents_core.reconcile.held_up import REASON
from kagents_core.reconcile.plan import Plan, PodView, Ref
from kagents_core.reconcile.rules.announcements import due, holds_deletion
from kagents_core.reconcile.rules.conditions import artifacts_kept, scopes_kept
from kagents_core.reconcile.rules.exporting import exporting
from kagents_core.reconcile.rules.gates import notifications
from kagents_core.reconcile.rules.report import carried
from kagents_core.reconcile.rules.transitions import of_conditions
from kagents_core.reconcile.snapshot import Snapshot
from kagents_core.reconcile.times import from_text


def finished(snapshot: Snapshot) -> Plan:
    """The plan for a team in a terminal phase: no agent's pod stays alive."""
    ended = from_text(snapshot.status.completed_at) or snapshot.now
    records, _ = notifications(snapshot, iter(()), over=True)
    unasked, hubs = running(snapshot.working_pods), snapshot.pods_of(HUB)
    delete = references(snapshot, unasked)
    patient = snapshot.now < ended + snapshot.observed.settings.hub_linger
    if not patient and not unasked:
        delete += references(snapshot, running(hubs))
    speaking, working = any(pod.live for pod in hubs), any(pod.live for pod in snapshot.working_pods)
    ttl = snapshot.spec.lifecycle.ttl_seconds_after_finished
    over = ttl is not None and snapshot.now >= ended + timedelta(seconds=ttl)
    # Not before the recorder's last word: what the team has cost would be recorded without it.
    if over and not ((speaking or working) and patient) and not holds_deletion(records):
        identity = snapshot.identity
        delete.append(Ref("AgentTeam", identity.namespace, identity.name, identity.uid))
    export = exporting(snapshot)
    delete += references(snapshot, export.unwanted)
    # With a pod to be made the status is there too: what the server says of it is said besides, not instead.
    kept = _told_late(snapshot)
    told = tuple(records) != snapshot.status.notifications or export.create or _was_refused(snapshot) or kept
    untold = any(record.at is not None and record.state != "sent" for record in records)
    report = carried(snapshot, records, without=REASON, said=kept) if told or untold else {}
    return Plan(
        apply=export.create,
        delete=tuple(delete),
        status=report if told else None,
        events=tuple(of_conditions(snapshot, report)) if kept else (),
        effects=tuple(due(snapshot, records, report)),
        wake_at=next_look(snapshot, ended),
        usage_known=not speaking and not (working and patient),
    )


def _told_late(snapshot: Snapshot) -> list[Condition]:
    """What follows from the recorder's last word, which comes after the team's end."""
    before = {(entry.type, entry.status, entry.reason, entry.message) for entry in snapshot.status.conditions}
    status = snapshot.status
    said = (*artifacts_kept(snapshot.spec, status.artifacts), *scopes_kept(snapshot.spec, status.activity))
    return [each for each in said if (each.type, each.status, each.reason, each.message) not in before]


def _was_refused(snapshot: Snapshot) -> bool:
    return any(entry.reason == REASON for entry in snapshot.status.conditions)


def next_look(snapshot: Snapshot, ended: datetime) -> datetime | None:
    """When a finished team needs another look: a lingering pod, or its TTL."""
    moments = []
    if any(pod.live for pod in (*snapshot.pods_of(HUB), *snapshot.working_pods)):
        moments.append(ended + snapshot.observed.settings.hub_linger)
    ttl = snapshot.spec.lifecycle.ttl_seconds_after_finished
    if ttl is not None:
        moments.append(ended + timedelta(seconds=ttl))
    return min((moment for moment in moments if moment > snapshot.now), default=None)


def running(pods: Iterable[PodView]) -> list[PodView]:
    """Those that may still run and are not being deleted."""
    return [pod for pod in pods if pod.live and not pod.deleting]


def references(snapshot: Snapshot, pods: Iterable[PodView]) -> list[Ref]:
    """These pods, to be deleted."""
    namespace = snapshot.identity.namespace
    return [Ref("Pod", namespace, pod.name, pod.uid) for pod in pods]
