"""The controller with ten thousand running teams of five pods: what gives out on the way, and what holds.

``python tests/bench --cluster ten_thousand``, best on a cluster that is not up: nothing is deleted, the
cluster is thrown away. Half of the teams are in one namespace, the others in twenty. A bench plays the
kubelet. ``KAGENTS_BENCH_TEAMS=10000`` is the aim, ``KAGENTS_BENCH_GROW_MINUTES=30`` the longest it may take
(as many as there are then are measured), ``KAGENTS_BENCH_IDLE=180`` the seconds of the idle window.
"""

import asyncio
import itertools
import os
import signal
import statistics
import time
import uuid
from contextlib import AsyncExitStack, suppress

from _audit import Requests
from _fake_kubelet import FakeKubelet
from _place import HEALTH_PORT, Controller, Place, Process, api_server, needs_cluster, quiet, works
from _table import Table, spread
from _teams import PARALLEL, Phases, Seen, Team, approve, create_many, spec, watched_pods

from kagents_core.api.resources import AGENT_TEAMS, NAMESPACES, SERVICE_ACCOUNTS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig
from kagents_core.kube.errors import AlreadyExists

TEAMS = int(os.environ.get("KAGENTS_BENCH_TEAMS", "10000"))
GROW_SECONDS = 60 * float(os.environ.get("KAGENTS_BENCH_GROW_MINUTES", "30"))
IDLE_SECONDS = float(os.environ.get("KAGENTS_BENCH_IDLE", "180"))
STEPS = 10
SPREAD = 20
MATES = 4
PODS = MATES + 1
"""The lead, the hub, and the teammates but the gated last one."""
GATED = f"mate-{MATES - 1}"
SINGLE = 20
RATE, PACED = 50, 500
AT_ONCE = 500
KILLS = 200
RESTARTS = 3
FAILOVERS = 2
_ENDINGS = (("killed", signal.SIGKILL, "≤ 10 s"), ("stopped in good order", signal.SIGTERM, "≤ 1 s"))


async def main() -> None:
    """Print the tables."""
    with api_server() as place:
        if place is None:
            needs_cluster("ten_thousand")
            return
        prefix = f"bench-{uuid.uuid4().hex[:6]}"
        async with Client(load_kubeconfig(place.kubeconfig)) as client:
            names = [f"{prefix}-{number}" for number in range(SPREAD + 1)]
            for name in names:
                await _namespace(client, name)
            async with watched_pods(client) as seen, Phases().watching(client) as phases:
                await Many(client, place, names, seen, phases).measure()


async def _namespace(client: Client, name: str) -> None:
    await client.create(
        NAMESPACES, None, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    )
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    with suppress(AlreadyExists):  # the part of the control plane that makes it is stopped
        await client.create(SERVICE_ACCOUNTS, name, account)


class Many:
    """The teams of this bench, and the controller that has seen them come or was started with them."""

    def __init__(self, client: Client, place: Place, names: list[str], seen: Seen, phases: Phases) -> None:
        self._client = client
        self._place = place
        self._big, *self._others = names
        self._seen = seen
        self._phases = phases
        self._waiting: list[Team] = []
        """Teams whose gate is not approved yet, those of the big namespace and of others in turn."""
        self._made = 0
        self._empty = 0.0

    async def measure(self) -> None:
        """Grow, then everything else, each table as soon as it is there."""
        async with self._place.controller() as controller:
            await works(300)
            self._empty = controller.memory()
            await self._grow(controller)
            grown = controller.memory()
            acts = self._table("what is done")
            await self._approve_singly(acts)
            await self._approve_paced(acts)
            await self._approve_at_once(acts)
            await self._kill(acts)
            acts.show()
        rest = self._table("at rest and after a restart")
        each = 1024 * (grown - self._empty) / max(1, self._made)
        rest.add("memory, having seen them come", f"{grown:.0f} MiB", "≤ 256 MiB with 10,000")
        rest.add("  more than with none, a team", f"{each:.1f} KiB", "≤ 16 KiB")
        await self._restart(rest)
        rest.show()
        over = self._table("failover of two controllers")
        await self._fail_over(over)
        over.show()

    def _table(self, what: str) -> Table:
        title = f"{self._made:,} teams of {PODS} pods on {self._place.name}: {what}"
        return Table(title, ("", "measured", "target"))

    # ── growing ───────────────────────────────────────────────────────────────────────────────────────────

    async def _grow(self, controller: Controller) -> None:
        """Step by step to the aim, as fast as all parts bear it; which part works most says the table."""
        table = Table(
            f"Growing to {TEAMS:,} teams of {PODS} pods on {self._place.name}",
            ("teams", "running teams a second", "of a core: controller", "API server", "bench", "memory"),
        )
        parts: list[Process] = [controller, Process(os.getpid())]
        if self._place.server is not None:
            parts.insert(1, self._place.server)
        deadline = time.monotonic() + GROW_SECONDS
        async with FakeKubelet(self._client).running():
            for number in range(STEPS):
                before, began = [part.cpu() for part in parts], time.monotonic()
                await self._step(number, TEAMS // STEPS)
                took = time.monotonic() - began
                shares = [
                    f"{100 * (part.cpu() - then) / took:.0f} %"
                    for part, then in zip(parts, before, strict=True)
                ]
                table.add(
                    f"{self._made:,}",
                    f"{TEAMS / STEPS / took:.1f}",
                    *shares[: len(parts) - 1],
                    *([] if self._place.server else ["-"]),
                    shares[-1],
                    f"{controller.memory():.0f} MiB",
                )
                print(f"  {self._made} teams, {took:.0f} s for the last {TEAMS // STEPS}", flush=True)
                if time.monotonic() + took > deadline:
                    break
            await quiet(controller, 120)
        table.show()

    async def _step(self, number: int, count: int) -> None:
        half = count // 2
        body = spec(MATES, gated=True)
        big, others = await asyncio.gather(
            create_many(self._client, [self._big], f"big-{number}", half, body),
            create_many(self._client, self._others, f"team-{number}", count - half, body),
        )
        self._made += count
        teams = [team for pair in zip(big, others, strict=True) for team in pair]
        self._waiting += teams
        ready = f"{MATES - 1}/{MATES}"
        await self._phases.until(
            lambda: all(self._phases.of(team) == ("Running", ready) for team in teams), 3600
        )

    # ── acts ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _approved(self, team: Team) -> float:
        began = time.perf_counter()
        await approve(self._client, team, GATED)
        return await self._seen.count(team.uid, PODS + 1) - began

    async def _approve_singly(self, table: Table) -> None:
        places: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(min(2 * SINGLE, len(self._waiting))):
            await asyncio.sleep(0.2)
            team = self._waiting.pop()
            places[team.namespace == self._big].append(await self._approved(team))
        within = f"{self._made // 2:,} teams in its namespace"
        table.add("approval sent → gated pod, one at a time", spread(places[False]), "p99 ≤ 100 ms with 500")
        table.add(f"  with {within}", spread(places[True]), "the same")

    async def _approve_paced(self, table: Table) -> None:
        """So many a second, whether the one before is answered or not."""
        teams = [self._waiting.pop() for _ in range(min(PACED, len(self._waiting) // 4))]
        running, due = [], time.perf_counter()
        for team in teams:
            running.append(asyncio.create_task(self._approved(team)))
            due += 1 / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        found = await asyncio.gather(*running)
        table.add(f"{len(teams)} approvals, {RATE} a second", spread(found), "p99 ≤ 250 ms")

    async def _approve_at_once(self, table: Table) -> None:
        teams = [self._waiting.pop() for _ in range(min(AT_ONCE, len(self._waiting) // 4))]
        slots, began = asyncio.Semaphore(PARALLEL), time.perf_counter()

        async def one(team: Team) -> float:
            async with slots:
                sent = time.perf_counter()
                await approve(self._client, team, GATED)
            return await self._seen.count(team.uid, PODS + 1) - sent

        found = await asyncio.gather(*(one(team) for team in teams))
        took = time.perf_counter() - began
        table.add(f"{len(teams)} approvals at once: all pods there", f"{took:.1f} s", "≤ 10 s")
        table.add(f"  each, {PARALLEL} on their way at once", spread(found), "")
        extra = sum(len(self._seen.at[team.uid]) - PODS - 1 for team in teams)
        table.add("  pods more than asked for", f"{extra}", "0")

    async def _kill(self, table: Table) -> None:
        teams = [self._waiting.pop() for _ in range(min(KILLS, len(self._waiting) // 4))]
        slots, began = asyncio.Semaphore(PARALLEL), time.perf_counter()

        async def one(team: Team) -> float:
            async with slots:
                await self._client.patch_merge(
                    AGENT_TEAMS, team.namespace, team.name, {"spec": {"cancel": True}}
                )
            return time.perf_counter()

        sent = max(await asyncio.gather(*(one(team) for team in teams))) - began
        agents = await asyncio.gather(*(self._seen.left(team.uid, PODS - 1) for team in teams))
        table.add(
            f"{len(teams)} kills at once: last agent's pod gone", f"{max(agents) - began:.1f} s", "≤ 2 s"
        )
        table.add("  of which until all kills were accepted", f"{sent:.1f} s", "")

    # ── rest ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _restart(self, table: Table) -> None:
        taken, cpu = [], []
        for number in range(RESTARTS):
            team = self._waiting.pop()
            await approve(self._client, team, GATED)
            began = time.perf_counter()
            async with self._place.controller() as controller:
                taken.append(await self._seen.count(team.uid, PODS + 1) - began)
                cpu.append(controller.cpu())
                if number == RESTARTS - 1:
                    await quiet(controller, 120)
                    steady = controller.memory()
                    await self._idle(table, controller)
                    peak = controller.memory("VmHWM")
        table.add("memory, started with them", f"{steady:.0f} MiB", "≤ 256 MiB with 10,000")
        table.add("  its peak", f"{peak:.0f} MiB ({peak / steady:.2f} times)", "≤ 2 times")
        median, most = statistics.median(taken), max(taken)
        table.add(
            f"restart → acts on an approval ({RESTARTS})",
            f"p50 {median:.1f}, max {most:.1f} s",
            "≤ 10 s with 10,000",
        )
        table.add("  of it CPU of the new process", f"{statistics.median(cpu):.1f} s", "")

    async def _fail_over(self, table: Table) -> None:
        """A leader is killed or stopped, a gate approved at that moment; a second one has seen everything."""
        async with AsyncExitStack() as stack:
            ports = itertools.cycle((HEALTH_PORT, HEALTH_PORT + 1))
            leader = await self._beside(stack, next(ports))
            for name, number, target in _ENDINGS:
                taken, extra = [], 0
                for _ in range(FAILOVERS):
                    standby = await self._beside(stack, next(ports))
                    team = self._waiting.pop()
                    os.kill(leader.pid, number)
                    taken.append(await self._approved(team))
                    leader = standby
                    await quiet(leader, 120)
                    extra += len(self._seen.at[team.uid]) - PODS - 1
                shown = " and ".join(f"{each:.1f}" for each in taken)
                table.add(f"leader {name} → the other acts on an approval", f"{shown} s", target)
                table.add("  pods more than asked for", f"{extra}", "0")

    async def _beside(self, stack: AsyncExitStack, port: int) -> Controller:
        """One more controller that has seen everything."""
        controller = await stack.enter_async_context(self._place.controller(health_port=port))
        await works(300, health_port=port)
        await quiet(controller, 120)
        return controller

    async def _idle(self, table: Table, controller: Controller) -> None:
        """Nothing happens: what is asked for and used all the same."""
        requests = Requests(self._place.audit) if self._place.audit else None
        if requests:
            requests.start()
        before, began = controller.cpu(), time.perf_counter()
        await asyncio.sleep(IDLE_SECONDS)
        seconds = time.perf_counter() - began
        used = 100 * (controller.cpu() - before) / seconds
        table.add(f"idle for {seconds:.0f} s: CPU of the controller", f"{used:.1f} % of a core", "≤ 2 %")
        if requests:
            counted = requests.read()
            leases = counted.of("leases")
            others = sum(counted.counted.values()) - leases
            table.add("  requests, lease apart", f"{others}", "0")
            table.add("  lease requests a second", f"{leases / seconds:.2f}", "≤ 0.5")
            if others:
                print(f"  requests while idle: {counted.listed()}")


if __name__ == "__main__":
    asyncio.run(main())
