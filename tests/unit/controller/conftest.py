"""The model server of the client's tests, and a controller running on it."""

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kagents_controller.controller import Controller
from kagents_controller.notifications import Notifier
from kagents_core.api.resources import AGENT_TEAM_RUNS, AGENT_TEAM_TEMPLATES, AGENT_TEAMS, Resource
from kagents_core.kube.addresses import EVERYWHERE, PermittedAddresses
from kagents_core.kube.client import Client, path_of
from kagents_core.reconcile import Settings

Object = dict[str, Any]

LOOPBACK = PermittedAddresses(EVERYWHERE)
"""Receivers of these tests are on this machine."""


def _load() -> ModuleType:
    name = "kagents_model_server"
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "kube" / "model_server.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


model_server = _load()


class World:
    """A model server, one controller on it that can be killed and started again, and a clock."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.offset = timedelta()
        self.controller: Any = None
        self._task: asyncio.Task[None] | None = None
        self._client: Client | None = None

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    async def start(self, **options: Any) -> None:
        self._client = await Client(self.server.config).__aenter__()
        options.setdefault("notifier", Notifier(clock=self.now, first_retry_seconds=0.01, addresses=LOOPBACK))
        settings = Settings(runner_image="runner:test", restart_delay=timedelta())
        self.controller = Controller(self._client, settings=settings, clock=self.now, **options)
        self._task = asyncio.create_task(self.controller.run())

    async def kill(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=5)
            assert self._task.done()
        if self._client is not None:
            await self._client.__aexit__(None, None, None)
        self._task = self._client = None

    async def until(self, condition: Callable[[], Any], seconds: float = 10.0) -> Any:
        async with asyncio.timeout(seconds):
            while not (found := condition()):
                assert self._task is None or not self._task.done(), self._task
                await asyncio.sleep(0.002)
        return found

    async def quiet(self, seconds: float = 10.0) -> None:
        """Wait until the controller has nothing to do and its caches show everything."""

        def resting() -> bool:
            c = self.controller
            idle = not len(c.queue) and not c.queue.processing and not len(c._expectations)
            seen = all(c.caches.teams.version(k) == v for k, v in self.versions(AGENT_TEAMS).items())
            return idle and seen and not c._events.due

        for _ in range(3):
            await self.until(resting, seconds)
            await asyncio.sleep(0.005)

    # ── objects ──────────────────────────────────────────────────────────────────────────────────

    def versions(self, resource: Resource) -> dict[tuple[str, str], str]:
        plural = f"/{resource.plural}/"
        return {
            (body["metadata"]["namespace"], body["metadata"]["name"]): body["metadata"]["resourceVersion"]
            for path, body in self.server.objects.items()
            if plural in path
        }

    def apply(self, spec: Object, name: str = "demo", kind: Resource = AGENT_TEAMS, **extra: Object) -> str:
        path = path_of(kind, "ns", name)
        body = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"annotations": {}},
            "spec": spec,
        }
        self.server.put(path, body | extra)
        return path

    def template(self, spec: Object, name: str = "pattern") -> str:
        return self.apply(spec, name, AGENT_TEAM_TEMPLATES)

    def run_of(self, template: str = "pattern", name: str = "demo", **spec: Any) -> str:
        return self.apply({"templateRef": {"name": template}, **spec}, name, AGENT_TEAM_RUNS)

    def change(self, path: str, patch: Object, *, status: bool = False) -> None:
        import copy

        body = model_server.merge(copy.deepcopy(self.server.objects[path]), patch)
        self.server.put(path, body, status=status)

    def team(self, name: str = "demo") -> Object:
        return self.server.objects[path_of(AGENT_TEAMS, "ns", name)]  # type: ignore[no-any-return]

    def status(self, name: str = "demo") -> Object:
        return self.team(name).get("status") or {}

    def of(self, plural: str) -> dict[str, Object]:
        return {path: body for path, body in self.server.objects.items() if f"/{plural}/" in path}

    def pods(self, agent: str | None = None, team: str | None = None) -> dict[str, Object]:
        return {
            path: pod
            for path, pod in self.of("pods").items()
            if agent in (None, pod["metadata"]["labels"]["claude.amcheste.io/agent"])
            and team in (None, pod["metadata"]["labels"]["claude.amcheste.io/team"])
        }

    def agents(self) -> list[str]:
        return sorted(pod["metadata"]["labels"]["claude.amcheste.io/agent"] for pod in self.pods().values())

    def set_phase(self, agent: str, phase: str) -> None:
        for path, pod in self.pods(agent).items():
            if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
                conditions = [{"type": "Initialized", "status": "True"}]
                self.change(path, {"status": {"phase": phase, "conditions": conditions}}, status=True)

    def events(self, reason: str | None = None) -> list[Object]:
        return [body for body in self.of("events").values() if reason in (None, body["reason"])]

    def writes(self) -> list[tuple[str, str]]:
        """Every write so far with the path of its object, events and what other clients did apart."""
        return [
            (verb, f"{path}/{body['metadata']['name']}" if verb == "POST" else path)
            for verb, path, _, body in self.server.log
            if verb in ("POST", "PATCH", "DELETE", "PUT") and "/events" not in path
        ]


@pytest.fixture
def simple() -> Callable[..., Object]:
    def spec(*mates: Object, gates: tuple[Object, ...] = (), **lifecycle: Any) -> Object:
        return {
            "workspace": {"output": {"size": "1Gi"}},
            "harness": "simulated",
            "lead": {"prompt": "lead"},
            "teammates": [{"prompt": "work", **mate} for mate in mates],
            "lifecycle": {"approvalGates": list(gates), **lifecycle},
        }

    return spec


@pytest.fixture
def model() -> ModuleType:
    return model_server


@asynccontextmanager
async def _world(**options: Any) -> AsyncIterator[World]:
    async with model_server.ModelServer() as server:
        made = World(server)
        try:
            yield made
        finally:
            await made.kill()


@pytest.fixture
async def stopped_world() -> AsyncIterator[World]:
    async with _world() as made:
        yield made


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with _world() as made:
        await made.start()
        yield made
