"""The declared agents of a team in one order: the lead first, then the teammates as written."""

from collections.abc import Iterator
from dataclasses import dataclass

from kagents_core.api.agents import AgentSpec, Harness, TeammateSpec
from kagents_core.api.constants import FINISH, LEAD
from kagents_core.api.team import AgentTeamSpec, ApprovalGate


@dataclass(frozen=True, slots=True)
class Agent:
    """One declared agent."""

    name: str
    role: str
    spec: AgentSpec
    harness: Harness
    depends_on: tuple[str, ...] = ()
    gate: ApprovalGate | None = None


def agents_of(spec: AgentTeamSpec) -> Iterator[Agent]:
    """Every agent the team declares."""
    gates = {gate.event: gate for gate in spec.lifecycle.approval_gates}
    if spec.lead:
        yield Agent(LEAD, "lead", spec.lead, spec.lead.harness or spec.harness)
    for mate in spec.teammates:
        yield Agent(
            mate.name,
            "teammate",
            mate,
            mate.harness or spec.harness,
            mate.needs,
            gates.get(spawn_event(mate)),
        )


def has_gateway(spec: AgentTeamSpec) -> bool:
    """Whether the hub of this team speaks to the model for its agents, so that none of them has the key."""
    held = spec.auth is not None and spec.auth.has_credential and spec.auth.mode == "gateway"
    return held and any(agent.harness == "claude-code" for agent in agents_of(spec))


def spawn_event(mate: TeammateSpec) -> str:
    """The gate event that holds this teammate back."""
    return f"spawn-{mate.name}"


def finish_gate(spec: AgentTeamSpec) -> ApprovalGate | None:
    """The gate that holds back the completion action, when one is declared."""
    return next((gate for gate in spec.lifecycle.approval_gates if gate.event == FINISH), None)
