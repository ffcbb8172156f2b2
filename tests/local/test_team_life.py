"""Simulated teams from their first to their last moment, on a whole engine."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests

from simulated_team import SPEED, Team, agent, git, make_repository, until

from kagents_core.api.constants import API_VERSION
from kagents_core.api.resources import (
    AGENT_TEAM_RUNS,
    AGENT_TEAM_TEMPLATES,
    AGENT_TEAMS,
    CONFIG_MAPS,
    NAMESPACES,
)
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

SEED = Path(__file__).parents[1] / "fixtures/seed-manifests/q3-report.yaml"

MakeTeam = Callable[..., Team]


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


@pytest.fixture
def make_team(fast: None, engine: Any, engine_client: Client) -> MakeTeam:
    """Makes teams of the engine by their names."""
    return lambda name, namespace="default": Team(engine_client, engine.data.root, name, namespace)


async def seed_team(client: Client, team: Team) -> None:
    """The cowork team of the described system as it stands there, and simulated."""
    await client.create(
        NAMESPACES, None, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": team.namespace}}
    )
    data = {"metadata": {"name": "quarterly-data"}, "data": {"q3.csv": "month,revenue\njuly,3\n"}}
    await client.create(CONFIG_MAPS, team.namespace, {"apiVersion": "v1", "kind": "ConfigMap", **data})
    manifest = yaml.safe_load(SEED.read_text())
    manifest["spec"]["harness"] = "simulated"
    await team.create(manifest)


async def test_the_described_cowork_team_completes_after_an_approval(
    make_team: MakeTeam, engine_client: Client
) -> None:
    team = make_team("q3-report", "cowork-agents")
    await seed_team(engine_client, team)

    async def waits() -> bool:
        mates = {mate["name"]: mate for mate in (await team.status()).get("teammates", [])}
        shown = mates.get("email-drafter", {}).get("pendingApproval") == "spawn-email-drafter"
        return shown and bool(team.journal("gate"))

    await until(waits)
    assert await team.pods("email-drafter") == []
    await team.decide("spawn-email-drafter", True)
    await team.in_phase("Completed")
    await until(lambda: ended(team, "hub"))
    status = await team.status()
    assert status["tasks"]["completed"] == status["tasks"]["total"] == 2
    assert float(status["estimatedCost"]) > 0
    assert team.check_mail() == 4
    wrote = [each for each in team.journal("message") if each["from"] != "team-lead"]
    assert status["messages"] == sum(each["type"] in ("message", "task_assignment") for each in wrote) > 0
    assert [entry["state"] for entry in team.journal("gate")] == ["waiting", "approved"]
    assert all(entry["simulated"] for entry in team.journal("activity"))


async def test_the_recorders_log_is_the_journal(make_team: MakeTeam) -> None:
    team = make_team("logged")
    await team.apply(agent(name="scout"), lead=agent())
    await team.in_phase("Completed")
    await until(lambda: ended(team, "hub"))
    printed = [json.loads(line) for line in (await team.log("hub", "recorder")).splitlines()]
    assert printed == team.journal()


@pytest.mark.long
async def test_after_a_restart_of_the_recorder_its_log_is_the_whole_journal(make_team: MakeTeam) -> None:
    team = make_team("restarted")
    await team.apply(
        agent("Wait.", "send: {to: lead, text: first}", "wait: {mail_from: team-lead}", name="scout"),
        lead=agent(
            "Wait.", "wait: {mail_from: scout}", "dismiss: scout", "wait: {ended: scout}", "finish: done"
        ),
    )
    await until(lambda: journalled(team, "first"))
    [hub] = await team.pods("hub")
    [record] = team.data.glob(f"pods/{hub['metadata']['uid']}/containers/recorder/*/process.json")
    os.kill(json.loads(record.read_text())["pid"], signal.SIGKILL)
    await until(lambda: again(team))
    await team.send("scout", "go on")
    await team.in_phase("Completed")
    await until(lambda: ended(team, "hub"))
    printed = [json.loads(line) for line in (await team.log("hub", "recorder")).splitlines()]
    assert printed == team.journal()
    team.check_mail()


async def again(team: Team) -> bool:
    [hub] = await team.pods("hub")
    [container] = hub["status"]["containerStatuses"]
    return container["restartCount"] == 1 and "running" in container["state"]


async def ended(team: Team, who: str) -> bool:
    [pod] = await team.pods(who)
    return bool(pod["status"]["phase"] == "Succeeded")


async def journalled(team: Team, text: str) -> bool:
    return any(entry["text"] == text for entry in team.journal("message"))


async def test_a_denied_teammate_never_starts_and_the_team_completes(make_team: MakeTeam) -> None:
    team = make_team("denied")
    gates = {"approvalGates": [{"event": "spawn-writer"}]}
    await team.apply(agent(name="scout"), agent(name="writer"), lead=agent(), lifecycle=gates)
    await team.decide("spawn-writer", False)
    status = await team.in_phase("Completed")
    assert await team.pods("writer") == []
    [passed] = [entry for entry in status["conditions"] if entry["type"] == "GatesPassed"]
    assert (passed["status"], passed["reason"]) == ("False", "Denied")
    assert team.journal("gate")[-1]["state"] == "denied"


async def test_dependents_start_after_the_end_of_what_they_wait_for(make_team: MakeTeam) -> None:
    team = make_team("ordered")
    await team.apply(
        agent(name="third", dependsOn=["second"]),
        agent(name="first"),
        agent(name="second", dependsOn=["first"]),
        lead=agent(),
    )
    await team.in_phase("Completed")

    def number(kind: str, **wanted: str) -> int:
        found = [e["seq"] for e in team.journal(kind) if all(e.get(k) == v for k, v in wanted.items())]
        assert found, (kind, wanted)
        return int(found[0])

    for before, after in (("first", "second"), ("second", "third")):
        approved = number("message", type="shutdown_approved", **{"from": before})
        assert approved < number("activity", agent=after, state="starting")
    team.check_mail()


async def test_a_coding_team_commits_on_its_branches(make_team: MakeTeam, tmp_path: Path) -> None:
    team = make_team("coding")
    await team.apply(
        agent(
            "Write.",
            "work: {write: {parser.py: 'x = 1'}}",
            "send: {to: lead, text: written}",
            "wait: {mail_from: team-lead}",
            name="parser",
        ),
        lead=agent(
            "Lead.",
            "wait: {mail_from: parser}",
            "wait: {mail_from: team-lead}",
            "dismiss: parser",
            "wait: {ended: parser}",
            "finish: done",
        ),
        repository=make_repository(tmp_path / "source"),
    )
    await until(lambda: journalled(team, "written"))
    tree = team.volume / "work/worktrees/parser"
    (tree / "half.md").write_text("half done")
    await team.send("lead", "dismiss it")
    await team.in_phase("Completed")
    clone = team.volume / "work/repo"
    log = git(clone, "log", "--format=%an: %s", "kagents/coding/parser")
    assert log.splitlines() == [
        "parser (kagents): Keep work that was uncommitted when the agent ended",
        "parser (kagents): Simulate: write parser.py",
        "t: Begin",
    ]
    assert git(clone, "show", "kagents/coding/parser:half.md") == "half done"
    assert git(clone, "log", "--format=%s", "kagents/coding/lead") == "Begin"
    assert git(clone, "log", "--format=%s", "main") == "Begin"
    team.check_mail()


LISTENING = [*("wait: {mail_from: scout}" for _ in range(8)), "dismiss: scout", "wait: {ended: scout}"]


async def chatty(team: Team, work: int = 2, **fields: Any) -> None:
    """A team whose scout sends eight messages in about a second (with more ``work``, in more), and whose lead
    waits for each.
    """
    steps = [step for each in range(8) for step in (f"send: {{to: lead, text: 'm{each}'}}", f"work: {work}")]
    await team.apply(
        agent("Tell.", *steps, name="scout"), lead=agent("Hear.", *LISTENING, "finish: all heard"), **fields
    )


@pytest.mark.long
async def test_killed_agents_are_resumed_and_nothing_is_lost_or_doubled(make_team: MakeTeam) -> None:
    team = make_team("killed")
    await chatty(team)
    for who, text in (("scout", "m1"), ("lead", "m4")):
        await until(lambda text=text: journalled(team, text))
        os.kill(team.state(who)["pid"], signal.SIGKILL)
    status = await team.in_phase("Completed")
    assert team.check_mail() == 8
    [scout] = status["teammates"]
    assert scout["restartCount"] == 1
    assert len(await team.pods("scout")) <= 2
    seen = [entry["id"] for entry in team.journal("seen")]
    assert len(seen) == len(set(seen))


@pytest.mark.long
async def test_a_suspended_team_goes_on_where_it_stopped(make_team: MakeTeam) -> None:
    team = make_team("suspended")
    await chatty(team, work=12)
    await until(lambda: journalled(team, "m1"))
    await team.patch(suspend=True)
    await team.in_phase("Suspended")

    async def rests() -> bool:
        return all(pod["status"]["phase"] in ("Succeeded", "Failed") for pod in await agents(team))

    await until(rests)
    before = len(team.sent())
    assert before < 8
    await team.patch(suspend=False)
    status = await team.in_phase("Completed")
    assert team.check_mail() == 8
    assert status["teammates"][0]["restartCount"] == 0


async def agents(team: Team) -> list[dict[str, Any]]:
    return [pod for pod in await team.pods() if pod["metadata"]["labels"]["claude.amcheste.io/role"] != "hub"]


async def test_a_cancelled_team_stops_within_the_grace_and_its_hub_ends(make_team: MakeTeam) -> None:
    team = make_team("cancelled")
    await team.apply(
        agent("Rest.", "wait: {mail_from: lead}", name="scout"), lead=agent("Rest.", "work: 3000")
    )
    await until(lambda: running(team, "lead", "scout"))
    pids = [team.state(who)["pid"] for who in ("lead", "scout")]
    asked = asyncio.get_running_loop().time()
    await team.patch(cancel=True)
    await team.in_phase("Cancelled")

    async def all_gone() -> bool:
        return not any(Path(f"/proc/{pid}").exists() for pid in pids)

    await until(all_gone, 10)
    assert asyncio.get_running_loop().time() - asked < 8, "the grace is five seconds"
    await until(lambda: ended(team, "hub"))
    assert team.journal("phase")[-1]["phase"] == "Cancelled"


async def running(team: Team, *names: str) -> bool:
    return all(team.state(name).get("state") == "running" for name in names)


async def test_a_team_that_takes_too_long_is_timed_out(make_team: MakeTeam) -> None:
    team = make_team("slow")
    await team.apply(lead=agent("Rest.", "work: 3000"), lifecycle={"timeout": "3s"})
    status = await team.in_phase("TimedOut")
    [succeeded] = [entry for entry in status["conditions"] if entry["type"] == "Succeeded"]
    assert "3s" in succeeded["message"]
    await until(lambda: ended(team, "hub"))


async def test_a_team_that_spends_its_budget_is_stopped(make_team: MakeTeam) -> None:
    team = make_team("dear")
    await team.apply(
        lead=agent("Spend.", "use: {input: 1000000, output: 100000}", "work: 3000", model="opus"),
        lifecycle={"budgetLimit": "2.00"},
    )
    status = await team.in_phase("BudgetExceeded")
    assert float(status["estimatedCost"]) >= 2
    assert len(team.journal("usage")) == 1


async def test_a_run_of_a_template_completes(make_team: MakeTeam, engine_client: Client) -> None:
    mates = [agent("Look.", name="security"), agent("Look.", name="tests")]
    await engine_client.create(
        AGENT_TEAM_TEMPLATES,
        "default",
        {
            "apiVersion": API_VERSION,
            "kind": "AgentTeamTemplate",
            "metadata": {"name": "review"},
            "spec": {"teammates": mates, "lifecycle": {"timeout": "10m"}},
        },
    )
    spec = {"templateRef": {"name": "review"}, "harness": "simulated", "lead": agent("Collect.")}
    run = {"metadata": {"name": "today"}, "spec": spec | {"workspace": {"output": {"size": "1Gi"}}}}
    await engine_client.create(
        AGENT_TEAM_RUNS, "default", {"apiVersion": API_VERSION, "kind": "AgentTeamRun", **run}
    )

    async def completed() -> bool:
        found = await engine_client.get(AGENT_TEAM_RUNS, "default", "today")
        return bool(found.get("status", {}).get("phase") == "Completed")

    await until(completed)
    [team] = (await engine_client.list(AGENT_TEAMS, "default")).items
    assert make_team(team["metadata"]["name"]).check_mail() == 4


async def test_a_finished_team_is_deleted_after_its_time(make_team: MakeTeam) -> None:
    team = make_team("short")
    await team.apply(lead=agent("End.", "shutdown: nothing to do"), lifecycle={"ttlSecondsAfterFinished": 1})
    await until(team.gone)

    async def nothing_left() -> bool:
        return not await team.pods()

    await until(nothing_left)


async def test_dollars_in_prompts_arrive_as_they_are(make_team: MakeTeam) -> None:
    text = "Pay $(HOME) $$ ${X} $$(PATH) 'now'"
    team = make_team("dollars")
    await team.apply(
        agent("Hear.", f"send: {{to: lead, text: {json.dumps(text)}}}", name="scout"),
        agent(text, name="payer"),
        lead=agent(),
    )
    await team.in_phase("Completed")
    assert any(entry["text"] == text for entry in team.journal("message"))
    assert text in {entry["task"]["subject"] for entry in team.journal("task")}
    members = json.loads((team.volume / "team/teams/dollars/config.json").read_text())["members"]
    assert text in {member.get("prompt") for member in members}


async def test_an_agent_that_keeps_failing_ends_the_team(make_team: MakeTeam) -> None:
    team = make_team("failing")
    await team.apply(lead=agent("Fail.", "fail: the disk is on fire"), lifecycle={"maxRestarts": 1})
    status = await team.in_phase("Failed")
    assert "the disk is on fire" in json.dumps(status["conditions"])


@pytest.mark.long
async def test_a_killed_daemon_costs_a_running_team_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    await engine_command(data, "up")
    try:
        async with Client(load_kubeconfig(str(data / "kubeconfig"))) as client:
            team = Team(client, data, "survivor")
            await chatty(team)
            await until(lambda: journalled(team, "m2"))
            os.kill(json.loads((data / "engine.json").read_text())["pid"], signal.SIGKILL)
        await engine_command(data, "up")
        async with Client(load_kubeconfig(str(data / "kubeconfig"))) as client:
            team = Team(client, data, "survivor")
            status = await team.in_phase("Completed")
            assert team.check_mail() == 8
            assert status["teammates"][0]["restartCount"] == 0
            assert {len(await team.pods(who)) for who in ("hub", "lead", "scout")} == {1}
    finally:
        await engine_command(data, "down")


async def engine_command(data: Path, verb: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kagents_local", verb, "--data", str(data)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output.decode()
