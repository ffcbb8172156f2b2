"""Teams that a bench makes, and the moments at which their pods are seen."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from kagents_core.api.constants import API_VERSION, APPROVAL_PREFIX
from kagents_core.api.resources import AGENT_TEAMS, NAMESPACES, PODS, SERVICE_ACCOUNTS
from kagents_core.kube.client import Client
from kagents_core.kube.errors import AlreadyExists
from kagents_core.kube.reflector import Reflector
from kagents_core.kube.store import Store

PARALLEL = 32
"""Requests of a bench that are on their way at once while it makes many teams."""


def spec(teammates: int, *, gated: bool = False, chained: bool = False) -> dict[str, Any]:
    """A cowork team; ``gated``: its last teammate waits for approval, ``chained``: for the one before it."""
    names = [f"mate-{number}" for number in range(teammates)]
    mates: list[dict[str, Any]] = [
        {"name": name, "prompt": "Do your part of the work. " * 8} for name in names
    ]
    if chained:
        mates[-1]["dependsOn"] = names[-2:-1]
    gates = [{"event": f"spawn-{names[-1]}"}] if gated else []
    return {
        "workspace": {"output": {"size": "1Gi"}},
        "harness": "simulated",
        "lead": {"prompt": "Lead the others. " * 8},
        "teammates": mates,
        "lifecycle": {"approvalGates": gates, "timeout": "12h"},
    }


@dataclass(frozen=True)
class Team:
    """An accepted team."""

    namespace: str
    name: str
    uid: str
    accepted: float
    """When its creation was answered, on the clock of ``time.perf_counter``."""


async def create(client: Client, namespace: str, name: str, body: dict[str, Any]) -> Team:
    """Create a team."""
    manifest = {"apiVersion": API_VERSION, "kind": "AgentTeam", "metadata": {"name": name}, "spec": body}
    made = await client.create(AGENT_TEAMS, namespace, manifest)
    return Team(namespace, name, made["metadata"]["uid"], time.perf_counter())


async def approve(client: Client, team: Team, teammate: str) -> None:
    """Approve the gate of a teammate as a person does."""
    annotation = {f"{APPROVAL_PREFIX}spawn-{teammate}": "true"}
    await client.patch_merge(
        AGENT_TEAMS, team.namespace, team.name, {"metadata": {"annotations": annotation}}
    )


async def create_many(
    client: Client, namespaces: Sequence[str], prefix: str, count: int, body: dict[str, Any]
) -> list[Team]:
    """Create teams spread over the namespaces, many at once."""
    slots = asyncio.Semaphore(PARALLEL)

    async def one(number: int) -> Team:
        async with slots:
            return await create(client, namespaces[number % len(namespaces)], f"{prefix}-{number:05d}", body)

    return list(await asyncio.gather(*(one(number) for number in range(count))))


@asynccontextmanager
async def namespaces(client: Client, prefix: str, count: int) -> AsyncIterator[list[str]]:
    """Namespaces of the bench, deleted afterwards (what is in them goes with them)."""
    names = [f"{prefix}-{number}" for number in range(count)]
    for name in names:
        await client.create(
            NAMESPACES, None, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        with suppress(AlreadyExists):  # the part of the control plane that makes it may be stopped
            await client.create(SERVICE_ACCOUNTS, name, account)
    try:
        yield names
    finally:
        for name in names:
            for team in (await client.list(AGENT_TEAMS, name)).items:
                await client.delete(AGENT_TEAMS, name, team["metadata"]["name"], propagation="Background")
            await client.delete(NAMESPACES, None, name)


def owner_of(obj: dict[str, Any]) -> str | None:
    """UID of the team that owns a pod or a claim."""
    owners = obj["metadata"].get("ownerReferences") or [{}]
    return str(owners[0].get("uid"))


class Seen:
    """Objects by team, with the moment each was first seen."""

    def __init__(self) -> None:
        self.at: dict[str, list[float]] = {}
        self.gone: dict[str, list[float]] = {}
        self._changed = asyncio.Event()

    def take(self, changes: Any) -> None:
        """A store's changes."""
        now = time.perf_counter()
        for change in changes:
            if change.old is None:
                self.at.setdefault(change.new, []).append(now)
            elif change.new is None:
                self.gone.setdefault(change.old, []).append(now)
        self._changed.set()

    async def count(self, uid: str, count: int, seconds: float = 120.0) -> float:
        """The moment the team's object number ``count`` was seen."""
        async with asyncio.timeout(seconds):
            while len(self.at.get(uid, ())) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.at[uid][count - 1]

    async def left(self, uid: str, count: int, seconds: float = 120.0) -> float:
        """The moment the team's object number ``count`` was seen to be gone."""
        async with asyncio.timeout(seconds):
            while len(self.gone.get(uid, ())) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.gone[uid][count - 1]


@asynccontextmanager
async def watched_pods(client: Client) -> AsyncIterator[Seen]:
    """The moments at which pods are seen by a watch of the bench's own."""
    store: Store[str] = Store(owner_of)
    seen = Seen()
    store.subscribe(seen.take)
    reflector = Reflector(client, PODS, store)
    watching = asyncio.create_task(reflector.run())
    try:
        await reflector.synced.wait()
        yield seen
    finally:
        watching.cancel()


class Phases:
    """Phases of all teams, as a watch of the bench's own sees them."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._store: Store[tuple[str, str, str]] = Store(self._project)
        self._store.subscribe(lambda _: self._changed.set())

    @staticmethod
    def _project(team: dict[str, Any]) -> tuple[str, str, str]:
        status = team.get("status") or {}
        return team["metadata"]["uid"], status.get("phase", ""), status.get("ready", "")

    def of(self, team: Team) -> tuple[str, str]:
        """Phase and ready agents of a team."""
        found = self._store.get((team.namespace, team.name))
        return ("", "") if found is None else found[1:]

    def counted(self, phase: str) -> int:
        """How many teams have this phase."""
        return sum(found == phase for _, found, _ in self._store.values())

    async def until(self, true: Callable[[], bool], seconds: float = 120.0) -> None:
        """Wait until something is true of the teams."""
        async with asyncio.timeout(seconds):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    @asynccontextmanager
    async def watching(self, client: Client) -> AsyncIterator["Phases"]:
        """Keep it up to date meanwhile."""
        reflector = Reflector(client, AGENT_TEAMS, self._store)
        task = asyncio.create_task(reflector.run())
        try:
            await reflector.synced.wait()
            yield self
        finally:
            task.cancel()
