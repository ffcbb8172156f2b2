"""The pod of an export: asked for by an annotation of the team, made by the controller, gone afterwards."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from kagents_core.api.constants import ANNOTATION_EXPORT, EXPORT, LABEL_ROLE, LABEL_TEAM
from kagents_core.api.resources import AGENT_TEAMS, PODS
from kagents_core.kube.errors import Conflict, KubeError, NotFound
from kagents_core.safetext import clean
from kagents_tui.cli import exits
from kagents_tui.cli.exits import CommandError

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

Object = dict[str, Any]

START_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.3
_ATTEMPTS: Final = 5


@asynccontextmanager
async def export_pod(client: "Client", team: Object) -> AsyncIterator[Object]:
    """A pod that sees the team's files and waits. Raises CommandError when none comes up."""
    metadata = team["metadata"]
    wish = f"{int(time.time())}-{uuid.uuid4().hex[:12]}"
    await client.patch_merge(
        AGENT_TEAMS,
        metadata["namespace"],
        metadata["name"],
        {"metadata": {"uid": metadata["uid"], "annotations": {ANNOTATION_EXPORT: wish}}},
    )
    try:
        yield await _started(client, team, wish)
    finally:
        with suppress(KubeError):
            await _withdraw(client, team, wish)


async def _withdraw(client: "Client", team: Object, wish: str) -> None:
    """Take the annotation back, unless somebody else's stands there by now."""
    metadata = team["metadata"]
    for _ in range(_ATTEMPTS):
        now = (await client.get(AGENT_TEAMS, metadata["namespace"], metadata["name"]))["metadata"]
        if now["uid"] != metadata["uid"] or (now.get("annotations") or {}).get(ANNOTATION_EXPORT) != wish:
            return
        version = {"uid": now["uid"], "resourceVersion": now["resourceVersion"]}
        patch = {"metadata": {**version, "annotations": {ANNOTATION_EXPORT: None}}}
        with suppress(Conflict):
            await client.patch_merge(AGENT_TEAMS, metadata["namespace"], metadata["name"], patch)
            return


async def _started(client: "Client", team: Object, wish: str) -> Object:
    deadline = time.monotonic() + START_SECONDS
    name = team["metadata"]["name"]
    while True:
        pod = await _find(client, team, wish)
        statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or ()
        if pod and any("running" in (each.get("state") or {}) for each in statuses):
            return pod
        if pod and pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
            raise CommandError(exits.FAILED, f"the export's pod of {name} has ended: {_reason(pod)}")
        if time.monotonic() >= deadline:
            why = _reason(pod) if pod else await _refusal(client, team)
            raise CommandError(
                exits.TIMED_OUT, f"no pod for the export came up in {START_SECONDS:.0f} s: {why}"
            )
        await asyncio.sleep(_LOOK_SECONDS)


async def _find(client: "Client", team: Object, wish: str) -> Object | None:
    metadata = team["metadata"]
    labels = f"{LABEL_TEAM}={metadata['name']},{LABEL_ROLE}={EXPORT}"
    for pod in (await client.list(PODS, metadata["namespace"], labels=labels)).items:
        annotations = pod["metadata"].get("annotations") or {}
        if owned(pod, metadata["uid"]) and annotations.get(ANNOTATION_EXPORT) == wish:
            return pod
    return None


def owned(found: Mapping[str, Any], uid: str) -> bool:
    """Whether the object belongs to the team of this UID."""
    owners = found["metadata"].get("ownerReferences") or ()
    return any(owner.get("uid") == uid for owner in owners)


def _reason(pod: Mapping[str, Any]) -> str:
    """Why a pod does not run, in its own words."""
    status = pod.get("status") or {}
    for each in status.get("containerStatuses") or ():
        state = each.get("state") or {}
        found = state.get("waiting") or state.get("terminated") or {}
        if found.get("message") or found.get("reason"):
            return _line(f"{found.get('reason', '')} {found.get('message', '')}")
    for condition in status.get("conditions") or ():
        if condition.get("status") == "False" and condition.get("message"):
            return _line(condition["message"])
    return _line(status.get("message") or f"it is {status.get('phase', 'Pending')}")


async def _refusal(client: "Client", team: Object) -> str:
    """What the team says of a pod that was not made."""
    metadata = team["metadata"]
    try:
        now = await client.get(AGENT_TEAMS, metadata["namespace"], metadata["name"])
    except NotFound:
        return "the team was deleted"
    for condition in (now.get("status") or {}).get("conditions") or ():
        if condition.get("reason") == "CreationRefused":
            return _line(condition.get("message", ""))
    return "no controller has made one; is it at work, and as new as this command?"


def _line(text: str) -> str:
    return clean(" ".join(text.split()), limit=400, multiline=False)
