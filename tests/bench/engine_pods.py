"""The engine with 500 running pods of light programs: what its daemon takes, and how soon it answers.

``python tests/bench engine_pods``; ``KAGENTS_BENCH_PODS=500``, ``KAGENTS_BENCH_IDLE=20`` seconds at rest. The
pods run ``sleep``: so many agents would fill the memory and keep the processors from the daemon. What a team
of simulated agents takes is measured last, to say how many of them fit.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from _engine import descendants, running_engine, share_mib
from _table import Table, spread
from engine import NAMESPACE, pod, resident_mib, running, until
from fifty_teams import cpu_seconds, keeper_of

from kagents_core.api.constants import API_VERSION
from kagents_core.api.resources import AGENT_TEAMS, PODS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

COUNT = int(os.environ.get("KAGENTS_BENCH_PODS", "500"))
IDLE = float(os.environ.get("KAGENTS_BENCH_IDLE", "20"))
ROUNDS = 100


async def main() -> None:
    """Print the table."""
    table = Table(f"The engine with {COUNT} running pods", ("", "measured", "target"))
    with running_engine() as (data, daemon):
        async with Client(load_kubeconfig(str(data / "kubeconfig"))) as client:
            await pods(table, client, daemon)
            await a_team(table, client, daemon)
    table.show()


async def pods(table: Table, client: Client, daemon: int) -> None:
    """All at once; at rest; asked; gone."""
    before, used, began = resident_mib(daemon), cpu_seconds(daemon), time.perf_counter()
    await asyncio.gather(*(client.create(PODS, NAMESPACE, pod(number)) for number in range(COUNT)))
    accepted = time.perf_counter() - began
    await until(client, lambda found: len(running(found)) == COUNT, daemon)
    took = time.perf_counter() - began
    table.add("all created → all accepted", f"{accepted:.1f} s", "")
    table.add("  → all run", f"{took:.1f} s: {COUNT / took:.0f} a second", "")
    table.add("  CPU of the daemon a pod", f"{1000 * (cpu_seconds(daemon) - used) / COUNT:.1f} ms", "")
    keeper = resident_mib(keeper_of(daemon))
    table.add("memory of the daemon before, with all", f"{before:.0f}, {resident_mib(daemon):.0f} MiB", "")
    table.add("  of the process that keeps the pods' processes", f"{keeper:.0f} MiB", "")
    used = cpu_seconds(daemon)
    await asyncio.sleep(IDLE)
    table.add("CPU of the daemon at rest", f"{100 * (cpu_seconds(daemon) - used) / IDLE:.1f} % of a core", "")
    mark = {"metadata": {"annotations": {"x": "true"}}}
    await asked(table, "get a pod", lambda n: client.get(PODS, NAMESPACE, f"p-{n}"))
    await asked(table, "annotate a pod", lambda n: client.patch_merge(PODS, NAMESPACE, f"p-{n}", mark))
    await asked(table, "list all pods", lambda n: client.list(PODS, NAMESPACE))
    began = time.perf_counter()
    for number in range(COUNT):
        await client.delete(PODS, NAMESPACE, f"p-{number}", grace_seconds=1)
    await until(client, lambda found: not found, daemon)
    table.add("all deleted, one after the other → all gone", f"{time.perf_counter() - began:.1f} s", "")
    table.add("memory of the daemon afterwards", f"{resident_mib(daemon):.0f} MiB", "")


async def asked(table: Table, what: str, ask: Callable[[int], Awaitable[Any]]) -> None:
    """The same request many times, one after the other."""
    taken = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        await ask(number % COUNT)
        taken.append(time.perf_counter() - began)
    table.add(what, spread(taken), "")


async def a_team(table: Table, client: Client, daemon: int) -> None:
    """The memory of what a team of three simulated agents runs, shared pages by their share."""
    mates = [{"name": f"mate-{n}", "prompt": "Wait.", "script": "- work: 600\n"} for n in range(2)]
    lead = {"prompt": "Wait.", "script": "- work: 600\n"}
    spec = {"harness": "simulated", "workspace": {"output": {}}, "lead": lead, "teammates": mates}
    body = {"apiVersion": API_VERSION, "kind": "AgentTeam", "metadata": {"name": "one"}, "spec": spec}
    before = descendants(daemon)
    await client.create(AGENT_TEAMS, NAMESPACE, body)
    await until(client, lambda found: len(running(found)) == 4, daemon)
    await asyncio.sleep(5.0)  # until each has imported what it needs
    taken = [share_mib(each) for each in descendants(daemon) - before]
    table.add("memory of a team of 3 simulated agents", f"{sum(taken):.0f} MiB, {len(taken)} processes", "")


if __name__ == "__main__":
    asyncio.run(main())
