"""Slim views of pods and claims: the only fields of them that a reflector has to keep."""

from collections.abc import Iterator, Mapping
from typing import Any

from kagents_core.api.constants import (
    ANNOTATION_ATTEMPT,
    ANNOTATION_CONFLICT,
    ANNOTATION_EXPORT,
    ANNOTATION_RESTARTS,
    ANNOTATION_RETRY_FINISH,
    CHECKS,
    EXIT_CONFLICT,
    EXIT_NEEDS_A_PERSON,
    EXIT_QUALITY_GATE,
    EXIT_VOLUME_FULL,
    FINISH,
    LABEL_AGENT,
)
from kagents_core.reconcile.children.gateway import made_for_gateway
from kagents_core.reconcile.plan import ClaimView, PodPhase, PodView, Problem
from kagents_core.reconcile.times import from_text

_HARMLESS = frozenset({"", "ContainerCreating", "PodInitializing", "Completed"})
"""Waiting reasons that every healthy pod passes through."""

_MESSAGE_LIMIT = 1024
_OUTCOME_LIMIT = 4096
"""What Kubernetes keeps of a termination message."""

UNSCHEDULABLE = "Unschedulable"
NOT_STARTED = "NotStarted"
"""Scheduled, and still without its volumes or its network: the reasons are told in events only."""

CONTAINER_FAILED = "ContainerFailed"
VOLUME_FULL = "VolumeFull"
NODE_SILENT = "NodeNotReporting"


def owner_uid(obj: Mapping[str, Any]) -> str | None:
    """UID of the controller owner, or None."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return str(reference.get("uid"))
    return None


def _number(obj: Mapping[str, Any], annotation: str) -> int:
    text = (obj["metadata"].get("annotations") or {}).get(annotation, "0")
    return int(text) if text.isdecimal() else 0


def _container_statuses(status: Mapping[str, Any]) -> Iterator[tuple[bool, Mapping[str, Any]]]:
    for key, init in (("initContainerStatuses", True), ("containerStatuses", False)):
        for container in status.get(key) or ():
            yield init, container


def _problem(status: Mapping[str, Any]) -> Problem | None:
    for init, container in _container_statuses(status):
        found = _container_problem(container, init)
        if found is not None:
            return found
    conditions = {entry.get("type"): entry for entry in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled") or {}
    since = from_text(scheduled.get("lastTransitionTime"))
    if scheduled.get("status") == "False":
        message = (scheduled.get("message") or "")[:_MESSAGE_LIMIT]
        return Problem(scheduled.get("reason") or UNSCHEDULABLE, message, since)
    if _node_is_silent(status, conditions):
        return Problem(NODE_SILENT, "its node does not report; it may still run, so nothing replaces it")
    if (conditions.get("PodReadyToStartContainers") or {}).get("status") == "False":
        return Problem(NOT_STARTED, "its volumes or its network are not ready", since)
    return None


def _container_problem(container: Mapping[str, Any], init: bool) -> Problem | None:
    """What a container waits for, or how it failed; an init container's failure counts until it ends well."""
    state, before = container.get("state") or {}, container.get("lastState") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated")
    failed = ended or (before.get("terminated") if init or waiting else None) or {}
    if failed.get("exitCode"):
        code = f"{container.get('name')} ended with exit code {failed['exitCode']}"
        reason = VOLUME_FULL if failed["exitCode"] == EXIT_VOLUME_FULL else CONTAINER_FAILED
        message = (failed.get("message") or code)[:_MESSAGE_LIMIT].strip()
        restarts = 0 if "running" in state else int(container.get("restartCount") or 0)
        return Problem(reason, message, restarts=restarts)
    if waiting.get("reason", "") in _HARMLESS:
        return None
    return Problem(waiting["reason"], (waiting.get("message") or "")[:_MESSAGE_LIMIT].strip())


def _node_is_silent(status: Mapping[str, Any], conditions: Mapping[str, Mapping[str, Any]]) -> bool:
    """The control plane calls a pod not ready whose containers were all ready when last heard of."""
    containers = status.get("containerStatuses") or ()
    ready = all(entry.get("ready") and "running" in (entry.get("state") or {}) for entry in containers)
    return bool(containers) and ready and (conditions.get("Ready") or {}).get("status") == "False"


def _ending(status: Mapping[str, Any]) -> tuple[str, str | None]:
    """The sentence of the container that failed, and when the last container ended."""
    message, finished = "", None
    for _, container in _container_statuses(status):
        ended = (container.get("state") or {}).get("terminated")
        if not ended:
            continue
        finished = max(finished or "", ended.get("finishedAt") or "") or None
        if ended.get("exitCode") != 0 and not message:
            message = (
                ended.get("message")
                or f"{container.get('name')} ended with exit code {ended.get('exitCode')}"
            )
    return (message or status.get("message") or "")[:_MESSAGE_LIMIT].strip(), finished


def _ended_with(status: Mapping[str, Any], code: int) -> bool:
    ended = [
        (container.get("state") or {}).get("terminated") or {} for _, container in _container_statuses(status)
    ]
    return any(each.get("exitCode") == code for each in ended)


def _last_words(status: Mapping[str, Any], name: str) -> str:
    """Of a container that ended well."""
    for _, container in _container_statuses(status):
        ended = (container.get("state") or {}).get("terminated") or {}
        if container.get("name") == name and ended.get("exitCode") == 0:
            return str(ended.get("message") or "")[:_OUTCOME_LIMIT]
    return ""


def _prepared(pod: Mapping[str, Any]) -> bool:
    for condition in pod.get("status", {}).get("conditions") or ():
        if condition.get("type") == "Initialized":
            return bool(condition.get("status") == "True")
    return False


def pod_view(pod: Mapping[str, Any]) -> PodView:
    """Read a pod as the API server returned it."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    phase: PodPhase = status.get("phase") or "Pending"
    message, finished = _ending(status) if phase == "Failed" else ("", None)
    return PodView(
        name=metadata["name"],
        uid=metadata["uid"],
        agent=(metadata.get("labels") or {}).get(LABEL_AGENT, ""),
        attempt=_number(pod, ANNOTATION_ATTEMPT),
        restarts=_number(pod, ANNOTATION_RESTARTS),
        phase=phase,
        deleting=bool(metadata.get("deletionTimestamp")),
        prepared=_prepared(pod),
        problem=_problem(status) if phase == "Pending" or phase == "Running" else None,
        message=message,
        volume_full=phase == "Failed" and _ended_with(status, EXIT_VOLUME_FULL),
        finished_at=from_text(finished),
        work_failed=phase == "Failed" and _ended_with(status, EXIT_QUALITY_GATE),
        needs_person=phase == "Failed" and _ended_with(status, EXIT_NEEDS_A_PERSON),
        conflict=phase == "Failed" and _ended_with(status, EXIT_CONFLICT),
        mends=str((metadata.get("annotations") or {}).get(ANNOTATION_CONFLICT, "")),
        retry=str((metadata.get("annotations") or {}).get(ANNOTATION_RETRY_FINISH, "")),
        wish=str((metadata.get("annotations") or {}).get(ANNOTATION_EXPORT, "")),
        outcome=_last_words(status, FINISH),
        checks=_last_words(status, CHECKS),
        gateway=made_for_gateway(pod),
    )


def claim_view(claim: Mapping[str, Any]) -> ClaimView:
    """Read a claim as the API server returned it."""
    metadata, spec = claim["metadata"], claim.get("spec") or {}
    return ClaimView(
        name=metadata["name"],
        uid=metadata["uid"],
        phase=(claim.get("status") or {}).get("phase") or "Pending",
        deleting=bool(metadata.get("deletionTimestamp")),
        mode=", ".join(spec.get("accessModes") or ()),
        storage_class=spec.get("storageClassName") or "",
    )
