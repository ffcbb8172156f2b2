"""What an agent makes for others and takes from others, as mounts of the team volume and in words.

An agent's container can write its own artifacts alone; of others' it sees, read-only, those that it takes.
"""

from typing import Any

from kagents_core.api.agents import TeammateSpec
from kagents_core.api.artifacts import AgentInput
from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.children.pods import ARTIFACTS, ARTIFACTS_DIR, Environment
from kagents_core.reconcile.roster import Agent, agents_of

INPUTS_DIR = "/kagents/inputs"


def inputs_of(agent: Agent) -> tuple[AgentInput, ...]:
    """The artifacts of others that an agent takes."""
    return agent.spec.inputs if isinstance(agent.spec, TeammateSpec) else ()


def artifact_mounts(agent: Agent) -> list[dict[str, Any]]:
    """Mounts of the agent's container. ``prepare`` has made every folder that they name."""
    mounts: list[dict[str, Any]] = []
    if agent.spec.artifacts:
        mounts.append(_part(ARTIFACTS_DIR, agent.name))
    for each in inputs_of(agent):
        mounts.append(_part(f"{INPUTS_DIR}/{each.source}", each.source) | {"readOnly": True})
    return mounts


def _part(path: str, part: str) -> dict[str, Any]:
    return {"name": "team", "mountPath": path, "subPath": f"{ARTIFACTS}/{part}"}


def artifacts_of(spec: AgentTeamSpec, agent: Agent) -> dict[str, Any]:
    """The part of ``KAGENTS_AGENT`` that tells of them."""
    paths = {
        f"{maker.name}/{made.name}": made.path for maker in agents_of(spec) for made in maker.spec.artifacts
    }
    made = [{"name": each.name, "path": each.path} for each in agent.spec.artifacts]
    taken = [
        {
            "agent": each.agent,
            "artifact": each.artifact,
            "path": f"{INPUTS_DIR}/{each.source}/{paths[each.source].rpartition('/')[2]}",
        }
        for each in inputs_of(agent)
    ]
    return {"artifacts": made, "inputs": taken}


def artifact_location(needed: bool) -> Environment:
    """The variable that names their folder, for a container that has something to do with them."""
    return [{"name": "KAGENTS_ARTIFACTS_DIR", "value": ARTIFACTS_DIR}] if needed else []


def recorded(spec: AgentTeamSpec) -> list[dict[str, Any]]:
    """The mount through which the recorder reads what was made, by whoever made it alone."""
    if not makes_artifacts(spec):
        return []
    return [{"name": "team", "mountPath": ARTIFACTS_DIR, "subPath": ARTIFACTS, "readOnly": True}]


def makes_artifacts(spec: AgentTeamSpec) -> bool:
    """Whether any agent declares one."""
    return any(agent.spec.artifacts for agent in agents_of(spec))
