"""Fields that are accepted although their effect comes in a later release: they are named, never ignored."""

from collections.abc import Iterator

from kagents_core.api.agents import AgentSpec
from kagents_core.api.team import AgentTeamSpec


def not_yet_supported(spec: AgentTeamSpec) -> list[str]:
    """Paths of the fields that this spec sets and that have no effect yet, such as ``spec.qualityGates``."""
    found: list[str] = []
    if spec.lead is not None:
        found += _agent("spec.lead", spec.lead)
    for index, teammate in enumerate(spec.teammates):
        found += _agent(f"spec.teammates[{index}]", teammate)
    if spec.coordination is not None and spec.coordination.beads is not None:
        found.append("spec.coordination.beads")
    return found


def _agent(where: str, agent: AgentSpec) -> Iterator[str]:
    for index, skill in enumerate(agent.skills):
        if skill.source.oci is not None:
            yield f"{where}.skills[{index}].source.oci"
