"""The engine with 500 simulated agents, a hub for every ten: what they take together, and is mail lost?

``python tests/bench engine_agents``; ``KAGENTS_BENCH_TEAMS=50`` teams of ten agents, and
``KAGENTS_BENCH_IDLE=30`` seconds at rest. Needs 11 GiB of memory. What the agents say they have sent (the
hook files in the volumes) is counted against the journals.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from _engine import descendants, running_engine, share_mib
from _table import Table
from engine import NAMESPACE, resident_mib, running
from fifty_teams import Measured, count_mail, cpu_seconds, percentiles

from kagents_core.api.constants import API_VERSION
from kagents_core.api.resources import AGENT_TEAMS, PODS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

TEAMS = int(os.environ.get("KAGENTS_BENCH_TEAMS", "50"))
MATES = 9
MAIL = 2 * MATES
"""Of a team: the lead greets each teammate, and each answers."""
IDLE = float(os.environ.get("KAGENTS_BENCH_IDLE", "30"))
LIMIT = 1800.0


async def main() -> None:
    """Print the table."""
    agents = TEAMS * (MATES + 1)
    table = Table(f"The engine with {agents} simulated agents in {TEAMS} teams", ("", "measured", "target"))
    with running_engine() as (data, daemon):
        async with Client(load_kubeconfig(str(data / "kubeconfig"))) as client:
            await start(table, client, daemon)
            await mail(table, data)
            await rest(table, daemon)
            await end(table, client, daemon)
    table.show()


def team(number: int) -> dict[str, Any]:
    """A lead that greets nine teammates, each of which answers; then all wait."""
    names = [f"mate-{each}" for each in range(MATES)]
    greet = "".join(f"- send: {{to: {name}, text: 'hello {name}'}}\n" for name in names)
    answer = "- wait: {mail_from: lead}\n- send: {to: lead, text: here}\n- wait: {seconds: 72000}\n"
    spec = {
        "harness": "simulated",
        "workspace": {"output": {}},
        "lead": {"prompt": "Greet.", "script": f"{greet}- wait: {{seconds: 72000}}\n"},
        "teammates": [{"name": name, "prompt": "Answer.", "script": answer} for name in names],
        "lifecycle": {"timeout": "5h"},
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "AgentTeam",
        "metadata": {"name": f"team-{number:03}"},
        "spec": spec,
    }


async def start(table: Table, client: Client, daemon: int) -> None:
    """All at once."""
    wanted, available, began = TEAMS * (MATES + 2), memory_available(), time.perf_counter()
    await asyncio.gather(*(client.create(AGENT_TEAMS, NAMESPACE, team(number)) for number in range(TEAMS)))
    accepted = time.perf_counter() - began
    await until(lambda: _count(client, wanted))
    took = time.perf_counter() - began
    table.add("all teams created → accepted", f"{accepted:.1f} s", "")
    table.add(f"  → all {wanted} pods run", f"{took:.1f} s: {wanted / took:.1f} a second", "")
    table.add("  CPU of the daemon a pod", f"{1000 * cpu_seconds(daemon) / wanted:.1f} ms", "")
    table.add("memory of the machine taken by then", f"{available - memory_available():,.0f} MiB", "")


async def _count(client: Client, wanted: int) -> bool:
    return len(running((await client.list(PODS, NAMESPACE)).items)) == wanted


async def mail(table: Table, data: Path) -> None:
    """Until every journal has every message; then they are compared with what was sent."""

    def counted() -> Measured:
        found = Measured()
        for number in range(TEAMS):
            with suppress(ValueError):  # half a line
                count_mail(data, f"team-{number:03}", found)
        return found

    async def all_there() -> bool:
        found = counted()
        return found.sent == TEAMS * MAIL and len(found.journalled) >= found.sent

    await until(all_there, pause=3.0)
    found = counted()
    table.add("messages sent", f"{found.sent}", f"{TEAMS * MAIL}")
    table.add("  lost, doubled", f"{found.lost}, {found.doubled}", "0, 0")
    times = percentiles(found.journalled)
    table.add("  written → in the journal, while agents start", times, "p99 ≤ 500 ms")


async def rest(table: Table, daemon: int) -> None:
    """Nobody has anything to do."""
    everybody = descendants(daemon)
    shares = [share_mib(each) for each in everybody]
    table.add(f"memory of all {len(everybody)} processes", f"{sum(shares):,.0f} MiB", "")
    table.add("  of the daemon", f"{resident_mib(daemon):.0f} MiB", "")
    used, before = cpu_seconds(daemon), sum(map(_cpu, everybody))
    await asyncio.sleep(IDLE)
    table.add("CPU at rest: the daemon", f"{100 * (cpu_seconds(daemon) - used) / IDLE:.1f} % of a core", "")
    table.add("  all agents and hubs", f"{100 * (sum(map(_cpu, everybody)) - before) / IDLE:.0f} %", "")


def _cpu(pid: int) -> float:
    with suppress(OSError):
        return cpu_seconds(pid)
    return 0.0


async def end(table: Table, client: Client, daemon: int) -> None:
    """One team is killed while the others run; then all are."""
    began = time.perf_counter()
    await client.delete(AGENT_TEAMS, NAMESPACE, "team-000")
    await until(lambda: _gone(client, "team-000"))
    took = time.perf_counter() - began
    table.add("one team deleted → its 11 pods gone", f"{took:.1f} s", "")
    others = len(running((await client.list(PODS, NAMESPACE)).items))
    table.add("  pods of the others that run", f"{others}", f"{(TEAMS - 1) * (MATES + 2)}")
    began = time.perf_counter()
    for number in range(1, TEAMS):
        await client.delete(AGENT_TEAMS, NAMESPACE, f"team-{number:03}")
    await until(lambda: _gone(client, None))
    table.add("all teams deleted → all pods gone", f"{time.perf_counter() - began:.1f} s", "")
    table.add("processes left below the daemon", f"{len(descendants(daemon)) - 1}", "0")


async def _gone(client: Client, name: str | None) -> bool:
    labels = f"claude.amcheste.io/team={name}" if name else None
    return not (await client.list(PODS, NAMESPACE, labels=labels)).items


async def until(holds: Callable[[], Awaitable[bool]], *, pause: float = 0.2) -> None:
    """Wait for something to be so."""
    async with asyncio.timeout(LIMIT):
        while not await holds():  # noqa: ASYNC110  (a state, no event)
            await asyncio.sleep(pause)


def memory_available() -> float:
    """MiB that the machine could still give."""
    [line] = [each for each in Path("/proc/meminfo").read_text().splitlines() if each[:13] == "MemAvailable:"]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    asyncio.run(main())
