"""A prepared team whose gateway runs as a program: beside it an engine's API server and a scripted model."""

import asyncio
import json
import os
import ssl
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from gateway_place import ASKED, KEY, ScriptedApi

from kagents_core.reconcile.names import child_name
from kagents_local.apiserver.store import Store
from kagents_local.certificates import Certificates
from kagents_local.daemon import KubeletAccess
from kagents_local.paths import DataDirectory
from kagents_local.serving import HOST as LOOPBACK
from kagents_local.serving import ApiService, start_api
from kagents_local.tokens import ensure_tokens
from kagents_runner.hub_certificate import HOST

UID = "3f0c8f8e-3f0e-4c3a-8f3a-1d2c3b4a5f6e"
NAMESPACE = "default"
AGENTS = ("lead", "scout")
LIMIT = 60.0
"""Seconds that a program may take to start or end, on a machine that has other things to do."""


class GatewayTeam:
    """Agents ``lead`` and ``scout`` of harness claude-code, and the hub's gateway."""

    def __init__(self, root: Path, api: ApiService, model: ScriptedApi, authority: bytes) -> None:
        self.root, self.api, self.model = root, api, model
        self.process: asyncio.subprocess.Process | None = None
        self.gateway: dict[str, Any] | None = {"provider": "anthropic", "baseUrl": model.url}
        self.budget: int | None = None
        self.variables: dict[str, str] = {}
        for name in ("team", "home", "work", "over", "limits", "model", "account"):
            (root / name).mkdir()
        (root / "model" / "ANTHROPIC_API_KEY").write_text(KEY)
        self.limits(None)
        (root / "account" / "ca.crt").write_bytes(authority)
        (root / "account" / "namespace").write_text(NAMESPACE)
        hub = self.token_of("hub", audience=None, service_account="kagents-hub")
        (root / "account" / "token").write_text(hub)

    def limits(self, team: int | None, **agents: int) -> None:
        """What the recorder tells."""
        made = self.root / "limits" / "limits.new"
        made.write_bytes(orjson.dumps({"budgetMicros": team, "agents": agents}))
        made.replace(made.with_name("limits.json"))

    def token_of(
        self,
        agent: str,
        attempt: int = 0,
        *,
        audience: str | None = "kagents-hub",
        service_account: str = "default",
        uid: str = UID,
    ) -> str:
        """A token that the engine issues for the pod of this attempt."""
        name = child_name("demo", uid, agent, attempt)
        metadata = {"namespace": NAMESPACE, "name": name, "uid": str(uuid.uuid4())}
        store: Store = self.api._store
        found = store.get("pods", NAMESPACE, name)
        if found is None:
            found = store.write("pods", {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}})
        return self.api.issue_token(NAMESPACE, service_account, found.uid, audience, None)

    @property
    def address(self) -> Path:
        return self.root / "team" / "gateway" / "address"

    @property
    def ledger(self) -> Path:
        return self.root / "gateway" / "ledger.jsonl"

    def entries(self) -> list[dict[str, Any]]:
        """Lines of the ledger."""
        return [json.loads(line) for line in self.ledger.read_text().splitlines()]

    def document(self) -> dict[str, Any]:
        agents = [
            {"name": name, "role": "lead" if name == "lead" else "teammate", "harness": "claude-code"}
            for name in AGENTS
        ]
        simulated = {"name": "player", "role": "teammate", "harness": "simulated"}
        return {
            "name": "demo",
            "namespace": NAMESPACE,
            "uid": UID,
            "mode": "cowork",
            "gateway": self.gateway,
            "budgetMicros": self.budget,
            "agents": [*agents, simulated],
        }

    def environment(self) -> dict[str, str]:
        root = self.root
        return {
            "PATH": os.environ["PATH"],
            "KUBERNETES_SERVICE_HOST": LOOPBACK,
            "KUBERNETES_SERVICE_PORT": str(self.api.port),
            "KAGENTS_SERVICE_ACCOUNT_DIR": str(root / "account"),
            "KAGENTS_TERMINATION_LOG": str(root / "termination-log"),
            "KAGENTS_TEAM": json.dumps(self.document()),
            "KAGENTS_TEAM_DIR": str(root / "team"),
            "KAGENTS_HOMES_DIR": str(root / "home"),
            "KAGENTS_WORK_DIR": str(root / "work"),
            "KAGENTS_GATEWAY_DIR": str(root / "gateway"),
            "KAGENTS_GATEWAY_ADDRESS_DIR": str(root / "team" / "gateway"),
            "KAGENTS_OVER_DIR": str(root / "over"),
            "KAGENTS_LIMITS_DIR": str(root / "limits"),
            "KAGENTS_MODEL_CREDENTIALS_DIR": str(root / "model"),
            **self.variables,
        }

    async def run(self, *arguments: str) -> tuple[int, str]:
        """A verb to its end: its code and what it said last."""
        process = await self._spawn(*arguments)
        said, _ = await asyncio.wait_for(process.communicate(), LIMIT)
        assert b"Traceback" not in said, said.decode()
        return process.returncode or 0, said.decode()

    async def _spawn(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "kagents_runner", *arguments),
            env=self.environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def start(self) -> None:
        """Prepare, as the hub does whenever its pod starts, and serve."""
        code, said = await self.run("prepare")
        assert code == 0, said
        self.address.unlink(missing_ok=True)
        self.process = await self._spawn("gateway")
        async with asyncio.timeout(LIMIT):
            while not self.address.exists() and self.process.returncode is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert self.address.exists(), await self.ended()

    async def ended(self) -> str:
        """What the gateway has said, once it has ended."""
        assert self.process is not None
        said, _ = await asyncio.wait_for(self.process.communicate(), LIMIT)
        assert b"Traceback" not in said, said.decode()
        return said.decode()

    async def kill(self) -> None:
        """End it in the middle of whatever it does."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.ended()

    def tls(self) -> ssl.SSLContext:
        """What an agent trusts."""
        return ssl.create_default_context(cafile=str(self.root / "home" / "scout" / "gateway" / "ca.pem"))

    @asynccontextmanager
    async def asked(self, token: str, **more: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request to the gateway itself, as a relay would send it."""
        host, port = self.address.read_text().split()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        url = f"https://{host}:{port}/v1/messages"
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                url,
                data=orjson.dumps(ASKED | more),
                headers=headers,
                ssl=self.tls(),
                server_hostname=HOST,
            ) as answer,
        ):
            yield answer

    async def ask(self, token: str, **more: Any) -> tuple[int, bytes]:
        """Status and body."""
        async with self.asked(token, **more) as answer:
            return answer.status, await answer.read()


@asynccontextmanager
async def gateway_team(root: Path) -> AsyncIterator[GatewayTeam]:
    """One that is not started yet."""
    data = DataDirectory(root / "engine")
    data.create()
    certificates = Certificates(data.pki)
    certificates.ensure()
    access = KubeletAccess()
    api = await start_api(data, certificates, ensure_tokens(data.pki), None, access)
    (root / "place").mkdir()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(api.stop)
        model = ScriptedApi()
        await model.start(stack)
        team = GatewayTeam(root / "place", api, model, certificates.ca.read_bytes())
        stack.push_async_callback(team.kill)
        yield team


def costs(entries: Sequence[dict[str, Any]]) -> int:
    """Micro-dollars of all entries that have ended."""
    return sum(entry["costMicros"] for entry in entries if entry["state"] != "open")
