"""Requests of the controller in a whole life of a team, as the API server's audit log counts them.

``python tests/bench --cluster controller_writes``. Teams with 1, 4 and 8 teammates, whose pods start at a
real kubelet's pace; then all agents end at the same moment, or one after the other.
"""

import asyncio
import uuid
from collections.abc import Sequence

from _audit import Requests
from _fake_kubelet import FakeKubelet
from _place import Place, api_server, needs_cluster, quiet, works
from _table import Table
from _teams import Phases, Team, create, namespaces, spec

from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

TEAMMATES = (1, 4, 8)
PEER = {1: "22", 4: "40", 8: "63"}
APART_SECONDS = 1.0
LINGER_SECONDS = 3.0
"""How long after its end a team is still watched for requests."""

CHILDREN = ("pods", "persistentvolumeclaims")


async def main() -> None:
    """Print the table."""
    with api_server() as place:
        if place is None or place.audit is None:
            needs_cluster("controller_writes")
            return
        table = Table(
            f"Requests of a whole life of a team with k teammates, counted by {place.name}",
            ("k, agents end", "writes", "of them children", "status", "events", "reads", "target", "peer"),
        )
        prefix = f"bench-{uuid.uuid4().hex[:6]}"
        async with (
            Client(load_kubeconfig(place.kubeconfig)) as client,
            namespaces(client, prefix, 1) as names,
            place.controller() as controller,
        ):
            await works()
            kubelet, phases = FakeKubelet(client, paced=True), Phases()
            async with kubelet.running(), phases.watching(client):
                first = await create(client, names[0], "first", spec(1))
                await _life(kubelet, phases, first, 1, 0.0)  # the namespace gets its account for hubs
                for mates in TEAMMATES:
                    for apart in (0.0, APART_SECONDS):
                        await quiet(controller)
                        await _count(table, place, client, kubelet, phases, names[0], mates, apart)
        table.show()


async def _count(
    table: Table,
    place: Place,
    client: Client,
    kubelet: FakeKubelet,
    phases: Phases,
    namespace: str,
    mates: int,
    apart: float,
) -> None:
    assert place.audit is not None
    requests = Requests(place.audit)
    requests.start()
    team = await create(client, namespace, f"life-{mates}-{apart:.0f}", spec(mates))
    await _life(kubelet, phases, team, mates, apart)
    await asyncio.sleep(LINGER_SECONDS)
    found = requests.read()
    table.add(
        f"{mates}, {'one after the other' if apart else 'together'}",
        str(found.writes()),
        str(found.writes(*CHILDREN)),
        str(found.writes("agentteams/status")),
        str(found.of("events")),
        str(found.reads()),
        f"≤ {2 * mates + 8 if apart and mates > 1 else mates + 10}, no reads",
        PEER[mates],
    )
    await client.delete(AGENT_TEAMS, team.namespace, team.name, propagation="Background")


async def _life(kubelet: FakeKubelet, phases: Phases, team: Team, mates: int, apart: float) -> None:
    """From created to completed: all agents run, then they end, the lead last, then the hub."""
    await phases.until(lambda: phases.of(team) == ("Running", f"{mates}/{mates}"))
    await asyncio.sleep(1.0)
    await _end(kubelet, team, [f"mate-{number}" for number in range(mates)], apart)
    await asyncio.sleep(apart)
    await _end(kubelet, team, ["lead"], 0.0)
    await phases.until(lambda: phases.of(team)[0] == "Completed")
    await _end(kubelet, team, ["hub"], 0.0)


async def _end(kubelet: FakeKubelet, team: Team, agents: Sequence[str], apart: float) -> None:
    async with asyncio.TaskGroup() as group:
        for agent in agents:
            group.create_task(kubelet.end(team.uid, agent))
            await asyncio.sleep(apart)


if __name__ == "__main__":
    asyncio.run(main())
