"""What people are told of budgets, and of who holds the model's key: conditions, and events once a limit."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kagents_core.api.status import Condition
from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.plan import Event
from kagents_core.reconcile.roster import agents_of, has_gateway
from kagents_core.reconcile.rules.agents import AgentState
from kagents_core.reconcile.rules.budgets import budgets, holds_team
from kagents_core.reconcile.rules.conditions import condition
from kagents_core.reconcile.snapshot import Snapshot

BUDGET_WARNING = "BudgetWarning"
BUDGET_LEFT = "BudgetLeft"
_BETWEEN = "; "


def budget_warning(snapshot: Snapshot) -> Iterator[Condition]:
    """Which budgets will soon be spent, in words that stay the same; nothing while none will."""
    near = [budget.warning for budget in budgets(snapshot) if budget.near]
    if near:
        yield condition(BUDGET_WARNING, True, "NearLimit", _BETWEEN.join(near))


def team_held(snapshot: Snapshot) -> Iterator[Condition]:
    """That the team is suspended by its own budget, and how it goes on."""
    if (budget := holds_team(snapshot)) is not None:
        told = f"{budget.said}: raise it, and the team goes on where it stopped"
        yield condition(BUDGET_LEFT, False, "TeamSuspended", told)


def agents_held(states: Iterable[AgentState]) -> Iterator[Condition]:
    """Which agents are stopped by their own budgets, and how they go on."""
    held = [state.over.said for state in states if state.phase == "Waiting" and state.over]
    if held:
        told = f"{_BETWEEN.join(held)}: raise it, and the agent goes on where it stopped"
        yield condition(BUDGET_LEFT, False, "AgentsStopped", told)


def key_protected(spec: AgentTeamSpec) -> Iterator[Condition]:
    """Whether agents do without the model's key; nothing for a team that needs none."""
    kind = "ModelKeyProtected"
    if has_gateway(spec):
        yield condition(kind, True, "Gateway")
    elif any(agent.harness == "claude-code" for agent in agents_of(spec)):
        if spec.auth is not None and spec.auth.has_credential:
            told = "agents hold the model's key themselves; auth.mode gateway keeps it in the hub"
            yield condition(kind, False, "DirectMode", told)
        else:
            told = "agents bring a credential of their own in env; with auth the hub would hold it"
            yield condition(kind, False, "OwnCredential", told)


def warnings(snapshot: Snapshot, status: Mapping[str, Any]) -> Iterator[Event]:
    """One event for each budget that was not said to be nearly spent before, and for what that stopped."""
    before = {entry.type: entry.message for entry in snapshot.status.conditions}
    for entry in status.get("conditions", ()):
        told = set(before.get(entry["type"], "").split(_BETWEEN))
        if entry["type"] == BUDGET_WARNING:
            for sentence in entry["message"].split(_BETWEEN):
                if sentence not in told:
                    yield Event("Warning", BUDGET_WARNING, sentence)
        elif entry["type"] == BUDGET_LEFT and entry["message"] != before.get(BUDGET_LEFT):
            yield Event("Warning", entry["reason"], entry["message"])
