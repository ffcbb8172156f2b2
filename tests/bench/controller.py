"""The controller: team accepted → pods created, approval → gated pod, a burst, writes, memory, idle load.

By default on the embedded engine, which runs the controller inside. With ``KAGENTS_BENCH_KUBECONFIG`` it
starts a controller of its own against that API server (its CRDs must be there, no other controller may
run), and can then also say what the controller itself uses. Ratios against a peer in one run count.
"""

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kagents_core.api.constants import API_VERSION, APPROVAL_PREFIX
from kagents_core.api.resources import AGENT_TEAMS, NAMESPACES, PODS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig
from kagents_core.kube.reflector import Reflector
from kagents_core.kube.store import Store

SINGLE = int(os.environ.get("KAGENTS_BENCH_SINGLE", "30"))
BURST = int(os.environ.get("KAGENTS_BENCH_BURST", "100"))
HEALTH_PORT = 18081

Row = tuple[str, str, str]


class Seen:
    """Pods by team, with the moment each was first seen."""

    def __init__(self) -> None:
        self.at: dict[str, list[float]] = {}
        self.changed = asyncio.Event()

    def take(self, changes: Any) -> None:
        now = time.perf_counter()
        for change in changes:
            if change.old is None:
                self.at.setdefault(change.new, []).append(now)
        self.changed.set()

    async def pods(self, uid: str, count: int, seconds: float = 120.0) -> float:
        """The moment the team's pod number ``count`` was seen."""
        async with asyncio.timeout(seconds):
            while len(self.at.get(uid, ())) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.at[uid][count - 1]


def spec(teammates: int, *, gated: bool = False) -> dict[str, Any]:
    names = [f"mate-{number}" for number in range(teammates)]
    gates = [{"event": "spawn-mate-0"}] if gated else []
    return {
        "workspace": {"output": {"size": "1Gi"}},
        "harness": "simulated",
        "lead": {"prompt": "lead"},
        "teammates": [{"name": name, "prompt": "work", "script": "- wait: 600s\n"} for name in names],
        "lifecycle": {"approvalGates": gates, "timeout": "1h"},
    }


async def create(client: Client, namespace: str, name: str, body: dict[str, Any]) -> tuple[str, float]:
    """The uid of a new team, and the moment it was accepted."""
    manifest = {"apiVersion": API_VERSION, "kind": "AgentTeam", "metadata": {"name": name}, "spec": body}
    made = await client.create(AGENT_TEAMS, namespace, manifest)
    return made["metadata"]["uid"], time.perf_counter()


def uid_of_owner(pod: dict[str, Any]) -> str | None:
    owners = pod["metadata"].get("ownerReferences") or [{}]
    return owners[0].get("uid")


async def measure(client: Client, namespace: str, usage: Callable[[], dict[str, float]] | None) -> list[Row]:
    store: Store[str] = Store(uid_of_owner)
    seen = Seen()
    store.subscribe(seen.take)
    reflector = Reflector(client, PODS, store, namespace=namespace)
    watching = asyncio.create_task(reflector.run())
    await reflector.synced.wait()
    rows = []
    try:
        rows += await one_by_one(client, namespace, seen)
        before = usage() if usage else {}
        rows += await burst(client, namespace, seen)
        if usage:
            rows += await own_figures(usage, before)
    finally:
        watching.cancel()
    return rows


async def one_by_one(client: Client, namespace: str, seen: Seen) -> list[Row]:
    created, approved = [], []
    for number in range(SINGLE):
        name = f"one-{number}"
        uid, accepted = await create(client, namespace, name, spec(2, gated=True))
        created.append(await seen.pods(uid, 3) - accepted)
        await asyncio.sleep(0.2)  # an idle controller is what this row is about
        began = time.perf_counter()
        annotation = {f"{APPROVAL_PREFIX}spawn-mate-0": "true"}
        await client.patch_merge(AGENT_TEAMS, namespace, name, {"metadata": {"annotations": annotation}})
        approved.append(await seen.pods(uid, 4) - began)
        await client.delete(AGENT_TEAMS, namespace, name, propagation="Background")
    return [
        (f"team accepted → 3 pods created ({SINGLE})", spread(created), "p50 ≤ 30, p99 ≤ 75 ms"),
        ("approval sent → gated pod", spread(approved), "p50 ≤ 15, p99 ≤ 40 ms"),
    ]


async def burst(client: Client, namespace: str, seen: Seen) -> list[Row]:
    began = time.perf_counter()
    names = [f"burst-{number}" for number in range(BURST)]
    made = await asyncio.gather(*(create(client, namespace, name, spec(2)) for name in names))
    moments = [await seen.pods(uid, 4, 300) for uid, _ in made]
    each = [moment - accepted for moment, (_, accepted) in zip(moments, made, strict=True)]
    total = max(moments) - began
    label = f"burst of {BURST} teams of 3 agents, all pods"
    return [
        (label, f"{total:.2f} s", "≤ half of the peer's in the same run (500 teams: 32-36 s)"),
        ("  each team of the burst", spread(each), "-"),
    ]


async def own_figures(usage: Callable[[], dict[str, float]], before: dict[str, float]) -> list[Row]:
    await asyncio.sleep(2.0)
    after = usage()
    rows = [
        (
            "CPU of the controller a team, burst",
            f"{(after['cpu'] - before['cpu']) / BURST * 1000:.1f} ms",
            "≤ 15 ms",
        ),
        (
            "writes a team, burst (events apart)",
            f"{(after['writes'] - before['writes']) / BURST:.2f}",
            "6 children + 1-2",
        ),
        (f"memory with {BURST} teams", f"{after['rss']:.0f} MiB", "≤ 60 empty, ≤ 80 with 500"),
    ]
    await asyncio.sleep(10.0)
    idle = usage()
    writes = (idle["writes"] - after["writes"]) * 6
    rows.append((f"idle with {BURST} teams: writes a minute", f"{writes:.0f}", "0 (lease apart)"))
    rows.append(("  CPU a minute", f"{(idle['cpu'] - after['cpu']) * 6:.2f} s", "≤ 0.5 s"))
    return rows


def spread(seconds: list[float]) -> str:
    ordered = sorted(1000 * value for value in seconds)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"p50 {statistics.median(ordered):.0f}, p99 {p99:.0f} ms"


@asynccontextmanager
async def own_controller(kubeconfig: str) -> AsyncIterator[Callable[[], dict[str, float]]]:
    """A controller in a process of its own; what it has used so far."""
    command = [sys.executable, "-m", "kagents_controller.main", "--kubeconfig", kubeconfig]
    command += ["--runner-image", "bench", "--health-address", "127.0.0.1", "--health-port", str(HEALTH_PORT)]
    process = subprocess.Popen([*command, "--log-level", "error"])  # noqa: ASYNC220

    def metrics(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{HEALTH_PORT}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def usage() -> dict[str, float]:
        times = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        written = re.findall(r"^kagents_writes_total\S* (\d+)$", metrics("/metrics"), re.M)
        return {
            "cpu": (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"),
            "rss": resident * os.sysconf("SC_PAGE_SIZE") / 2**20,
            "writes": float(sum(map(int, written))),
        }

    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    await asyncio.to_thread(metrics, "/readyz")
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        yield usage
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 20)


@asynccontextmanager
async def engine() -> AsyncIterator[str]:
    """An embedded engine on a directory of its own; its kubeconfig."""
    with tempfile.TemporaryDirectory() as directory:
        data = str(Path(directory) / "data")
        verb = [sys.executable, "-m", "kagents_local"]
        await asyncio.to_thread(
            subprocess.run, [*verb, "up", "--data", data], check=True, stdout=subprocess.DEVNULL
        )
        try:
            yield str(Path(data) / "kubeconfig")
        finally:
            down = [*verb, "down", "--data", data, "--purge", "--yes"]
            await asyncio.to_thread(subprocess.run, down, check=False, stdout=subprocess.DEVNULL)


async def main() -> None:
    """Print the table."""
    given = os.environ.get("KAGENTS_BENCH_KUBECONFIG")
    namespace = f"bench-{uuid.uuid4().hex[:8]}"
    if given:
        async with own_controller(given) as usage:
            rows = await in_namespace(given, namespace, usage)
    else:
        async with engine() as kubeconfig:
            rows = await in_namespace(kubeconfig, namespace, None)
    place = "the given API server" if given else "the embedded engine (its kubelet runs the agents meanwhile)"
    print(f"controller on {place}")
    for name, measured, target in rows:
        print(f"  {name:<46} {measured:<26} target: {target}")


async def in_namespace(
    kubeconfig: str, namespace: str, usage: Callable[[], dict[str, float]] | None
) -> list[Row]:
    async with Client(load_kubeconfig(kubeconfig)) as client:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        await client.create(NAMESPACES, None, body)
        try:
            return await measure(client, namespace, usage)
        finally:
            for team in (await client.list(AGENT_TEAMS, namespace)).items:
                await client.delete(AGENT_TEAMS, namespace, team["metadata"]["name"])
            await client.delete(NAMESPACES, None, namespace)


if __name__ == "__main__":
    asyncio.run(main())
