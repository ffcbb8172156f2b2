"""The controller with many running teams: memory, idle requests and CPU, approval → pod, restart → acts.

``python tests/bench --cluster controller_scale``. A bench plays the kubelet: all agents run, the last
teammate of every team waits at its gate. ``KAGENTS_BENCH_TEAMS=0,200,500,2000`` are the sizes,
``KAGENTS_BENCH_IDLE=60`` the seconds of each idle window.
"""

import asyncio
import os
import statistics
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from _audit import Requests
from _fake_kubelet import FakeKubelet
from _place import Controller, Place, api_server, needs_cluster, quiet, works
from _table import Table, spread
from _teams import Phases, Seen, Team, approve, create_many, namespaces, spec, watched_pods

from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

SIZES = [int(each) for each in os.environ.get("KAGENTS_BENCH_TEAMS", "0,200,500,2000").split(",")]
IDLE_SECONDS = float(os.environ.get("KAGENTS_BENCH_IDLE", "60"))
APPROVALS = 40
RESTARTS = 5
PAUSE = 0.2
NAMESPACES = 10
MEMORY_TARGETS = {0: "≤ 60 MiB", 500: "≤ 80 MiB", 10_000: "≤ 256 MiB"}
MEMORY_PEER = {0: "38 MiB", 500: "96 MiB"}
IDLE_PEER = {200: "760-840 writes, 1.1 s", 500: "9,100-11,200 writes, 15 s"}


@dataclass
class Figures:
    """What one size gave."""

    grown: float = 0.0
    """Memory of the controller that saw the teams come, in MiB."""

    restarted: float = 0.0
    """Memory of a controller that started with them."""

    peak: float = 0.0
    """The most that it ever had."""

    idle_requests: int = 0
    idle_leases: int = 0
    idle_cpu: float = 0.0
    """All three a minute."""

    listed: str = ""
    approvals: list[float] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    restart_cpu: list[float] = field(default_factory=list)
    """CPU seconds of the new process until then: what a busy machine does not change much."""


async def main() -> None:
    """Print the table."""
    with api_server() as place:
        if place is None:
            needs_cluster("controller_scale")
            return
        table = Table(
            f"Controller with many running teams of 3 agents and a hub, on {place.name}",
            ("", *(f"{size:,} teams" for size in SIZES), "target", "peer"),
        )
        async with (
            Client(load_kubeconfig(place.kubeconfig)) as client,
            namespaces(client, f"bench-{uuid.uuid4().hex[:6]}", NAMESPACES) as names,
            watched_pods(client) as seen,
        ):
            found = await Scale(client, place, names, seen).measure()
        _fill(table, found)
        table.show()


class Scale:
    """The teams of this bench, growing from size to size."""

    def __init__(self, client: Client, place: Place, names: list[str], seen: Seen) -> None:
        self._client = client
        self._place = place
        self._names = names
        self._seen = seen
        self._waiting: list[Team] = []
        """Teams whose gate is not approved yet."""

    async def measure(self) -> list[Figures]:
        """All sizes, in their order."""
        found: list[Figures] = []
        phases, made = Phases(), 0
        async with phases.watching(self._client):
            for size in SIZES:
                figures = Figures()
                async with self._place.controller() as controller:
                    await works()
                    await self._grow(phases, made, size)
                    made = size
                    await quiet(controller, 120)
                    figures.grown = controller.memory()
                for _ in range(RESTARTS if self._waiting else 0):
                    await self._restart(figures)
                async with self._place.controller() as controller:
                    await works()
                    await quiet(controller)
                    await self._idle(controller, figures)
                    await self._approve(figures)
                    figures.restarted, figures.peak = controller.memory(), controller.memory("VmHWM")
                found.append(figures)
        return found

    async def _grow(self, phases: Phases, have: int, want: int) -> None:
        """Make teams and let them run."""
        kubelet = FakeKubelet(self._client)
        body = spec(3, gated=True)
        async with kubelet.running():
            prefix = f"team-{have}"
            self._waiting += await create_many(self._client, self._names, prefix, want - have, body)
            await phases.until(lambda: phases.counted("Running") >= want, 1800)
            await phases.until(
                lambda: all(phases.of(team)[1] in ("2/3", "3/3") for team in self._waiting), 600
            )

    async def _idle(self, controller: Controller, figures: Figures) -> None:
        """Nothing happens: what is asked for and used all the same."""
        requests = Requests(self._place.audit) if self._place.audit else None
        if requests:
            requests.start()
        before, began = controller.cpu(), time.perf_counter()
        await asyncio.sleep(IDLE_SECONDS)
        minutes = (time.perf_counter() - began) / 60
        figures.idle_cpu = (controller.cpu() - before) / minutes
        if requests:
            counted = requests.read()
            figures.idle_leases = round(counted.of("leases") / minutes)
            figures.idle_requests = round(sum(counted.counted.values()) / minutes) - figures.idle_leases
            figures.listed = counted.listed()

    async def _approve(self, figures: Figures) -> None:
        """One approval after the other, while all others run."""
        for _ in range(min(APPROVALS, len(self._waiting))):
            team = self._waiting.pop()
            await asyncio.sleep(PAUSE)
            began = time.perf_counter()
            await approve(self._client, team, "mate-2")
            figures.approvals.append(await self._seen.count(team.uid, 5) - began)

    async def _restart(self, figures: Figures) -> None:
        """Approved while no controller runs; from the start of one until the pod is there."""
        team = self._waiting.pop()
        await approve(self._client, team, "mate-2")
        began = time.perf_counter()
        async with self._place.controller() as controller:
            figures.restarts.append(await self._seen.count(team.uid, 5) - began)
            figures.restart_cpu.append(controller.cpu())


def _fill(table: Table, found: list[Figures]) -> None:
    sizes = list(zip(SIZES, found, strict=True))

    def row(name: str, cells: Iterator[str], target: str, peer: str) -> None:
        table.add(name, *cells, target, peer)

    memory = ", ".join(f"{limit} with {size:,}" for size, limit in MEMORY_TARGETS.items())
    peer = ", ".join(f"{value} with {size}" for size, value in MEMORY_PEER.items())
    row("memory, having seen them come", (f"{each.grown:.0f} MiB" for each in found), memory, peer)
    row("memory, started with them", (f"{each.restarted:.0f} MiB" for each in found), memory, "")
    row("  its peak", (f"{each.peak:.0f} MiB" for each in found), "", "")
    peer = "; ".join(f"{size}: {value}" for size, value in IDLE_PEER.items())
    row("idle: requests a minute, lease apart", (f"{each.idle_requests}" for each in found), "0", peer)
    row("idle: lease requests a minute", (f"{each.idle_leases}" for each in found), "renewals only", "")
    row("idle: CPU a minute", (f"{each.idle_cpu:.2f} s" for each in found), "≤ 0.5 s", "")
    fast = "p99 ≤ 100 ms with 500"
    row(
        "approval sent → gated pod",
        (spread(each.approvals) for each in found),
        fast,
        "500: p50 0.9-1.7 s, max 3.1 s",
    )
    row(
        "restart → acts on an approval",
        (spread(each.restarts) for each in found),
        "≤ 1.5 s with 500",
        "p50 2.3-3.6 s, max 6.3 s",
    )
    cpu = (f"{statistics.median(each.restart_cpu):.2f} s" if each.restart_cpu else "-" for each in found)
    row("  of it CPU of the new process", cpu, "", "")
    for size, each in sizes:
        if each.idle_requests:
            print(f"  requests while idle with {size} teams: {each.listed}")


if __name__ == "__main__":
    asyncio.run(main())
