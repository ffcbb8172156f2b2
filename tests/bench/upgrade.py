"""From an earlier release's chart and controller to this one's and back, with many teams, on a real server.

``python tests/bench --cluster upgrade``. Definitions, accounts and roles go by ``helm upgrade`` and ``helm
rollback``; the controllers are the releases' own programs beside the cluster. A bench plays the kubelet.
People decide while no controller runs. ``KAGENTS_BENCH_UPGRADE=500`` is the number of teams.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from _fake_kubelet import FakeKubelet
from _place import REPOSITORY, SYSTEM, Place, api_server, needs_cluster, works
from _table import Table
from _teams import PARALLEL, Phases, Team, create, namespaces, spec

from kagents_core.api.constants import APPROVAL_PREFIX
from kagents_core.api.resources import AGENT_TEAMS, PODS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

sys.path.insert(0, str(REPOSITORY / "tests/local"))  # where an earlier release is taken from
from earlier_release import REVISION, installed

TEAMS = int(os.environ.get("KAGENTS_BENCH_UPGRADE", "500"))
NAMESPACES = 10
LIMIT = 900.0
GATED = "mate-2"
GATE = f"{APPROVAL_PREFIX}spawn-{GATED}"
KINDS = ("at work", "with a model's key", "suspended", "ended")
ENDED = ("Succeeded", "Failed")


def kind_of(number: int) -> str:
    """Most are at work; of every ten one has real agents, every twentieth is suspended or has ended."""
    if number % 20 in (7, 8):
        return KINDS[number % 20 - 5]
    return KINDS[1] if number % 10 == 3 else KINDS[0]


def body_of(number: int) -> dict[str, Any]:
    body = spec(3, gated=kind_of(number) != "ended")
    if kind_of(number) == "with a model's key":
        body |= {"harness": "claude-code", "auth": {"apiKeySecret": "anthropic-api-key"}}
        address = {"name": "ANTHROPIC_BASE_URL", "value": "https://models.example.com"}
        body["teammates"][-1]["env"] = [address]  # refused today, and accepted then
    return body


@dataclass(frozen=True)
class Seen:
    """What there is at one moment."""

    pods: dict[str, tuple[str, str, int]]
    """By UID: name, phase, restarts. Of those that nobody is ending."""
    teams: dict[str, dict[str, Any]]
    """By UID: what of the status is the same whoever writes it."""


async def look(client: Client) -> Seen:
    pods = {
        pod["metadata"]["uid"]: (pod["metadata"]["name"], pod["status"]["phase"], restarts(pod))
        for pod in (await client.list(PODS, None, labels="app.kubernetes.io/name=kagents")).items
        if not pod["metadata"].get("deletionTimestamp")
    }
    found = (await client.list(AGENT_TEAMS, None)).items
    return Seen(pods, {team["metadata"]["uid"]: told(team) for team in found})


def restarts(pod: dict[str, Any]) -> int:
    statuses = pod["status"].get("containerStatuses") or ()
    return sum(int(each.get("restartCount") or 0) for each in statuses)


def told(team: dict[str, Any]) -> dict[str, Any]:
    status = team.get("status") or {}
    agents = {mate["name"]: mate["phase"] for mate in status.get("teammates", ())}
    kept = {name: status.get(name) for name in ("phase", "startedAt", "completedAt", "tasks")}
    return {**kept, "agents": agents, "annotations": team["metadata"].get("annotations") or {}}


@contextlib.asynccontextmanager
async def at_work(place: Place) -> AsyncIterator[None]:
    """A controller that is started again when it ends, as a Deployment does it."""

    async def keep() -> None:
        while True:
            async with place.controller() as controller:
                while runs(controller.pid):  # noqa: ASYNC110  (a state, no event)
                    await asyncio.sleep(0.5)

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Upgrade:
    """The teams, and one release after the other at work on them."""

    def __init__(self, client: Client, place: Place, table: Table) -> None:
        self._client, self._place, self._table = client, place, table
        self._undecided: list[Team] = []
        self.phases = Phases()

    async def begin(self, python: Path, names: Sequence[str]) -> None:
        """Every team in the state that it should be in, by the earlier release's controller."""
        slots = asyncio.Semaphore(PARALLEL)

        async def one(number: int) -> Team:
            async with slots:
                return await create(
                    self._client, names[number % NAMESPACES], f"team-{number:05d}", body_of(number)
                )

        place = replace(self._place, python=(str(python),))
        async with at_work(place), FakeKubelet(self._client).running() as kubelet:
            await works(LIMIT)
            teams = list(await asyncio.gather(*map(one, range(TEAMS))))
            await self.phases.until(lambda: self.phases.counted("Running") == TEAMS, LIMIT)
            for number, team in enumerate(teams):
                await self._change(kind_of(number), team, kubelet)
            ended = [team for number, team in enumerate(teams) if kind_of(number) == "ended"]
            await self.phases.until(lambda: self.phases.counted("Completed") == len(ended), LIMIT)
            for team in ended:
                await kubelet.end(team.uid, "hub")
            paused = [kind_of(number) for number in range(TEAMS)].count("suspended")
            await self.phases.until(lambda: self.phases.counted("Suspended") == paused, LIMIT)
            await self._rest()
        working = (KINDS[0], KINDS[1])
        self._undecided = [team for number, team in enumerate(teams) if kind_of(number) in working]

    async def _change(self, kind: str, team: Team, kubelet: FakeKubelet) -> None:
        if kind == "suspended":
            await self._client.patch_merge(
                AGENT_TEAMS, team.namespace, team.name, {"spec": {"suspend": True}}
            )
        elif kind == "ended":
            for agent in kubelet.agents(team.uid):
                if agent != "hub":
                    await kubelet.end(team.uid, agent)

    async def _rest(self) -> None:
        """Wait until no team says anything new for three seconds."""
        async with asyncio.timeout(LIMIT):
            before = None
            while (now := (await look(self._client))) != before:
                before = now
                await asyncio.sleep(3)

    async def step(self, name: str, python: str, move: Any) -> None:
        """People decide while no controller runs; the chart goes; the other release takes over."""
        count = len(self._undecided) // 3
        decided = {team.uid: number % 5 != 0 for number, team in enumerate(self._undecided[:count])}
        before = await look(self._client)
        for team in self._undecided[:count]:
            said = {GATE: "true" if decided[team.uid] else "false"}
            await self._client.patch_merge(
                AGENT_TEAMS, team.namespace, team.name, {"metadata": {"annotations": said}}
            )
        self._undecided = self._undecided[count:]
        await asyncio.to_thread(move)
        place = replace(self._place, python=(python,))
        began = time.perf_counter()
        async with at_work(place), FakeKubelet(self._client).running():
            taken = await self._carried_out(decided, began)
            await self._rest()
        self._judge(name, before, await look(self._client), decided, taken)

    async def _carried_out(self, decided: dict[str, bool], began: float) -> float:
        """Until every decision shows; seconds since the controller was started."""

        wanted = {True: ("Running", "Idle"), False: ("Failed",)}
        async with asyncio.timeout(LIMIT):
            while True:
                teams = {
                    each["metadata"]["uid"]: told(each)
                    for each in (await self._client.list(AGENT_TEAMS, None)).items
                }
                if all(teams[uid]["agents"][GATED] in wanted[said] for uid, said in decided.items()):
                    break
                await asyncio.sleep(0.5)
        return time.perf_counter() - began

    def _judge(self, name: str, before: Seen, after: Seen, decided: dict[str, bool], taken: float) -> None:
        gone = [pod for uid, pod in before.pods.items() if after.pods.get(uid) != pod]
        fresh = [pod for uid, pod in after.pods.items() if uid not in before.pods]
        wanted = sum(decided.values())
        others = {uid: said for uid, said in before.teams.items() if uid not in decided}
        changed = [uid for uid, said in others.items() if after.teams.get(uid) != said]
        row = (
            name,
            f"{len(before.teams)}, {sum(phase not in ENDED for _, phase, _ in before.pods.values())}",
            str(len(gone)),
            f"{len(decided)}, {taken:.1f} s",
            f"{len(fresh) - wanted:+}",
            str(len(changed)),
        )
        self._table.add(*row)
        print("  " + " | ".join(row), flush=True)  # the whole may take long
        for pod in gone[:5]:
            print(f"  not as it was: {pod}")
        for uid in changed[:5]:
            print(f"  says something else: {others[uid]} -> {after.teams.get(uid)}")


@contextlib.contextmanager
def helm(kubeconfig: str) -> Iterator[Any]:
    """helm with folders of its own; the controllers of the chart stay away."""
    program = os.environ.get("KAGENTS_CLUSTER_BIN", str(Path.home() / ".cache/kagents-cluster/bin")) + "/helm"
    with tempfile.TemporaryDirectory() as folder:
        homes = {f"HELM_{name}_HOME": f"{folder}/{name}" for name in ("CACHE", "CONFIG", "DATA")}

        def run(*arguments: str) -> None:
            command = [program, f"--kubeconfig={kubeconfig}", "--namespace", SYSTEM, *arguments]
            subprocess.run(command, check=True, capture_output=True, env={**os.environ, **homes}, timeout=300)

        yield run


async def main() -> None:
    """Print the table."""
    with api_server() as place, tempfile.TemporaryDirectory() as folder:
        if place is None:
            needs_cluster("upgrade")
            return
        table = Table(
            f"Release {REVISION[:12]} and this one on {place.name}",
            (
                "",
                "teams, live pods",
                "pods not as before",
                "decisions, until done",
                "pods too many",
                "teams changed",
            ),
        )
        earlier = installed(Path(folder))
        old, new = (str(root / "charts/kagents") for root in (Path(folder) / "source", REPOSITORY))
        fixed = ("--set", "controller.replicas=0")
        async with Client(load_kubeconfig(place.kubeconfig)) as client:
            with helm(place.kubeconfig) as run:
                await asyncio.to_thread(run, "upgrade", "--install", "kagents", old, *fixed)
                work = Upgrade(client, place, table)
                async with (
                    namespaces(client, f"bench-{uuid.uuid4().hex[:6]}", NAMESPACES) as names,
                    work.phases.watching(client),
                ):
                    await work.begin(earlier, names)
                    forward = partial(run, "upgrade", "kagents", new, *fixed)
                    await work.step("upgrade", sys.executable, forward)
                    await work.step("rollback", str(earlier), partial(run, "rollback", "kagents"))
                    await work.step("upgrade again", sys.executable, forward)
        table.show()


if __name__ == "__main__":
    asyncio.run(main())
