"""Fields that are accepted although their effect comes in a later release: they are named, never ignored."""

from kagents_core.api.team import AgentTeamSpec


def not_yet_supported(spec: AgentTeamSpec) -> list[str]:
    """Paths of the fields that this spec sets and that have no effect yet, such as ``spec.qualityGates``."""
    found: list[str] = []
    if spec.coordination is not None and spec.coordination.beads is not None:
        found.append("spec.coordination.beads")
    return found
