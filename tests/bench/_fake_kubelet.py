"""Plays the node for pods that nothing runs: writes the statuses that a real kubelet writes, binds claims.

The statuses and their pace were recorded from a kubelet 1.36 that ran a team of simulated agents. Pods are
not assigned to a node: a pod without one is gone at once when it is deleted, and no real kubelet takes it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from _teams import owner_of

from kagents_core.api.constants import LABEL_AGENT
from kagents_core.api.resources import CLAIMS, PODS
from kagents_core.kube.client import Client
from kagents_core.kube.errors import Conflict, NotFound
from kagents_core.kube.reflector import Reflector
from kagents_core.kube.store import Change, Store, whole

PARALLEL = 24
START_STEPS = (0.03, 0.03, 0.5, 0.2, 0.6, 0.2)
"""Seconds before each status of a starting pod, as recorded."""

END_STEPS = (0.0, 1.05)
APART = 0.04
"""Seconds by which the containers of a team's pods start one after the other, as recorded."""

Object = dict[str, Any]


@dataclass(frozen=True)
class _Names:
    init: str
    main: str


class FakeKubelet:
    """Starts every pod it sees, until the block of ``running`` ends; ``end`` ends one."""

    def __init__(self, client: Client, *, paced: bool = False) -> None:
        """``paced``: each status that a kubelet writes, at its pace; else at once and only the last one."""
        self._client = client
        self._paced = paced
        self._slots = asyncio.Semaphore(PARALLEL)
        self._pods: Store[Object] = Store(_slim, index=lambda pod: (str(owner_of(pod)),))
        self._claims: Store[Object] = Store(whole)
        self._tasks: set[asyncio.Task[None]] = set()
        self._place: dict[str | None, int] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FakeKubelet"]:
        """Watch and start what comes meanwhile."""
        self._pods.subscribe(self._see_pods)
        self._claims.subscribe(self._see_claims)
        labels = "app.kubernetes.io/name=kagents"
        reflectors: list[Reflector[Any]] = [
            Reflector(self._client, resource, store, labels=labels)
            for resource, store in ((CLAIMS, self._claims), (PODS, self._pods))
        ]
        watching = [asyncio.create_task(reflector.run()) for reflector in reflectors]
        try:
            for reflector in reflectors:
                await reflector.synced.wait()
            yield self
        finally:
            for task in (*watching, *self._tasks):
                task.cancel()

    async def end(self, uid: str, agent: str) -> None:
        """The agent's process exits with 0: its pod becomes Succeeded."""
        for pod in self._pods.indexed(uid):
            if pod["metadata"]["labels"][LABEL_AGENT] == agent:
                statuses = list(_ending(pod))
                for status, pause in zip(statuses, END_STEPS, strict=True):
                    if self._paced:
                        await asyncio.sleep(pause)
                    if self._paced or status is statuses[-1]:
                        await self._write(pod, status)

    def agents(self, uid: str) -> Sequence[str]:
        """The agents (and the hub) of a team that have a pod."""
        return [pod["metadata"]["labels"][LABEL_AGENT] for pod in self._pods.indexed(uid)]

    def _see_pods(self, changes: Sequence[Change[Object]]) -> None:
        for change in changes:
            if (
                change.kind == "added"
                and change.new is not None
                and ((change.new.get("status") or {}).get("phase") == "Pending")
            ):
                self._do(self._start(change.new))

    def _see_claims(self, changes: Sequence[Change[Object]]) -> None:
        for change in changes:
            if change.kind == "added" and change.new is not None and not change.new["spec"].get("volumeName"):
                self._do(self._bind(change.new))

    def _do(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self, pod: Object) -> None:
        owner = owner_of(pod)
        place = self._place[owner] = self._place.get(owner, 0) + 1
        statuses = list(_starting(pod))
        for number, (status, pause) in enumerate(zip(statuses, START_STEPS, strict=True)):
            if self._paced:
                await asyncio.sleep(pause + (APART * place if number == 2 else 0.0))
            if self._paced or number == len(statuses) - 1:
                await self._write(pod, status)

    async def _write(self, pod: Object, status: Object) -> None:
        metadata = pod["metadata"]
        async with self._slots:
            with suppress(NotFound, Conflict):
                await self._client.patch_merge(
                    PODS,
                    metadata["namespace"],
                    metadata["name"],
                    {"metadata": {"uid": metadata["uid"]}, "status": status},
                    subresource="status",
                )

    async def _bind(self, claim: Object) -> None:
        """What the volume binder writes, without a volume behind it."""
        metadata, spec = claim["metadata"], claim["spec"]
        names = (CLAIMS, metadata["namespace"], metadata["name"])
        bound = {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}
        volume = {"spec": {"volumeName": f"bench-{metadata['uid']}"}}
        status = {
            "phase": "Bound",
            "accessModes": spec["accessModes"],
            "capacity": spec["resources"]["requests"],
        }
        async with self._slots:
            with suppress(NotFound, Conflict):
                await self._client.patch_merge(*names, {"metadata": bound, **volume})
                await self._client.patch_merge(*names, {"status": status}, subresource="status")


def _slim(pod: Object) -> Object:
    """What is needed of a pod to write its status: there may be tens of thousands."""
    metadata, spec = pod["metadata"], pod["spec"]
    kept = ("namespace", "name", "uid", "labels", "ownerReferences")
    return {
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {
            "initContainers": [{"name": each["name"]} for each in spec["initContainers"]],
            "containers": [{"name": each["name"]} for each in spec["containers"]],
        },
        "status": {"phase": (pod.get("status") or {}).get("phase")},
    }


def _starting(pod: Object) -> Iterator[Object]:
    """Scheduled, seen by the kubelet, sandbox ready, init container runs, has ended, the container runs."""
    names, now = _names(pod), _now()
    yield {"conditions": [_condition("PodScheduled", True)]}
    waits = {"waiting": {"reason": "PodInitializing"}}
    runs, ended = {"running": {"startedAt": now}}, _terminated(now)
    yield _status("Pending", names, waits, waits, sandbox=False)
    yield _status("Pending", names, waits, waits)
    yield _status("Pending", names, runs, waits)
    yield _status("Pending", names, ended, waits)
    yield _status("Running", names, ended, runs)


def _ending(pod: Object) -> Iterator[Object]:
    """The container has ended, then the pod."""
    names, ended = _names(pod), _terminated(_now())
    yield _status("Running", names, ended, ended)
    yield _status("Succeeded", names, ended, ended, sandbox=False)


def _status(phase: str, names: _Names, init: Object, main: Object, *, sandbox: bool = True) -> Object:
    initialized, runs, over = "terminated" in init, "running" in main, "terminated" in main
    reason = {"reason": "PodCompleted"} if over else {}
    unready = reason or {
        "reason": "ContainersNotReady",
        "message": f"containers with unready status: [{names.main}]",
    }
    unfinished = f"containers with incomplete status: [{names.init}]"
    conditions = [
        _condition("PodReadyToStartContainers", sandbox),
        _condition("Initialized", True, **reason)
        if initialized
        else _condition("Initialized", False, reason="ContainersNotInitialized", message=unfinished),
        _condition("Ready", runs, **({} if runs else unready)),
        _condition("ContainersReady", runs, **({} if runs else unready)),
        _condition("PodScheduled", True),
    ]
    address = {"podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}]} if "waiting" not in init else {}
    return {
        "phase": phase,
        "observedGeneration": 1,
        "conditions": conditions,
        "hostIP": "198.18.0.2",
        "hostIPs": [{"ip": "198.18.0.2"}],
        **address,
        "startTime": _now(),
        "initContainerStatuses": [_container(names.init, init, ready=initialized)],
        "containerStatuses": [_container(names.main, main, ready=runs)],
        "qosClass": "BestEffort",
    }


def _container(name: str, state: Object, *, ready: bool) -> Object:
    mounts = [{"name": "team", "mountPath": f"/kagents/{part}"} for part in ("team", "home", "work")]
    identity = {"imageID": f"sha256:{'e5' * 32}", "containerID": f"containerd://{'2e' * 32}"}
    return {
        "name": name,
        "state": state,
        "lastState": {},
        "ready": ready,
        "restartCount": 0,
        "image": "docker.io/library/kagents-runner:bench",
        "started": "running" in state,
        "volumeMounts": [*mounts, {"name": "tmp", "mountPath": "/tmp"}],
        **(identity if "waiting" not in state else {"imageID": ""}),
    }


def _condition(kind: str, true: bool, **more: str) -> Object:
    moment = {"lastProbeTime": None, "lastTransitionTime": _now()}
    return {"type": kind, "observedGeneration": 1, "status": str(true), **moment, **more}


def _terminated(now: str) -> Object:
    times = {"startedAt": now, "finishedAt": now, "containerID": f"containerd://{'2e' * 32}"}
    return {"terminated": {"exitCode": 0, "reason": "Completed", **times}}


def _names(pod: Object) -> _Names:
    spec = pod["spec"]
    return _Names(spec["initContainers"][0]["name"], spec["containers"][0]["name"])


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
