"""What the hub's and the agents' pods have in common: security, the team volume, the runner's container."""

from collections.abc import Mapping, Sequence
from typing import Any

from kagents_core.api.agents import Resources
from kagents_core.api.constants import FINISH, LABEL_TEAM
from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.children.claims import team_claim_name
from kagents_core.reconcile.identity import Identity
from kagents_core.reconcile.plan import Settings

VOLUME_DIR = "/kagents"
"""The whole team volume, in init containers only."""
TEAM_DIR = "/kagents/team"
HOME_DIR = "/kagents/home"
WORK_DIR = "/kagents/work"
ARTIFACTS = "artifacts"
ARTIFACTS_DIR = f"{VOLUME_DIR}/{ARTIFACTS}"
"""What agents have made for others: ``<agent>/<artifact>/``. An agent's pod sees its own, and its inputs."""
FINISH_DIR = f"{VOLUME_DIR}/{FINISH}"
"""What no agent's pod mounts: for ``prepare``, ``merge`` and ``finish``."""

RUNNER_USER = 10001
"""The numeric user of the runner image: Pod Security ``restricted`` asks for a non-root one."""

Environment = list[dict[str, Any]]

_TMP = {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108 - an emptyDir of the pod's own


def team_mounts(home_sub_path: str) -> list[dict[str, Any]]:
    """The three parts of the team volume that a container sees."""
    parts = ((TEAM_DIR, "team"), (HOME_DIR, home_sub_path), (WORK_DIR, "work"))
    mounts: list[dict[str, Any]] = [
        {"name": "team", "mountPath": path, "subPath": part} for path, part in parts
    ]
    return [*mounts, _TMP]


def whole_volume(*, read_only: bool) -> list[dict[str, Any]]:
    """The team volume without subPaths, at the same paths, for kagents' own init containers.

    The kubelet makes a missing subPath as root, which user 10001 may not write on volumes that know no
    fsGroup. So ``prepare`` makes every folder itself, and ``await`` waits for that without a subPath.
    """
    volume: dict[str, Any] = {"name": "team", "mountPath": VOLUME_DIR}
    return [volume | ({"readOnly": True} if read_only else {}), _TMP]


def container(
    name: str,
    verb: str,
    settings: Settings,
    *,
    env: Environment,
    mounts: Sequence[Mapping[str, Any]],
    resources: Resources,
    image: str | None = None,
) -> dict[str, Any]:
    """A container that runs one verb of ``kagents-runner`` under Pod Security ``restricted``."""
    result: dict[str, Any] = {
        "name": name,
        "image": image or settings.runner_image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": ["kagents-runner", verb],
        "env": env,
        "volumeMounts": list(mounts),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    if amounts := resources.model_dump(by_alias=True, exclude_defaults=True):
        result["resources"] = amounts
    return result


def pod(
    metadata: Mapping[str, Any],
    identity: Identity,
    spec: AgentTeamSpec,
    settings: Settings,
    body: Mapping[str, Any],
    *,
    volumes: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """A pod around ``body`` (its containers and what only it needs)."""
    team_volume = {"name": "team", "persistentVolumeClaim": {"claimName": team_claim_name(identity)}}
    pod_spec: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": settings.grace_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": RUNNER_USER,
            "runAsGroup": RUNNER_USER,
            "fsGroup": RUNNER_USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumes": [team_volume, {"name": "tmp", "emptyDir": {}}, *volumes],
    }
    if told := _logging(spec):
        body = _with_variables(body, told)
    if spec.storage.access_mode == "ReadWriteOnce":
        pod_spec["affinity"] = _one_node(identity)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": dict(metadata), "spec": pod_spec | dict(body)}


def _logging(spec: AgentTeamSpec) -> Environment:
    """How much every container logs, and in which form; nothing for ``info`` and ``text``."""
    wanted = spec.observability
    told: Environment = []
    if wanted and wanted.log_level != "info":
        told.append({"name": "KAGENTS_LOG_LEVEL", "value": wanted.log_level})
    if wanted and wanted.log_format != "text":
        told.append({"name": "KAGENTS_LOG_FORMAT", "value": wanted.log_format})
    return told


def _with_variables(body: Mapping[str, Any], told: Environment) -> dict[str, Any]:
    """The same containers with these variables."""
    lists = {
        key: [{**each, "env": [*each["env"], *told]} for each in body[key]]
        for key in ("initContainers", "containers")
        if key in body
    }
    return {**body, **lists}


def _one_node(identity: Identity) -> dict[str, Any]:
    """A ReadWriteOnce volume is attached to one node, so the team's pods must share it."""
    selector = {"matchLabels": {LABEL_TEAM: identity.name}}
    term = {"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"}
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
