"""One suite, two servers: the embedded engine's API server, or the one of ``KAGENTS_CONFORMANCE_KUBECONFIG``.

Against a foreign server the definitions of this release are applied first. Every test works in a namespace
of its own, which is removed afterwards. Requests are plain HTTP, so that no client smooths anything over.
"""

import asyncio
import os
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from kagents_core.api.crd import crds
from kagents_core.api.resources import CRDS, NAMESPACES
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig
from kagents_core.kube.errors import NotFound
from kagents_local.certificates import Certificates
from kagents_local.daemon import KubeletAccess
from kagents_local.kubeconfig import write_kubeconfig
from kagents_local.paths import DataDirectory
from kagents_local.serving import HOST, start_api
from kagents_local.tokens import ensure_tokens

FOREIGN = os.environ.get("KAGENTS_CONFORMANCE_KUBECONFIG", "")
TEAMS = "/apis/claude.amcheste.io/v1alpha1/namespaces/{}/agentteams"


@dataclass(frozen=True)
class Refused:
    """A failed answer in the server's own words."""

    status: int
    reason: str
    message: str


@dataclass
class Server:
    """A server under test, and a namespace of one's own on it."""

    client: Client
    session: aiohttp.ClientSession
    namespace: str
    foreign: bool

    def path(self, name: str = "", sub: str = "", plural: str = "") -> str:
        base = f"/api/v1/namespaces/{self.namespace}/{plural}" if plural else TEAMS.format(self.namespace)
        return "/".join(part for part in (base, name, sub) if part)

    async def answer(
        self, method: str, path: str, body: Any = None, media: str = "application/json", **query: str
    ) -> tuple[int, dict[str, Any]]:
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        headers = {} if data is None else {"Content-Type": media}
        async with self.session.request(method, path, params=query, data=data, headers=headers) as response:
            return response.status, orjson.loads(await response.read())

    async def call(
        self, method: str, path: str, body: Any = None, media: str = "application/json", **query: str
    ) -> dict[str, Any]:
        """One request that must succeed; the answer's document."""
        status, document = await self.answer(method, path, body, media, **query)
        assert status < 300, document
        return document

    async def refused(
        self, method: str, path: str, body: Any = None, media: str = "application/json", **query: str
    ) -> Refused:
        """One request that must be refused."""
        status, document = await self.answer(method, path, body, media, **query)
        assert status >= 400, document
        assert document["kind"] == "Status"
        return Refused(status, document.get("reason", ""), document.get("message", ""))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """The server under test."""
    service = None
    if FOREIGN:
        config = load_kubeconfig(FOREIGN)
    else:
        data = DataDirectory(tmp_path / "api")
        data.create()
        certificates = Certificates(data.pki)
        certificates.ensure()
        tokens = ensure_tokens(data.pki)
        service = await start_api(data, certificates, tokens, None, KubeletAccess())
        address, authority = f"https://{HOST}:{service.port}", certificates.ca.read_bytes()
        write_kubeconfig(data.kubeconfig, server=address, ca_certificate=authority, token=tokens.admin)
        config = load_kubeconfig(str(data.kubeconfig))
    namespace = f"conformance-{uuid.uuid4().hex[:8]}"
    context = ssl.create_default_context(cadata=(config.ca_data or b"").decode())
    session = aiohttp.ClientSession(
        config.server,
        connector=aiohttp.TCPConnector(ssl=context),
        headers={"Authorization": f"Bearer {config.token}"},
    )
    async with Client(config) as client, session:
        await _ready(client)
        await client.create(
            NAMESPACES, None, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        )
        try:
            yield Server(client, session, namespace, bool(FOREIGN))
        finally:
            await client.delete(NAMESPACES, None, namespace)
    if service is not None:
        await service.stop()


async def _ready(client: Client) -> None:
    """The definitions of this release are served."""
    if not FOREIGN:
        return
    present = {item["metadata"]["name"] for item in (await client.list(CRDS)).items}
    for definition in crds():
        if definition["metadata"]["name"] not in present:
            await client.apply(CRDS, None, definition["metadata"]["name"], definition, manager="conformance")
    for definition in crds():
        name = definition["metadata"]["name"]

        async def established(name: str = name) -> bool:
            found = await client.get(CRDS, None, name)
            conditions = found.get("status", {}).get("conditions", ())
            return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

        await eventually(established)


async def eventually(holds: Callable[[], Awaitable[bool]], limit: float = 30.0) -> None:
    """Wait for a condition; what is not there yet does not hold yet."""
    async with asyncio.timeout(limit):
        while True:
            try:
                if await holds():
                    return
            except NotFound:
                pass
            await asyncio.sleep(0.05)


def team(name: str = "t", **spec: Any) -> dict[str, Any]:
    """A small valid team."""
    return {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeam",
        "metadata": {"name": name},
        "spec": {
            "harness": "simulated",
            "workspace": {"output": {"size": "1Gi"}},
            "lead": {"prompt": "lead"},
            "teammates": [{"name": "a", "prompt": "work"}],
            **spec,
        },
    }


@pytest.fixture
def make_team() -> Callable[..., dict[str, Any]]:
    """The builder of teams."""
    return team


@pytest.fixture
def wait_until() -> Callable[..., Awaitable[None]]:
    """The waiting for conditions."""
    return eventually
