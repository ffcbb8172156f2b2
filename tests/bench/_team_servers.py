"""API servers that hold many teams and run none of them: the engine's, alone in a process, or a real one."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from _served_teams import NAMESPACES as SPREAD
from _served_teams import team

from kagents_core.api.resources import AGENT_TEAMS, NAMESPACES
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig
from kagents_core.kube.errors import AlreadyExists, NotFound

HERE = Path(__file__).parent
PARALLEL = 32


@contextmanager
def engine_server(count: int) -> Iterator[Path]:
    """The engine's API server with that many teams; its kubeconfig."""
    with tempfile.TemporaryDirectory() as directory:
        kubeconfig = Path(directory) / "kubeconfig"
        server = subprocess.Popen(
            [sys.executable, str(HERE / "_served_teams.py"), str(count), str(kubeconfig)]
        )
        try:
            deadline = time.monotonic() + 120
            while not kubeconfig.exists():
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the API server with {count} teams did not start")
                time.sleep(0.02)
            yield kubeconfig
        finally:
            server.kill()
            server.wait()


@contextmanager
def filled(kubeconfig: str, count: int) -> Iterator[Path]:
    """A real API server with that many teams more; they are deleted afterwards."""
    asyncio.run(_fill(kubeconfig, count))
    try:
        yield Path(kubeconfig)
    finally:
        asyncio.run(_empty(kubeconfig, count))


async def _fill(kubeconfig: str, count: int) -> None:
    now, slots = datetime.now(UTC), asyncio.Semaphore(PARALLEL)
    async with Client(load_kubeconfig(kubeconfig)) as client:
        for number in range(min(SPREAD, count)):
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"ns-{number:02d}"}}
            with suppress(AlreadyExists):
                await client.create(NAMESPACES, None, body)

        async def one(number: int) -> None:
            body = team(now, number)
            space, name = body["metadata"]["namespace"], body["metadata"]["name"]
            status = {"status": body.pop("status")}
            body["metadata"] = {"name": name, "namespace": space}
            body["spec"]["auth"] = {"apiKeySecret": "key"}
            async with slots:
                await client.create(AGENT_TEAMS, space, body)
                await client.patch_merge(AGENT_TEAMS, space, name, status, subresource="status")

        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(one(number))


async def _empty(kubeconfig: str, count: int) -> None:
    slots = asyncio.Semaphore(PARALLEL)
    async with Client(load_kubeconfig(kubeconfig)) as client:

        async def one(number: int) -> None:
            async with slots:
                with suppress(NotFound):
                    await client.delete(AGENT_TEAMS, f"ns-{number % SPREAD:02d}", f"team-{number:05d}")

        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(one(number))
