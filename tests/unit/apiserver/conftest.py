"""An API server without TLS on loopback, with an administrator, a viewer and nobody's pods."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from kagents_local.apiserver.authentication import ADMIN, VIEWER
from kagents_local.apiserver.server import ApiServer
from kagents_local.apiserver.store import Store
from kagents_local.pod_access import PodAccessError
from kagents_local.tokens import new_signing_key

JSON = "application/json"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


class NoPods:
    """A kubelet that has nothing."""

    async def exec(self, *_: Any, **__: Any) -> Any:
        raise PodAccessError(404, "there is no such pod")

    async def logs(self, *_: Any) -> Any:
        raise PodAccessError(404, "there is no such pod")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of an answer."""

    status: int
    body: Any
    headers: Mapping[str, str]

    def __getitem__(self, key: str) -> Any:
        return self.body[key]


class Api:
    """Requests to a server, as the administrator unless told otherwise, and objects to send."""

    TEAMS = "/apis/claude.amcheste.io/v1alpha1/namespaces/default/agentteams"
    CONFIGS = "/api/v1/namespaces/default/configmaps"
    PODS = "/api/v1/namespaces/default/pods"
    JSON_PATCH = "application/json-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"

    def __init__(self, server: ApiServer, address: str, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.address = address
        self.session = session

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: str = JSON,
        token: str = "admin",
        headers: Mapping[str, str] = {},
        **query: str,
    ) -> Answer:
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        every = {
            "Authorization": f"Bearer {token}",
            "Content-Type": content,
            "User-Agent": "tester/1",
            **headers,
        }
        async with self.session.request(
            method, self.address + path, data=data, headers=every, params=query
        ) as answer:
            text = await answer.read()
            is_json = answer.headers.get("Content-Type", "").startswith(JSON)
            return Answer(answer.status, orjson.loads(text) if is_json else text, answer.headers)

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def post(self, path: str, body: Any, **options: Any) -> Answer:
        return await self.request("POST", path, body, **options)

    async def put(self, path: str, body: Any, **options: Any) -> Answer:
        return await self.request("PUT", path, body, **options)

    async def delete(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.request("DELETE", path, body, **options)

    async def patch(self, path: str, body: Any, content: str = MERGE, **options: Any) -> Answer:
        return await self.request("PATCH", path, body, content=content, **options)

    async def apply(self, path: str, body: Any, manager: str, **options: Any) -> Answer:
        return await self.patch(path, body, APPLY, fieldManager=manager, **options)

    def watch(self, path: str, **query: str) -> Any:
        """The open answer of a watch: an async context manager."""
        headers = {"Authorization": "Bearer admin"}
        return self.session.get(self.address + path, headers=headers, params={"watch": "1", **query})

    @staticmethod
    async def next_event(answer: aiohttp.ClientResponse) -> dict[str, Any]:
        """The next event of a watch; empty when the server has ended it."""
        async with asyncio.timeout(20):
            line = await answer.content.readline()
        event: dict[str, Any] = orjson.loads(line) if line else {}
        return event

    @staticmethod
    def team(name: str = "demo", **spec: Any) -> dict[str, Any]:
        return {
            "apiVersion": "claude.amcheste.io/v1alpha1",
            "kind": "AgentTeam",
            "metadata": {"name": name},
            "spec": {
                "harness": "simulated",
                "workspace": {"output": {}},
                "teammates": [{"name": "one", "prompt": "First."}],
                **spec,
            },
        }

    @staticmethod
    def config(name: str = "c", **data: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}

    @staticmethod
    def pod(name: str = "p", **metadata: Any) -> dict[str, Any]:
        spec = {"containers": [{"name": "main", "image": "x"}]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}, "spec": spec}


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "state.db")
    yield store
    store.close()


@pytest.fixture
async def api(store: Store) -> AsyncIterator[Api]:
    server = ApiServer(
        store, tokens={"admin": ADMIN, "viewer": VIEWER}, key=new_signing_key(), pod_access=NoPods()
    )

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await server.handle(request)

    async with RawTestServer(handle) as raw, aiohttp.ClientSession() as session:
        yield Api(server, str(raw.make_url("")).rstrip("/"), session)
        server.stop_watches()
