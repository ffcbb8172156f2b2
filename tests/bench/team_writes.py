"""What a write of a team costs the API server: with its rules as the models have them, and as shipped.

``python tests/bench --cluster team_writes``. Statuses and annotations of teams of four teammates are patched,
with the one definition and with the other by turns. ``KAGENTS_BENCH_WRITES=600`` are the writes of each kind.
"""

import asyncio
import os
import uuid
from collections.abc import Mapping
from typing import Any

from _place import Place, Process, api_server, needs_cluster
from _table import Table
from _teams import create_many, namespaces, spec

from kagents_core.api.crd import crds, plain_crds
from kagents_core.api.resources import AGENT_TEAMS, CRDS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

WRITES = int(os.environ.get("KAGENTS_BENCH_WRITES", "600"))
TEAMS = 100
ROUNDS = 2
AT_ONCE = 8
SETTLES_SECONDS = 4.0
"""After a definition was changed: the API server makes its rules anew in the background."""


async def main() -> None:
    """Print the table."""
    with api_server() as place:
        if place is None or place.server is None:
            needs_cluster("team_writes")
            return
        async with Client(load_kubeconfig(place.kubeconfig)) as client:
            await _measure(client, place, place.server)


async def _measure(client: Client, place: Place, server: Process) -> None:
    columns = ("processor time of the API server", "each rule at each write", "as shipped")
    table = Table(f"Writes of a team of 5 agents on {place.name}", columns)
    kinds = {"a status": "status", "an annotation": None}
    found: dict[tuple[str, bool], list[float]] = {(kind, new): [] for kind in kinds for new in (False, True)}
    async with namespaces(client, f"bench-{uuid.uuid4().hex[:6]}", 1) as (name,):
        teams = [team.name for team in await create_many(client, [name], "team", TEAMS, spec(4, gated=True))]
        for number in range(ROUNDS):
            for shipped in (False, True):
                await _define(client, (crds() if shipped else plain_crds())[0])
                for kind, part in kinds.items():
                    before = server.cpu()
                    await _write(client, name, teams, part, f"{number}-{shipped}")
                    found[kind, shipped].append(1000 * (server.cpu() - before) / WRITES)
    for kind in kinds:
        cells = (" and ".join(f"{each:.1f}" for each in found[kind, new]) + " ms" for new in (False, True))
        table.add(kind, *cells)
    table.show()


async def _define(client: Client, definition: Mapping[str, Any]) -> None:
    await client.apply(CRDS, None, definition["metadata"]["name"], definition, manager="kagents-bench")
    await asyncio.sleep(SETTLES_SECONDS)


async def _write(client: Client, namespace: str, teams: list[str], part: str | None, word: str) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        text = f"{word}-{number}"
        body = {"status": {"ready": text}} if part else {"metadata": {"annotations": {"bench": text}}}
        async with slots:
            await client.patch_merge(
                AGENT_TEAMS, namespace, teams[number % len(teams)], body, subresource=part
            )

    await asyncio.gather(*(one(number) for number in range(WRITES)))


if __name__ == "__main__":
    asyncio.run(main())
