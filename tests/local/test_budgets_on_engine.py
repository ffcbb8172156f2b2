"""The example of a budget on a whole engine: spending is summed, recorded, held against the limit."""

import copy
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests

from simulated_team import SPEED, Team, agent, until

from kagents_core.api.manifests import read_manifest_file
from kagents_core.api.resources import AGENT_BUDGETS, AGENT_TEAMS, AGENT_USAGES
from kagents_core.kube.client import Client
from kagents_core.kube.errors import Invalid
from kagents_core.reconcile.names import record_name

pytestmark = pytest.mark.long

EXAMPLE = Path(__file__).parents[2] / "examples" / "09-budget-simulated.yaml"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


@pytest.mark.timeout(180)
async def test_a_budget_holds_the_next_team_until_it_is_raised_and_records_outlive_both(
    engine: Any, engine_client: Client
) -> None:
    budget, spender = read_manifest_file(EXAMPLE)
    await engine_client.create(AGENT_BUDGETS, "default", budget)
    first = Team(engine_client, engine.data.root, "spender")
    await first.create(spender)
    await first.in_phase("Completed")

    async def exceeded() -> Any:
        status = (await engine_client.get(AGENT_BUDGETS, "default", "research")).get("status") or {}
        said = {each["type"]: each["status"] for each in status.get("conditions") or ()}
        return status if said.get("Exceeded") == "True" else None

    status = await until(exceeded)
    assert (status["spent"], status["estimated"], status["teams"]) == ("0.07", True, 1)

    second = Team(engine_client, engine.data.root, "latecomer")
    late = copy.deepcopy(spender)
    late["metadata"]["name"] = "latecomer"
    await second.create(late)
    held = await second.in_phase("Suspended")
    assert [pod["metadata"]["labels"]["claude.amcheste.io/agent"] for pod in await second.pods()] == ["hub"]
    [words] = [each["message"] for each in held["conditions"] if each["type"] == "WithinBudgets"]
    assert words.startswith("AgentBudget research allows $0.05 a month: no further agent starts until")

    await engine_client.patch_merge(AGENT_BUDGETS, "default", "research", {"spec": {"limit": "5.00"}})
    await second.in_phase("Completed")
    await _both_are_recorded(engine_client)


@pytest.mark.timeout(180)
async def test_a_budget_that_stops_suspends_what_runs_until_it_is_raised(
    engine: Any, engine_client: Client
) -> None:
    budget, spender = read_manifest_file(EXAMPLE)
    budget["spec"]["onExceeded"] = "stop"
    await engine_client.create(AGENT_BUDGETS, "default", budget)
    waits, spends = "wait: {mail_from: team-lead}", "use: {input: 20000, output: 3000}"
    works = agent("Work.", "work: 3000", name="patient")  # with nobody at work, a team without a lead ends
    agents = [works, agent("Spend.", waits, spends, waits, name="researcher")]
    manifest = copy.deepcopy(spender)
    manifest["spec"]["teammates"] = agents
    stopped, other = (Team(engine_client, engine.data.root, name) for name in ("stopped", "other"))
    for team in (stopped, other):
        manifest["metadata"]["name"] = team.name
        if team is other:
            manifest["metadata"]["labels"] = {"cost-center": "elsewhere"}
        await team.create(manifest)
    both = {"patient", "researcher"}

    async def at_work(team: Team) -> bool:
        return both <= await _running(team)

    await until(lambda: at_work(stopped))
    await until(lambda: at_work(other))

    await stopped.send("researcher", "Spend it.")
    held = await stopped.in_phase("Suspended")
    [words] = [each["message"] for each in held["conditions"] if each["type"] == "WithinBudgets"]
    assert words.startswith("AgentBudget research allows $0.05 a month")

    async def at_rest() -> bool:
        return not await _running(stopped)

    await until(at_rest)
    assert await at_work(other), "a team that the budget does not choose goes on"

    await engine_client.patch_merge(AGENT_BUDGETS, "default", "research", {"spec": {"limit": "5.00"}})
    await until(lambda: at_work(stopped))
    await stopped.in_phase("Running")
    assert (await stopped.status())["usage"]["costMicros"] == 70_000, "what was spent is not spent again"


async def _running(team: Team) -> set[str]:
    """The agents of the team that run."""
    return {
        pod["metadata"]["labels"]["claude.amcheste.io/agent"]
        for pod in await team.pods()
        if pod.get("status", {}).get("phase") == "Running"
    } - {"hub"}


async def _both_are_recorded(client: Client) -> None:
    names = {}
    for name in ("spender", "latecomer"):
        team = await client.get(AGENT_TEAMS, "default", name)
        names[name] = record_name(name, team["metadata"]["uid"])

    async def written() -> Any:
        items = (await client.list(AGENT_USAGES, "default")).items
        return items if len(items) == 2 else None

    records = {each["spec"]["team"]: each for each in await until(written)}
    assert {name: each["metadata"]["name"] for name, each in records.items()} == names
    spec = records["spender"]["spec"]
    assert (spec["cost"], spec["phase"], spec["estimated"]) == ("0.07", "Completed", True)
    assert spec["labels"] == {"cost-center": "research"}
    assert sum(each["costMicros"] for each in spec["hours"]) == spec["costMicros"] == 70_000
    assert [(each["agent"], each["requests"]) for each in spec["byModel"]] == [("researcher", 1)]
    with pytest.raises(Invalid, match="never changed"):
        await client.patch_merge(AGENT_USAGES, "default", names["spender"], {"spec": {"costMicros": 1}})
    await client.delete(AGENT_TEAMS, "default", "spender", propagation="Background")
    assert await until(lambda: _gone(client))
    assert len((await client.list(AGENT_USAGES, "default")).items) == 2


async def _gone(client: Client) -> bool:
    teams = (await client.list(AGENT_TEAMS, "default")).items
    return "spender" not in {each["metadata"]["name"] for each in teams}
