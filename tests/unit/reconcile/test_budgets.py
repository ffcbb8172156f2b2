"""Budgets over several teams: what counts, what is said of it, and what it does to a team."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from world import World, simple_spec, team

from kagents_core.api.budget import AgentBudget
from kagents_core.reconcile import Hold, ObservedBudget, Plan, Total, reconcile_budget, refuse_budget
from kagents_core.reconcile.budget import exceeded, hold_of
from kagents_core.reconcile.periods import Span
from kagents_core.reconcile.spending import Spent, account_of_record, account_of_team
from kagents_core.reconcile.usage_record import usage_record

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MONTH = Span(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))
BLOCK = Hold("monthly", False, "AgentBudget monthly is spent")
STOP = Hold("monthly", True, "AgentBudget monthly is spent")


def budget(status: dict[str, Any] | None = None, **spec: Any) -> AgentBudget:
    return AgentBudget.model_validate(
        {
            "apiVersion": "claude.amcheste.io/v1alpha1",
            "kind": "AgentBudget",
            "metadata": {"name": "monthly", "namespace": "ns", "generation": 3},
            "spec": {"period": "month", "limit": "10.00", **spec},
            "status": status or {},
        }
    )


def plan(cost: int, tokens: int = 0, status: Any = None, now: datetime = NOW, **spec: Any) -> Plan:
    total = Total(MONTH, Spent(cost, tokens), teams=2)
    return reconcile_budget(ObservedBudget(budget(status, **spec), total, now))


def said(made: Plan) -> dict[str, str]:
    assert made.status is not None
    return {entry["type"]: entry["status"] for entry in made.status["conditions"]}


@pytest.mark.parametrize(
    ("cost", "expected"),
    [(7_999_999, ("False", "False")), (8_000_000, ("False", "True")), (10_000_000, ("True", "True"))],
)
def test_it_warns_at_eighty_percent_and_ends_at_the_limit(cost: int, expected: tuple[str, str]) -> None:
    conditions = said(plan(cost))
    assert (conditions["Exceeded"], conditions["Warning"]) == expected


def test_of_dollars_and_tokens_the_nearer_one_counts() -> None:
    assert not exceeded(budget().spec, Spent(1, 10**9)), "a budget of dollars does not look at tokens"
    assert exceeded(budget(tokens=1000).spec, Spent(1, 1000))
    assert exceeded(budget(tokens=1000).spec, Spent(10_000_000, 1))
    assert not exceeded(budget(tokens=1000).spec, Spent(9_999_999, 999))


def test_the_status_tells_the_sum_the_period_and_when_to_look_again() -> None:
    made = plan(1_420_000, tokens=777)
    assert made.status is not None
    shown = {
        key: made.status[key] for key in ("spent", "costMicros", "tokens", "teams", "observedGeneration")
    }
    assert shown == {
        "spent": "1.42",
        "costMicros": 1_420_000,
        "tokens": 777,
        "teams": 2,
        "observedGeneration": 3,
    }
    assert made.status["periodStart"] == "2026-11-01T00:00:00Z"
    assert made.status["periodEnd"] == "2026-12-01T00:00:00Z"
    assert made.wake_at == MONTH.end


def test_looking_again_changes_nothing_and_tells_nothing() -> None:
    first = plan(10_000_000)
    assert [event.reason for event in first.events] == ["BudgetExceeded", "BudgetWarning"]
    again = plan(10_000_000, status=first.status, now=NOW + timedelta(hours=1))
    assert again.status == first.status
    assert again.events == ()


def test_that_there_is_money_again_is_told() -> None:
    first = plan(10_000_000)
    raised = plan(10_000_000, status=first.status, limit="20.00")
    assert said(raised) == {"Exceeded": "False", "Warning": "False"}
    assert [event.reason for event in raised.events] == ["BudgetAvailable"]


def test_a_budget_that_cannot_be_read_says_why_once() -> None:
    body = {"metadata": {"name": "x", "generation": 1}, "status": {}}
    first = refuse_budget(body, ["spec.timeZone: no such zone"], NOW)
    assert first.status is not None
    assert first.status["conditions"][0]["message"] == "spec.timeZone: no such zone"
    again = refuse_budget({**body, "status": first.status}, ["spec.timeZone: no such zone"], NOW)
    assert (again.status, again.events) == (first.status, ())


def test_the_words_of_a_hold_say_until_when_and_what_a_person_can_do() -> None:
    total = Total(MONTH, Spent(11_000_000))
    for then, expected in (("block", "no further agent starts"), ("stop", "its teams are suspended")):
        hold = hold_of("monthly", budget(onExceeded=then, tokens=500).spec, total)
        assert hold.stop == (then == "stop")
        for words in (expected, "$10.00 and 500 tokens a month", "2026-12-01T00:00:00Z", "limit is raised"):
            assert words in hold.message


# ── what counts ──────────────────────────────────────────────────────────────────────────────────


def spender(**status: Any) -> dict[str, Any]:
    made = team(simple_spec())
    made["metadata"]["labels"] = {"cost-center": "research"}
    made["status"] = {"startedAt": "2026-10-31T22:10:00Z", **status}
    return made


HOURS = [
    {"hour": "2026-10-31T23", "costMicros": 100, "tokens": 10},
    {"hour": "2026-11-01T00", "costMicros": 20, "tokens": 2},
    {"hour": "2026-11-30T23", "costMicros": 3, "tokens": 1},
    {"hour": "2026-12-01T00", "costMicros": 4000, "tokens": 400},
]


def test_an_hour_belongs_to_the_period_in_which_it_begins() -> None:
    usage = {"hours": HOURS, "estimated": False, "costMicros": 4123, "inputTokens": 413}
    account = account_of_team(spender(usage=usage))
    assert account.within(MONTH) == Spent(23, 3)
    assert not account.estimated
    half = timedelta(minutes=30)
    assert account.within(Span(MONTH.start - half, MONTH.end - half)) == Spent(23, 3)


def test_a_record_counts_as_its_team_did() -> None:
    usage = {"hours": HOURS, "estimated": False, "costMicros": 4123, "inputTokens": 413}
    made = spender(usage=usage, phase="Completed", completedAt="2026-12-01T00:59:00Z")
    record = usage_record(made, NOW)
    assert record is not None
    kept, was = account_of_record(record), account_of_team(made)
    assert kept == was


def test_a_recorder_that_tells_no_hours_counts_where_the_team_began() -> None:
    account = account_of_team(spender(estimatedCost="1.50", usage={"inputTokens": 5}))
    assert [(hour.cost_micros, hour.tokens) for hour in account.hours] == [(1_500_000, 5)]
    assert account.within(MONTH) == Spent()
    assert account.estimated


@pytest.mark.parametrize("status", [{}, {"usage": {}}, {"usage": {"hours": [{"hour": "yesterday"}]}}])
def test_what_tells_nothing_counts_nothing(status: dict[str, Any]) -> None:
    account = account_of_team(spender(**status))
    assert (account.hours, account.estimated) == ((), False)


# ── what it does to a team ───────────────────────────────────────────────────────────────────────


def begun(*mates: dict[str, Any], **lifecycle: Any) -> World:
    world = World(team(simple_spec(*mates, **lifecycle)))
    world.settle()
    world.start_all()
    world.settle()
    return world


def test_block_keeps_new_agents_back_and_lets_running_ones_go_on() -> None:
    world = begun({"name": "a"}, {"name": "b", "dependsOn": ["a"]})
    world.holds = (BLOCK,)
    world.settle()
    world.succeed("a")
    world.settle()
    assert world.phase == "Running"
    assert world.running("lead")
    assert not world.agent_pods("b")
    assert world.mate("b")["phase"] == "Waiting"
    assert world.mate("b")["waitingFor"] == "budget: monthly"
    assert world.condition("WithinBudgets")["message"] == BLOCK.message
    assert [event.reason for event in world.events].count("AgentBudgetExceeded") == 1
    world.holds = ()
    world.settle()
    assert len(world.agent_pods("b")) == 1
    assert not any(entry["type"] == "WithinBudgets" for entry in world.raw["status"]["conditions"])


def test_block_replaces_an_agent_that_failed() -> None:
    world = begun({"name": "a"})
    world.holds = (BLOCK,)
    world.fail("a")
    world.settle()
    assert len(world.agent_pods("a")) == 2


def test_a_new_team_stands_still_under_block_and_its_time_does_not_go_on() -> None:
    world = World(team(simple_spec({"name": "a"}, timeout="2h")))
    world.holds = (BLOCK,)
    world.settle()
    assert world.phase == "Suspended"
    assert BLOCK.message in [event.message for event in world.events]
    assert not world.agent_pods("lead")
    world.pass_time(hours=30)
    world.settle()
    assert world.phase == "Suspended"
    world.holds = ()
    world.settle()
    world.start_all()
    world.settle()
    assert world.phase == "Running"
    assert len(world.agent_pods("lead")) == len(world.agent_pods("a")) == 1


def test_what_waits_for_a_person_is_asked_also_under_block() -> None:
    world = World(team(simple_spec({"name": "a"}, {"name": "b"}, gates=("spawn-a",))))
    world.holds = (BLOCK,)
    world.settle()
    assert world.phase != "Suspended"
    assert world.mate("a")["pendingApproval"] == "spawn-a"
    world.annotate("spawn-a", "true")
    world.settle()
    assert world.phase == "Suspended"
    assert not world.agent_pods("a")


def test_stop_suspends_and_the_next_period_goes_on_in_the_same_sessions() -> None:
    world = begun({"name": "a"}, timeout="2h")
    world.holds = (STOP,)
    world.settle()
    world.collect()
    world.settle()
    assert world.phase == "Suspended"
    assert not world.running("a")
    assert world.running(), "the hub stays: mail can be read"
    assert world.condition("WithinBudgets")["message"] == STOP.message
    world.pass_time(days=9)
    world.settle()
    assert world.phase == "Suspended"
    world.holds = ()
    world.settle()
    world.start_all()
    world.settle()
    assert world.phase == "Running"
    assert (world.mate("a")["attempt"], world.mate("a")["restartCount"]) == (1, 0)


def test_stop_does_not_keep_a_team_from_its_end() -> None:
    world = begun({"name": "a"})
    world.succeed("a")
    world.succeed("lead")
    world.holds = (STOP,)
    world.settle()
    assert world.phase == "Completed"


def test_a_team_that_only_waits_for_its_last_approval_is_not_said_to_be_suspended() -> None:
    world = begun({"name": "a"}, gates=("finish",))
    world.succeed("a")
    world.succeed("lead")
    world.holds = (STOP,)
    world.settle()
    assert world.phase == "Running"
    assert world.condition("GatesPassed")["reason"] == "WaitingForApproval"
    assert not any(entry["type"] == "WithinBudgets" for entry in world.raw["status"]["conditions"])


def test_a_person_who_cancels_is_heard_while_a_budget_holds() -> None:
    world = begun({"name": "a"})
    world.holds = (STOP,)
    world.settle()
    world.raw["spec"]["cancel"] = True
    world.settle()
    assert world.phase == "Cancelled"


# ── the record ───────────────────────────────────────────────────────────────────────────────────


def test_a_team_that_cost_nothing_has_no_record() -> None:
    assert usage_record(spender(usage={"costMicros": 0}, phase="Completed"), NOW) is None


def test_a_team_that_is_deleted_in_the_middle_is_recorded_until_now() -> None:
    record = usage_record(spender(usage={"costMicros": 5, "estimated": True}, phase="Running"), NOW)
    assert record is not None
    assert (record["spec"]["phase"], record["spec"]["endedAt"]) == ("Running", "2026-11-21T12:00:00Z")
    assert record["spec"]["labels"] == {"cost-center": "research"}


def test_a_record_is_due_once_the_hub_has_ended() -> None:
    world = begun()
    world.succeed("lead")
    world.settle()
    assert world.phase == "Completed"
    assert not world.plan().usage_known
    world.succeed("hub")
    assert world.plan().usage_known


def test_a_record_is_not_due_while_an_agent_may_still_spend() -> None:
    world = begun({"name": "a"})
    world.raw["spec"]["cancel"] = True
    world.settle()
    world.succeed("hub")
    assert not world.plan().usage_known
    world.collect()
    assert world.plan().usage_known


def test_records_of_two_teams_of_one_name_have_two_names() -> None:
    made = [spender(usage={"costMicros": 5}), spender(usage={"costMicros": 5})]
    made[1]["metadata"]["uid"] = "22222222-bbbb"
    made[1]["metadata"]["name"] = made[0]["metadata"]["name"] = "t" * 63
    names = {(usage_record(each, NOW) or {})["metadata"]["name"] for each in made}
    assert len(names) == 2
    assert all(len(name) <= 63 for name in names)
