"""The engine's API server: latency of requests and watches, long lists, memory; then a burst of pods.

The rows about requests are of the API server alone in a process of its own (no kubelet, no controller), over
TLS as every client reaches it; those about pods are of a whole engine.
``python tests/bench/engine.py``; sizes by ``KAGENTS_BENCH_TEAMS`` and ``KAGENTS_BENCH_PODS``.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kagents_core.api.constants import API_VERSION
from kagents_core.api.resources import AGENT_TEAMS, PODS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

SIZES = [int(size) for size in os.environ.get("KAGENTS_BENCH_TEAMS", "1000,10000").split(",")]
BURST = int(os.environ.get("KAGENTS_BENCH_PODS", "200"))
ROUNDS = 300
NAMESPACE = "default"

Row = tuple[str, str, str]


def team(number: int) -> dict[str, Any]:
    mates = [
        {"name": f"mate-{n}", "prompt": "Do your part of the work, then report to the lead."}
        for n in range(3)
    ]
    return {
        "apiVersion": API_VERSION,
        "kind": "AgentTeam",
        "metadata": {"name": f"team-{number:05}", "labels": {"round": str(number % 7)}},
        "spec": {
            "harness": "simulated",
            "workspace": {"output": {}},
            "lead": {"prompt": "Lead."},
            "teammates": mates,
        },
    }


def spread(seconds: list[float]) -> str:
    ordered = sorted(1000 * value for value in seconds)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"p50 {statistics.median(ordered):.1f}, p99 {p99:.1f} ms"


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


# -- the API server alone ------------------------------------------------------------------------------------


async def serve(directory: Path) -> None:
    """In the child: serve until stdin ends."""
    from kagents_local.certificates import Certificates
    from kagents_local.daemon import KubeletAccess
    from kagents_local.kubeconfig import write_kubeconfig
    from kagents_local.paths import DataDirectory
    from kagents_local.serving import HOST, start_api
    from kagents_local.tokens import ensure_tokens

    data = DataDirectory(directory)
    data.create()
    certificates = Certificates(data.pki)
    certificates.ensure()
    tokens = ensure_tokens(data.pki)
    api = await start_api(data, certificates, tokens, None, KubeletAccess())
    server = f"https://{HOST}:{api.port}"
    write_kubeconfig(
        data.kubeconfig, server=server, ca_certificate=certificates.ca.read_bytes(), token=tokens.admin
    )
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await api.stop()


@asynccontextmanager
async def api_alone() -> AsyncIterator[tuple[Client, int]]:
    """A client of an API server in a process of its own, and that process."""
    from kagents_local.launch import ALLOCATOR

    with tempfile.TemporaryDirectory() as directory:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            "--serve",
            directory,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **ALLOCATOR},
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            assert await asyncio.wait_for(child.stdout.readline(), 30) == b"ready\n"
            async with Client(load_kubeconfig(str(Path(directory) / "kubeconfig"))) as client:
                yield client, child.pid
        finally:
            child.stdin.close()
            await asyncio.wait_for(child.wait(), 30)


async def requests(client: Client) -> list[Row]:
    created, both, patched = [], [], []
    for number in range(ROUNDS):
        began = time.perf_counter()
        made = await client.create(AGENT_TEAMS, NAMESPACE, team(number))
        created.append(time.perf_counter() - began)
        await client.get(AGENT_TEAMS, NAMESPACE, made["metadata"]["name"])
        both.append(time.perf_counter() - began)
        began = time.perf_counter()
        await client.patch_merge(
            AGENT_TEAMS, NAMESPACE, made["metadata"]["name"], {"metadata": {"annotations": {"x": "true"}}}
        )
        patched.append(time.perf_counter() - began)
    return [
        (f"create a team ({ROUNDS}, one after another)", spread(created), "p50 ≤ 10 ms"),
        ("create → get has it", spread(both), "p50 ≤ 15 ms"),
        ("annotate (merge patch)", spread(patched), "p50 ≤ 10 ms"),
    ]


async def watching(client: Client, watchers: int) -> list[Row]:
    """From before the request to the event, with so many watchers; the slowest of them counts."""
    listed = await client.list(AGENT_TEAMS, NAMESPACE)
    name = listed.items[0]["metadata"]["name"]
    seen: list[asyncio.Queue[float]] = [asyncio.Queue() for _ in range(watchers)]

    async def watch(queue: asyncio.Queue[float]) -> None:
        async for event in client.watch(AGENT_TEAMS, NAMESPACE, resource_version=listed.resource_version):
            if event.object and event.object["metadata"].get("name") == name:
                queue.put_nowait(time.perf_counter())

    tasks = [asyncio.create_task(watch(queue)) for queue in seen]
    await asyncio.sleep(0.5)  # until every watch stands
    delays = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        change = {"metadata": {"annotations": {"round": str(number)}}}
        await client.patch_merge(AGENT_TEAMS, NAMESPACE, name, change)
        arrived = [await asyncio.wait_for(queue.get(), 10) for queue in seen]
        delays.append(max(arrived) - began)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return [(f"patch sent → seen by {watchers} watcher(s)", spread(delays), "p50 ≤ 10, p99 ≤ 50 ms")]


async def long_lists(client: Client, pid: int) -> list[Row]:
    rows = []
    have = ROUNDS
    for size in SIZES:
        began, added = time.perf_counter(), size - have
        gate = asyncio.Semaphore(16)

        async def create(number: int, gate: asyncio.Semaphore = gate) -> None:
            async with gate:
                await client.create(AGENT_TEAMS, NAMESPACE, team(number))

        await asyncio.gather(*(create(number) for number in range(have, size)))
        rate = added / (time.perf_counter() - began)
        have = size
        rows.append((f"creates a second, up to {size} teams", f"{rate:.0f}", "-"))
        rows.append(
            (f"  memory with {size} teams (RSS)", f"{resident_mib(pid):.0f} MiB", "≤ 100 + 10 a 1,000")
        )
        rows += await lists_of(client, size)
        rows.append(("  memory after these lists", f"{resident_mib(pid):.0f} MiB", "-"))
    return rows


async def lists_of(client: Client, size: int) -> list[Row]:
    async def timed(**options: Any) -> tuple[float, int]:
        best, count = float("inf"), 0
        for _ in range(5):
            began = time.perf_counter()
            count = len((await client.list(AGENT_TEAMS, NAMESPACE, **options)).items)
            best = min(best, time.perf_counter() - began)
        return best, count

    rows = []
    target = f"≤ {max(100, size // 10)} ms"
    for label, options in (
        ("in pages of 500", {}),
        ("at once", {"limit": 100_000}),
        ("by label, a seventh", {"labels": "round=3", "limit": 100_000}),
    ):
        best, count = await timed(**options)
        rows.append((f"  list {count} of {size} teams {label}, best of 5", f"{1000 * best:.0f} ms", target))
    return rows


# -- the whole engine ----------------------------------------------------------------------------------------


def pod(number: int) -> dict[str, Any]:
    main = {"name": "main", "image": "kagents-runner:local", "command": ["sleep", "600"]}
    spec = {"restartPolicy": "Never", "containers": [main], "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p-{number}"}, "spec": spec}


async def burst_of_pods() -> list[Row]:
    """So many pods at once; the daemon's memory before, at its highest, and after they are gone."""
    with tempfile.TemporaryDirectory() as directory:
        data = str(Path(directory) / "data")

        def engine(*verb: str) -> str:
            command = [sys.executable, "-m", "kagents_local", *verb, "--data", data]
            return subprocess.run(command, check=True, capture_output=True, text=True, timeout=180).stdout

        await asyncio.to_thread(engine, "up")
        try:
            pid = json.loads(await asyncio.to_thread(engine, "status", "-o", "json"))["pid"]
            before = resident_mib(pid)
            async with Client(load_kubeconfig(str(Path(data) / "kubeconfig"))) as client:
                began = time.perf_counter()
                await asyncio.gather(*(client.create(PODS, NAMESPACE, pod(n)) for n in range(BURST)))
                high = await until(client, lambda pods: len(running(pods)) == BURST, pid)
                took = time.perf_counter() - began
                for number in range(BURST):
                    await client.delete(PODS, NAMESPACE, f"p-{number}", grace_seconds=1)
                high = max(high, await until(client, lambda pods: not pods, pid))
            await asyncio.sleep(2.0)
            after = resident_mib(pid)
        finally:
            await asyncio.to_thread(engine, "down", "--purge", "--yes")
    return [
        (f"{BURST} pods created at once → all run", f"{took:.1f} s", "-"),
        ("  memory of the daemon before (RSS)", f"{before:.0f} MiB", "≤ 80 MiB"),
        ("  at its highest", f"{high:.0f} MiB", "≤ 160 MiB"),
        ("  after they are gone", f"{after:.0f} MiB", "≤ 120 MiB"),
    ]


def running(pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in pods if (one.get("status") or {}).get("phase") == "Running"]


async def until(client: Client, done: Callable[[list[dict[str, Any]]], bool], pid: int) -> float:
    """Wait for the pods to be so; the highest memory seen meanwhile, in MiB."""
    highest = 0.0
    async with asyncio.timeout(180):
        while not done((await client.list(PODS, NAMESPACE)).items):
            highest = max(highest, resident_mib(pid))
            await asyncio.sleep(0.2)
    return max(highest, resident_mib(pid))


async def main() -> None:
    """Print the table."""
    rows: list[Row] = []
    async with api_alone() as (client, pid):
        rows += await requests(client)
        rows += await watching(client, 1)
        rows += await watching(client, 20)
        rows += await long_lists(client, pid)
    rows += await burst_of_pods()
    print("embedded engine: its API server")
    for name, measured, target in rows:
        print(f"  {name:<56} {measured:<24} target: {target}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        asyncio.run(serve(Path(sys.argv[2])))
    else:
        asyncio.run(main())
