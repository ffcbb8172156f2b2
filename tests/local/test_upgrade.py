"""From an earlier release's engine to this one's and back, on the same data, with teams at work."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # what these tests share lies beside them

from earlier_release import Release, installed
from simulated_team import Team, agent, until

from kagents_core.api.resources import AGENT_TEAMS, PODS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig
from kagents_local.kubelet.processes import marked
from kagents_local.lock import is_held

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

LONG = "wait: {seconds: 72000}"
NAMES = ("at-work", "asks", "chain", "paused", "over")


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[tuple[Release, Release]]:
    """The earlier release and this one, on one data directory."""
    data = tmp_path / "data"
    earlier, this = Release(installed(tmp_path), data), Release(sys.executable, data)
    yield earlier, this
    this.run("down", "--purge", "--yes")
    assert marked(f"{data}:") == []


@asynccontextmanager
async def reached(release: Release) -> AsyncIterator[tuple[Client, Callable[[str], Team]]]:
    """A client of the engine that runs, and its teams by name."""
    async with Client(load_kubeconfig(str(release.data / "kubeconfig"))) as client:
        yield client, lambda name: Team(client, release.data, name)


async def begin(team: Callable[[str], Team]) -> None:
    """Five teams, each in a state that an upgrade may meet."""
    lead = agent("Lead.", LONG)
    heard = "wait: {mail_from: team-lead}"
    tasks = [heard, "create_task: {subject: one}", heard, "create_task: {subject: two}", LONG]
    await team("at-work").apply(agent("a", *tasks, name="a"), lead=lead)
    gates = {"approvalGates": [{"event": f"spawn-{name}"} for name in ("early", "now", "later")]}
    gated = [agent(name, LONG, name=name) for name in ("early", "now", "later")]
    await team("asks").apply(*gated, lead=lead, lifecycle=gates)
    first = agent("First.", "wait: {mail_from: team-lead}", "shutdown: done", name="first")
    second = agent("Second.", LONG, name="second", dependsOn=["first"])
    await team("chain").apply(first, second, lead=lead)
    await team("paused").apply(agent("a", LONG, name="a"), lead=lead)
    await team("over").apply(agent("a", "say: here", "shutdown: done", name="a"))
    for name in NAMES[:-1]:
        await team(name).in_phase("Running")
    await team("over").in_phase("Completed")
    await team("asks").decide("spawn-early", True)
    await until(lambda: said_to_run(team("asks"), "early"))
    await team("paused").patch(suspend=True)
    await team("paused").in_phase("Suspended")
    for who in ("lead", "later"):
        await team("asks").send(who, f"for {who}")
    await until(lambda: journalled(team("asks"), 2))


async def runs(team: Team, who: str) -> bool:
    pods = await team.pods(who)
    return [pod["status"].get("phase") for pod in pods].count("Running") == 1


async def said_to_run(team: Team, who: str) -> bool:
    """As the team's status says, which follows its pods."""
    status = await team.status()
    agents = [{**status.get("lead", {}), "name": "lead"}, *status.get("teammates", ())]
    return any(each["name"] == who and each.get("phase") in ("Running", "Idle") for each in agents)


async def journalled(team: Team, count: int) -> bool:
    return len(team.journal("message")) >= count


async def has_tasks(team: Team, count: int) -> bool:
    """As its recorder says in the object, and not only in the files."""
    return bool((await team.status()).get("tasks", {}).get("total", 0) == count)


async def living(client: Client) -> dict[str, tuple[str, int, str]]:
    """Every running pod by its UID: name, restarts of its containers, and the first start of its process."""
    found = {}
    for pod in (await client.list(PODS, "default")).items:
        ending = pod["metadata"]["name"].startswith("over-")  # a hub that exits when it has said the last
        if pod["status"].get("phase") == "Running" and not ending:
            [main] = pod["status"]["containerStatuses"]
            started = main["state"]["running"]["startedAt"]
            found[pod["metadata"]["uid"]] = (pod["metadata"]["name"], main["restartCount"], started)
    return found


async def replace(old: Release, new: Release) -> None:
    """One daemon killed, the other started on what it left."""
    old.kill()

    async def free() -> bool:
        return not is_held(old.data / "engine.lock")

    await until(free)
    new.up()


def lines(team: Team) -> list[str]:
    return (team.volume / "team/journal.jsonl").read_text().splitlines()


def told(team: dict[str, Any]) -> dict[str, Any]:
    """What of a team's status is the same whoever writes it."""
    status = team["status"]
    # Whether an agent is in the middle of a turn is its own affair.
    phases = {mate["name"]: mate["phase"] for mate in status.get("teammates", ())}
    agents = {name: "Running" if phase == "Idle" else phase for name, phase in phases.items()}
    return {"phase": status["phase"], "started": status["startedAt"], "agents": agents}


async def teams_told(client: Client) -> dict[str, Any]:
    found = (await client.list(AGENT_TEAMS, "default")).items
    return {each["metadata"]["name"]: told(each) for each in found}


async def told_like(client: Client, before: dict[str, Any], *, but: str) -> None:
    """Waits until every team is told as before, apart from the agent of ``asks`` that has begun meanwhile."""

    async def same() -> bool:
        now = await teams_told(client)
        now["asks"]["agents"][but] = before["asks"]["agents"][but]
        return now == before

    await until(same)


async def decided_without_an_engine(team: Team, event: str) -> None:
    """A decision in the last moment of an engine: nothing of it is awaited."""
    await team.decide(event, True)


async def test_there_and_back_with_teams_at_work(releases: tuple[Release, Release]) -> None:
    earlier, this = releases
    earlier.up()
    async with reached(earlier) as (client, team):
        await begin(team)
        before, statuses = await living(client), await teams_told(client)
        journals = {name: lines(team(name)) for name in NAMES}
        await decided_without_an_engine(team("asks"), "spawn-now")
    await replace(earlier, this)
    async with reached(this) as (client, team):
        await until(lambda: runs(team("asks"), "now"))
        now = await living(client)
        assert before.items() <= now.items()
        assert {name for name, *_ in now.values()} - {name for name, *_ in before.values()} == {
            pod["metadata"]["name"] for pod in await team("asks").pods("now")
        }
        await told_like(client, statuses, but="now")
        for name in NAMES:
            assert lines(team(name))[: len(journals[name])] == journals[name]
        await team("chain").send("first", "go on")
        await until(lambda: said_to_run(team("chain"), "second"))
        await team("paused").patch(suspend=False)
        await team("paused").in_phase("Running")
        await until(lambda: said_to_run(team("paused"), "lead"))
        await until(lambda: said_to_run(team("paused"), "a"))
        await team("asks").send("now", "for now")
        await until(lambda: journalled(team("asks"), 3))
        await team("at-work").send("a", "go on")
        await until(lambda: has_tasks(team("at-work"), 1))
        before, statuses = await living(client), await teams_told(client)
        journals = {name: lines(team(name)) for name in NAMES}
        await decided_without_an_engine(team("asks"), "spawn-later")
    await replace(this, earlier)
    async with reached(earlier) as (client, team):
        await until(lambda: runs(team("asks"), "later"))
        now = await living(client)
        assert before.items() <= now.items()
        await told_like(client, statuses, but="later")
        for name in NAMES:
            assert lines(team(name))[: len(journals[name])] == journals[name]
        mails = {entry["text"] for entry in team("asks").journal("message")}
        assert {"for lead", "for later", "for now"} <= mails
        await team("asks").send("lead", "from the earlier one")
        await until(lambda: journalled(team("asks"), 4))
        await team("at-work").send("a", "go on")
        await until(lambda: has_tasks(team("at-work"), 2))
        assert (await teams_told(client))["over"] == statuses["over"]
