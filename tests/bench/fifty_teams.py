"""Simulated teams of three agents at once on one engine: do all complete, and is any message lost or doubled?

What the agents say they have sent (the hook files in the volumes) is counted against the journals.
``python tests/bench/fifty_teams.py``; the number of teams by ``KAGENTS_BENCH_FIFTY``.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from kagents_core.api.constants import API_VERSION, LABEL_TEAM
from kagents_core.api.resources import AGENT_TEAMS, PODS
from kagents_core.journal import entries
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

TEAMS = int(os.environ.get("KAGENTS_BENCH_FIFTY", "50"))
MESSAGES = 10
"""Messages of each teammate."""
LIMIT = 600.0
SPEED = "10"
NAMESPACE = "default"
TERMINAL = {"Completed", "Failed", "TimedOut", "BudgetExceeded", "Cancelled"}
TICKS = os.sysconf("SC_CLK_TCK")
PODS_A_TEAM = 4


def team(number: int) -> dict[str, Any]:
    """A lead that answers two teammates, each of which sends ``MESSAGES`` messages."""
    mates = ("scout", "writer")
    tell = "".join(f"- work: 1\n- send: {{to: lead, text: 'report {n}'}}\n" for n in range(MESSAGES))
    hear = "".join(f"- wait: {{mail_from: {mate}}}\n" for _ in range(MESSAGES) for mate in mates)
    answer = "".join(f"- send: {{to: {mate}, text: thanks}}\n" for mate in mates)
    end = "".join(f"- dismiss: {mate}\n" for mate in mates)
    end += "- wait: {ended: [scout, writer]}\n- finish: done\n"
    task = "- create_task: {subject: Look}\n- claim: any\n- use: {input: 1000, output: 100}\n"
    rest = "- complete: all\n- wait: {mail_from: lead}\n"
    spec = {
        "harness": "simulated",
        "workspace": {"output": {}},
        "lead": {"prompt": "Lead.", "script": hear + answer + end},
        "teammates": [{"name": mate, "prompt": "Tell.", "script": task + tell + rest} for mate in mates],
        "lifecycle": {"timeout": "30m"},
    }
    body = {"apiVersion": API_VERSION, "kind": "AgentTeam", "metadata": {"name": f"team-{number:03}"}}
    return body | {"spec": spec}


@dataclass
class Measured:
    """What one run of ``play`` has found."""

    phases: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    created: list[float] = field(default_factory=list)
    """Seconds from before a team was created until its last pod was there."""
    recorders: float = 0.0
    """MiB of all recorders at once, the most that was seen."""
    sent: int = 0
    lost: int = 0
    doubled: int = 0
    journalled: list[float] = field(default_factory=list)
    """Seconds from a message's own time until its entry in the journal."""


async def play(client: Client, data: Path, teams: int) -> Measured:
    """Create the teams at once, wait for the end of all, and count their mail."""
    measured, began = Measured(), dict[str, float]()
    listed = await client.list(PODS, NAMESPACE)
    watching = asyncio.create_task(_watch_pods(client, listed.resource_version, began, measured))
    sampling = asyncio.create_task(_sample(data, measured))
    start = time.monotonic()
    try:

        async def create(number: int) -> None:
            body = team(number)
            began[body["metadata"]["name"]] = time.monotonic()
            await client.create(AGENT_TEAMS, NAMESPACE, body)

        await asyncio.gather(*(create(number) for number in range(teams)))
        async with asyncio.timeout(LIMIT):
            while True:
                found = (await client.list(AGENT_TEAMS, NAMESPACE)).items
                phases = Counter(each.get("status", {}).get("phase", "") for each in found)
                if sum(count for phase, count in phases.items() if phase in TERMINAL) >= teams:
                    break
                await asyncio.sleep(0.25)
        measured.phases, measured.seconds = phases, time.monotonic() - start
        await _hubs_ended(client)
    finally:
        for task in (watching, sampling):
            task.cancel()
        await asyncio.gather(watching, sampling, return_exceptions=True)
    for number in range(teams):
        count_mail(data, f"team-{number:03}", measured)
    return measured


async def _hubs_ended(client: Client) -> None:
    async with asyncio.timeout(120):
        while True:
            pods = (await client.list(PODS, NAMESPACE, labels="claude.amcheste.io/agent=hub")).items
            if all(pod.get("status", {}).get("phase") in ("Succeeded", "Failed") for pod in pods):
                return
            await asyncio.sleep(0.25)


async def _watch_pods(client: Client, version: str, began: dict[str, float], measured: Measured) -> None:
    seen: Counter[str] = Counter()
    async for event in client.watch(PODS, NAMESPACE, resource_version=version):
        if event.type == "ADDED":
            name = event.object["metadata"]["labels"][LABEL_TEAM]
            seen[name] += 1
            if seen[name] == PODS_A_TEAM:
                measured.created.append(time.monotonic() - began[name])


async def _sample(data: Path, measured: Measured) -> None:
    while True:
        await asyncio.sleep(1)
        total = 0.0
        for record in data.glob("pods/*/containers/recorder/*/process.json"):
            with suppress(OSError, ValueError, KeyError):
                total += resident_mib(json.loads(record.read_text())["pid"])
        measured.recorders = max(measured.recorders, total)


def count_mail(data: Path, name: str, measured: Measured) -> None:
    """Adds one team's mail: what its agents say they have sent, against its journal."""
    [volume] = (data / "volumes" / NAMESPACE).glob(f"{name}-team-*")
    sent = set()
    for path in (volume / "team/events").glob("*.jsonl"):
        for line in path.read_text().splitlines():
            hook = json.loads(line)
            if hook.get("tool_name") == "SendMessage":
                sent.add(hook["tool_response"]["msg_id"])
    journal = [entry for entry in entries(volume / "team/journal.jsonl") if entry["kind"] == "message"]
    times = Counter(entry["id"] for entry in journal)
    plain = [entry for entry in journal if entry["type"] == "message"]
    measured.sent += len(sent)
    measured.lost += len(sent - times.keys())
    # Also what was journalled beside what anybody sent: a message under a second, derived id.
    measured.doubled += sum(count - 1 for count in times.values())
    measured.doubled += sum(entry["id"] not in sent and entry["from"] != "team-lead" for entry in plain)
    measured.journalled += [_moment(entry["at"]) - _moment(entry["written"]) for entry in plain]


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds(pid: int, *, children: bool = False) -> float:
    """CPU time of a process, or of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[at]) for at in ((13, 14) if children else (11, 12))) / TICKS


def keeper_of(pid: int) -> int:
    """The daemon's only child."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def percentiles(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    if not ordered:
        return "nothing measured"
    middle, high = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {middle * 1000:.0f}, p99 {high * 1000:.0f} ms"


def row(what: str, value: str, target: str = "") -> None:
    print(f"{what:<62} {value:>24}   {target}", flush=True)


def engine(data: Path, *verb: str) -> None:
    command = [sys.executable, "-m", "kagents_local", *verb, "--data", str(data)]
    environment = {**os.environ, "KAGENTS_SIMULATION_SPEED": SPEED}
    subprocess.run(command, check=True, capture_output=True, timeout=180, env=environment)


async def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        engine(data, "up")
        try:
            pid = json.loads((data / "engine.json").read_text())["pid"]
            keeper = keeper_of(pid)
            async with Client(load_kubeconfig(str(data / "kubeconfig"))) as client:
                measured = await play(client, data, TEAMS)
            status = Path(f"/proc/{pid}/status").read_text()
            highest = int(status.split("VmHWM:")[1].split()[0]) / 1024
            ended = ", ".join(f"{count} {phase}" for phase, count in measured.phases.items())
            row(f"{TEAMS} teams of 3 agents at once: ended as", ended, f"{TEAMS} Completed")
            row("from the first creation until all have ended", f"{measured.seconds:.1f} s")
            row("messages sent", str(measured.sent), str(TEAMS * (2 * MESSAGES + 2)))
            row("messages lost, doubled", f"{measured.lost}, {measured.doubled}", "0, 0")
            row(
                "team created → all four pods exist",
                percentiles(measured.created),
                "p50 ≤ 30, p99 ≤ 75 ms, one team",
            )
            row(
                "message written → in the journal",
                percentiles(measured.journalled),
                "p99 ≤ 500 ms to the mail view",
            )
            row("CPU of the daemon", f"{cpu_seconds(pid):.1f} s")
            row("CPU of all agents and hubs", f"{cpu_seconds(keeper, children=True):.1f} s")
            row("memory of the daemon at its highest", f"{highest:.0f} MiB")
            row(f"memory of {TEAMS} recorders together", f"{measured.recorders:.0f} MiB")
        finally:
            engine(data, "down")


if __name__ == "__main__":
    asyncio.run(main())
