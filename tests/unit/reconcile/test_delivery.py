"""The delivery of a coding team's work: when it is made, how it is tried again, and how it ends."""

import json

import pytest
from world import World, simple_spec, team

REPOSITORY = {"url": "https://github.com/acme/backend.git", "credentialsSecret": "git-credentials"}


def coding(*mates: dict, gates: tuple[str, ...] = (), **lifecycle) -> World:
    """A coding team of which every agent has ended as it should."""
    spec = simple_spec(*mates, gates=gates, **({"onComplete": "create-pr"} | lifecycle))
    del spec["workspace"]
    world = World(team(spec | {"repository": REPOSITORY}))
    for name in ("hub", *[mate["name"] for mate in mates] * len(mates), "lead"):
        world.settle()
        world.run(name)
        if name not in ("hub", "lead"):
            world.succeed(name)
    world.succeed("lead")
    world.settle()
    return world


def pod_of(world: World) -> dict:
    [pod] = world.live("finish")
    return pod


def environment(container: dict) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container["env"]}


def test_the_team_completes_once_its_work_is_delivered():
    world = coding({"name": "a"})
    assert world.phase == "Running"
    assert world.condition("Delivered")["reason"] == "Delivering"
    world.deliver(
        branch="kagents/demo", commit="c0ffee", url="https://github.com/acme/backend/pull/7", state="open"
    )
    world.settle()
    assert world.phase == "Completed"
    status = world.raw["status"]
    assert (status["branch"], status["commit"]) == ("kagents/demo", "c0ffee")
    assert status["pullRequest"] == {"url": "https://github.com/acme/backend/pull/7", "state": "open"}
    assert "pull request https://github.com/acme/backend/pull/7" in world.condition("Succeeded")["message"]


def test_credentials_are_seen_by_the_container_alone_that_sees_no_agents_file():
    pod = pod_of(coding({"name": "a"}, githubTokenSecret="forge"))
    [merge], [finish] = pod["spec"]["initContainers"], pod["spec"]["containers"]
    assert {volume["secret"]["secretName"] for volume in pod["spec"]["volumes"] if "secret" in volume} == {
        "git-credentials",
        "forge",
    }
    assert not any("credentials" in mount["name"] for mount in merge["volumeMounts"])
    assert [mount.get("subPath") for mount in finish["volumeMounts"] if mount["name"] == "team"] == ["finish"]
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert "KAGENTS_FORGE_CREDENTIALS_DIR" not in environment(merge)


def test_what_is_wanted_reaches_the_pod():
    mates = ({"name": "b", "dependsOn": ["a"]}, {"name": "a"})
    wanted = {"titleTemplate": "feat: {{ .TeamName }}", "targetBranch": "dev", "labels": ["x"], "draft": True}
    world = coding(
        *mates, pullRequest=wanted, consolidatedBranchTemplate="work/{{.Namespace}}/{{ .TeamName }}"
    )
    told = json.loads(environment(pod_of(world)["spec"]["containers"][0])["KAGENTS_FINISH"])
    assert (told["branch"], told["order"]) == ("work/default/demo", ["a", "b", "lead"])
    request = told["pullRequest"]
    assert (request["title"], request["target"], request["labels"], request["draft"]) == (
        "feat: demo",
        "dev",
        ["x"],
        True,
    )


def test_a_push_alone_takes_no_token_of_a_forge():
    pod = pod_of(coding({"name": "a"}, onComplete="push-branch", githubTokenSecret="forge"))
    assert "pullRequest" not in json.loads(environment(pod["spec"]["containers"][0])["KAGENTS_FINISH"])
    assert "forge" not in json.dumps(pod["spec"]["volumes"])


def test_the_finish_gate_holds_the_delivery_back():
    world = coding({"name": "a"}, gates=("finish",))
    assert not world.live("finish")
    assert world.condition("GatesPassed")["message"] == "waiting for approval: finish"
    world.annotate("finish", "true")
    world.settle()
    assert world.live("finish")


def test_a_denied_finish_completes_without_a_delivery():
    world = coding({"name": "a"}, gates=("finish",))
    world.annotate("finish", "false")
    world.settle()
    assert (world.phase, world.condition("Succeeded")["reason"]) == ("Completed", "FinishDenied")
    assert not world.agent_pods("finish")


def test_a_failure_is_tried_again_a_few_times_and_then_a_person_is_asked():
    world = coding({"name": "a"})
    for _ in range(5):
        assert world.phase == "Running"
        world.fail_delivery(1, "the server cannot be reached")
        world.settle()
        world.pass_time(minutes=6)
        world.settle()
    assert not world.live("finish")
    condition = world.condition("Delivered")
    assert (condition["reason"], condition["message"]) == ("NeedsAttention", "the server cannot be reached")


@pytest.mark.parametrize("code", [64, 74])
def test_what_only_a_person_can_mend_is_said_at_once_and_tried_again_at_their_word(code):
    world = coding({"name": "a"})
    world.fail_delivery(code, "the token is not accepted")
    world.settle()
    world.pass_time(hours=9)
    world.settle()
    assert (world.phase, world.condition("Delivered")["reason"]) == ("Running", "NeedsAttention")
    assert not world.live("finish")
    assert any(event.type == "Warning" and event.reason == "NeedsAttention" for event in world.events)
    world.retry("token renewed")
    world.settle()
    told = json.loads(environment(pod_of(world)["spec"]["containers"][0])["KAGENTS_FINISH"])
    assert told["retry"] == "token renewed"
    world.deliver(branch="kagents/demo", commit="c0ffee")
    world.settle()
    assert world.phase == "Completed"


def test_a_team_that_waits_to_deliver_can_still_be_cancelled():
    world = coding({"name": "a"})
    world.fail_delivery(64)
    world.settle()
    world.raw["spec"]["cancel"] = True
    world.settle()
    assert world.phase == "Cancelled"


def test_an_outcome_that_is_not_understood_invents_nothing():
    world = coding({"name": "a"})
    for pod in world.live("finish"):
        ended = {"exitCode": 0, "message": "<html>"}
        pod["status"] = {
            "phase": "Succeeded",
            "containerStatuses": [{"name": "finish", "state": {"terminated": ended}}],
        }
    world.settle()
    assert world.phase == "Completed"
    assert "branch" not in world.raw["status"]
    assert "did not say" in world.condition("Delivered")["message"]


def test_a_team_that_failed_delivers_nothing():
    world = coding({"name": "a"}, maxRestarts=0)
    failed = World(world.raw | {"status": {}})
    failed.settle()
    failed.run("a")
    failed.fail("a")
    failed.settle()
    assert failed.phase == "Failed"
    assert not failed.agent_pods("finish")
