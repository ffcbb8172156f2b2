"""The volume claims of a team: its own volume, and the output of a cowork team."""

from collections.abc import Iterator
from typing import Any

from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.identity import Identity
from kagents_core.reconcile.names import child_name

TEAM_VOLUME = "team"
OUTPUT_VOLUME = "output"


def team_claim_name(identity: Identity) -> str:
    """Name of the claim of the team volume."""
    return child_name(identity.name, identity.uid, TEAM_VOLUME)


def output_claim_name(identity: Identity, spec: AgentTeamSpec) -> str | None:
    """Name of the claim that takes the output: the person's own or the team's; None without output."""
    if not spec.workspace or not spec.workspace.output:
        return None
    return spec.workspace.output.pvc or child_name(identity.name, identity.uid, OUTPUT_VOLUME)


def _claim(
    identity: Identity, name: str, part: str, *, mode: str, size: str, storage_class: str | None
) -> dict[str, Any]:
    claim: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": identity.metadata(name, part, part),
        "spec": {"accessModes": [mode], "resources": {"requests": {"storage": size}}},
    }
    if storage_class is not None:
        claim["spec"]["storageClassName"] = storage_class
    return claim


def claims(identity: Identity, spec: AgentTeamSpec) -> Iterator[dict[str, Any]]:
    """Every claim the team owns."""
    storage = spec.storage
    yield _claim(
        identity,
        team_claim_name(identity),
        TEAM_VOLUME,
        mode=storage.access_mode,
        size=storage.size,
        storage_class=storage.class_name,
    )
    output = spec.workspace.output if spec.workspace else None
    if output and not output.pvc:
        yield _claim(
            identity,
            child_name(identity.name, identity.uid, OUTPUT_VOLUME),
            OUTPUT_VOLUME,
            mode=storage.access_mode,
            size=output.size,
            storage_class=output.storage_class or storage.class_name,
        )
