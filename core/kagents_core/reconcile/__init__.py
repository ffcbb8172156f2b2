"""Pure functions from what is observed to what should be: one module per rule, no I/O, no clock."""

from kagents_core.reconcile.budget import ObservedBudget, Total, reconcile_budget, refuse_budget
from kagents_core.reconcile.held_up import held_up
from kagents_core.reconcile.plan import (
    Children,
    ClaimView,
    Effect,
    Event,
    Hold,
    NotificationOutcome,
    Observed,
    ObservedRun,
    ObservedTemplate,
    Plan,
    PodView,
    Ref,
    Settings,
)
from kagents_core.reconcile.refusal import refuse_team
from kagents_core.reconcile.rules.budgets import waits_for_budget
from kagents_core.reconcile.run import reconcile_run
from kagents_core.reconcile.team import reconcile_team
from kagents_core.reconcile.template import reconcile_template
from kagents_core.reconcile.views import claim_view, owner_uid, pod_view

__all__ = [
    "Children",
    "ClaimView",
    "Effect",
    "Event",
    "Hold",
    "NotificationOutcome",
    "Observed",
    "ObservedBudget",
    "ObservedRun",
    "ObservedTemplate",
    "Plan",
    "PodView",
    "Ref",
    "Settings",
    "Total",
    "claim_view",
    "held_up",
    "owner_uid",
    "pod_view",
    "reconcile_budget",
    "reconcile_run",
    "reconcile_team",
    "reconcile_template",
    "refuse_budget",
    "refuse_team",
    "waits_for_budget",
]
