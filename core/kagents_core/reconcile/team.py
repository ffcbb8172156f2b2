"""``reconcile_team``: the rules of a team's life in their order.

finished? -> deleted, cancelled, timed out, over budget -> suspended -> hub -> agents -> delivery -> the end.
"""

from collections.abc import Sequence
from dataclasses import replace

from kagents_core.api.constants import HUB
from kagents_core.api.status import TERMINAL_PHASES, AgentPhase, Condition, Phase
from kagents_core.reconcile.children.agent import agent_pod
from kagents_core.reconcile.names import child_name
from kagents_core.reconcile.plan import Manifest, Observed, Plan, PodView, Ref
from kagents_core.reconcile.roster import finish_gate
from kagents_core.reconcile.rules import conditions as say
from kagents_core.reconcile.rules.afterwards import finished, next_look, references, running
from kagents_core.reconcile.rules.agents import AgentState, assess_agents
from kagents_core.reconcile.rules.announcements import Step, due, tell
from kagents_core.reconcile.rules.delivery import Delivery, assess_delivery, delivering, delivers
from kagents_core.reconcile.rules.exporting import exporting
from kagents_core.reconcile.rules.failures import failure
from kagents_core.reconcile.rules.gates import decision
from kagents_core.reconcile.rules.holds import within_budgets
from kagents_core.reconcile.rules.hub import HubState, assess_hub
from kagents_core.reconcile.rules.limits import Ending, deadline, limit_reached, started_at, suspended_for
from kagents_core.reconcile.rules.money import agents_held
from kagents_core.reconcile.rules.outcome import Delivered
from kagents_core.reconcile.rules.patience import calm
from kagents_core.reconcile.rules.report import status
from kagents_core.reconcile.rules.transitions import events
from kagents_core.reconcile.snapshot import Snapshot
from kagents_core.reconcile.standing import missing_claims, said_before, standing
from kagents_core.reconcile.suspension import held, still_suspending, suspended


def reconcile_team(observed: Observed) -> Plan:
    """What should happen to this team now. Pure: the same snapshot gives the same plan."""
    told, due = calm(observed)
    plan = _reconcile(told)
    return plan if due is None else replace(plan, wake_at=min(due, plan.wake_at or due))


def _reconcile(observed: Observed) -> Plan:
    snapshot = Snapshot(observed)
    if observed.team.metadata.get("deletionTimestamp"):
        return Plan()
    if snapshot.status.phase in TERMINAL_PHASES:
        return finished(snapshot)
    ending = limit_reached(snapshot)
    if ending and (ending.phase == "Cancelled" or not delivering(snapshot)):
        return _end(snapshot, ending, assess_agents(snapshot))
    states = assess_agents(snapshot)
    why = held(snapshot, states)
    if snapshot.spec.suspend or still_suspending(snapshot) or why:
        return suspended(snapshot, states, why)
    if (failed := failure(snapshot, states)) is not None:
        return _end(snapshot, failed, states)
    if not all(state.ended for state in states) or _finish_waits(snapshot):
        return _working(snapshot, states)
    if not delivers(snapshot, states):
        return _end(snapshot, _completion(snapshot, states), states)
    delivery = assess_delivery(snapshot)
    if delivery.done:
        return _end(snapshot, _completion(snapshot, states, delivery.done), states, delivery.done)
    return _working(snapshot, states, delivery)


def _working(snapshot: Snapshot, states: Sequence[AgentState], delivery: Delivery | None = None) -> Plan:
    """A team in the middle of its life; with ``delivery`` all its agents have ended."""
    hub = assess_hub(snapshot)
    asks = _finish_waits(snapshot) and all(state.ended for state in states)
    apply = [
        *missing_claims(snapshot),
        *([hub.create] if hub.create else []),
        *_missing_pods(snapshot, states),
        *([delivery.create] if delivery and delivery.create else []),
        *exporting(snapshot).create,
    ]
    phase = _phase(snapshot, hub, states)
    shown = [_mending(_with_pod_to_be(snapshot, state), delivery) for state in states]
    waiting = [state.waiting_gate for state in states if state.waiting_gate]
    finish = finish_gate(snapshot.spec)
    if asks and finish:
        waiting.append(finish)
    said = [
        *standing(snapshot),
        say.prepared(hub, snapshot.observed.children.claims),
        say.agents_healthy(shown, hub),
        *say.servers_reachable(shown, snapshot.status.activity),
        *agents_held(shown),
        *say.gates_passed(shown, finish_waits=asks),
        *within_budgets(snapshot.observed.holds, shown),
        *([delivery.said] if delivery and delivery.said else []),
        say.condition("Succeeded", None, "InProgress"),
    ]
    step = Step(phase, _reason(snapshot, phase), states, said, waiting)
    records, effects = tell(snapshot, step)
    report = status(
        snapshot,
        phase,
        shown,
        said,
        records,
        started=started_at(snapshot),
        suspended=suspended_for(snapshot),
        delivered=delivery.made if delivery else None,
    )
    wakes = [state.wake_at for state in states if state.wake_at]
    wakes += [deadline(snapshot)] if delivery is None else [delivery.wake_at] if delivery.wake_at else []
    told = events(snapshot, report, states, _reason(snapshot, phase))
    return Plan(
        apply=tuple(apply),
        delete=tuple(_surplus(snapshot, states, delivery)),
        status=report,
        events=tuple(told),
        effects=(*effects, *due(snapshot, records, report)),
        wake_at=min(wakes, default=None),
    )


def _phase(snapshot: Snapshot, hub: HubState, states: Sequence[AgentState]) -> Phase:
    """Running once the hub is prepared and the first agent has started; it stays so."""
    started = any(state.phase in ("Running", "Idle", "Completed") for state in states)
    if snapshot.status.phase == "Running" or (hub.prepared and started):
        return "Running"
    return "Initializing"


def _reason(snapshot: Snapshot, phase: Phase) -> str:
    if phase == "Running":
        return "the agents have started"
    if snapshot.status.phase == "Suspended":
        return "resumed: the agents go on in their sessions"
    return "created the team's volume, its hub and the agents that nothing holds back"


def _end(
    snapshot: Snapshot, ending: Ending, states: Sequence[AgentState], delivered: Delivered | None = None
) -> Plan:
    """The step into a terminal phase: agents are stopped, the hub ends by itself."""
    stopped = [_stopped(state, ending) for state in states]
    hub = assess_hub(snapshot)
    prepared = say.prepared(hub, snapshot.observed.children.claims)
    said = [
        *standing(snapshot),
        # A team may be over before anybody saw it prepared: its pods were seen late, or all at once.
        *([prepared] if hub.prepared else said_before(snapshot, "Prepared")),
        *say.gates_passed([state for state in stopped if state.skipped], finish_waits=False),
        *(_delivered(delivered) if delivered else said_before(snapshot, "Delivered")),
        say.condition("Succeeded", ending.phase == "Completed", ending.reason, ending.message),
    ]
    records, effects = tell(snapshot, Step(ending.phase, ending.message, states, said))
    report = status(
        snapshot,
        ending.phase,
        stopped,
        said,
        records,
        started=started_at(snapshot),
        completed=snapshot.now,
        suspended=suspended_for(snapshot),
        delivered=delivered,
    )
    return Plan(
        delete=tuple(references(snapshot, running(snapshot.working_pods))),
        status=report,
        events=tuple(events(snapshot, report, stopped, ending.message)),
        effects=(*effects, *due(snapshot, records, report)),
        wake_at=next_look(snapshot, snapshot.now),
    )


def _stopped(state: AgentState, ending: Ending) -> AgentState:
    """An agent at the team's end: what had not ended is said to have been stopped."""
    if state.ended:
        return state
    attempt, restarts = state.attempt, state.restarts
    if state.create:  # what will not be made any more is not counted
        attempt = state.create.number - 1 if state.create.number else None
        restarts = state.pod.restarts if state.pod else max(0, state.create.restarts - 1)
    had_pod = attempt is not None
    phase: AgentPhase = "Failed" if had_pod else "Pending"
    message = f"stopped: {ending.message}" if had_pod else "never started"
    return replace(
        state,
        phase=phase,
        create=None,
        waiting_gate=None,
        waiting_for=None,
        message=message,
        attempt=attempt,
        restarts=restarts,
        problem=None,
    )


def _completion(
    snapshot: Snapshot, states: Sequence[AgentState], delivered: Delivered | None = None
) -> Ending:
    refused = [state.agent.name for state in states if state.skipped]
    message = "every agent has ended as it should"
    if refused:
        message = f"every started agent has ended as it should; never started: {', '.join(refused)}"
    if finish_gate(snapshot.spec) and decision(snapshot.annotations, "finish") == "denied":
        return Ending("Completed", "FinishDenied", message + "; the completion action was denied")
    if delivered:
        message = f"{message}; {delivered.sentence}"
    return Ending("Completed", "Completed", message)


def _finish_waits(snapshot: Snapshot) -> bool:
    return finish_gate(snapshot.spec) is not None and decision(snapshot.annotations, "finish") == "waiting"


def _delivered(delivered: Delivered) -> list[Condition]:
    return [say.condition("Delivered", True, "Delivered", delivered.sentence)]


def _missing_pods(snapshot: Snapshot, states: Sequence[AgentState]) -> list[Manifest]:
    settings = snapshot.observed.settings
    return [
        agent_pod(
            snapshot.identity,
            snapshot.spec,
            settings,
            state.agent,
            state.create.number,
            state.create.restarts,
        )
        for state in states
        if state.create
    ]


def _with_pod_to_be(snapshot: Snapshot, state: AgentState) -> AgentState:
    """The status already names the pod that this very plan creates: one write instead of two."""
    if not state.create:
        return state
    name = child_name(snapshot.identity.name, snapshot.identity.uid, state.agent.name, state.create.number)
    pod = PodView(name, "", state.agent.name, state.create.number, state.create.restarts, "Pending")
    return replace(state, pod=pod, attempt=pod.attempt, restarts=pod.restarts, message=None)


def _mending(state: AgentState, delivery: Delivery | None) -> AgentState:
    """A lead that resolves a conflict is shown with the pod in which it does."""
    if delivery is None or delivery.mender is None or state.agent.role != "lead":
        return state
    return replace(state, pod=delivery.mender, attempt=delivery.mender.attempt, message="resolves a conflict")


def _surplus(snapshot: Snapshot, states: Sequence[AgentState], delivery: Delivery | None = None) -> list[Ref]:
    """Live pods beside the one an agent should have, pods of agents that are not declared, old exports."""
    kept = {state.pod.name for state in states if state.pod}
    kept |= {delivery.mender.name} if delivery and delivery.mender else set()
    extra = [pod for pod in running(snapshot.agent_pods) if pod.name not in kept]
    hubs = running(snapshot.pods_of(HUB))
    return references(snapshot, [*extra, *hubs[:-1], *exporting(snapshot).unwanted])
