"""Artifacts in the reconciler: who is mounted what, who waits for whom, what is said of what is missing."""

import json
from typing import Any

from world import World, simple_spec, team

REPORT = {"name": "report", "path": "docs/report.md"}
MAKER = {"name": "one", "artifacts": [REPORT, {"name": "site", "path": "site"}]}
TAKER = {"name": "two", "inputs": [{"from": "one/report"}]}
OTHER = {"name": "three"}
MISSING = {
    "agent": "one",
    "name": "report",
    "path": "docs/report.md",
    "problem": "it is not there",
    "at": "x",
}
KEPT = {"agent": "one", "name": "site", "path": "site", "sha256": "0" * 64, "at": "x"}


def made(world: World, agent: str) -> dict[str, Any]:
    [pod] = world.agent_pods(agent)
    found: dict[str, Any] = pod["spec"]
    return found


def mounts(container: dict[str, Any]) -> dict[str, tuple[str | None, bool]]:
    return {
        each["mountPath"]: (each.get("subPath"), each.get("readOnly", False))
        for each in container["volumeMounts"]
        if str(each.get("subPath", "")).startswith("artifacts")
    }


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each.get("value", "") for each in container["env"]}


def ran(world: World, *agents: str) -> None:
    for agent in agents:
        world.run(agent)
        world.settle()
        world.succeed(agent)
        world.settle()


def test_a_container_sees_its_own_artifacts_and_those_it_takes_read_only() -> None:
    world = World(team(simple_spec(TAKER, OTHER, MAKER)))
    world.settle()
    [maker] = made(world, "one")["containers"]
    assert mounts(maker) == {"/kagents/artifacts": ("artifacts/one", False)}
    assert variables(maker)["KAGENTS_ARTIFACTS_DIR"] == "/kagents/artifacts"
    assert world.agent_pods("two") == []
    ran(world, "one")
    [taker] = made(world, "two")["containers"]
    assert mounts(taker) == {"/kagents/inputs/one/report": ("artifacts/one/report", True)}
    assert "KAGENTS_ARTIFACTS_DIR" not in variables(taker)
    [waiting] = made(world, "two")["initContainers"]
    assert variables(waiting)["KAGENTS_ARTIFACTS_DIR"] == "/kagents/artifacts"
    assert json.loads(variables(taker)["KAGENTS_AGENT"])["inputs"] == [
        {"agent": "one", "artifact": "report", "path": "/kagents/inputs/one/report/report.md"}
    ]
    [other] = made(world, "three")["containers"]
    assert mounts(other) == {}
    [recorder] = made(world, "hub")["containers"]
    assert mounts(recorder) == {"/kagents/artifacts": ("artifacts", True)}


def test_the_setup_command_does_not_see_artifacts() -> None:
    spec = simple_spec(MAKER) | {"repository": {"url": "https://example.com/x.git", "setupCommand": ["make"]}}
    del spec["workspace"]
    world = World(team(spec))
    world.settle()
    setup = made(world, "hub")["initContainers"][1]
    assert mounts(setup) == {}
    assert "KAGENTS_ARTIFACTS_DIR" not in variables(setup)


def test_a_team_without_artifacts_has_nothing_of_them() -> None:
    world = World(team(simple_spec(OTHER)))
    world.settle()
    told = json.dumps([pod["spec"] for pod in world.pods.values()])
    assert "KAGENTS_ARTIFACTS_DIR" not in told
    assert "/kagents/artifacts" not in told


def said(world: World) -> tuple[str, str, str] | None:
    found = [each for each in world.raw["status"]["conditions"] if each["type"] == "ArtifactsKept"]
    return (found[0]["status"], found[0]["reason"], found[0].get("message", "")) if found else None


def test_what_is_missing_is_a_condition_and_one_event() -> None:
    world = World(team(simple_spec(MAKER)))
    world.settle()
    assert said(world) is None
    ran(world, "one")
    world.raw["status"]["artifacts"] = [MISSING]
    world.settle()
    sentence = "one/report (docs/report.md): it is not there"
    assert said(world) == ("False", "ArtifactMissing", sentence)
    assert [each.message for each in world.events if each.reason == "ArtifactMissing"] == [sentence]
    world.raw["status"]["artifacts"] = [MISSING | {"problem": None, "sha256": "0" * 64}, KEPT]
    world.settle()
    assert said(world) == ("True", "Kept", "")


def test_what_the_recorder_tells_after_the_end_is_said_too() -> None:
    world = World(team(simple_spec(MAKER)))
    world.settle()
    ran(world, "one", "lead")
    assert world.raw["status"]["phase"] == "Completed"
    before = world.raw["status"]
    world.raw["status"] = before | {"artifacts": [MISSING, KEPT]}
    world.settle()
    assert said(world) == ("False", "ArtifactMissing", "one/report (docs/report.md): it is not there")
    assert sum(each.reason == "ArtifactMissing" for each in world.events) == 1
    kinds = [each["type"] for each in world.raw["status"]["conditions"]]
    assert kinds.index("ArtifactsKept") < kinds.index("Succeeded")
    assert world.raw["status"]["completedAt"] == before["completedAt"]
