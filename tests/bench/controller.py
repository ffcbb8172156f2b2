"""The controller: team accepted → pods, approval → gated pod, dependency done → dependent pod, a burst.

On the real API server with ``python tests/bench --cluster controller`` (a bench plays the kubelet there),
else on the embedded engine, which runs the controller inside and cannot say what it uses. Sizes:
``KAGENTS_BENCH_SINGLE`` teams one by one, ``KAGENTS_BENCH_BURST`` teams at once. With
``KAGENTS_BENCH_PROFILE=FILE`` the controller runs under cProfile, and the bench shows where its time went.
"""

import asyncio
import os
import pstats
import sys
import time
import uuid
from dataclasses import replace
from typing import Any

from _fake_kubelet import FakeKubelet
from _place import Controller, Place, api_server, engine, quiet, works
from _table import Table, spread
from _teams import Phases, Seen, Team, approve, create, create_many, namespaces, spec, watched_pods

from kagents_core.api.resources import AGENT_TEAMS, CLAIMS, PODS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

SINGLE = int(os.environ.get("KAGENTS_BENCH_SINGLE", "60"))
BURST = int(os.environ.get("KAGENTS_BENCH_BURST", "0"))
PAUSE = 0.1
"""Seconds before each act: an idle controller is what is measured one by one."""


async def main() -> None:
    """Print the tables."""
    with api_server() as place:
        if place is not None:
            profile = os.environ.get("KAGENTS_BENCH_PROFILE")
            if profile:
                place = replace(place, python=(sys.executable, "-m", "cProfile", "-o", profile))
            await _on_server(place)
            if profile:
                pstats.Stats(profile).sort_stats("tottime").print_stats(20)
            return
    with engine() as place:
        await _on_engine(place)


async def _on_server(place: Place) -> None:
    async with Client(load_kubeconfig(place.kubeconfig)) as client:
        prefix = f"bench-{uuid.uuid4().hex[:6]}"
        async with namespaces(client, prefix, 12) as names, watched_pods(client) as seen:
            async with place.controller() as controller:
                await works()
                await _one_by_one(client, place, names[0], seen)
                created = await _burst(client, place, names[1:11], seen, controller, BURST or 500)
            if created is not None:
                await _without_controller(client, names[1], names[11], *created)


async def _on_engine(place: Place) -> None:
    prefix = f"bench-{uuid.uuid4().hex[:6]}"
    async with (
        Client(load_kubeconfig(place.kubeconfig)) as client,
        namespaces(client, prefix, 1) as names,
        watched_pods(client) as seen,
    ):
        table = Table(f"Controller on {place.name}", ("", "measured", "target on a cluster"))
        created, approved = [], []
        for number in range(SINGLE):
            team = await create(client, names[0], f"one-{number}", spec(3, gated=True))
            created.append(await seen.count(team.uid, 4) - team.accepted)
            await asyncio.sleep(PAUSE)
            began = time.perf_counter()
            await approve(client, team, "mate-2")
            approved.append(await seen.count(team.uid, 5) - began)
            await client.delete(AGENT_TEAMS, team.namespace, team.name, propagation="Background")
        table.add(f"team accepted → 4 pods created ({SINGLE})", spread(created), "p50 ≤ 30, p99 ≤ 75 ms")
        table.add("approval sent → gated pod", spread(approved), "p50 ≤ 15, p99 ≤ 40 ms")
        table.show()
        await _burst(client, place, names, seen, None, BURST or 100)


async def _one_by_one(client: Client, place: Place, namespace: str, seen: Seen) -> None:
    """Teams whose agents run (a bench plays the kubelet) and whose controller has nothing else to do."""
    table = Table(
        f"Controller on {place.name}: one team at a time, {SINGLE} times",
        ("", "measured", "target", "peer"),
    )
    kubelet, phases = FakeKubelet(client), Phases()
    created, sent, answered, patched, ended = [], [], [], [], []
    async with kubelet.running(), phases.watching(client):
        for number in range(SINGLE):
            team = await create(client, namespace, f"one-{number}", spec(3, gated=True))
            created.append(await seen.count(team.uid, 4) - team.accepted)
            await _running(phases, team, "2/3")
            began = time.perf_counter()
            await approve(client, team, "mate-2")
            answer = time.perf_counter()
            pod = await seen.count(team.uid, 5)
            sent.append(pod - began)
            patched.append(answer - began)
            answered.append(max(0.0, pod - answer))
            await client.delete(AGENT_TEAMS, team.namespace, team.name, propagation="Background")
        for number in range(SINGLE):
            team = await create(client, namespace, f"chain-{number}", spec(2, chained=True))
            await seen.count(team.uid, 3)
            await _running(phases, team, "1/2")
            began = time.perf_counter()
            await kubelet.end(team.uid, "mate-0")
            ended.append(await seen.count(team.uid, 4) - began)
            await client.delete(AGENT_TEAMS, team.namespace, team.name, propagation="Background")
    fast = "p50 ≤ 15, p99 ≤ 40 ms"
    peer = "p50 16-20, max 42 ms"
    table.add(
        "team accepted → 4 pods created", spread(created), "p50 ≤ 30, p99 ≤ 75 ms", "p50 50-69, p99 73-125 ms"
    )
    table.add("approval sent → gated pod seen", spread(sent), fast, peer)
    table.add("  of which until the approval is answered", spread(patched), "", "")
    table.add("  approval answered → gated pod seen", spread(answered), "", "")
    table.add("dependency's end sent → dependent pod seen", spread(ended), fast, peer)
    table.show()


async def _running(phases: Phases, team: Team, ready: str) -> None:
    """Wait until the team's agents run and the controller has nothing to do."""
    await phases.until(lambda: phases.of(team) == ("Running", ready))
    await asyncio.sleep(PAUSE)


async def _burst(
    client: Client,
    place: Place,
    names: list[str],
    seen: Seen,
    controller: Controller | None,
    count: int,
) -> tuple[int, float] | None:
    """Many teams at once, nothing of them started; their number and the seconds until all pods were seen."""
    table = Table(
        f"Controller on {place.name}: burst of {count} teams of 3 agents ({count * 4} pods with hubs)",
        ("", "measured", "target", "peer (500 teams)"),
    )
    phases = Phases()
    async with phases.watching(client):
        before = _used(place, controller)
        began = time.perf_counter()
        teams = await create_many(client, names, "burst", count, spec(2))
        accepted = time.perf_counter() - began
        moments = [await seen.count(team.uid, 4, 600) for team in teams]
        total = max(moments) - began
        await phases.until(lambda: all(phases.of(team)[0] == "Initializing" for team in teams))
        if controller is not None:
            await quiet(controller)
        after = _used(place, controller)
    each = [moment - team.accepted for moment, team in zip(moments, teams, strict=True)]
    table.add("all pods created", f"{total:.1f} s", "≤ half of the peer's in the same run", "32-36 s")
    table.add("  of which until all teams were accepted", f"{accepted:.1f} s", "", "")
    table.add("  pods a second", f"{count * 4 / total:.0f}", "", "")
    extra = sum(len(seen.at[team.uid]) - 4 for team in teams)
    table.add("  pods more than asked for", f"{extra}", "0", "")
    table.add("  each team of the burst, accepted → 4 pods", spread(each), "", "")
    if controller is not None:
        cpu, writes, server = (now - then for now, then in zip(after, before, strict=True))
        table.add("CPU of the controller a team", f"{1000 * cpu / count:.1f} ms", "≤ 15 ms", "13-17 ms")
        table.add("writes a team (events apart; 2 claims, 4 pods)", f"{writes / count:.2f}", "6 + 1 or 2", "")
        table.add(
            "CPU of the API server a team",
            f"{1000 * server / count:.0f} ms" if server else "-",
            "",
            "67-89 ms",
        )
        table.add(
            "memory of the controller afterwards", f"{controller.memory():.0f} MiB", "≤ 80 MiB", "96 MiB"
        )
    table.show()
    return (count, total) if controller is not None else None


def _used(place: Place, controller: Controller | None) -> tuple[float, float, float]:
    """Seconds of the controller, its writes, and seconds of the API server so far."""
    if controller is None:
        return 0.0, 0.0, 0.0
    return controller.cpu(), controller.writes(), place.server.cpu() if place.server else 0.0


async def _without_controller(client: Client, source: str, target: str, count: int, total: float) -> None:
    """The same number of the same objects by a bare client: what the server itself allows on this machine."""
    table = Table(
        f"The same objects of {count} teams created by a bare client, no controller at all",
        ("", "measured", ""),
    )
    claims = _copies((await client.list(CLAIMS, source)).items, target)
    pods = _copies((await client.list(PODS, source)).items, target)
    slots = asyncio.Semaphore(16)

    async def team(number: int) -> None:
        async with slots:
            for resource, bodies, each in ((CLAIMS, claims, 2), (PODS, pods, 4)):
                chosen = [bodies[(number * each + index) % len(bodies)] for index in range(each)]
                made = (client.create(resource, target, _named(body, number)) for body in chosen)
                await asyncio.gather(*made)

    began = time.perf_counter()
    await asyncio.gather(*(team(number) for number in range(count)))
    floor = time.perf_counter() - began
    table.add("all objects created, 16 teams at once", f"{floor:.1f} s", "")
    table.add("the burst with the controller takes", f"{total / floor:.2f} times as long", "")
    table.show()


def _copies(objects: list[dict[str, Any]], namespace: str) -> list[dict[str, Any]]:
    """Bodies to create, as a controller would send them."""
    bodies = []
    for found in objects:
        metadata = found["metadata"]
        kept = {key: metadata[key] for key in ("name", "labels", "annotations") if key in metadata}
        spec_ = {key: value for key, value in found["spec"].items() if key not in ("nodeName", "tolerations")}
        spec_.pop("serviceAccount", None)
        if "serviceAccountName" in spec_:
            spec_["serviceAccountName"] = "default"
        for volume in [each for each in spec_.get("volumes", ()) if "projected" in each]:
            spec_["volumes"].remove(volume)
            for container in (*spec_["containers"], *spec_["initContainers"]):
                mounts = container["volumeMounts"]
                container["volumeMounts"] = [each for each in mounts if each["name"] != volume["name"]]
        bodies.append(
            {
                "kind": found["kind"],
                "apiVersion": "v1",
                "metadata": kept | {"namespace": namespace},
                "spec": spec_,
            }
        )
    return bodies


def _named(body: dict[str, Any], number: int) -> dict[str, Any]:
    """The body under a name of its own."""
    name = f"{body['metadata']['name'][:50]}-{number}"
    return {**body, "metadata": {**body["metadata"], "name": name}}


if __name__ == "__main__":
    asyncio.run(main())
