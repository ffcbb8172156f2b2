"""What ends a team from outside its agents: a person's cancel, the clock, the budget."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kagents_core.api.quantities import parse_duration
from kagents_core.api.status import Phase
from kagents_core.reconcile.rules.budgets import team_budget
from kagents_core.reconcile.snapshot import Snapshot
from kagents_core.reconcile.times import from_text


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a team ends, and in which phase."""

    phase: Phase
    reason: str
    message: str


def started_at(snapshot: Snapshot) -> datetime:
    """When the team was first worked on."""
    return from_text(snapshot.status.started_at) or snapshot.now


def suspended_for(snapshot: Snapshot) -> timedelta:
    """Time spent suspended, including the present suspension."""
    since = from_text(snapshot.status.suspended_at)
    current = max(snapshot.now - since, timedelta()) if since else timedelta()
    return timedelta(seconds=snapshot.status.suspended_seconds) + current


def deadline(snapshot: Snapshot) -> datetime:
    """When the team's time is up; suspended time does not count."""
    return started_at(snapshot) + suspended_for(snapshot) + parse_duration(snapshot.spec.lifecycle.timeout)


def limit_reached(snapshot: Snapshot) -> Ending | None:
    """The limit that ends the team now, if any; a person's word comes first."""
    lifecycle = snapshot.spec.lifecycle
    if snapshot.spec.cancel:
        return Ending("Cancelled", "Cancelled", "spec.cancel was set")
    if not snapshot.spec.suspend and snapshot.now >= deadline(snapshot):
        return Ending(
            "TimedOut", "TimedOut", f"the team ran longer than lifecycle.timeout {lifecycle.timeout}"
        )
    budget = team_budget(snapshot)
    if budget and budget.reached and lifecycle.on_budget == "end":
        return Ending("BudgetExceeded", "BudgetExceeded", budget.said)
    return None
