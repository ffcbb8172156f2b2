"""A conflict of branches that is handed to the lead: once, by a pod of the lead that was started for it.

That pod is marked with the attempt of the delivery that met the conflict. So what has been asked is seen in
the pods alone, whatever was killed in between; and a conflict after it is one for people.
"""

from dataclasses import dataclass
from datetime import datetime

from kagents_core.api.constants import LEAD
from kagents_core.reconcile.children.agent import agent_pod
from kagents_core.reconcile.plan import Manifest, PodView
from kagents_core.reconcile.rules.budgets import team_budget
from kagents_core.reconcile.rules.limits import deadline, limit_reached
from kagents_core.reconcile.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Mending:
    """What is to be done about a conflict."""

    resolved: bool = False
    """The lead has ended well: the branches are joined once more."""
    create: Manifest | None = None
    pod: PodView | None = None
    """The lead at work on it."""
    wake_at: datetime | None = None
    given_up: str | None = None
    """Why the lead did not resolve it."""


def assess_mending(snapshot: Snapshot, conflict: PodView) -> Mending | None:
    """None: this conflict is not the lead's."""
    if snapshot.spec.lifecycle.on_conflict != "lead":
        return None
    asked = [pod for pod in snapshot.pods_of(LEAD) if pod.mends]
    mine = [pod for pod in asked if pod.mends == str(conflict.attempt)]
    if asked and not mine:
        return None
    if any(pod.phase == "Succeeded" for pod in mine):
        return Mending(resolved=True)
    if (limit := limit_reached(snapshot)) is not None:
        return Mending(given_up=limit.message)
    if (budget := team_budget(snapshot)) is not None and budget.reached:
        return Mending(given_up=budget.said)
    live = next((pod for pod in reversed(mine) if pod.live), None)
    if live:
        return Mending(pod=live, wake_at=deadline(snapshot))
    if len(mine) > snapshot.spec.lifecycle.max_restarts:
        return Mending(given_up=f"the lead failed at it: {mine[-1].message or 'its pod is gone'}")
    return Mending(create=_lead_pod(snapshot, conflict), wake_at=deadline(snapshot))


def _lead_pod(snapshot: Snapshot, conflict: PodView) -> Manifest:
    lead = next(agent for agent in snapshot.agents if agent.name == LEAD)
    previous = snapshot.previous(LEAD)
    known = previous.attempt if previous and previous.attempt is not None else 0
    number = max([known, *(pod.attempt for pod in snapshot.pods_of(LEAD))]) + 1
    return agent_pod(
        snapshot.identity,
        snapshot.spec,
        snapshot.observed.settings,
        lead,
        number,
        previous.restart_count if previous else 0,
        conflict=conflict,
    )
