"""Rules between a team's ``auth`` and its agents: who needs a credential, who would go past the gateway."""

from collections.abc import Iterator, Sequence

from kagents_core.api import teamrules
from kagents_core.api.agents import AgentSpec, Harness
from kagents_core.api.auth import Auth
from kagents_core.api.fielderrors import FieldError

Agents = Sequence[tuple[str, AgentSpec]]
"""Where each agent stands in the manifest, and what it says."""


def credential_problems(auth: Auth | None, agents: Agents, harness: Harness) -> Iterator[FieldError]:
    """``harness`` is that of agents that name none of their own."""
    real = [(where, agent) for where, agent in agents if (agent.harness or harness) != "simulated"]
    if auth is None or not auth.has_credential:
        if any(not _brings_its_own(agent) for _, agent in real):
            yield FieldError("spec.auth", None, teamrules.NEEDS_CREDENTIAL)
    elif auth.mode == "gateway":
        for where, agent in real:
            yield from _past_the_gateway(where, agent)


def _brings_its_own(agent: AgentSpec) -> bool:
    return any(each.name == "ANTHROPIC_AUTH_TOKEN" and each.value_from is not None for each in agent.env)


def _past_the_gateway(where: str, agent: AgentSpec) -> Iterator[FieldError]:
    for index, variable in enumerate(agent.env):
        if variable.name in teamrules.GATEWAY_VARIABLES:
            yield FieldError(f"{where}.env[{index}].name", variable.name, teamrules.SET_BY_GATEWAY)
