"""One run: a simulated cluster, controllers on it that can be killed, a person, and what is seen."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from kagents_controller.controller import Controller
from kagents_controller.expectations import Owner
from kagents_controller.lease import Election, LeaseLost
from kagents_controller.notifications import Notifier
from kagents_core.api.resources import AGENT_TEAMS, Resource
from kagents_core.kube.client import path_of
from kagents_core.reconcile import Effect, Settings
from simulator.addresses import Object
from simulator.cluster import Cluster, Life, agent_of
from simulator.invariants import Invariants
from simulator.loop import VirtualLoop
from simulator.server import EPOCH, Key, Server
from simulator.weather import Weather
from simulator.wire import STALE_WRITES, Link, SimulatedClient

NAMESPACE = "ns"
RESTART_SECONDS = 1.0
_SETTINGS = Settings(runner_image="runner:simulated")
_MERGE = "application/merge-patch+json"


@dataclass
class Receiver:
    """Where webhooks arrive."""

    failing: int = 0
    """So many attempts are refused first."""
    got: dict[str, Object] = field(default_factory=dict)
    """By id: the last body."""
    attempts: int = 0


class _Notifier(Notifier):
    """Webhooks that reach the simulated receiver."""

    def __init__(self, process: "Process") -> None:
        super().__init__(clock=process.now)
        self._process = process

    async def __aenter__(self) -> "Notifier":
        return self

    async def _post(self, owner: Owner, effect: Effect) -> str | None:
        await asyncio.sleep(0.05)
        return self._process.receive(effect)


class Process:
    """One controller: a process that can die at any moment."""

    def __init__(self, world: "World", name: str, replica: int | None) -> None:
        self.name = name
        self.skew = 0.0
        self.link = Link(world.weather, self._crash, self._set_skew, replica)
        self.stale = False
        self._world = world
        lease = Election(SimulatedClient(self.link), NAMESPACE, "kagents", name) if world.leases else None
        self.controller = Controller(
            SimulatedClient(self.link),
            settings=_SETTINGS,
            clock=self.now,
            workers=4,
            lease=lease,
            notifier=_Notifier(self),
            hub_cluster_role="kagents-hub",
        )
        self.task = world.loop.create_task(self.controller.run(), name=name)
        self.task.add_done_callback(self._ended)

    def now(self) -> datetime:
        """The time by this process's clock."""
        return EPOCH + timedelta(seconds=self._world.loop.time() + self.skew)

    def receive(self, effect: Effect) -> str | None:
        """A webhook arrives; what the receiver answers."""
        return "dead" if self.link.dead else self._world.receive(effect)

    def _set_skew(self, seconds: float) -> None:
        self.skew = seconds

    def _crash(self) -> None:
        self.link.dead = True
        self._world.loop.call_soon(self.task.cancel)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._world.ended(self, task)


class World:
    """Everything of one run."""

    def __init__(
        self, loop: VirtualLoop, faults: Mapping[int | str, str], seed: int, life: Life, controllers: int
    ) -> None:
        self.loop = loop
        self.leases = controllers > 1
        self.server = Server(loop.time)
        self.weather = Weather(self.server, faults, seed)
        self.invariants = Invariants(self.server)
        self.cluster = Cluster(self.server, self._later, life)
        self.receiver = Receiver()
        self.changed = asyncio.Event()
        self.over = False
        self.processes: list[Process] = []
        self.problems: list[str] = []
        self._started = 0
        self.server.listeners.append(lambda change: self.changed.set())
        self.server.write(("/api/v1/namespaces", "", NAMESPACE), {"metadata": {"name": NAMESPACE}})
        for _ in range(controllers):
            self.start()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self.loop.call_later(seconds, act)

    # ── controllers ───────────────────────────────────────────────────────────────────────────────────────

    def start(self, replica: int | None = None) -> None:
        """A controller is started."""
        self._started += 1
        self.processes.append(Process(self, f"controller-{self._started}", replica))

    def ended(self, process: Process, task: asyncio.Task[None]) -> None:
        """A controller's process is no more: by a crash, a lost lease, or in a way it must never end."""
        self.processes.remove(process)
        if self.over:
            return
        error = None if task.cancelled() else task.exception()
        if not process.link.dead and not (error is not None and _lost_lease(error)):
            self.problems.append(f"the controller ended by itself: {error!r}")
        replica = max(100, self.server.version - STALE_WRITES) if process.link.stale else None
        self._later(RESTART_SECONDS, lambda: self.over or self.start(replica))

    @property
    def writes(self) -> int:
        """Requests of all controllers that changed something, so far."""
        return self.weather.writes

    async def stop(self) -> None:
        """End every controller, and leave nothing running."""
        self.over = True
        for process in self.processes:
            process.link.dead = True
            process.task.cancel()
        mine = asyncio.current_task()
        for task in asyncio.all_tasks():
            if task is not mine:
                task.cancel()
        await asyncio.gather(*(asyncio.all_tasks() - {mine}), return_exceptions=True)

    # ── what a person sees and does ───────────────────────────────────────────────────────────────────────

    def key(self, resource: Resource, name: str) -> Key:
        """Of an object in the one namespace."""
        return f"{resource.root}/{resource.plural}", NAMESPACE, name

    def apply(self, resource: Resource, name: str, spec: Object, **metadata: Any) -> None:
        """Create or replace an object's spec."""
        key = self.key(resource, name)
        body = self.server.get(key) or {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name},
        }
        body["metadata"] |= metadata
        self.server.write(key, body | {"spec": spec})

    def change(self, patch: Object, name: str = "demo", resource: Resource = AGENT_TEAMS) -> None:
        """A merge patch by a person."""
        path = path_of(resource, NAMESPACE, name)
        answer = self.server.handle("PATCH", path, {}, _MERGE, orjson.dumps(patch))
        assert answer.status < 300, answer.body

    def delete(self, name: str = "demo", resource: Resource = AGENT_TEAMS) -> None:
        """By a person."""
        self.server.handle("DELETE", path_of(resource, NAMESPACE, name), {}, "", None)

    def team(self, name: str = "demo") -> Object:
        """The team; an empty object when it is gone."""
        return self.server.look(self.key(AGENT_TEAMS, name)) or {}

    def status(self, name: str = "demo") -> Object:
        """Its status."""
        return self.team(name).get("status") or {}

    def pods(self, agent: str) -> list[Object]:
        """The pods of an agent."""
        return [pod for pod in self.server.all("pods") if agent_of(pod) == agent]

    def receive(self, effect: Effect) -> str | None:
        """A webhook has arrived at its receiver."""
        self.receiver.attempts += 1
        known = [
            record["id"]
            for team in self.server.all("agentteams")
            for record in (team.get("status") or {}).get("notifications") or ()
        ]
        gone = effect.payload.get("uid") not in [
            each["metadata"]["uid"] for each in self.server.all("agentteams")
        ]
        if effect.id not in known and not gone:
            self.problems.append(f"webhook {effect.payload.get('event')} was sent before status knew of it")
        if self.receiver.failing > 0:
            self.receiver.failing -= 1
            return "the receiver answered HTTP 500"
        self.receiver.got[effect.id] = dict(effect.payload)
        return None


def _lost_lease(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_lost_lease(each) for each in error.exceptions)
    return isinstance(error, LeaseLost)


class Complaints(logging.Handler):
    """Keeps what the controller calls unexpected."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f": {record.exc_info[1]!r}"
        self.told.append(text)
