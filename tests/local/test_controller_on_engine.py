"""The controller on the engine's API server (without its kubelet: the test says how the pods are).

With ``KAGENTS_TEST_KUBECONFIG`` the same tests run against that API server, which needs the CRDs.
"""

import asyncio
import os
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kagents_controller.controller import Controller
from kagents_core.api.constants import API_VERSION, APPROVAL_PREFIX, LABEL_AGENT
from kagents_core.api.resources import AGENT_TEAMS, CLAIMS, EVENTS, NAMESPACES, PODS, Resource
from kagents_core.kube.client import Client
from kagents_core.kube.config import ClientConfig, load_kubeconfig
from kagents_core.kube.reflector import Reflector
from kagents_core.kube.store import Store, whole
from kagents_core.reconcile import Settings

SETTINGS = Settings(runner_image="kagents-runner:test", restart_delay=timedelta())
SPEC = {
    "workspace": {"output": {"size": "1Gi"}},
    "harness": "simulated",
    "lead": {"prompt": "lead"},
    "teammates": [
        {"name": "a", "prompt": "work"},
        {"name": "b", "prompt": "work", "dependsOn": ["a"]},
        {"name": "c", "prompt": "work"},
    ],
    "lifecycle": {"approvalGates": [{"event": "spawn-c"}]},
}


class NoPods:
    """Nothing runs here, so logs and exec are never asked for."""


@asynccontextmanager
async def api_server(directory: Path) -> AsyncIterator[ClientConfig]:
    from kagents_local.certificates import Certificates
    from kagents_local.paths import DataDirectory
    from kagents_local.serving import HOST, start_api
    from kagents_local.tokens import ensure_tokens

    data = DataDirectory(directory)
    data.create()
    certificates = Certificates(data.pki)
    certificates.ensure()
    tokens = ensure_tokens(data.pki)
    access: Any = NoPods()
    api = await start_api(data, certificates, tokens, None, access)
    try:
        server = f"https://{HOST}:{api.port}"
        yield ClientConfig(server, ca_data=certificates.ca.read_bytes(), token=tokens.admin)
    finally:
        await api.stop()


class Bench:
    """A namespace, what is in it, every version of each team, and a controller that can be cut off."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self.stores: dict[str, Store[dict[str, Any]]] = {}
        self.versions: Counter[str] = Counter()
        self.running: asyncio.Task[None] | None = None
        self.controller: Controller | None = None

    def start(self, client: Client) -> None:
        self.controller = Controller(client, settings=SETTINGS, namespaces=[self.namespace])
        self.running = asyncio.create_task(self.controller.run())

    async def cut_off(self) -> None:
        """As SIGKILL would: nothing is finished, nothing is written any more."""
        assert self.running is not None
        self.running.cancel()
        await asyncio.wait([self.running], timeout=10)

    async def create(self, name: str) -> None:
        body = {"apiVersion": API_VERSION, "kind": "AgentTeam", "metadata": {"name": name}, "spec": SPEC}
        await self.client.create(AGENT_TEAMS, self.namespace, body)

    def team(self, name: str) -> dict[str, Any]:
        return self.stores["AgentTeam"].get((self.namespace, name)) or {}

    def status(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.team(name).get("status") or {}
        return found

    def pods(self, team: str) -> list[dict[str, Any]]:
        uid = self.team(team).get("metadata", {}).get("uid")
        return [
            pod
            for pod in self.stores["Pod"].values()
            if any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences", ()))
        ]

    def agents(self, team: str) -> list[str]:
        return sorted(pod["metadata"]["labels"][LABEL_AGENT] for pod in self.pods(team))

    async def pods_become(self, team: str, phase: str, *agents: str) -> None:
        for pod in self.pods(team):
            if pod["metadata"]["labels"][LABEL_AGENT] in agents:
                conditions = [{"type": "Initialized", "status": "True"}]
                status = {"status": {"phase": phase, "conditions": conditions}}
                name = pod["metadata"]["name"]
                await self.client.patch_merge(PODS, self.namespace, name, status, subresource="status")

    async def until(self, condition: Callable[[], Any], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110  (any condition, not one event)
                await asyncio.sleep(0.005)


@pytest.fixture
async def config(tmp_path: Path) -> AsyncIterator[ClientConfig]:
    given = os.environ.get("KAGENTS_TEST_KUBECONFIG")
    if given:
        yield load_kubeconfig(given)
        return
    async with api_server(tmp_path / "data") as found:
        yield found


@pytest.fixture
async def bench(config: ClientConfig) -> AsyncIterator[Bench]:
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    async with Client(config) as client:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        await client.create(NAMESPACES, None, body)
        made = Bench(client, namespace)
        watching = [asyncio.create_task(reflector.run()) for reflector in mirrors(made)]
        try:
            yield made
        finally:
            tasks = [*watching, *([made.running] if made.running else [])]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=10)


def mirrors(bench: Bench) -> list[Reflector[dict[str, Any]]]:
    resources: tuple[Resource, ...] = (AGENT_TEAMS, PODS, CLAIMS, EVENTS)
    bench.stores = {resource.kind: Store(whole) for resource in resources}
    bench.stores["AgentTeam"].subscribe(
        lambda changes: bench.versions.update(change.key[1] for change in changes)
    )
    return [
        Reflector(bench.client, resource, bench.stores[resource.kind], namespace=bench.namespace)
        for resource in resources
    ]


async def test_a_whole_life(bench: Bench, config: ClientConfig) -> None:
    async with Client(config) as client:
        bench.start(client)
        await bench.create("demo")
        await bench.until(lambda: bench.agents("demo") == ["a", "hub", "lead"])
        await bench.until(lambda: bench.status("demo").get("phase") == "Initializing")
        assert len(bench.stores["PersistentVolumeClaim"]) == 2
        await bench.pods_become("demo", "Running", "hub", "lead", "a")
        await bench.until(lambda: bench.status("demo")["phase"] == "Running")
        await bench.pods_become("demo", "Succeeded", "a")
        await bench.until(lambda: "b" in bench.agents("demo"))
        approval = {"metadata": {"annotations": {f"{APPROVAL_PREFIX}spawn-c": "true"}}}
        await bench.client.patch_merge(AGENT_TEAMS, bench.namespace, "demo", approval)
        await bench.until(lambda: "c" in bench.agents("demo"))
        await bench.pods_become("demo", "Failed", "c")
        await bench.until(lambda: bench.agents("demo").count("c") == 2)
        await bench.pods_become("demo", "Succeeded", "b", "lead")
        for pod in bench.pods("demo"):
            if pod["status"]["phase"] == "Pending":
                await bench.pods_become("demo", "Succeeded", pod["metadata"]["labels"][LABEL_AGENT])
        await bench.until(lambda: bench.status("demo")["phase"] == "Completed")
        await bench.until(lambda: {"Completed", "Approved"} <= {e["reason"] for e in events(bench)})
        uid = bench.team("demo")["metadata"]["uid"]
        assert all(event["involvedObject"]["uid"] == uid for event in events(bench))
        await bench.cut_off()


def events(bench: Bench) -> list[dict[str, Any]]:
    return list(bench.stores["Event"].values())


async def test_one_status_write_a_change_and_none_at_rest(bench: Bench, config: ClientConfig) -> None:
    async with Client(config) as client:
        bench.start(client)
        await bench.create("demo")
        await bench.until(lambda: bench.status("demo").get("phase") == "Initializing")
        await bench.pods_become("demo", "Running", "hub", "lead", "a")
        await bench.until(lambda: bench.status("demo")["phase"] == "Running")
        assert bench.controller is not None
        await bench.until(lambda: bench.status("demo").get("ready") == "1/3")
        before = bench.versions["demo"]
        assert before <= 2 + 3, "created, first status, and at most one write for each pod that started"
        label = {"metadata": {"labels": {"unimportant": "yes"}}}
        changed = await bench.client.patch_merge(AGENT_TEAMS, bench.namespace, "demo", label)
        version = changed["metadata"]["resourceVersion"]
        await bench.until(lambda: bench.controller and bench.controller.caches.version(key(bench)) == version)
        await bench.until(lambda: not bench.controller.queue.processing and not len(bench.controller.queue))
        live = await bench.client.get(AGENT_TEAMS, bench.namespace, "demo")
        assert live["metadata"]["resourceVersion"] == version
        await bench.cut_off()


def key(bench: Bench) -> tuple[str, str, str]:
    return "AgentTeam", bench.namespace, "demo"


async def test_cut_off_anywhere_and_started_again_makes_no_pod_twice(
    bench: Bench, config: ClientConfig
) -> None:
    names = [f"team-{number}" for number in range(8)]
    for number, name in enumerate(names):
        async with Client(config) as client:
            bench.start(client)
            await bench.create(name)
            await bench.until(lambda name=name, number=number: len(bench.pods(name)) >= number % 4)  # type: ignore[misc]
            await bench.cut_off()
    async with Client(config) as client:
        bench.start(client)
        for name in names:
            await bench.until(lambda name=name: bench.status(name).get("phase") == "Initializing")  # type: ignore[misc]
            assert bench.agents(name) == ["a", "hub", "lead"]
            assert all(mate["restartCount"] == 0 for mate in bench.status(name)["teammates"])
        await bench.cut_off()
