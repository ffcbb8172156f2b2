"""The checks of a delivered request: told when they are known, waited for where a team says so."""

import json

import pytest
from test_delivery import coding, environment, pod_of

URL = "https://github.com/acme/backend/pull/7"
MADE = {"branch": "kagents/demo", "commit": "c0ffee", "url": URL, "state": "open"}
PASSING = {"state": "passing", "passing": 3, "failing": 0, "pending": 0}
REQUEST = {"url": URL, "state": "open"}


def waiting(wait: str = "30m"):
    world = coding({"name": "a"}, pullRequest={"waitForChecks": wait})
    world.deliver_and_await_checks(**MADE)
    world.settle()
    return world


def test_without_a_wait_they_are_told_as_the_delivery_saw_them():
    world = coding({"name": "a"})
    told = json.loads(environment(pod_of(world)["spec"]["containers"][0])["KAGENTS_FINISH"])["pullRequest"]
    assert (told["glanceSeconds"], told["waitSeconds"]) == (10, 0)
    world.deliver(**MADE, checks={"state": "pending", "passing": 1, "failing": 0, "pending": 2})
    world.settle()
    assert world.phase == "Completed"
    assert world.raw["status"]["pullRequest"]["checks"]["pending"] == 2


def test_a_wait_is_a_container_of_its_own_after_the_delivery():
    pod = pod_of(coding({"name": "a"}, pullRequest={"waitForChecks": "30m"}))
    assert [each["name"] for each in pod["spec"]["initContainers"]] == ["merge", "finish"]
    [checks] = pod["spec"]["containers"]
    assert checks["command"] == ["kagents-runner", "checks"]
    told = json.loads(environment(checks)["KAGENTS_FINISH"])["pullRequest"]
    assert (told["glanceSeconds"], told["waitSeconds"]) == (0, 1800)
    assert [each.get("subPath") for each in checks["volumeMounts"] if each["name"] == "team"] == ["finish"]


def test_a_push_alone_waits_for_nothing():
    pod = pod_of(coding({"name": "a"}, onComplete="push-branch", pullRequest={"waitForChecks": "30m"}))
    assert [each["name"] for each in pod["spec"]["containers"]] == ["finish"]


def test_what_is_delivered_shows_while_its_checks_are_waited_for():
    world = waiting()
    assert world.phase == "Running"
    assert world.raw["status"]["pullRequest"] == REQUEST
    assert (world.raw["status"]["branch"], world.raw["status"]["commit"]) == ("kagents/demo", "c0ffee")
    said = world.condition("Delivered")
    assert (said["status"], said["reason"]) == ("True", "AwaitingChecks")
    assert URL in said["message"]


def test_no_limit_of_the_team_ends_the_wait():
    world = waiting()
    world.pass_time(hours=9)
    world.settle()
    assert world.phase == "Running" and world.live("finish")


def test_the_team_completes_with_what_they_came_to():
    world = waiting()
    world.end_checks(state="merged", checks=PASSING)
    world.settle()
    assert world.phase == "Completed"
    assert world.raw["status"]["pullRequest"] == REQUEST | {"state": "merged", "checks": PASSING}
    assert world.condition("Delivered")["reason"] == "Delivered"


@pytest.mark.parametrize(
    ("code", "told"),
    [(137, {}), (1, {}), (0, {}), (0, {"checks": {"state": "splendid"}}), (0, {"checks": 3, "state": 4})],
)
def test_a_wait_that_breaks_makes_no_failure_of_what_is_delivered(code, told):
    world = waiting()
    world.end_checks(code, **told)
    world.settle()
    assert world.phase == "Completed"
    assert world.raw["status"]["pullRequest"] == REQUEST
    assert len(world.agent_pods("finish")) == 1


def test_what_could_not_be_read_is_a_remark():
    world = waiting()
    world.end_checks(warnings=["checks not read: GET …/check-runs: 403 Resource not accessible"])
    world.settle()
    assert world.phase == "Completed"
    assert "403 Resource not accessible" in world.condition("Delivered")["message"]


def test_a_team_cancelled_meanwhile_keeps_what_it_delivered():
    world = waiting()
    world.raw["spec"]["cancel"] = True
    world.settle()
    assert world.phase == "Cancelled"
    assert world.raw["status"]["pullRequest"] == REQUEST
    assert world.condition("Delivered")["status"] == "True"


def test_a_team_suspended_meanwhile_keeps_it_and_waits_again():
    world = waiting()
    world.raw["spec"]["suspend"] = True
    world.settle()
    assert world.raw["status"]["pullRequest"] == REQUEST
    world.pods = {name: pod for name, pod in world.pods.items() if "deletionTimestamp" not in pod["metadata"]}
    world.raw["spec"]["suspend"] = False
    world.settle()
    assert world.raw["status"]["pullRequest"] == REQUEST
    world.deliver_and_await_checks(**MADE)
    world.end_checks(checks=PASSING)
    world.settle()
    assert world.raw["status"]["pullRequest"]["checks"] == PASSING
