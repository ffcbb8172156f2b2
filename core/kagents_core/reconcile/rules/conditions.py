"""Conditions: each says one thing in words; its time moves only when its status does."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from kagents_core.api.constants import HUB
from kagents_core.api.status import Activity, ArtifactStatus, Condition
from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.children.equipment import equipped
from kagents_core.reconcile.plan import ClaimView, Problem
from kagents_core.reconcile.roster import agents_of
from kagents_core.reconcile.rules.agents import AgentState
from kagents_core.reconcile.rules.hub import HubState
from kagents_core.reconcile.times import to_text
from kagents_core.reconcile.views import CONTAINER_FAILED, UNSCHEDULABLE

TYPE_ORDER = (
    "InvalidSpec",
    "Prepared",
    "ModelKeyProtected",
    "AgentsHealthy",
    "McpServersReachable",
    "BudgetLeft",
    "BudgetWarning",
    "GatesPassed",
    "WithinBudgets",
    "ScopesKept",
    "ArtifactsKept",
    "Delivered",
    "Succeeded",
)
MESSAGE_LIMIT = 2048


def condition(kind: str, status: bool | None, reason: str, message: str = "") -> Condition:
    """A condition without its time, which ``merged`` gives it."""
    words = {True: "True", False: "False", None: "Unknown"}
    return Condition.model_validate(
        {
            "type": kind,
            "status": words[status],
            "reason": reason,
            "message": message[:MESSAGE_LIMIT],
            "lastTransitionTime": "",
        }
    )


def merged(
    previous: Iterable[Condition], wanted: Iterable[Condition], now: datetime, generation: int
) -> list[Condition]:
    """``wanted`` with its times: that of the last change of status, or now."""
    before = {entry.type: entry for entry in previous}
    result = []
    for entry in wanted:
        old = before.get(entry.type)
        moved = old is None or old.status != entry.status
        time = to_text(now) if moved or old is None else old.last_transition_time
        result.append(
            entry.model_copy(update={"last_transition_time": time, "observed_generation": generation})
        )
    return list(in_order(result))


def in_order(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """As people read them: what comes first in a team's life first."""
    known = {name: place for place, name in enumerate(TYPE_ORDER)}
    return tuple(sorted(conditions, key=lambda entry: known.get(entry.type, len(known))))


def prepared(hub: HubState, claims: Iterable[ClaimView] = ()) -> Condition:
    """Whether clone, worktrees and team files are there; ``claims`` are the team's volumes."""
    pod = hub.pod
    if hub.prepared:
        return condition("Prepared", True, "Prepared")
    unbound = [claim for claim in claims if claim.phase != "Bound"]
    if pod and pod.problem and pod.problem.reason == UNSCHEDULABLE and unbound:
        return condition("Prepared", False, "VolumeNotBound", _without_volume(unbound, pod.problem))
    if pod and pod.problem and pod.problem.reason == CONTAINER_FAILED:
        return condition("Prepared", False, "PrepareFailed", _sentence("hub", pod.problem))
    if pod and pod.problem:
        return condition("Prepared", False, _reason(pod.problem), _sentence("hub", pod.problem))
    if pod and pod.phase == "Failed":
        return condition("Prepared", False, "PrepareFailed", f"hub: {pod.message}")
    return condition("Prepared", False, "Preparing")


def _without_volume(claims: Iterable[ClaimView], problem: Problem) -> str:
    described = "; ".join(
        f"volume claim {claim.name} ({claim.mode}, class {claim.storage_class or 'not set'}) is not bound"
        for claim in claims
    )
    hint = ""
    if any("ReadWriteMany" in claim.mode for claim in claims):
        hint = "; if no storage class offers ReadWriteMany, set spec.storage.accessMode to ReadWriteOnce"
    return f"{described}: {problem.message}{hint}"


def agents_healthy(states: Iterable[AgentState], hub: HubState) -> Condition:
    """Whether every agent that should run can run, and what they do is recorded."""
    for state in states:
        if state.problem:
            return condition(
                "AgentsHealthy", False, _reason(state.problem), _sentence(state.agent.name, state.problem)
            )
        if state.message and state.phase == "Pending":
            return condition("AgentsHealthy", False, "AgentRestarting", f"{state.agent.name} {state.message}")
    if hub.prepared and hub.pod and hub.pod.problem:  # before that, the condition Prepared tells it
        return condition("AgentsHealthy", False, _reason(hub.pod.problem), _sentence(HUB, hub.pod.problem))
    return condition("AgentsHealthy", True, "AsExpected")


def servers_reachable(states: Iterable[AgentState], activity: Iterable[Activity]) -> Iterator[Condition]:
    """Whether running agents reach their MCP servers; nothing while none runs that has any."""
    running = {
        state.agent.name
        for state in states
        if state.phase in ("Running", "Idle") and equipped(state.agent) and state.agent.spec.mcp_servers
    }
    if not running:
        return
    failed = [
        f"{doing.agent} cannot reach {server.name}: {server.reason}"
        for doing in activity
        if doing.agent in running
        for server in doing.unreachable_servers
    ]
    reason = "Unreachable" if failed else "AsExpected"
    yield condition("McpServersReachable", not failed, reason, "; ".join(failed))


def scopes_kept(spec: AgentTeamSpec, activity: Iterable[Activity]) -> Iterator[Condition]:
    """Whether agents of a team without a repository kept to their scope; a merge tells else."""
    scoped = {mate.name for mate in spec.teammates if mate.scope is not None}
    if spec.repository is not None or not scoped:
        return
    strayed = [
        f"while {doing.agent} worked, files outside its scope changed: {', '.join(doing.outside_scope)}"
        for doing in activity
        if doing.agent in scoped and doing.outside_scope
    ]
    yield condition(
        "ScopesKept", not strayed, "OutsideScope" if strayed else "AsExpected", "; ".join(strayed)
    )


def gates_passed(states: Iterable[AgentState], finish_waits: bool) -> Iterator[Condition]:
    """What waits for a person, and what a person refused; nothing for a team without either."""
    waiting = [state.waiting_gate.event for state in states if state.waiting_gate]
    waiting += ["finish"] if finish_waits else []
    refused = [f"{state.agent.name} {state.message}" for state in states if state.skipped]
    if waiting:
        yield condition(
            "GatesPassed", False, "WaitingForApproval", "waiting for approval: " + ", ".join(waiting)
        )
    elif refused:
        yield condition("GatesPassed", False, "Denied", "; ".join(refused))


def artifacts_kept(spec: AgentTeamSpec, made: Iterable[ArtifactStatus]) -> Iterator[Condition]:
    """What agents have ended without, as the recorder tells of it; nothing where nothing is declared."""
    declared = {(agent.name, each.name) for agent in agents_of(spec) for each in agent.spec.artifacts}
    told = {(each.agent, each.name): each for each in made if (each.agent, each.name) in declared}
    missing = [
        f"{each.agent}/{each.name} ({each.path}): {each.problem}" for each in told.values() if each.problem
    ]
    if missing:
        yield condition("ArtifactsKept", False, "ArtifactMissing", "; ".join(missing))
    elif declared and len(told) == len(declared):
        yield condition("ArtifactsKept", True, "Kept")


def _reason(problem: Problem) -> str:
    cleaned = "".join(letter for letter in problem.reason if letter.isalnum())
    return cleaned if cleaned and cleaned[0].isalpha() else "Problem"


def _sentence(agent: str, problem: Problem) -> str:
    return f"{agent}: {problem.message or problem.reason}"
