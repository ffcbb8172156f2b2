"""A team that stands still: because a person wants it so, or because a budget is spent."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from kagents_core.reconcile.plan import Plan
from kagents_core.reconcile.rules import conditions as say
from kagents_core.reconcile.rules.afterwards import references, running
from kagents_core.reconcile.rules.agents import AgentState
from kagents_core.reconcile.rules.announcements import Step, due, tell
from kagents_core.reconcile.rules.budgets import holds_team
from kagents_core.reconcile.rules.exporting import exporting
from kagents_core.reconcile.rules.holds import only_waits, standstill, within_budgets
from kagents_core.reconcile.rules.hub import assess_hub
from kagents_core.reconcile.rules.limits import started_at
from kagents_core.reconcile.rules.money import agents_held, team_held
from kagents_core.reconcile.rules.report import status
from kagents_core.reconcile.rules.transitions import events
from kagents_core.reconcile.snapshot import Snapshot
from kagents_core.reconcile.standing import missing_claims, said_before, standing
from kagents_core.reconcile.times import from_text


def held(snapshot: Snapshot, states: Sequence[AgentState]) -> str | None:
    """Why the team stands still although no person wants it so: a budget, its own or one over several."""
    if snapshot.spec.suspend or all(state.ended for state in states):
        return None
    own = holds_team(snapshot)
    return own.said if own else standstill(snapshot.observed.holds, states) or _all_stopped(states)


def _all_stopped(states: Sequence[AgentState]) -> str | None:
    """Why nobody works any more, when agents' own budgets are the cause: the team's time must not go on."""
    left = [state for state in states if not state.ended]
    spent = [state.over.said for state in left if state.over]
    return "; ".join(spent) if spent and all(map(only_waits, left)) else None


def still_suspending(snapshot: Snapshot) -> bool:
    """Resumed before the agents were gone: they are waited for, or their end would look like a failure.

    What is not being deleted was made by the resumption, whose word in the status was not yet taken.
    """
    ending = any(pod.live and pod.deleting for pod in snapshot.working_pods)
    return snapshot.status.phase == "Suspended" and ending


def suspended(snapshot: Snapshot, states: Sequence[AgentState], why: str | None) -> Plan:
    """No agent runs; the hub, the files and the sessions stay. ``why``: unless a person wants it so."""
    hub = assess_hub(snapshot)
    halted = [_halted(state) for state in states]
    said = [
        *standing(snapshot),
        say.prepared(hub, snapshot.observed.children.claims),
        *(within_budgets(snapshot.observed.holds, states) if why else ()),
        *((team_held(snapshot) if holds_team(snapshot) else agents_held(states)) if why else ()),
        *said_before(snapshot, "Delivered"),
        say.condition("Succeeded", None, "Suspended"),
    ]
    since = from_text(snapshot.status.suspended_at) or snapshot.now
    reason = why or "agents are stopped; their files and sessions stay"
    records, effects = tell(snapshot, Step("Suspended", reason, said=said))
    report = status(
        snapshot,
        "Suspended",
        halted,
        said,
        records,
        started=started_at(snapshot),
        suspended_since=since,
        suspended=timedelta(seconds=snapshot.status.suspended_seconds),
    )
    export = exporting(snapshot)
    apply = [*missing_claims(snapshot), *([hub.create] if hub.create else []), *export.create]
    told = events(snapshot, report, halted, reason)
    return Plan(
        apply=tuple(apply),
        delete=tuple(references(snapshot, [*running(snapshot.working_pods), *export.unwanted])),
        status=report,
        events=tuple(told),
        effects=(*effects, *due(snapshot, records, report)),
    )


def _halted(state: AgentState) -> AgentState:
    """How an agent of a suspended team is shown: nothing is due, and what had a pod will have one again."""
    if state.ended:
        return state
    phase = state.phase if state.phase == "Waiting" else "Pending"
    attempt, restarts = state.attempt, state.restarts
    if state.create:
        attempt = state.create.number - 1 if state.create.number else None
        restarts = state.pod.restarts if state.pod else state.restarts
    message = None if phase == "Waiting" else "suspended"
    return replace(
        state,
        phase=phase,
        create=None,
        attempt=attempt,
        restarts=restarts,
        message=message,
        wake_at=None,
        problem=None,
    )
