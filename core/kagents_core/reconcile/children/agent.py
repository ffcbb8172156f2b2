"""An agent's pod: it waits for the hub, then runs the supervisor of one harness."""

from typing import Any

from kagents_core.api.constants import ANNOTATION_CONFLICT
from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.children.artifacts import artifact_location, artifact_mounts, inputs_of
from kagents_core.reconcile.children.claims import output_claim_name
from kagents_core.reconcile.children.documents import agent_document, literal, team_document
from kagents_core.reconcile.children.equipment import equipment_volumes, fetching
from kagents_core.reconcile.children.gateway import caller_part
from kagents_core.reconcile.children.pods import (
    HOME_DIR,
    TEAM_DIR,
    WORK_DIR,
    Environment,
    container,
    pod,
    team_mounts,
    whole_volume,
)
from kagents_core.reconcile.children.resources import resources_of
from kagents_core.reconcile.identity import Identity, numbered
from kagents_core.reconcile.names import child_name
from kagents_core.reconcile.plan import PodView, Settings
from kagents_core.reconcile.roster import Agent, has_gateway


def _secret_variable(variable: str, secret: str, key: str, *, optional: bool = False) -> dict[str, Any]:
    reference: dict[str, Any] = {"name": secret, "key": key}
    if optional:
        reference["optional"] = True
    return {"name": variable, "valueFrom": {"secretKeyRef": reference}}


def _credentials(spec: AgentTeamSpec, agent: Agent) -> Environment:
    """The model provider's credential, only for an agent that calls the model itself."""
    if agent.harness != "claude-code" or not spec.auth or has_gateway(spec):
        return []
    if spec.auth.api_key_secret:
        return [_secret_variable("ANTHROPIC_API_KEY", spec.auth.api_key_secret, "ANTHROPIC_API_KEY")]
    if not spec.auth.oauth_secret:
        return []
    keys = (
        ("CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
        ("KAGENTS_OAUTH_TOKEN_ALTERNATE", "CLAUDE_OAUTH_TOKEN"),
    )
    return [_secret_variable(variable, spec.auth.oauth_secret, key, optional=True) for variable, key in keys]


def _locations(
    identity: Identity,
    spec: AgentTeamSpec,
    agent: Agent,
    attempt: int,
    home: str,
    *,
    conflict: PodView | None = None,
    prompts: bool = True,
) -> Environment:
    """What every container of the pod is told: where things are, and who it is."""
    told = conflict.message if conflict else None
    document = agent_document(identity, spec, agent, attempt, conflict=told, prompts=prompts)
    return [
        {"name": "KAGENTS_TEAM_DIR", "value": TEAM_DIR},
        {"name": "KAGENTS_HOME_DIR", "value": home},
        {"name": "KAGENTS_WORK_DIR", "value": WORK_DIR},
        {"name": "KAGENTS_TEAM", "value": literal(team_document(identity, spec, prompts=prompts))},
        {
            "name": "KAGENTS_AGENT",
            "value": literal(document),
        },
    ]


def _workspace(identity: Identity, spec: AgentTeamSpec) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes and mounts of a cowork team's inputs and output."""
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []
    if not spec.workspace:
        return volumes, mounts
    for index, source in enumerate(spec.workspace.inputs):
        name = f"input-{index}"
        if source.config_map:
            volumes.append({"name": name, "configMap": {"name": source.config_map}})
        elif source.secret:
            volumes.append({"name": name, "secret": {"secretName": source.secret, "defaultMode": 0o440}})
        else:
            volumes.append(
                {"name": name, "persistentVolumeClaim": {"claimName": source.pvc, "readOnly": True}}
            )
        mounts.append({"name": name, "mountPath": source.mount_path, "readOnly": True})
    claim = output_claim_name(identity, spec)
    if spec.workspace.output and claim:
        volumes.append({"name": "output", "persistentVolumeClaim": {"claimName": claim}})
        mounts.append({"name": "output", "mountPath": spec.workspace.output.mount_path})
    return volumes, mounts


Part = tuple[dict[str, Any], list[dict[str, Any]]]
"""A container, and the pod's volumes for it."""


def _working(
    identity: Identity, spec: AgentTeamSpec, settings: Settings, agent: Agent, locations: Environment
) -> Part:
    """The container that the agent works in."""
    own = [variable.model_dump(by_alias=True, exclude_none=True) for variable in agent.spec.env]
    volumes, workspace_mounts = _workspace(identity, spec)
    equipment, equipment_mounts = equipment_volumes(spec, agent)
    caller, caller_mounts, token = caller_part(spec, agent)
    made = artifact_location(bool(agent.spec.artifacts))
    mounts = [*team_mounts(f"home/{agent.name}"), *caller_mounts, *artifact_mounts(agent)]
    main = container(
        "agent",
        "supervise",
        settings,
        env=[*locations, *made, *_credentials(spec, agent), *caller, *own],
        mounts=[*mounts, *workspace_mounts, *equipment_mounts],
        image=agent.spec.image,
        resources=resources_of(agent.spec.resources, settings.agent_resources),
    )
    return main, [*volumes, *equipment, *token]


def _waiting(spec: AgentTeamSpec, settings: Settings, agent: Agent, locations: Environment) -> Part:
    """The container that waits for the hub, and fetches what the agent is equipped with."""
    env, registries, mounts = fetching(spec, agent, settings.registry_networks)
    first = container(
        "await",
        "await",
        settings,
        env=[*locations, *artifact_location(bool(inputs_of(agent))), *env],
        mounts=[*whole_volume(read_only=True), *mounts],
        # A pod counts the larger of its init containers and its containers: the same costs nothing more.
        resources=resources_of(agent.spec.resources, settings.agent_resources),
    )
    return first, registries


def agent_pod(
    identity: Identity,
    spec: AgentTeamSpec,
    settings: Settings,
    agent: Agent,
    attempt: int,
    restarts: int,
    *,
    conflict: PodView | None = None,
) -> dict[str, Any]:
    """The pod of one attempt of one agent; ``conflict``: the delivery whose conflict it is to resolve."""
    locations = _locations(identity, spec, agent, attempt, HOME_DIR, conflict=conflict)
    outside = _locations(identity, spec, agent, attempt, f"{HOME_DIR}/{agent.name}", prompts=False)
    main, volumes = _working(identity, spec, settings, agent, locations)
    first, registries = _waiting(spec, settings, agent, outside)
    body = {"restartPolicy": "Never", "initContainers": [first], "containers": [main]}
    name = child_name(identity.name, identity.uid, agent.name, attempt)
    metadata = identity.metadata(name, agent.name, agent.role, agent.harness)
    metadata = numbered(metadata, attempt, restarts)
    if conflict is not None:
        metadata["annotations"] |= {ANNOTATION_CONFLICT: str(conflict.attempt)}
    return pod(metadata, identity, spec, settings, body, volumes=[*volumes, *registries])
