"""Clients that watch all teams beside the one that is measured, in a process of their own."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

READY = b"watching\n"


@contextmanager
def watchers(kubeconfig: Path, count: int) -> Iterator[list[str]]:
    """So many watches of all teams; what they saw stands in the list afterwards."""
    told: list[str] = []
    if not count:
        yield told
        return
    command = [sys.executable, __file__, str(kubeconfig), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == READY
        yield told
        told.append(process.communicate(timeout=60)[0].decode().strip())


async def watch(kubeconfig: str, count: int) -> None:
    """In the child: watch until stdin ends, then say what came."""
    seen = [0] * count
    async with Client(load_kubeconfig(kubeconfig)) as client:
        version = (await client.list(AGENT_TEAMS)).resource_version

        async def one(number: int) -> None:
            async for event in client.watch(AGENT_TEAMS, None, resource_version=version):
                seen[number] += event.type == "MODIFIED"

        tasks = [asyncio.create_task(one(number)) for number in range(count)]
        await asyncio.sleep(1.0)  # until every watch stands
        sys.stdout.buffer.write(READY)
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        await asyncio.sleep(1.0)  # what is on its way
        ended = sum(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
    print(f"changes seen by each of {count} watchers: {min(seen):,} to {max(seen):,}; {ended} broke off")


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1], int(sys.argv[2])))
