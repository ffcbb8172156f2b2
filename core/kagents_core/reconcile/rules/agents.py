"""Each agent: held back, created, restarted, or ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kagents_core.api.status import AgentPhase
from kagents_core.api.team import ApprovalGate
from kagents_core.reconcile.plan import PodView, Problem
from kagents_core.reconcile.roster import Agent
from kagents_core.reconcile.rules.budgets import Budget, agent_budget, waits_for, was_stopped
from kagents_core.reconcile.rules.gates import decision
from kagents_core.reconcile.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Attempt:
    """A pod that should be created."""

    number: int
    restarts: int


@dataclass(frozen=True, slots=True)
class AgentState:
    """What is to be said and done about one agent."""

    agent: Agent
    phase: AgentPhase
    pod: PodView | None = None
    create: Attempt | None = None
    skipped: bool = False
    """It will never run, by a person's decision, and that is no failure."""
    held: bool = False
    """Only an exceeded AgentBudget keeps it from starting."""
    waiting_gate: ApprovalGate | None = None
    waiting_for: str | None = None
    message: str | None = None
    problem: Problem | None = None
    over: Budget | None = None
    """Its own budget, which is spent."""
    attempt: int | None = None
    restarts: int = 0
    wake_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Nothing more will come of it."""
        return self.phase in ("Completed", "Failed")


def assess_agents(snapshot: Snapshot) -> list[AgentState]:
    """The state of every agent, in declared order; dependencies are looked at first."""
    states: dict[str, AgentState] = {}
    pending = list(snapshot.agents)
    while pending:
        ready = [agent for agent in pending if all(name in states for name in agent.depends_on)]
        for agent in ready or pending:
            states[agent.name] = _assess(snapshot, agent, states)
        pending = [agent for agent in pending if agent.name not in states]
    return [states[agent.name] for agent in snapshot.agents]


def _assess(snapshot: Snapshot, agent: Agent, states: Mapping[str, AgentState]) -> AgentState:
    # What a lead does for a delivery is no part of its work, which is done: see rules/mending.py.
    pods = [pod for pod in snapshot.pods_of(agent.name) if not pod.mends]
    previous = snapshot.previous(agent.name)
    done = next((pod for pod in pods if pod.phase == "Succeeded"), None)
    if done or (previous and previous.phase == "Completed"):
        return _completed(snapshot, agent, done)
    latest = pods[-1] if pods else None
    live = next((pod for pod in reversed(pods) if pod.live), None)
    budget = agent_budget(snapshot, agent)
    if budget and budget.reached:
        return _over_budget(snapshot, agent, latest, budget)
    if live and live.deleting and previous and was_stopped(previous):
        return AgentState(
            agent,
            "Waiting",
            attempt=live.attempt,
            restarts=live.restarts,
            waiting_for=previous.waiting_for,
        )
    if live:
        return _running(snapshot, agent, live)
    if latest is None and (previous is None or previous.attempt is None):
        return _first(snapshot, agent, states)
    return _again(snapshot, agent, latest)


def _completed(snapshot: Snapshot, agent: Agent, pod: PodView | None) -> AgentState:
    previous = snapshot.previous(agent.name)
    attempt = pod.attempt if pod else previous.attempt if previous else None
    restarts = pod.restarts if pod else previous.restart_count if previous else 0
    return AgentState(agent, "Completed", pod=pod, attempt=attempt, restarts=restarts)


def _over_budget(snapshot: Snapshot, agent: Agent, latest: PodView | None, budget: Budget) -> AgentState:
    """Its pod is stopped, or being stopped: for good, or until its budget is raised."""
    attempt, restarts = _counted(snapshot, agent, latest)
    number = attempt if attempt >= 0 else None
    if snapshot.spec.lifecycle.on_budget == "end":
        return AgentState(
            agent, "Failed", pod=latest, attempt=number, restarts=restarts, message=budget.said, over=budget
        )
    return AgentState(
        agent, "Waiting", attempt=number, restarts=restarts, waiting_for=waits_for(budget), over=budget
    )


def _counted(snapshot: Snapshot, agent: Agent, latest: PodView | None) -> tuple[int, int]:
    """Number of its latest attempt, -1 before the first, and its restarts."""
    previous = snapshot.previous(agent.name)
    known = previous.attempt if previous and previous.attempt is not None else -1
    if latest and latest.attempt >= known:
        return latest.attempt, latest.restarts
    return known, previous.restart_count if previous else 0


def _running(snapshot: Snapshot, agent: Agent, pod: PodView) -> AgentState:
    activity = next((entry for entry in snapshot.status.activity if entry.agent == agent.name), None)
    phase: AgentPhase = "Pending"
    if pod.phase == "Running":
        phase = "Idle" if activity and activity.state == "idle" else "Running"
    message = "ending" if pod.deleting else None
    return AgentState(
        agent,
        phase,
        pod=pod,
        attempt=pod.attempt,
        restarts=pod.restarts,
        problem=pod.problem,
        message=message,
    )


def _first(snapshot: Snapshot, agent: Agent, states: Mapping[str, AgentState]) -> AgentState:
    """It never had a pod: dependencies first, then its gate, then budgets."""
    never = [name for name in agent.depends_on if name in states and states[name].skipped]
    if never:
        return AgentState(agent, "Failed", skipped=True, message=f"not started: {never[0]} will never run")
    missing = [name for name in agent.depends_on if name not in states or states[name].phase != "Completed"]
    if missing:
        return AgentState(agent, "Waiting", waiting_for="dependsOn: " + ", ".join(missing))
    if agent.gate:
        said = decision(snapshot.annotations, agent.gate.event)
        if said == "denied":
            return AgentState(
                agent, "Failed", skipped=True, message=f"not started: {agent.gate.event} was denied"
            )
        if said == "waiting":
            return AgentState(
                agent, "Waiting", waiting_gate=agent.gate, waiting_for=f"approval: {agent.gate.event}"
            )
    if holds := snapshot.observed.holds:
        budgets = "budget: " + ", ".join(hold.budget for hold in holds)
        message = "; ".join(hold.message for hold in holds)
        return AgentState(agent, "Waiting", held=True, waiting_for=budgets, message=message)
    return AgentState(agent, "Pending", create=Attempt(0, 0), attempt=0)


def _again(snapshot: Snapshot, agent: Agent, latest: PodView | None) -> AgentState:
    """Its pod failed or is gone: a new attempt, unless it had enough of them."""
    number, restarts = _counted(snapshot, agent, latest)
    if snapshot.status.phase == "Suspended" or was_stopped(snapshot.previous(agent.name)):
        return AgentState(
            agent, "Pending", create=Attempt(number + 1, restarts), attempt=number + 1, restarts=restarts
        )
    cause = latest.message if latest and latest.message else "its pod is gone"
    if latest and latest.work_failed:
        return AgentState(agent, "Failed", pod=latest, attempt=number, restarts=restarts, message=cause)
    if restarts >= snapshot.spec.lifecycle.max_restarts:
        message = f"failed after {restarts} restarts: {cause}"
        return AgentState(agent, "Failed", pod=latest, attempt=number, restarts=restarts, message=message)
    due = _due(snapshot, latest, restarts)
    if due > snapshot.now:
        message = f"will be restarted: {cause}"
        return AgentState(
            agent, "Pending", pod=latest, attempt=number, restarts=restarts, message=message, wake_at=due
        )
    return AgentState(
        agent,
        "Pending",
        create=Attempt(number + 1, restarts + 1),
        attempt=number + 1,
        restarts=restarts + 1,
        message=f"restarted: {cause}",
    )


def _due(snapshot: Snapshot, latest: PodView | None, restarts: int) -> datetime:
    """The first restart is at once, later ones wait longer each time."""
    if restarts == 0 or latest is None or latest.finished_at is None:
        return snapshot.now
    delay: timedelta = snapshot.observed.settings.restart_delay * 2 ** min(restarts - 1, 16)
    return latest.finished_at + min(delay, timedelta(minutes=5))
