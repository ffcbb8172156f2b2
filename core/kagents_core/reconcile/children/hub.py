"""The hub pod of a team: ``prepare`` first, then the repository's setup command, then the recorder.

Beside the recorder runs the gateway, through which agents speak to the model, and the git proxy, where they
may reach the repository while they work.
"""

from typing import Any

from kagents_core.api.constants import HUB
from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.children.artifacts import artifact_location, makes_artifacts, recorded
from kagents_core.reconcile.children.documents import literal, team_document
from kagents_core.reconcile.children.gateway import (
    gateway_container,
    gateway_location,
    gateway_volumes,
    recorder_of_gateway,
)
from kagents_core.reconcile.children.git_proxy import NO_TOKEN, proxy_container, proxy_volumes, wants_proxy
from kagents_core.reconcile.children.over import OVER_MOUNT, OVER_PLACE, OVER_VOLUME
from kagents_core.reconcile.children.pods import (
    FINISH_DIR,
    HOME_DIR,
    TEAM_DIR,
    WORK_DIR,
    Environment,
    container,
    pod,
    team_mounts,
    whole_volume,
)
from kagents_core.reconcile.children.tracing import tracing_part
from kagents_core.reconcile.identity import Identity, numbered
from kagents_core.reconcile.names import child_name
from kagents_core.reconcile.plan import Settings
from kagents_core.reconcile.roster import has_gateway

GIT_CREDENTIALS_DIR = "/git-credentials"
SETUP = "setup"
METRICS = "metrics"
"""Name of the port that hubs serve metrics on."""


def hub_pod(identity: Identity, spec: AgentTeamSpec, settings: Settings, attempt: int) -> dict[str, Any]:
    """The pod. ``prepare`` and the proxy see git's credentials, the gateway the model's, ``setup`` none."""
    env = [
        {"name": "KAGENTS_TEAM_DIR", "value": TEAM_DIR},
        {"name": "KAGENTS_HOMES_DIR", "value": HOME_DIR},
        {"name": "KAGENTS_WORK_DIR", "value": WORK_DIR},
        {"name": "KAGENTS_TEAM", "value": literal(team_document(identity, spec))},
        *artifact_location(makes_artifacts(spec)),
    ]
    prepare, volumes = _prepare(spec, settings, env)
    first = [prepare]
    if spec.repository and spec.repository.setup_command:
        first.append(_setup(settings, env))
    ports, served = _metrics(spec)
    servers, more = _servers(identity, spec, settings)
    told, mounts = recorder_of_gateway(spec)
    if servers:
        told, mounts = [*told, *OVER_PLACE], [*mounts, OVER_MOUNT]
    traced, headers, secrets = tracing_part(spec, settings)
    recorder = container(
        "recorder",
        "record",
        settings,
        env=[*env, *served, *told, *traced],
        mounts=[*team_mounts("home"), *recorded(spec), *mounts, *headers],
        resources=settings.hub_resources,
    )
    recorder |= ports
    volumes += [*more, *secrets]
    if wants_proxy(spec) or len(first) > 1:
        volumes.append({"name": "no-token", "emptyDir": {}})
    body = {
        "restartPolicy": "OnFailure",
        "serviceAccountName": settings.hub_service_account,
        "automountServiceAccountToken": True,
        "initContainers": first,
        "containers": [recorder, *servers],
    }
    name = child_name(identity.name, identity.uid, HUB, attempt)
    metadata = numbered(identity.metadata(name, HUB, HUB), attempt, 0)
    return pod(metadata, identity, spec, settings, body, volumes=volumes)


def _servers(
    identity: Identity, spec: AgentTeamSpec, settings: Settings
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What serves agents beside the recorder: containers, and the pod's volumes for them."""
    made, volumes = [], []
    if has_gateway(spec):
        made.append(gateway_container(identity, spec, settings))
        volumes += gateway_volumes(spec)
    if wants_proxy(spec):
        made.append(proxy_container(identity, spec, settings))
        volumes += proxy_volumes(spec)
    return made, [*volumes, *([OVER_VOLUME] if made else [])]


def _metrics(spec: AgentTeamSpec) -> tuple[dict[str, Any], Environment]:
    """The port of the team's metrics by the name that a network policy knows, and where they are served."""
    wanted = spec.observability.metrics if spec.observability else None
    if not wanted or not wanted.enabled:
        return {}, []
    address = {"fieldRef": {"fieldPath": "status.podIP"}}
    served: Environment = [
        {"name": "KAGENTS_METRICS_ADDRESS", "valueFrom": address},
        {"name": "KAGENTS_METRICS_PORT", "value": str(wanted.port)},
    ]
    return {"ports": [{"name": METRICS, "containerPort": wanted.port, "protocol": "TCP"}]}, served


def _prepare(
    spec: AgentTeamSpec, settings: Settings, env: Environment
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The container that clones, and the volume of its Secret."""
    own = [*env, {"name": "KAGENTS_FINISH_DIR", "value": FINISH_DIR}, *gateway_location(spec)]
    mounts, volumes = whole_volume(read_only=False), []
    secret = spec.repository.credentials_secret if spec.repository else None
    if secret:
        own.append({"name": "KAGENTS_GIT_CREDENTIALS_DIR", "value": GIT_CREDENTIALS_DIR})
        mounts.append({"name": "git-credentials", "mountPath": GIT_CREDENTIALS_DIR, "readOnly": True})
        volumes.append({"name": "git-credentials", "secret": {"secretName": secret, "defaultMode": 0o440}})
    made = container("prepare", "prepare", settings, env=own, mounts=mounts, resources=settings.hub_resources)
    return made, volumes


def _setup(settings: Settings, env: Environment) -> dict[str, Any]:
    """What it runs is the repository's: it sees what agents see, and an empty folder for the token's."""
    mounts = [mount for mount in team_mounts("") if mount["mountPath"] != HOME_DIR]
    mounts.append(NO_TOKEN)
    unseen = ("KAGENTS_HOMES_DIR", "KAGENTS_ARTIFACTS_DIR")
    own = [variable for variable in env if variable["name"] not in unseen]
    return container(SETUP, SETUP, settings, env=own, mounts=mounts, resources=settings.hub_resources)
