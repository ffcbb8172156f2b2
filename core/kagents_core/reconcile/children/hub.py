"""The hub pod of a team: ``prepare`` first, then the recorder."""

from typing import Any

from kagents_core.api.constants import HUB
from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.children.documents import literal, team_document
from kagents_core.reconcile.children.pods import (
    HOME_DIR,
    TEAM_DIR,
    WORK_DIR,
    container,
    pod,
    team_mounts,
    whole_volume,
)
from kagents_core.reconcile.identity import Identity, numbered
from kagents_core.reconcile.names import child_name
from kagents_core.reconcile.plan import Settings

GIT_CREDENTIALS_DIR = "/git-credentials"


def hub_pod(identity: Identity, spec: AgentTeamSpec, settings: Settings, attempt: int) -> dict[str, Any]:
    """The hub's pod. Only its init container sees the git credentials."""
    env = [
        {"name": "KAGENTS_TEAM_DIR", "value": TEAM_DIR},
        {"name": "KAGENTS_HOMES_DIR", "value": HOME_DIR},
        {"name": "KAGENTS_WORK_DIR", "value": WORK_DIR},
        {"name": "KAGENTS_TEAM", "value": literal(team_document(identity, spec))},
    ]
    prepare_env, prepare_mounts, volumes = list(env), whole_volume(read_only=False), []
    secret = spec.repository.credentials_secret if spec.repository else None
    if secret:
        prepare_env.append({"name": "KAGENTS_GIT_CREDENTIALS_DIR", "value": GIT_CREDENTIALS_DIR})
        prepare_mounts.append({"name": "git-credentials", "mountPath": GIT_CREDENTIALS_DIR, "readOnly": True})
        volumes.append({"name": "git-credentials", "secret": {"secretName": secret, "defaultMode": 0o440}})
    resources = settings.hub_resources
    prepare = container(
        "prepare", "prepare", settings, env=prepare_env, mounts=prepare_mounts, resources=resources
    )
    recorder = container(
        "recorder", "record", settings, env=env, mounts=team_mounts("home"), resources=resources
    )
    body = {
        "restartPolicy": "OnFailure",
        "serviceAccountName": settings.hub_service_account,
        "automountServiceAccountToken": True,
        "initContainers": [prepare],
        "containers": [recorder],
    }
    name = child_name(identity.name, identity.uid, HUB, attempt)
    metadata = numbered(identity.metadata(name, HUB, HUB), attempt, 0)
    return pod(metadata, identity, spec, settings, body, volumes=volumes)
