"""Teams that an earlier release made go on as they were made: nothing is restarted, nothing is lost."""

import json
from typing import Any

import pytest
from earlier import names, world_of
from hypothesis import given, settings
from hypothesis import strategies as st
from world import World

TOKEN, KEY, ADDRESS = "KAGENTS_HUB_TOKEN_FILE", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"


def told(pod: dict[str, Any]) -> set[str]:
    """The variables of an agent's container."""
    return {each["name"] for each in pod["spec"]["containers"][0]["env"]}


def serves(hub: dict[str, Any]) -> bool:
    return "gateway" in [each["name"] for each in hub["spec"]["containers"]]


def protected(world: World) -> str:
    said = {entry["type"]: entry["reason"] for entry in world.raw["status"]["conditions"]}
    return str(said["ModelKeyProtected"])


@pytest.mark.parametrize("name", names())
def test_a_team_is_taken_over_as_it_is(name: str) -> None:
    world = world_of(name)
    pods = {pod: body["metadata"].get("deletionTimestamp") for pod, body in world.pods.items()}
    before = world.raw["status"]
    world.settle()
    assert world.created == []
    assert {pod: body["metadata"].get("deletionTimestamp") for pod, body in world.pods.items()} == pods
    after = world.raw["status"]
    kept = ("phase", "ready", "startedAt", "completedAt", "lead", "tasks", "activity", "estimatedCost")
    assert {field: after.get(field) for field in kept} == {field: before.get(field) for field in kept}
    said = [(entry["type"], entry["status"], entry["reason"]) for entry in before["conditions"]]
    assert set(said) <= {(entry["type"], entry["status"], entry["reason"]) for entry in after["conditions"]}


def test_an_agent_that_starts_later_speaks_to_the_model_as_the_others_do() -> None:
    world = world_of("q3-report")
    world.annotate("spawn-email-drafter", "true")
    world.succeed("researcher")
    world.settle()
    [pod] = world.agent_pods("email-drafter")
    assert KEY in told(pod) and TOKEN not in told(pod)
    assert json.loads(variable(pod, "KAGENTS_TEAM"))["gateway"] is None
    assert protected(world) == "DirectMode"


def test_an_address_that_an_agent_brings_along_is_still_its_own() -> None:
    world = world_of("own-address")
    world.succeed("a")
    world.fail("lead")
    world.settle()
    for agent in ("b", "lead"):
        [*_, pod] = world.agent_pods(agent)
        assert pod["metadata"]["name"] in world.created
        assert {KEY, ADDRESS} <= told(pod)
    [*_, lead] = world.agent_pods("lead")
    assert lead["metadata"]["annotations"]["claude.amcheste.io/restarts"] == "1"


@pytest.mark.parametrize("lost", ["failed", "deleted"])
def test_a_hub_that_is_replaced_beside_agents_with_the_key_has_no_gateway_either(lost: str) -> None:
    world = world_of("auth-refactor")
    world.fail("hub") if lost == "failed" else world.vanish("hub")
    world.settle()
    [hub] = world.live("hub")
    assert hub["metadata"]["name"] in world.created and not serves(hub)


def test_a_team_of_which_nothing_runs_any_more_goes_on_with_a_gateway() -> None:
    world = world_of("paused")
    for agent in ("hub", "lead", "a"):
        world.vanish(agent)
    world.raw["spec"]["suspend"] = False
    world.settle()
    [hub], [lead] = world.live("hub"), world.live("lead")
    assert serves(hub)
    assert TOKEN in told(lead) and KEY not in told(lead)
    assert protected(world) == "Gateway"


def variable(pod: dict[str, Any], name: str) -> str:
    [value] = [each["value"] for each in pod["spec"]["containers"][0]["env"] if each["name"] == name]
    return str(value)


@settings(max_examples=20)
@given(
    st.sampled_from(["auth-refactor", "q3-report", "own-address", "paused"]),
    st.lists(
        st.tuples(
            st.sampled_from(["run", "fail", "succeed", "vanish", "approve", "suspend", "wait"]),
            st.integers(0, 4),
        ),
        max_size=12,
    ),
)
def test_every_new_agent_is_made_for_the_hub_that_is_there(name: str, steps: list[tuple[str, int]]) -> None:
    world = world_of(name)
    spec = world.raw["spec"]
    agents = ["hub", "lead", *(mate["name"] for mate in spec["teammates"])]
    for step, number in steps:
        agent = agents[number % len(agents)]
        if step == "suspend":
            spec["suspend"] = not spec.get("suspend", False)
            world.raw["metadata"]["generation"] += 1
        elif step == "approve":
            for gate in spec.get("lifecycle", {}).get("approvalGates", ()):
                world.annotate(gate["event"], "true")
        elif step == "wait":
            world.pass_time(seconds=60)
        else:
            getattr(world, step)(agent)
        known = set(world.pods)
        world.collect()
        world.step()
        for fresh in set(world.pods) - known:
            body = world.pods[fresh]
            if body["metadata"]["labels"]["claude.amcheste.io/agent"] not in ("hub", "finish"):
                [hub] = world.live("hub")
                assert (TOKEN in told(body)) is serves(hub), fresh
                assert (KEY in told(body)) is not serves(hub), fresh
