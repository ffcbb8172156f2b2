# ruff: noqa: ASYNC110
"""A team a second on one engine, with faults by lot: what grows, and what is left when all teams are gone.

``KAGENTS_BENCH_MINUTES=15 python tests/bench soak``. Teams of two simulated agents do a little work, end and
are deleted by their TTL. Meanwhile processes of agents and hubs are killed, pods deleted, teams cancelled,
deleted, suspended and resumed (``KAGENTS_BENCH_SEED=1`` is the lot). ``KAGENTS_BENCH_RATE=1`` teams a second
are wanted; no new one comes while ``KAGENTS_BENCH_AT_ONCE=40`` are there, and the table says how many came.
The engine keeps the newest 20,000 events: so many are written first, or their number would be all that grows.
"""

import asyncio
import json
import os
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _engine import descendants, running_engine
from _table import Table
from fifty_teams import keeper_of, resident_mib

from kagents_core.api.constants import API_VERSION
from kagents_core.api.resources import AGENT_TEAMS, CLAIMS, CONFIG_MAPS, EVENTS, PODS, SECRETS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig
from kagents_core.kube.errors import ApiError
from kagents_local.apiserver.events import EVENTS_LIMIT

MINUTES = float(os.environ.get("KAGENTS_BENCH_MINUTES", "15"))
RATE = float(os.environ.get("KAGENTS_BENCH_RATE", "1"))
AT_ONCE = int(os.environ.get("KAGENTS_BENCH_AT_ONCE", "40"))
SEED = int(os.environ.get("KAGENTS_BENCH_SEED", "1"))
FAULT_SECONDS = 2.0
SAMPLE_SECONDS = 5.0
GONE_SECONDS = 600.0
SETTLE_SECONDS = 60.0
"""Until connections of agents and hubs that are gone have ended on the daemon's side too."""
NAMESPACE = "default"
OBJECTS = (AGENT_TEAMS, PODS, CLAIMS, CONFIG_MAPS, SECRETS)


def team(number: int) -> dict[str, Any]:
    """A lead and a teammate that exchange a message and end."""
    lead = "- wait: {mail_from: mate}\n- dismiss: mate\n- wait: {ended: [mate]}\n- finish: done\n"
    mate = "- work: 1\n- send: {to: lead, text: done}\n- wait: {mail_from: lead}\n"
    spec = {
        "harness": "simulated",
        "workspace": {"output": {}},
        "lead": {"prompt": "Lead.", "script": lead},
        "teammates": [{"name": "mate", "prompt": "Tell.", "script": mate}],
        "lifecycle": {"timeout": "2m", "ttlSecondsAfterFinished": 5},
    }
    body = {"apiVersion": API_VERSION, "kind": "AgentTeam", "metadata": {"name": f"soak-{number:06}"}}
    return body | {"spec": spec}


@dataclass(frozen=True)
class Sample:
    """The engine's daemon at one moment."""

    at: float
    memory: float
    files: int
    processes: int
    teams: int


@dataclass
class Soak:
    """One run."""

    client: Client
    data: Path
    daemon: int
    draw: random.Random = field(default_factory=lambda: random.Random(SEED))
    began: float = field(default_factory=time.monotonic)
    made: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)

    async def fill(self) -> None:
        """As many events as are kept, of the size of those that teams have."""
        about = {"apiVersion": "v1", "kind": "Pod", "namespace": NAMESPACE, "name": "soak-before-lead-abcde"}
        about["fieldPath"] = "spec.containers{await}"
        said: dict[str, Any] = {"type": "Normal", "reason": "Before", "message": "It was here before."}
        said |= {"source": {"component": "kubelet", "host": "local"}, "reportingInstance": "local"}
        said |= {"reportingComponent": "kubelet", "count": 1}
        said |= {"firstTimestamp": "2026-11-22T00:00:00Z", "lastTimestamp": "2026-11-22T00:00:00Z"}
        for number in range(EVENTS_LIMIT):
            metadata = {"name": f"before.{number:06}", "namespace": NAMESPACE}
            involved = about | {"uid": f"060da7a1-8902-4c27-98fc-{number:012}"}
            body = {"metadata": metadata, "involvedObject": involved, **said}
            await self.client.create(EVENTS, NAMESPACE, body)
        self.began = time.monotonic()
        self.samples.append(self.sample(0))

    async def load(self) -> None:
        """Teams, faults and samples until the time is over; then until nothing is left."""
        version = (await self.client.list(AGENT_TEAMS, NAMESPACE)).resource_version
        async with asyncio.TaskGroup() as group:
            others = [
                group.create_task(work)
                for work in (self._disturb(), self._sample(), self._count_ends(version))
            ]
            end = time.monotonic() + 60 * MINUTES
            due = time.monotonic()
            while time.monotonic() < end:
                if len((await self.client.list(AGENT_TEAMS, NAMESPACE)).items) < AT_ONCE:
                    await self.client.create(AGENT_TEAMS, NAMESPACE, team(self.made))
                    self.made += 1
                due = max(due + 1 / RATE, time.monotonic() - 5)
                await asyncio.sleep(max(0.05, due - time.monotonic()))
            others[0].cancel()
            await self._let_go()
            await asyncio.sleep(SETTLE_SECONDS)
            for task in others:
                task.cancel()

    async def _let_go(self) -> None:
        """Nobody is suspended any more; wait until the last team has gone with its pods."""
        for each in (await self.client.list(AGENT_TEAMS, NAMESPACE)).items:
            await self._patch(each["metadata"]["name"], {"suspend": False})
        async with asyncio.timeout(GONE_SECONDS):
            while await self._left():
                await asyncio.sleep(1.0)

    async def _left(self) -> int:
        return sum([len((await self.client.list(kind, NAMESPACE)).items) for kind in (AGENT_TEAMS, PODS)])

    async def _patch(self, name: str, spec: dict[str, Any]) -> None:
        with suppress(ApiError):  # gone meanwhile, or one that has ended
            await self.client.patch_merge(AGENT_TEAMS, NAMESPACE, name, {"spec": spec})

    # ── faults ────────────────────────────────────────────────────────────────────────────────────────────

    async def _disturb(self) -> None:
        while True:
            await asyncio.sleep(self.draw.expovariate(1 / FAULT_SECONDS))
            fault = self.draw.choice(("process", "process", "pod", "cancel", "delete", "suspend"))
            kind = PODS if fault == "pod" else AGENT_TEAMS
            names = [each["metadata"]["name"] for each in (await self.client.list(kind, NAMESPACE)).items]
            if not names:
                continue
            name = self.draw.choice(names)
            self.faults[fault] += 1
            with suppress(ApiError, OSError, ValueError, IndexError):
                if fault == "process":
                    self._kill_process()
                elif fault in ("pod", "delete"):
                    await self.client.delete(kind, NAMESPACE, name)
                elif fault == "cancel":
                    await self._patch(name, {"cancel": True})
                else:
                    await self._patch(name, {"suspend": True})
                    await asyncio.sleep(3 * FAULT_SECONDS)
                    await self._patch(name, {"suspend": False})

    def _kill_process(self) -> None:
        """One of an agent or a hub, as the engine's own files name it."""
        records = sorted(self.data.glob("pods/*/containers/*/process.json"))
        pid = json.loads(self.draw.choice(records).read_text())["pid"]
        if pid in descendants(self.daemon):  # a number that was given out again is somebody else's
            os.kill(pid, signal.SIGKILL)

    # ── what is seen ──────────────────────────────────────────────────────────────────────────────────────

    async def _sample(self) -> None:
        while True:
            self.samples.append(self.sample(len((await self.client.list(AGENT_TEAMS, NAMESPACE)).items)))
            await asyncio.sleep(SAMPLE_SECONDS)

    def sample(self, teams: int) -> Sample:
        """The daemon now."""
        files = len(list(Path(f"/proc/{self.daemon}/fd").iterdir()))
        now = time.monotonic() - self.began
        return Sample(now, resident_mib(self.daemon), files, len(descendants(self.daemon)), teams)

    async def _count_ends(self, version: str) -> None:
        phases: dict[str, str] = {}
        async for event in self.client.watch(AGENT_TEAMS, NAMESPACE, resource_version=version):
            if event.type in ("MODIFIED", "DELETED"):
                name = event.object["metadata"]["name"]
                phases[name] = (event.object.get("status") or {}).get("phase") or "-"
                if event.type == "DELETED":
                    self.ended[phases.pop(name)] += 1


def slope(samples: Sequence[Sample]) -> str:
    """MiB an hour, of the later two thirds under load: at first, caches fill."""
    kept = [each for each in samples if 20 * MINUTES <= each.at <= 60 * MINUTES]
    if len(kept) < 10:
        return "too short"
    line = statistics.linear_regression([each.at for each in kept], [each.memory for each in kept])
    return f"{3600 * line.slope:+.1f} MiB/h"


def sixths(samples: Sequence[Sample]) -> list[float]:
    """The median memory of each sixth of the time under load."""
    parts = [
        [each.memory for each in samples if 10 * MINUTES * n <= each.at < 10 * MINUTES * (n + 1)]
        for n in range(6)
    ]
    return [statistics.median(part) for part in parts if part]


async def main() -> None:
    """Print the table."""
    table = Table(
        f"Soak of {MINUTES:g} minutes on one engine, {RATE:g} teams of 2 agents a second wanted, lot {SEED}",
        ("", "measured", "target"),
    )
    with running_engine() as (data, daemon):
        keeper = keeper_of(daemon)
        async with Client(load_kubeconfig(str(data / "kubeconfig"))) as client:
            before = {kind.plural: len((await client.list(kind)).items) for kind in OBJECTS}
            soak = Soak(client, data, daemon)
            await soak.fill()
            await soak.load()
            after = {kind.plural: len((await client.list(kind)).items) for kind in OBJECTS}
        soak.samples.append(soak.sample(0))  # the bench's own connections are closed by now
        left = descendants(daemon) - {keeper}
        folders = [each for part in ("pods", f"volumes/{NAMESPACE}") for each in (data / part).glob("*")]
    fill(table, soak)
    orphaned = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    table.add("objects more than before", str(orphaned or 0), "0")
    table.add("processes left", str(len(left)), "0")
    table.add("folders of pods and volumes left", str(len(folders)), "0")
    table.show()


def fill(table: Table, soak: Soak) -> None:
    """What was done and what grew."""
    loaded = [each for each in soak.samples if each.at <= 60 * MINUTES]
    first, last = soak.samples[0], soak.samples[-1]
    table.add("teams made", f"{soak.made:,} ({soak.made / 60 / MINUTES:.2f} a second)", f"{RATE:g} a second")
    ends = ", ".join(f"{count} {phase}" for phase, count in soak.ended.most_common())
    table.add("  gone as", ends, "all of them")
    faults = ", ".join(f"{count} {name}" for name, count in soak.faults.most_common())
    table.add("faults", faults, "")
    table.add("teams there under load", f"at most {max(each.teams for each in loaded)}", "")
    table.add("memory of the daemon: growth in the later two thirds", slope(soak.samples), "< 1 MiB/h")
    middles = ", ".join(f"{middle:.0f}" for middle in sixths(loaded))
    table.add("  median of each sixth of the time", f"{middles} MiB", "")
    memory = f"{first.memory:.0f}, {max(each.memory for each in loaded):.0f}, {last.memory:.0f} MiB"
    table.add("  before, at most, after", memory, "")
    files = f"{first.files}, {max(each.files for each in loaded)}, {last.files}"
    table.add("open files before, at most, after", files, "after as before")
    processes = f"{first.processes}, {max(each.processes for each in loaded)}, {last.processes}"
    table.add("processes before, at most, after", processes, "after as before")


if __name__ == "__main__":
    asyncio.run(main())
