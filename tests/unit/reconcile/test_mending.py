"""A conflict that the lead is asked to resolve: once, whatever is killed meanwhile, and within the limits."""

import json
from datetime import timedelta

import pytest
from test_delivery import coding
from world import World

SENTENCE = "kagents/demo/b conflicts with kagents/demo/a in README.md. Every branch is kept."
CONFLICT = 66


def conflicting(**lifecycle) -> World:
    world = coding({"name": "a"}, {"name": "b"}, **({"onConflict": "lead"} | lifecycle))
    world.fail_delivery(CONFLICT, SENTENCE)
    world.settle()
    return world


def said(world: World) -> tuple[str, str]:
    entry = world.condition("Delivered")
    return entry["reason"], entry["message"]


def test_without_the_policy_it_is_for_people():
    world = conflicting(onConflict="report")
    assert said(world) == ("NeedsAttention", SENTENCE)
    assert not world.live("lead")


def test_the_lead_is_started_for_it_and_told_and_then_it_is_tried_again():
    world = conflicting()
    [pod] = world.live("lead")
    assert said(world) == ("LeadResolves", f"the lead resolves it: {SENTENCE}")
    env = {entry["name"]: entry.get("value") for entry in pod["spec"]["containers"][0]["env"]}
    assert json.loads(env["KAGENTS_AGENT"])["conflict"] == SENTENCE
    assert pod["metadata"]["annotations"]["claude.amcheste.io/conflict"] == "0"
    world.run("lead")
    world.settle()
    lead = world.raw["status"]["lead"]
    assert (lead["phase"], lead["message"]) == ("Completed", "resolves a conflict")
    assert lead["podName"] == pod["metadata"]["name"]
    assert not world.live("finish")
    world.succeed("lead")
    world.settle()
    assert world.live("finish") and said(world)[0] == "Delivering"
    world.deliver(branch="kagents/demo", commit="c0ffee", url="https://h/1", state="open")
    world.settle()
    assert world.phase == "Completed"


def test_a_second_conflict_is_for_people():
    world = conflicting()
    world.succeed("lead")
    world.settle()
    world.fail_delivery(CONFLICT, SENTENCE)
    world.settle()
    assert said(world) == ("NeedsAttention", SENTENCE) and not world.live("lead")
    world.retry("now")
    world.settle()
    world.fail_delivery(CONFLICT, SENTENCE)
    world.settle()
    assert said(world)[0] == "NeedsAttention" and not world.live("lead")
    world.retry("again")
    world.settle()
    world.deliver(branch="kagents/demo", commit="c0ffee")
    world.settle()
    assert world.phase == "Completed"


@pytest.mark.parametrize("kill", ["fail", "vanish"])
@pytest.mark.parametrize("running", [False, True])
def test_a_lead_that_is_killed_at_it_is_started_again_for_the_same(kill: str, running: bool):
    world = conflicting()
    for _ in range(2):
        if running:
            world.run("lead")
            world.settle()
        if kill == "fail":
            world.fail("lead")
        else:
            for pod in world.live("lead"):
                del world.pods[pod["metadata"]["name"]]
        world.settle()
        [pod] = world.live("lead")
        assert pod["metadata"]["annotations"]["claude.amcheste.io/conflict"] == "0"
    world.succeed("lead")
    world.settle()
    world.deliver(branch="kagents/demo", commit="c0ffee")
    world.settle()
    assert world.phase == "Completed"


def test_a_delivery_that_is_killed_after_it_asks_nobody_again():
    world = conflicting()
    world.succeed("lead")
    world.settle()
    world.fail_delivery(137, "killed")
    world.settle()
    assert said(world)[0] == "DeliveryFailed" and not world.live("lead")
    world.pass_time(minutes=10)
    world.settle()
    world.deliver(branch="kagents/demo", commit="c0ffee")
    world.settle()
    assert world.phase == "Completed"


def test_a_lead_that_fails_too_often_leaves_it_to_people():
    world = conflicting(maxRestarts=1)
    assert world.step().wake_at == world.now + timedelta(hours=4), "the team's time limits it"
    for number, cause in ((1, "no room"), (2, "no model")):
        [pod] = world.live("lead")
        assert pod["metadata"]["annotations"]["claude.amcheste.io/attempt"] == str(number)
        assert pod["metadata"]["annotations"]["claude.amcheste.io/restarts"] == "0"
        world.fail("lead", cause)
        world.settle()
    assert not world.live("lead")
    assert said(world) == ("NeedsAttention", f"the lead failed at it: no model. {SENTENCE}")
    assert world.phase == "Running"


def test_the_team_s_time_ends_the_lead_s_attempt_and_not_the_delivery():
    world = conflicting(timeout="1h")
    world.run("lead")
    world.settle()
    assert world.plan().wake_at is not None
    world.pass_time(hours=2)
    world.step()
    assert all(pod["metadata"].get("deletionTimestamp") for pod in world.live("lead"))
    world.collect()
    world.settle()
    reason, message = said(world)
    assert reason == "NeedsAttention" and "lifecycle.timeout" in message and "README.md" in message
    assert world.phase == "Running"
    world.retry("resolved")
    world.settle()
    world.deliver(branch="kagents/demo", commit="c0ffee")
    world.settle()
    assert world.phase == "Completed"


def test_a_team_that_is_suspended_meanwhile_goes_on_with_it():
    world = conflicting()
    world.run("lead")
    world.settle()
    world.raw["spec"]["suspend"] = True
    world.step()
    world.collect()
    world.settle()
    assert world.phase == "Suspended" and not world.live("lead")
    assert said(world)[0] == "LeadResolves", "what became of the delivery is still said"
    world.raw["spec"]["suspend"] = False
    world.settle()
    assert world.live("lead") and said(world)[0] == "LeadResolves"


def test_the_lead_s_pod_for_it_has_the_next_number_of_all_and_counts_no_restart():
    world = coding({"name": "a"}, onConflict="lead")
    world.raw["status"]["lead"] |= {"attempt": 4, "restartCount": 3}
    world.fail_delivery(CONFLICT, SENTENCE)
    world.settle()
    [pod] = world.live("lead")
    assert pod["metadata"]["annotations"]["claude.amcheste.io/attempt"] == "5", "by what the status knows"
    assert pod["metadata"]["annotations"]["claude.amcheste.io/restarts"] == "3"
    world.fail("lead", "no room")
    world.raw["status"]["lead"] |= {"attempt": 0}
    world.settle()
    [pod] = world.live("lead")
    assert pod["metadata"]["annotations"]["claude.amcheste.io/attempt"] == "6", "by the pods that there are"


def test_while_the_lead_resolves_it_the_team_s_time_wakes_the_controller():
    world = coding({"name": "a"}, onConflict="lead", timeout="3h")
    world.fail_delivery(CONFLICT, SENTENCE)
    assert world.step().wake_at == world.now + timedelta(hours=3), "from the moment it is asked"
    world.run("lead")
    world.settle()
    assert world.plan().wake_at == world.now + timedelta(hours=3)


def test_money_that_is_spent_ends_the_lead_s_attempt():
    world = conflicting(budgetLimit="2.00")
    world.raw["status"]["estimatedCost"] = "2.50"
    world.step()
    world.collect()
    world.settle()
    assert not world.live("lead")
    spent = "the team spent $2.50 (estimated) of lifecycle.budgetLimit $2.00"
    assert said(world) == ("NeedsAttention", f"{spent}. {SENTENCE}")


def test_money_that_is_not_spent_does_not():
    world = conflicting(budgetLimit="2.00")
    world.raw["status"]["estimatedCost"] = "1.99"
    world.settle()
    assert world.live("lead") and said(world)[0] == "LeadResolves"


def test_a_pod_of_the_lead_that_vanished_has_no_word_for_its_failure():
    world = conflicting(maxRestarts=0)
    [pod] = world.live("lead")
    pod["status"] = {"phase": "Failed"}
    world.settle()
    assert said(world) == ("NeedsAttention", f"the lead failed at it: its pod is gone. {SENTENCE}")


@pytest.mark.parametrize("restarts", [0, 2])
def test_the_lead_is_started_for_it_once_more_than_restarts_are_allowed(restarts: int):
    world = conflicting(maxRestarts=restarts)
    for _ in range(restarts + 1):
        assert len(world.live("lead")) == 1
        world.fail("lead", "no model")
        world.settle()
    assert not world.live("lead") and said(world)[0] == "NeedsAttention"
