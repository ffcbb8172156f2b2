"""Budgets of teams and agents: warned of once, ended or stopped at the limit, and continued when raised."""

from typing import Any

import pytest
from world import World, simple_spec, team

MICROS = 1_000_000


def started(*mates: dict, **lifecycle: object) -> World:
    world = World(team(simple_spec(*mates, **lifecycle)))
    world.settle()
    world.start_all()
    world.settle()
    return world


def spend(world: World, *, estimated: bool = False, **agents: float) -> None:
    """The recorder reports what each agent has cost so far, in dollars."""
    models = [
        {"agent": name, "model": "m", "costMicros": round(dollars * MICROS)}
        for name, dollars in agents.items()
    ]
    total = sum(each["costMicros"] for each in models)
    usage = {"costMicros": total, "estimated": estimated, "byModel": models}
    world.raw["status"] |= {"usage": usage, "estimatedCost": f"{total / MICROS:.2f}"}


def observe(world: World, **spec: Any) -> None:
    world.raw["spec"] |= {"observability": {"webhook": {"url": "https://hooks.example.com/x"}}, **spec}


def conditions(world: World) -> dict[str, tuple[str, str, str]]:
    found = world.raw["status"]["conditions"]
    return {each["type"]: (each["status"], each["reason"], each.get("message", "")) for each in found}


def told(world: World) -> list[tuple[str, str | None, str]]:
    records = world.raw["status"].get("notifications", ())
    return [(each["event"], each.get("subject"), each.get("detail", "")) for each in records]


def reasons(world: World) -> list[tuple[str, str]]:
    return [(event.reason, event.message) for event in world.events]


@pytest.mark.parametrize(("dollars", "phase"), [(4.999999, "Running"), (5.0, "BudgetExceeded")])
def test_the_limit_is_compared_to_the_micro_dollar(dollars: float, phase: str) -> None:
    world = started({"name": "a"}, budgetLimit="5.00")
    spend(world, a=dollars)
    world.settle()
    assert world.phase == phase
    if phase != "Running":
        assert conditions(world)["Succeeded"][2] == (
            "the team spent $5.00 (metered) of lifecycle.budgetLimit $5.00"
        )


@pytest.mark.parametrize(
    ("limit", "spent", "shown"),
    [("5", 5.129, "5.12"), ("5.0", 5, "5.00"), ("0.003", 0.00314, "0.003"), ("0.000001", 12.5, "12.500000")],
)
def test_what_is_spent_is_shown_as_exactly_as_the_limit(limit: str, spent: float, shown: str) -> None:
    world = started({"name": "a"}, budgetLimit=limit)
    spend(world, a=spent)
    world.settle()
    assert conditions(world)["Succeeded"][2] == (
        f"the team spent ${shown} (metered) of lifecycle.budgetLimit ${limit}"
    )


def test_what_was_read_from_transcripts_is_called_an_estimate() -> None:
    world = started({"name": "a"}, budgetLimit="5.00")
    spend(world, a=6.1, estimated=True)
    world.settle()
    assert "spent $6.10 (estimated) of" in conditions(world)["Succeeded"][2]


def test_a_team_at_its_budget_is_suspended_and_goes_on_when_that_is_raised() -> None:
    world = started({"name": "a"}, budgetLimit="5.00", onBudget="suspend", timeout="1h", maxRestarts=0)
    observe(world)
    spend(world, a=5.0)
    world.settle()
    assert (world.phase, world.running("a"), world.running()) == ("Suspended", False, True)
    said = "the team spent $5.00 (metered) of lifecycle.budgetLimit $5.00"
    assert conditions(world)["BudgetLeft"][:2] == ("False", "TeamSuspended")
    assert conditions(world)["BudgetLeft"][2].startswith(f"{said}: raise it")
    kinds = [(kind, who) for kind, who, _ in told(world)]
    assert kinds.count(("budget.exceeded", None)) == kinds.count(("team.suspended", None)) == 1
    assert [message for reason, message in reasons(world) if reason == "TeamSuspended"] == [
        conditions(world)["BudgetLeft"][2]
    ]
    world.pass_time(hours=5)
    world.collect()
    world.settle()
    assert world.phase == "Suspended", "suspended time is not the team's"
    world.raw["spec"]["lifecycle"]["budgetLimit"] = "8.00"
    world.settle()
    world.start_all()
    world.settle()
    assert world.phase == "Running" and "BudgetLeft" not in conditions(world)
    assert (world.mate("a")["attempt"], world.mate("a")["restartCount"]) == (1, 0)
    assert [kind for kind, _, _ in told(world)].count("team.resumed") == 1


def test_a_budget_raised_before_the_agents_are_gone_waits_for_their_end() -> None:
    world = started({"name": "a"}, budgetLimit="5.00", onBudget="suspend", maxRestarts=0)
    spend(world, a=5.0)
    world.settle()
    world.raw["spec"]["lifecycle"]["budgetLimit"] = "8.00"
    world.settle()
    assert world.phase == "Suspended"
    world.collect()
    world.settle()
    assert world.phase == "Initializing" and len(world.live("a")) == 1


@pytest.mark.parametrize("by_person", [True, False])
def test_a_resumption_whose_status_was_not_taken_keeps_the_pods_that_it_made(by_person: bool) -> None:
    """The recorder writes the same status: of two writes at once the server refuses one."""
    world = started({"name": "a"}, budgetLimit="5.00", onBudget="suspend", maxRestarts=0)
    if by_person:
        world.raw["spec"]["suspend"] = True
    else:
        spend(world, a=5.0)
    world.settle()
    world.collect()
    world.settle()
    assert world.phase == "Suspended" and world.live("a") == []
    world.raw["spec"]["suspend"] = False
    world.raw["spec"]["lifecycle"]["budgetLimit"] = "8.00"
    plan = world.plan()
    for manifest in plan.apply:
        world._apply({**manifest, "metadata": dict(manifest["metadata"])})
    world.start_all()
    world.settle()
    assert world.phase == "Running" and world.running("a")
    assert (world.mate("a")["attempt"], world.mate("a")["restartCount"]) == (1, 0)


def test_a_team_whose_agents_have_all_ended_is_not_suspended_by_its_budget() -> None:
    world = started(budgetLimit="5.00", onBudget="suspend")
    spend(world, lead=9.0)
    world.succeed("lead")
    world.settle()
    assert world.phase == "Completed"


def test_an_agent_at_its_budget_ends_the_team_by_that_name() -> None:
    world = started({"name": "a", "budget": "1.00"}, {"name": "b"})
    spend(world, a=1.0, b=30.0)
    world.settle()
    said = "a spent $1.00 (metered) of its budget $1.00"
    assert world.phase == "BudgetExceeded"
    assert conditions(world)["Succeeded"] == ("False", "AgentBudgetExceeded", said)
    assert (world.mate("a")["phase"], world.mate("a")["message"]) == ("Failed", said)
    assert world.mate("a").get("restartCount", 0) == 0
    assert not world.running("a") and not world.running("b")


def test_an_agent_that_has_ended_well_may_have_spent_all_of_its_budget() -> None:
    world = started({"name": "a", "budget": "1.00"})
    spend(world, a=1.5)
    world.succeed("a")
    world.settle()
    assert (world.phase, world.mate("a")["phase"]) == ("Running", "Completed")


@pytest.mark.parametrize("ends", ["vanishes", "fails"])
def test_an_agent_is_stopped_at_its_budget_and_goes_on_when_that_is_raised(ends: str) -> None:
    world = started(
        {"name": "a", "budget": "1.00"}, {"name": "b"}, {"name": "c", "dependsOn": ["a"]}, maxRestarts=0
    )
    world.raw["spec"]["lifecycle"]["onBudget"] = "suspend"
    observe(world)
    spend(world, a=1.0)
    world.settle()
    assert world.phase == "Running" and world.running("b") and not world.running("a")
    assert world.mate("a")["phase"] == "Waiting"
    assert world.mate("a")["waitingFor"] == "budget: $1.00 of $1.00 are spent"
    said = "a spent $1.00 (metered) of its budget $1.00"
    assert conditions(world)["BudgetLeft"][:2] == ("False", "AgentsStopped")
    assert conditions(world)["BudgetLeft"][2].startswith(said)
    assert conditions(world)["AgentsHealthy"][0] == "True"
    assert ("budget.exceeded", "a", said) in told(world)
    if ends == "fails":
        world.fail("a", "ended by SIGTERM")
        world.settle()
    world.collect()
    world.pass_time(hours=1)
    world.settle()
    assert world.mate("a")["phase"] == "Waiting" and world.live("a") == []
    world.raw["spec"]["teammates"][0]["budget"] = "2.00"
    world.settle()
    world.start_all()
    world.settle()
    assert world.mate("a")["phase"] == "Running" and "BudgetLeft" not in conditions(world)
    assert (world.mate("a")["attempt"], world.mate("a")["restartCount"]) == (1, 0)
    assert world.mate("c")["waitingFor"] == "dependsOn: a"


def test_the_clock_stands_still_once_nobody_works_but_for_want_of_money() -> None:
    mates = {"name": "a", "budget": "1.00"}, {"name": "b"}, {"name": "c", "dependsOn": ["a"]}
    world = started(*mates, onBudget="suspend", timeout="1h", maxRestarts=0)
    spend(world, a=1.0)
    world.succeed("lead")
    world.settle()
    assert world.phase == "Running", "b works"
    world.succeed("b")
    world.collect()
    world.settle()
    assert world.phase == "Suspended" and conditions(world)["BudgetLeft"][1] == "AgentsStopped"
    world.pass_time(hours=9)
    world.settle()
    assert world.mate("a")["waitingFor"] == "budget: $1.00 of $1.00 are spent"
    world.raw["spec"]["teammates"][0]["budget"] = "2.00"
    world.settle()
    world.start_all()
    world.settle()
    assert (world.phase, world.mate("a")["phase"]) == ("Running", "Running")
    assert (world.mate("a")["attempt"], world.mate("a")["restartCount"]) == (1, 0)


@pytest.mark.parametrize("raised", ["2.00", None])
def test_an_agent_whose_budget_is_raised_while_it_ends_is_waited_for(raised: str | None) -> None:
    world = started({"name": "a", "budget": "1.00"}, maxRestarts=0, onBudget="suspend")
    spend(world, a=1.0)
    world.settle()
    world.raw["spec"]["teammates"][0]["budget"] = raised
    world.raw["spec"]["lifecycle"]["onBudget"] = "end"
    world.settle()
    assert (world.mate("a")["phase"], len(world.live("a"))) == ("Waiting", 1)
    world.collect()
    world.settle()
    assert (world.phase, len(world.live("a"))) == ("Running", 1)
    assert (world.mate("a")["attempt"], world.mate("a")["restartCount"]) == (1, 0)


def test_the_lead_has_a_budget_like_any_agent() -> None:
    world = started({"name": "a"}, onBudget="suspend")
    world.raw["spec"]["lead"]["budget"] = "1.00"
    spend(world, lead=1.0)
    world.settle()
    assert world.raw["status"]["lead"]["waitingFor"] == "budget: $1.00 of $1.00 are spent"
    world.collect()
    world.raw["spec"]["lead"]["budget"] = "1.01"
    world.settle()
    assert len(world.live("lead")) == 1 and world.raw["status"]["lead"]["attempt"] == 1


def test_people_are_warned_once_a_limit_of_the_team_s_and_of_an_agent_s_budget() -> None:
    world = started({"name": "a", "budget": "2.00"}, budgetLimit="10.00")
    observe(world)
    spend(world, a=1.59, lead=6.4)
    world.settle()
    assert "BudgetWarning" not in conditions(world)
    spend(world, a=1.60, lead=6.4)
    world.settle()
    spend(world, a=1.70, lead=6.5)
    world.settle()
    team_s, agent_s = (
        "80 % of lifecycle.budgetLimit $10.00 are spent",
        "80 % of the budget of a, $2.00 are spent",
    )
    assert conditions(world)["BudgetWarning"] == ("True", "NearLimit", f"{team_s}; {agent_s}")
    assert [message for reason, message in reasons(world) if reason == "BudgetWarning"] == [team_s, agent_s]
    warned = [(who, detail) for kind, who, detail in told(world) if kind == "budget.warning"]
    assert warned == [(None, team_s), ("a", agent_s)]
    world.raw["spec"]["lifecycle"]["budgetLimit"] = "20.00"
    world.settle()
    assert conditions(world)["BudgetWarning"][2] == agent_s
    spend(world, a=1.70, lead=15)
    world.settle()
    assert [message for reason, message in reasons(world) if reason == "BudgetWarning"][2:] == [
        "80 % of lifecycle.budgetLimit $20.00 are spent"
    ]


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ({"apiKeySecret": "k", "mode": "gateway"}, ("True", "Gateway")),
        ({"oauthSecret": "k", "mode": "direct"}, ("False", "DirectMode")),
        (None, ("False", "OwnCredential")),
    ],
)
def test_it_is_said_who_holds_the_model_s_key(auth: dict | None, said: tuple[str, str]) -> None:
    token = {"name": "ANTHROPIC_AUTH_TOKEN", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}}
    world = World(team(simple_spec({"name": "a", "harness": "claude-code"})))
    world.raw["spec"]["teammates"][0]["env"] = [] if auth else [token]
    world.raw["spec"]["auth"] = auth
    world.settle()
    assert conditions(world)["ModelKeyProtected"][:2] == said
    world.raw["spec"]["cancel"] = True
    world.settle()
    assert conditions(world)["ModelKeyProtected"][:2] == said


def test_a_team_that_needs_no_key_says_nothing_of_it() -> None:
    assert "ModelKeyProtected" not in conditions(started({"name": "a"}))
