"""Budgets over several teams and records of what teams have cost, on a controller with a model server."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_controller import budgets, first_lists, pacing, usage_records
from kagents_controller.budgets import Tally
from kagents_controller.caches import Caches
from kagents_core.api.budget import AgentBudgetSpec
from kagents_core.api.constants import LABEL_AGENT
from kagents_core.api.resources import AGENT_BUDGETS, AGENT_TEAMS
from kagents_core.kube.client import path_of
from kagents_core.reconcile.names import record_name
from kagents_core.reconcile.spending import Account, HourSpent

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_records, "SETTLE_SECONDS", 0.05)
    monkeypatch.setattr(pacing, "BUDGET_SECONDS", 0.05)


def spend(world: Any, dollars: float, name: str = "demo", **status: Any) -> None:
    """What a recorder would write: all of it in the present hour."""
    micros = round(dollars * 1_000_000)
    hour = {"hour": world.now().strftime("%Y-%m-%dT%H"), "costMicros": micros, "tokens": 1000}
    usage = {
        "costMicros": micros,
        "inputTokens": 1000,
        "estimated": False,
        "hours": [hour],
        "prices": "2026-11",
    }
    path = path_of(AGENT_TEAMS, "ns", name)
    told = {"usage": usage, "estimatedCost": f"{dollars:.2f}", **status}
    world.change(path, {"status": told}, status=True)


def budget(world: Any, name: str = "monthly", **spec: Any) -> str:
    return world.apply({"period": "month", "limit": "10.00", **spec}, name, AGENT_BUDGETS)  # type: ignore[no-any-return]


def told(world: Any, path: str) -> dict[str, Any]:
    return world.server.objects[path].get("status") or {}


def records(world: Any) -> list[dict[str, Any]]:
    return [body["spec"] for body in world.of("agentusages").values()]


def agents(world: Any, team: str) -> list[str]:
    return [pod["metadata"]["labels"][LABEL_AGENT] for pod in world.pods(team=team).values()]


def label(world: Any, name: str, **labels: str) -> None:
    world.change(path_of(AGENT_TEAMS, "ns", name), {"metadata": {"labels": labels}})


async def end(world: Any, name: str = "demo") -> None:
    for agent in ("hub", "lead"):
        world.set_phase(agent, "Running")
    await world.until(lambda: world.status(name).get("phase") == "Running")
    world.set_phase("lead", "Succeeded")
    await world.until(lambda: world.status(name).get("phase") == "Completed")


# ── records ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_team_that_has_ended_is_recorded_once_with_the_last_word_of_its_recorder(
    world: Any, simple: Any
) -> None:
    path = world.apply(simple())
    label(world, "demo", team="blue")
    await world.quiet()
    spend(world, 1.0)
    await end(world)
    await world.quiet()
    assert records(world) == [], "its hub may have more to tell"
    spend(world, 1.42)
    world.set_phase("hub", "Succeeded")
    await world.until(lambda: records(world))
    [spec] = records(world)
    assert (spec["team"], spec["cost"], spec["costMicros"]) == ("demo", "1.42", 1_420_000)
    assert (spec["estimated"], spec["prices"], spec["labels"]) == (False, "2026-11", {"team": "blue"})
    assert [hour["tokens"] for hour in spec["hours"]] == [1000]
    before = len(world.writes())
    world.change(path, {"metadata": {"labels": {"x": "y"}}})
    await world.quiet()
    world.server.remove(path)
    await world.until(lambda: not len(world.controller.caches.teams))
    await world.quiet()
    assert [verb for verb, _ in world.writes()[before:] if verb == "POST"] == []
    assert len(records(world)) == 1, "the record outlives the team"
    [body] = world.of("agentusages").values()
    assert "ownerReferences" not in body["metadata"]


async def test_a_team_that_is_deleted_in_the_middle_is_recorded_as_it_was_last_known(
    world: Any, simple: Any
) -> None:
    path = world.apply(simple())
    await world.quiet()
    spend(world, 2.5)
    await world.quiet()
    world.server.remove(path)
    await world.until(lambda: records(world))
    [spec] = records(world)
    assert (spec["cost"], spec["phase"]) == ("2.50", "Initializing")


async def test_a_team_that_cost_nothing_leaves_no_record(world: Any, simple: Any) -> None:
    path = world.apply(simple())
    await world.quiet()
    await end(world)
    world.set_phase("hub", "Succeeded")
    await world.quiet()
    other = world.apply(simple(), "other")
    await world.until(lambda: world.status("other").get("phase"))
    spend(world, 1.0, "other")
    world.server.remove(path)
    world.server.remove(other)
    await world.until(lambda: records(world))
    assert [spec["team"] for spec in records(world)] == ["other"]


async def test_a_controller_that_starts_anew_records_what_it_missed_and_nothing_twice(
    stopped_world: Any, simple: Any
) -> None:
    world = stopped_world
    for name in ("one", "two"):
        world.apply(simple(), name)
        ended = world.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        spend(world, 1.0, name, phase="Completed", completedAt=ended, startedAt=ended)
    await world.start()
    await world.until(lambda: len(records(world)) == 2)
    await world.kill()
    before = len(world.writes())
    await world.start()
    await world.until(lambda: world.controller.synced.is_set())
    await world.quiet()
    assert world.writes()[before:] == []


async def test_a_record_that_the_server_does_not_take_is_tried_again(
    world: Any, simple: Any, model: Any
) -> None:
    path = world.apply(simple())
    await world.quiet()
    spend(world, 2.5)
    await world.quiet()
    await world.until(lambda: len(world.server.watchers) == 7)
    world.server.refused["agentusages"] = "not now"
    world.server.remove(path)
    await world.until(
        lambda: any("agentusages" in entry[1] for entry in world.server.log if entry[0] == "POST")
    )
    assert records(world) == []
    world.server.refused.clear()
    await world.until(lambda: records(world))


async def test_old_records_are_deleted_and_young_ones_stay(world: Any, simple: Any) -> None:
    for name, days in (("old", 401), ("young", 399), ("strange", None)):
        ended = "some day"
        if days is not None:
            ended = (world.now() - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        spec = {"team": name, "uid": name, "endedAt": ended, "cost": "1.00", "costMicros": 1_000_000}
        path = f"/apis/claude.amcheste.io/v1alpha1/namespaces/ns/agentusages/{record_name(name, name)}"
        made = {"creationTimestamp": world.now().strftime("%Y-%m-%dT%H:%M:%SZ")}
        body = {"kind": "AgentUsage", "metadata": made, "spec": {**spec, "estimated": False}}
        world.server.put(path, body)
    await world.until(lambda: len(records(world)) == 2)
    assert {spec["team"] for spec in records(world)} == {"young", "strange"}
    await world.quiet()
    world.offset = timedelta(days=2)
    world.apply(simple())  # any new deadline makes it look at the clock
    await world.until(lambda: [spec["team"] for spec in records(world)] == ["strange"])


# ── budgets ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_budget_tells_what_its_teams_have_spent_also_those_that_are_gone(
    world: Any, simple: Any
) -> None:
    path = budget(world, selector={"matchLabels": {"team": "blue"}})
    for name, color in (("one", "blue"), ("two", "blue"), ("three", "red")):
        world.apply(simple(), name)
        label(world, name, team=color)
        spend(world, 1.5, name)
    await world.until(lambda: told(world, path).get("spent") == "3.00")
    assert (told(world, path)["teams"], told(world, path)["tokens"]) == (2, 2000)
    world.server.remove(path_of(AGENT_TEAMS, "ns", "one"))
    await world.until(lambda: records(world))
    await world.quiet()
    assert told(world, path)["spent"] == "3.00"
    label(world, "three", team="blue")
    await world.until(lambda: told(world, path)["spent"] == "4.50")


async def test_block_keeps_new_agents_back_until_the_limit_is_raised(world: Any, simple: Any) -> None:
    path = budget(world)
    world.apply(simple({"name": "a"}), "running")
    await world.quiet()
    spend(world, 10.0, "running")
    await world.until(lambda: told(world, path).get("spent") == "10.00")
    world.apply(simple({"name": "a"}), "late")
    await world.until(lambda: world.status("late").get("phase") == "Suspended")
    assert {
        pod["metadata"]["labels"]["claude.amcheste.io/agent"] for pod in world.pods(team="late").values()
    } == {"hub"}
    assert world.status("running")["phase"] != "Suspended"
    [held] = [each for each in world.status("late")["conditions"] if each["type"] == "WithinBudgets"]
    assert "AgentBudget monthly allows $10.00 a month" in held["message"]
    assert world.events("BudgetExceeded")[0]["involvedObject"]["kind"] == "AgentBudget"
    world.change(path, {"spec": {"limit": "20.00"}})
    await world.until(lambda: len(world.pods(team="late")) == 3)
    await world.until(lambda: {each["status"] for each in told(world, path)["conditions"]} == {"False"})


async def test_stop_suspends_running_teams_and_the_next_period_lets_them_go_on(
    world: Any, simple: Any
) -> None:
    path = budget(world, period="day", onExceeded="stop")
    world.apply(simple({"name": "a"}))
    await world.quiet()
    for agent in ("hub", "lead", "a"):
        world.set_phase(agent, "Running")
    await world.until(lambda: world.status().get("phase") == "Running")
    spend(world, 11.0)
    await world.until(lambda: world.status()["phase"] == "Suspended")
    await world.until(lambda: world.agents() == ["hub"])
    ends = datetime.fromisoformat(told(world, path)["periodEnd"])
    world.offset = ends - datetime.now(UTC) + timedelta(seconds=1)
    world.apply(simple(), "another")  # any new deadline makes it look at the clock
    await world.until(lambda: len(world.pods("a", "demo")) == 1)
    await world.until(lambda: told(world, path)["spent"] == "0.00")
    assert datetime.fromisoformat(told(world, path)["periodStart"]) == ends


async def test_a_budget_that_is_deleted_holds_nobody(world: Any, simple: Any) -> None:
    path = budget(world, limit="0.01")
    world.apply(simple(), "spender")
    await world.quiet()
    spend(world, 1.0, "spender")
    world.apply(simple(), "late")
    await world.until(lambda: world.status("late").get("phase") == "Suspended")
    world.server.remove(path)
    await world.until(lambda: len(world.pods(team="late")) == 2)


async def test_a_controller_that_starts_anew_holds_at_once(stopped_world: Any, simple: Any) -> None:
    world = stopped_world
    budget(world, limit="0.01")
    world.apply(simple(), "spender")
    spend(world, 1.0, "spender")
    world.apply(simple(), "late")
    await world.start()
    await world.until(lambda: world.status("late").get("phase") == "Suspended")
    await world.quiet()
    assert [
        pod["metadata"]["labels"]["claude.amcheste.io/agent"] for pod in world.pods(team="late").values()
    ] == ["hub"]


async def test_a_budget_that_cannot_be_read_says_why_and_holds_nobody(world: Any, simple: Any) -> None:
    path = budget(world, limit="0.01", timeZone="Europe/Nowhere")
    world.apply(simple(), "spender")
    await world.quiet()
    spend(world, 1.0, "spender")
    await world.until(lambda: told(world, path).get("conditions"))
    assert "Europe/Nowhere" in told(world, path)["conditions"][0]["message"]
    world.apply(simple(), "late")
    await world.until(lambda: len(world.pods(team="late")) == 2)


async def test_nothing_is_written_while_nothing_changes_and_numbers_are_written_together(
    world: Any, simple: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = budget(world, limit="1000.00")
    world.apply(simple())
    spend(world, 1.0)
    await world.until(lambda: told(world, path).get("spent") == "1.00")
    await world.quiet()
    monkeypatch.setattr(pacing, "BUDGET_SECONDS", 3.0)
    before = len(world.writes())
    for cents in range(1, 30):
        spend(world, 1.0 + cents / 100)
    await world.until(lambda: told(world, path).get("spent") == "1.29", 15)
    written = [each for _, each in world.writes()[before:] if "agentbudgets" in each]
    assert len(written) == 1
    await world.quiet()
    assert len(world.writes()[before:]) == 1


async def test_a_chart_without_these_kinds_is_no_reason_to_stand_still(
    stopped_world: Any, simple: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = stopped_world
    monkeypatch.setattr(first_lists, "_ABSENT_SECONDS", 0.2)
    world.server.absent = ("agentbudgets", "agentusages")
    world.apply(simple())
    await world.start()
    await world.until(lambda: world.agents() == ["hub", "lead"])


# ── the sum ──────────────────────────────────────────────────────────────────────────────────────

HOUR = st.tuples(st.integers(-50 * 24, 12), st.integers(0, 10**9), st.integers(0, 10**6))
HOURS = st.one_of(st.none(), st.lists(HOUR, max_size=6))
STEPS = st.lists(st.tuples(st.sampled_from("abc"), HOURS, st.sampled_from(["blue", "red"])), max_size=20)


@given(steps=STEPS, passes=st.integers(0, 40))
def test_a_sum_kept_change_by_change_is_the_sum(steps: Any, passes: int) -> None:
    spec = AgentBudgetSpec.model_validate(
        {"period": "week", "limit": "1.00", "selector": {"matchLabels": {"team": "blue"}}}
    )
    accounts: dict[str, Account] = {}
    tally = Tally(spec, accounts, NOW)
    for uid, hours, color in steps:
        spent = [HourSpent(int(NOW.timestamp()) // 3600 * 3600 + at * 3600, c, t) for at, c, t in hours or ()]
        if hours is None:
            accounts.pop(uid, None)
        else:
            accounts[uid] = Account(uid, {"team": color}, tuple(spent), estimated=False)
        tally.take(uid, accounts.get(uid))
    later = NOW + timedelta(days=passes)
    tally.roll(accounts, later)
    assert tally.total == Tally(spec, accounts, later).total


# ── what it costs ────────────────────────────────────────────────────────────────────────────────


def _team(number: int, version: int, dollars: int = 1) -> dict[str, Any]:
    hour = {"hour": "2026-11-21T11", "costMicros": dollars * 1_000_000, "tokens": 10}
    named = {"namespace": "ns", "name": f"t{number}", "uid": f"u{number}", "resourceVersion": str(version)}
    usage = {"costMicros": dollars * 1_000_000, "hours": [hour], "estimated": False}
    return {"metadata": named, "spec": {}, "status": {"phase": "Completed", "usage": usage}}


def _budget(limit: str, version: int) -> dict[str, Any]:
    named = {"namespace": "ns", "name": "all", "uid": "b", "resourceVersion": str(version)}
    return {"metadata": named, "spec": {"period": "month", "limit": limit}}


async def test_one_team_that_changes_is_the_only_one_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    caches = Caches()
    concerned: list[Any] = []
    kept = budgets.Budgets(caches, lambda: NOW, lambda key: None, concerned.append)
    caches.teams.upsert([_team(number, number + 1) for number in range(200)])
    caches.budgets.upsert([_budget("202.00", 1)])
    read: list[str] = []
    read_team = budgets.account_of_team

    def counted(team: dict[str, Any]) -> Account:
        read.append(team["metadata"]["name"])
        return read_team(team)

    monkeypatch.setattr(budgets, "account_of_team", counted)
    caches.teams.upsert([_team(7, 1000, dollars=2)])
    assert read == ["t7"]
    assert concerned == []
    caches.teams.upsert([_team(7, 1001, dollars=3)])
    assert read == ["t7", "t7"]
    assert len(concerned) == 200, "exceeded: every team has to be looked at"
    assert [hold.budget for hold in kept.holds("ns", {})] == ["all"]
    caches.budgets.upsert([_budget("500.00", 2)])
    assert read == ["t7", "t7"], "what is known needs no second reading"
    assert kept.holds("ns", {}) == ()


async def test_a_standby_forgets_what_the_leader_has_written() -> None:
    caches = Caches()
    added: list[Any] = []
    records = usage_records.UsageRecords(
        None,  # type: ignore[arg-type]  # a standby sends nothing
        caches,
        None,  # type: ignore[arg-type]
        lambda: NOW,
        None,
        add=added.append,
        add_after=lambda owner, seconds: None,
        wake=lambda owner, moment: None,
    )
    caches.teams.upsert([_team(1, 1), _team(2, 2)])
    caches.teams.retain(set())
    names = [record_name(f"t{number}", f"u{number}") for number in (1, 2)]
    assert added == [("AgentUsage", "ns", name) for name in names]
    assert len(records._gone) == 2
    spec = {"team": "t1", "uid": "u1", "endedAt": "2026-11-21T11:00:00Z"}
    named = {"namespace": "ns", "name": names[0], "uid": "r1", "resourceVersion": "3"}
    caches.usages.upsert([{"metadata": named, "spec": spec}])
    assert list(records._gone) == [("ns", names[1])]
