"""A kubelet over an API server that lives in memory: quick enough to try every way a pod can go."""

import asyncio
import contextlib
import copy
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from kagents_core.api.resources import CLAIMS, CONFIG_MAPS, EVENTS, PODS, SECRETS, Resource
from kagents_core.kube.client import Client
from kagents_core.kube.errors import AlreadyExists, Conflict, NotFound
from kagents_core.kube.paging import ObjectList
from kagents_core.kube.watch import WatchEvent
from kagents_local.kubelet.keeper_client import KeeperClient, KeeperUnreachableError
from kagents_local.kubelet.kubelet import Kubelet
from kagents_local.kubelet.layout import KubeletLayout
from kagents_local.kubelet.processes import marked
from kagents_local.kubelet.settings import KubeletSettings

IMAGE = "runner:test"
LIMIT = 30.0

Object = dict[str, Any]


class MemoryApi:
    """The verbs of ``Client`` that the kubelet uses, with uid preconditions and the deletion of pods."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.history: list[tuple[str, WatchEvent]] = []
        self.changed = asyncio.Condition()
        self.version = 0
        self.status_writes = 0

    async def pages(
        self, resource: Resource, namespace: str | None = None, **_: Any
    ) -> AsyncIterator[ObjectList]:
        found = [copy.deepcopy(obj) for key, obj in self.objects.items() if key[0] == resource.plural]
        yield ObjectList(found, str(self.version))

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        resource_version: str,
        on_open: Callable[[], None] | None = None,
        **_: Any,
    ) -> AsyncIterator[WatchEvent]:
        if on_open:
            on_open()
        index = int(resource_version)
        while True:
            async with self.changed:
                await self.changed.wait_for(lambda seen=index: len(self.history) > seen)
            while index < len(self.history):
                plural, event = self.history[index]
                index += 1
                if plural == resource.plural:
                    yield copy.deepcopy(event)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        return copy.deepcopy(self._found(resource, namespace, name))

    async def create(self, resource: Resource, namespace: str | None, body: Mapping[str, Any]) -> Object:
        key = (resource.plural, namespace or "", body["metadata"]["name"])
        if key in self.objects:
            raise AlreadyExists(409, "AlreadyExists", "exists")
        obj = copy.deepcopy(dict(body))
        obj["kind"] = resource.kind
        obj["metadata"] |= {"namespace": namespace, "uid": str(uuid.uuid4())}
        self.objects[key] = obj
        await self._tell(resource, "ADDED", obj)
        return copy.deepcopy(obj)

    async def patch_merge(
        self, resource: Resource, namespace: str | None, name: str, patch: Mapping[str, Any], **options: Any
    ) -> Object:
        obj = self._found(resource, namespace, name)
        uid = patch.get("metadata", {}).get("uid")
        if uid is not None and uid != obj["metadata"]["uid"]:
            raise Conflict(409, "Conflict", "another uid")
        if options.get("subresource") == "status" and resource == PODS:
            self.status_writes += 1
        _merge(obj, copy.deepcopy(dict(patch)))
        await self._tell(resource, "MODIFIED", obj)
        return copy.deepcopy(obj)

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        grace_seconds: int | None = None,
        **_: Any,
    ) -> None:
        obj = self._found(resource, namespace, name)
        if uid is not None and uid != obj["metadata"]["uid"]:
            raise Conflict(409, "Conflict", "another uid")
        ended = obj.get("status", {}).get("phase") in ("Succeeded", "Failed")
        grace = (
            obj.get("spec", {}).get("terminationGracePeriodSeconds", 30)
            if grace_seconds is None
            else grace_seconds
        )
        if resource == PODS and grace and not ended:
            obj["metadata"] |= {
                "deletionTimestamp": "2026-01-01T00:00:00Z",
                "deletionGracePeriodSeconds": grace,
            }
            await self._tell(resource, "MODIFIED", obj)
            return
        del self.objects[(resource.plural, namespace or "", name)]
        await self._tell(resource, "DELETED", obj)

    def _found(self, resource: Resource, namespace: str | None, name: str) -> Object:
        try:
            return self.objects[(resource.plural, namespace or "", name)]
        except KeyError:
            raise NotFound(404, "NotFound", f"{resource.plural} {name} not found") from None

    async def _tell(self, resource: Resource, kind: Any, obj: Object) -> None:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((resource.plural, WatchEvent(kind, copy.deepcopy(obj))))
        async with self.changed:
            self.changed.notify_all()


def _merge(target: Object, patch: Object) -> None:
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        elif value is None:
            target.pop(key, None)
        else:
            target[key] = value


def issue(namespace: str, account: str, uid: str, audience: str | None, seconds: int | None) -> str:
    """A token that says for whom it is."""
    return f"token:{namespace}:{account}:{audience}"


class Node:
    """A kubelet that can be stopped and started again, with what tests ask of its pods."""

    def __init__(self, data: Path, environ: Mapping[str, str]) -> None:
        self.data = data
        self.api = MemoryApi()
        self.client = cast(Client, self.api)
        self.environ = dict(environ)
        self.issue_token: Callable[..., str] = issue
        self.kubelet: Kubelet
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        settings = KubeletSettings(
            IMAGE,
            backoff_base=0.1,
            backoff_limit=0.4,
            retry_base=0.05,
            retry_limit=0.1,
            rotation_seconds=0.05,
        )
        self.kubelet = Kubelet(
            self.client,
            self.data,
            settings,
            issue_token=self.issue_token,
            ca_certificate=b"CA",
            api_host="127.0.0.1",
            api_port=6443,
            environ=self.environ,
        )
        self._task = asyncio.create_task(self.kubelet.run())
        async with asyncio.timeout(LIMIT):
            await self.kubelet.ready.wait()

    async def stop(self) -> None:
        """End the kubelet, as a daemon that is killed does: its processes go on."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def create(self, script: str | None = None, *, name: str = "p", **spec: Any) -> Object:
        body = {"restartPolicy": "Never", "automountServiceAccountToken": False, **spec}
        if script is not None:
            body["containers"] = [container(script)]
        return await self.client.create(PODS, "ns", {"metadata": {"name": name}, "spec": body})

    def pod(self, name: str = "p") -> Object | None:
        return self.api.objects.get(("pods", "ns", name))

    def status(self, name: str = "p") -> Object:
        return cast(Object, (self.pod(name) or {}).get("status", {}))

    def main(self, name: str = "p") -> Object:
        """Status of the first container."""
        return cast(Object, (self.status(name).get("containerStatuses") or [{}])[0])

    def events(self, reason: str) -> list[str]:
        found = [obj for key, obj in self.api.objects.items() if key[0] == EVENTS.plural]
        return [event["message"] for event in found if event["reason"] == reason]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():  # noqa: ASYNC110  (files and processes tell nobody)
                await asyncio.sleep(0.01)

    async def phase(self, wanted: str, name: str = "p") -> Object:
        await self.until(lambda: self.status(name).get("phase") == wanted)
        return self.status(name)

    async def log(self, name: str = "p", container: str | None = None, **options: Any) -> str:
        from kagents_local.pod_access import LogQuery

        chunks = await self.kubelet.logs("ns", name, container, LogQuery(**options))
        return b"".join([chunk async for chunk in chunks]).decode()

    async def secret(self, name: str, **data: str) -> None:
        await self.client.create(SECRETS, "ns", {"metadata": {"name": name}, "data": data})

    async def config_map(self, name: str, **data: str) -> None:
        await self.client.create(CONFIG_MAPS, "ns", {"metadata": {"name": name}, "data": data})

    async def claim(self, name: str) -> Object:
        spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
        return await self.client.create(CLAIMS, "ns", {"metadata": {"name": name}, "spec": spec})


def container(script: str, name: str = "main", **more: Any) -> Object:
    return {"name": name, "image": IMAGE, "command": ["sh", "-c", script], **more}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    node = Node(tmp_path, {"PATH": "/usr/local/bin:/usr/bin:/bin", "ANTHROPIC_API_KEY": "of-the-shell"})
    await node.start()
    yield node
    await node.stop()
    keeper = KeeperClient(tmp_path.resolve(), lambda _: None)
    await keeper.connect()
    keeper.shutdown()
    with contextlib.suppress(KeeperUnreachableError):
        async with asyncio.timeout(LIMIT):
            await keeper.listen()
    assert marked(f"{tmp_path.resolve()}:") == []
    shutil.rmtree(KubeletLayout(tmp_path.resolve()).short_links, ignore_errors=True)
