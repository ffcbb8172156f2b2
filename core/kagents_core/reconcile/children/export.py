"""The pod through which a team's files are exported: it sees the volumes, writes nothing, and only waits."""

from typing import Any

from kagents_core.api.constants import ANNOTATION_EXPORT, EXPORT
from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.children.artifacts import artifact_location, makes_artifacts
from kagents_core.reconcile.children.claims import output_claim_name
from kagents_core.reconcile.children.documents import literal, team_document
from kagents_core.reconcile.children.pods import (
    HOME_DIR,
    TEAM_DIR,
    WORK_DIR,
    container,
    pod,
    whole_volume,
)
from kagents_core.reconcile.identity import Identity, numbered
from kagents_core.reconcile.names import child_name
from kagents_core.reconcile.plan import Settings

LIFE_SECONDS = 3600
"""A pod that whoever asked for it has forgotten ends by itself."""


def export_pod(
    identity: Identity, spec: AgentTeamSpec, settings: Settings, attempt: int, wish: str
) -> dict[str, Any]:
    """The pod for one export. No Secret is mounted, and no service account's token."""
    mounts, volumes = whole_volume(read_only=True), []
    claim = output_claim_name(identity, spec)
    if claim and spec.workspace and spec.workspace.output:
        volumes.append({"name": "output", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}})
        path = spec.workspace.output.mount_path
        mounts.append({"name": "output", "mountPath": path, "readOnly": True})
    env = [
        {"name": "KAGENTS_TEAM_DIR", "value": TEAM_DIR},
        {"name": "KAGENTS_HOMES_DIR", "value": HOME_DIR},
        {"name": "KAGENTS_WORK_DIR", "value": WORK_DIR},
        {"name": "KAGENTS_TEAM", "value": literal(team_document(identity, spec))},
        *artifact_location(makes_artifacts(spec)),
    ]
    resources = settings.hub_resources
    holding = container(EXPORT, "hold", settings, env=env, mounts=mounts, resources=resources)
    body = {"restartPolicy": "Never", "activeDeadlineSeconds": LIFE_SECONDS, "containers": [holding]}
    name = child_name(identity.name, identity.uid, EXPORT, attempt)
    metadata = numbered(identity.metadata(name, EXPORT, EXPORT), attempt, 0)
    metadata["annotations"] |= {ANNOTATION_EXPORT: wish}
    return pod(metadata, identity, spec, settings, body, volumes=volumes)
