"""What is told as a whole: every field of a suspended team, of a gate's request and of restarts that wait.

Each of these stood unnoticed when a mutant left a field out or said something else in it.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from world import World, simple_spec, team

from kagents_core.reconcile import Hold, NotificationOutcome
from kagents_core.reconcile.rules.outcome import Delivered, parse_outcome

RESTART_SECONDS = (10, 20, 40, 80, 160, 300, 300)
"""How long the second restart and each later one waits."""


def begun(*mates: dict[str, Any], gates: tuple[str, ...] = (), **lifecycle: Any) -> World:
    world = World(team(simple_spec(*mates, gates=gates, **lifecycle)))
    world.settle()
    world.start_all()
    world.settle()
    return world


def brief(world: World) -> list[tuple[str, ...]]:
    return [(each["type"], each["status"], each["reason"]) for each in world.raw["status"]["conditions"]]


def test_a_suspended_team_says_of_each_agent_how_it_stands() -> None:
    world = begun({"name": "a"}, {"name": "b"}, gates=("spawn-b",))
    world.fail("a")
    world.settle()
    world.start_all()
    world.settle()
    world.raw["spec"]["suspend"] = True
    world.pass_time(minutes=2)
    world.settle()
    world.collect()
    world.settle()
    status = world.raw["status"]
    assert status["lead"] == {
        "attempt": 0,
        "phase": "Pending",
        "message": "suspended",
        "restartCount": 0,
    }
    assert world.mate("a") == {
        "name": "a",
        "attempt": 1,
        "phase": "Pending",
        "message": "suspended",
        "restartCount": 1,
    }
    assert world.mate("b") == {
        "name": "b",
        "phase": "Waiting",
        "pendingApproval": "spawn-b",
        "waitingFor": "approval: spawn-b",
        "restartCount": 0,
    }
    assert (status["phase"], status["ready"]) == ("Suspended", "0/2")
    assert status["startedAt"] == "2026-11-21T12:00:00Z"
    assert status["suspendedAt"] == "2026-11-21T12:02:00Z"
    assert brief(world) == [("Prepared", "True", "Prepared"), ("Succeeded", "Unknown", "Suspended")]


def test_time_suspended_adds_up() -> None:
    world = begun({"name": "a"})
    for _ in range(2):
        world.raw["spec"]["suspend"] = True
        world.settle()
        world.collect()
        world.pass_time(minutes=3)
        world.settle()
        world.raw["spec"]["suspend"] = False
        world.settle()
        world.start_all()
        world.settle()
    assert world.raw["status"]["suspendedSeconds"] == 360
    assert (world.raw["status"]["lead"]["attempt"], world.raw["status"]["lead"]["restartCount"]) == (2, 0)


def test_a_person_s_suspension_says_nothing_of_budgets() -> None:
    world = begun({"name": "a"})
    world.holds = (Hold("monthly", True, "AgentBudget monthly is spent"),)
    world.raw["spec"]["suspend"] = True
    world.settle()
    assert "WithinBudgets" not in [kind for kind, _, _ in brief(world)]


def test_a_hub_that_goes_while_its_team_is_suspended_is_made_anew() -> None:
    world = begun({"name": "a"})
    world.raw["spec"]["suspend"] = True
    world.settle()
    world.collect()
    world.vanish("hub")
    world.pass_time(minutes=1)
    world.settle()
    assert world.live("hub") and not world.live("a")


def asked(url: str, **mate: Any) -> World:
    spec = simple_spec({"name": "a"}, {"name": "b", **mate})
    gate = {"event": "spawn-b", "channel": "webhook", "webhookUrl": url}
    spec["lifecycle"]["approvalGates"] = [{"event": "spawn-a"}, gate]
    world = World(team(spec))
    world.settle()
    return world


def test_the_request_of_a_gate_holds_what_a_person_needs_to_decide() -> None:
    world = asked("https://hooks.example.com/x", prompt="p" * 2500)
    assert world.effects[0].payload == {
        "event": "spawn-b",
        "team": "demo",
        "namespace": "default",
        "phase": "Pending",
        "uid": "11111111-aaaa",
        "annotation": "approved.claude.amcheste.io/spawn-b",
        "teammate": "b",
        "prompt": "p" * 2000,
        "estimatedCost": None,
    }
    world.raw["status"]["estimatedCost"] = "1.25"
    world.start_all()
    world.settle()
    last = world.plan().effects[0].payload
    assert (last["phase"], last["estimatedCost"]) == ("Running", "1.25")


def test_the_request_of_a_gate_is_one_line_for_slack() -> None:
    world = asked("https://hooks.slack.com/services/x")
    assert world.effects[0].payload == {
        "text": "*default/demo* waits for approval of spawn-b: annotate the team with "
        "approved.claude.amcheste.io/spawn-b=true, or false"
    }


def test_a_request_that_has_arrived_stays_sent_whatever_is_heard_later() -> None:
    world = asked("https://hooks.example.com/x")
    identity = world.effects[0].id
    world.outcomes[identity] = NotificationOutcome("failed", 2, world.now, "HTTP 500")
    world.settle()
    record = {"id": identity, "event": "spawn-b", "attempts": 2, "lastAttemptAt": "2026-11-21T12:00:00Z"}
    assert world.raw["status"]["notifications"] == [{**record, "state": "failed", "message": "HTTP 500"}]
    world.outcomes[identity] = NotificationOutcome("sent", 3, world.now)
    world.settle()
    assert world.raw["status"]["notifications"] == [{**record, "attempts": 3, "state": "sent"}]
    world.outcomes[identity] = NotificationOutcome("failed", 4, world.now, "late")
    world.settle()
    assert world.raw["status"]["notifications"] == [{**record, "attempts": 3, "state": "sent"}]
    assert not world.plan().effects


def test_each_restart_waits_longer_up_to_five_minutes() -> None:
    world = begun({"name": "a"}, maxRestarts=20, timeout="90h")
    world.fail("a")
    world.settle()
    assert world.mate("a")["restartCount"] == 1, "the first is at once"
    for number, seconds in enumerate(RESTART_SECONDS, 1):
        world.start_all()
        world.settle()
        world.fail("a")
        world.settle()
        assert world.mate("a")["message"] == "will be restarted: it broke"
        assert world.plan().wake_at == world.now + timedelta(seconds=seconds)
        world.pass_time(seconds=seconds - 1)
        world.settle()
        assert (world.mate("a")["attempt"], world.mate("a")["restartCount"]) == (number, number)
        world.pass_time(seconds=1)
        world.settle()
        assert (world.mate("a")["attempt"], world.mate("a")["restartCount"]) == (number + 1, number + 1)


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", '"words"'])
def test_a_delivery_that_is_not_understood_is_said_in_one_sentence(text: str) -> None:
    assert parse_outcome(text) == Delivered(warnings=("the delivery did not say what it did",))


def test_what_a_delivery_says_is_cut_to_one_short_line() -> None:
    long = "x\ny" + "z" * 600
    told = parse_outcome(json.dumps({"branch": long, "warnings": [long], "url": "u", "checks": "odd"}))
    assert told.branch is not None and len(told.branch) <= 512 and "\n" not in told.branch
    assert len(told.warnings[0]) <= 512 and "\n" not in told.warnings[0]
    assert told.pull_request is not None and told.pull_request.checks is None
