"""What keeps pods from starting: told in words, when it lasts, and without flickering."""

from datetime import timedelta
from typing import Any

import pytest
from world import World, simple_spec, team

from kagents_core.reconcile.rules.patience import PATIENCE
from kagents_core.reconcile.times import to_text


@pytest.fixture
def begun() -> World:
    world = World(team(simple_spec({"name": "a"})))
    world.step()
    return world


def pod_of(world: World, agent: str) -> dict[str, Any]:
    label = "claude.amcheste.io/agent"
    return next(pod for pod in world.pods.values() if pod["metadata"]["labels"][label] == agent)


def condition(world: World, kind: str) -> dict[str, Any]:
    world.step()
    return next(entry for entry in world.raw["status"]["conditions"] if entry["type"] == kind)


def container(name: str, **state: Any) -> dict[str, Any]:
    return {"name": name, **state}


def test_an_unbound_volume_is_named_when_it_lasts(begun: World) -> None:
    scheduled = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "pod has unbound immediate PersistentVolumeClaims",
        "lastTransitionTime": to_text(begun.now),
    }
    pod_of(begun, "hub")["status"] = {"phase": "Pending", "conditions": [scheduled]}
    for claim in begun.claims.values():
        claim["status"] = {"phase": "Pending"}
    assert condition(begun, "Prepared")["reason"] == "Preparing", "every pod passes through this"
    assert begun.plan().wake_at == begun.now + PATIENCE
    begun.now += PATIENCE
    said = condition(begun, "Prepared")
    assert said["reason"] == "VolumeNotBound"
    for words in ("demo-team-", "ReadWriteMany", "unbound immediate", "spec.storage.accessMode"):
        assert words in said["message"]
    for claim in begun.claims.values():
        claim["status"] = {"phase": "Bound"}
    pod_of(begun, "hub")["status"] = {"phase": "Pending", "conditions": []}
    assert condition(begun, "Prepared")["reason"] == "Preparing"


def test_a_failing_clone_is_one_condition_through_all_its_retries(begun: World) -> None:
    failed = {"terminated": {"exitCode": 64, "message": "The repository x does not exist."}}
    backing_off = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    hub = pod_of(begun, "hub")
    seen = set()
    for states in (
        {"state": failed},
        {"state": backing_off, "lastState": failed},
        {"state": {"running": {}}, "lastState": failed},
    ):
        hub["status"] = {"phase": "Pending", "initContainerStatuses": [container("prepare", **states)]}
        said = condition(begun, "Prepared")
        seen.add((said["reason"], said["message"], said["lastTransitionTime"]))
    assert {each[:2] for each in seen} == {("PrepareFailed", "hub: The repository x does not exist.")}
    assert len(seen) == 1
    done = {"state": {"terminated": {"exitCode": 0}}, "lastState": failed}
    ready = [{"type": "Initialized", "status": "True"}]
    hub["status"] = {
        "phase": "Running",
        "conditions": ready,
        "initContainerStatuses": [container("prepare", **done)],
    }
    assert condition(begun, "Prepared")["status"] == "True"


def test_a_container_that_once_failed_and_runs_is_well(begun: World) -> None:
    lead = pod_of(begun, "lead")
    before = {"terminated": {"exitCode": 1}}
    running = container("agent", state={"running": {}}, lastState=before)
    lead["status"] = {"phase": "Running", "containerStatuses": [running]}
    assert condition(begun, "AgentsHealthy")["status"] == "True"


def test_a_missing_secret_is_told_at_once(begun: World) -> None:
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "key" not found'}
    state = container("agent", state={"waiting": waiting})
    pod_of(begun, "a")["status"] = {"phase": "Pending", "containerStatuses": [state]}
    said = condition(begun, "AgentsHealthy")
    assert said["reason"] == "CreateContainerConfigError"
    assert said["message"] == 'a: secret "key" not found'


def test_a_deadline_before_the_patience_stays_the_next_look(begun: World) -> None:
    begun.raw["spec"]["lifecycle"]["timeout"] = "5s"
    since = to_text(begun.now)
    conditions = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": since},
        {"type": "PodReadyToStartContainers", "status": "False"},
    ]
    pod_of(begun, "hub")["status"] = {"phase": "Pending", "conditions": conditions}
    assert begun.plan().wake_at == begun.now + timedelta(seconds=5)


def test_a_silent_node_is_told_and_nothing_is_replaced(begun: World) -> None:
    running = container("agent", ready=True, state={"running": {}})
    conditions = [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "False"}]
    lead = pod_of(begun, "lead")
    lead["status"] = {"phase": "Running", "conditions": conditions, "containerStatuses": [running]}
    said = condition(begun, "AgentsHealthy")
    assert said["reason"] == "NodeNotReporting"
    assert "lead" in said["message"]
    assert len(begun.agent_pods("lead")) == 1
    conditions[1]["status"] = "True"
    assert condition(begun, "AgentsHealthy")["status"] == "True"


FULL = {"terminated": {"exitCode": 74, "message": "The team's volume is full: x cannot be written."}}
BACKING_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}


def hub_without_room(world: World, kind: str, restarts: int, **state: Any) -> dict[str, Any]:
    """The hub's pod after its container found the volume full; returns the condition of the team's end."""
    name = "prepare" if kind == "initContainerStatuses" else "recorder"
    shown = container(name, restartCount=restarts, lastState=FULL, state=state or BACKING_OFF)
    initialized = [{"type": "Initialized", "status": "True" if name == "recorder" else "False"}]
    phase = "Running" if name == "recorder" else "Pending"
    pod_of(world, "hub")["status"] = {"phase": phase, "conditions": initialized, kind: [shown]}
    return condition(world, "Succeeded")


@pytest.mark.parametrize("kind", ["initContainerStatuses", "containerStatuses"])
def test_a_volume_that_stays_full_ends_the_team_with_that_cause(begun: World, kind: str) -> None:
    assert hub_without_room(begun, kind, 2)["reason"] == "InProgress"
    told = {entry["type"]: entry for entry in begun.raw["status"]["conditions"]}
    said = told["Prepared" if kind == "initContainerStatuses" else "AgentsHealthy"]
    assert (said["status"], said["reason"]) == ("False", "VolumeFull")
    assert said["message"] == "hub: The team's volume is full: x cannot be written."
    ended = hub_without_room(begun, kind, 3)
    assert begun.raw["status"]["phase"] == "Failed"
    assert (ended["status"], ended["reason"]) == ("False", "VolumeFull")
    assert ended["message"] == "hub failed after 3 restarts: The team's volume is full: x cannot be written."


def test_a_recorder_that_found_room_again_ends_nothing(begun: World) -> None:
    said = hub_without_room(begun, "containerStatuses", 5, running={})
    assert said["reason"] == "InProgress"
    assert condition(begun, "AgentsHealthy")["status"] == "True"


def test_an_agent_that_finds_the_volume_full_each_time_names_it(begun: World) -> None:
    begun.raw["spec"]["lifecycle"]["maxRestarts"] = 0
    pod_of(begun, "a")["status"] = {
        "phase": "Failed",
        "containerStatuses": [container("agent", state=FULL)],
    }
    said = condition(begun, "Succeeded")
    assert (said["status"], said["reason"]) == ("False", "VolumeFull")
    assert said["message"].startswith("a failed after 0 restarts: The team's volume is full")


def test_work_that_fails_the_checks_ends_the_team_without_another_attempt(begun: World) -> None:
    sentence = "a: its work failed requireTests 4 times in a row: `make test` ended with status 2"
    ended = {"terminated": {"exitCode": 65, "message": sentence}}
    pod_of(begun, "a")["status"] = {
        "phase": "Failed",
        "containerStatuses": [container("agent", state=ended)],
    }
    said = condition(begun, "Succeeded")
    assert (said["status"], said["reason"], said["message"]) == ("False", "QualityGateFailed", sentence)
    assert begun.raw["status"]["phase"] == "Failed"
    assert len(begun.agent_pods("a")) == 1


def with_server(**more: Any) -> World:
    server = {"name": "mail", "url": "https://mcp.example.com/mail"}
    raw = team(simple_spec({"name": "a", "harness": "claude-code", "mcpServers": [server]}, {"name": "b"}))
    raw["spec"] |= {"auth": {"apiKeySecret": "key"}, **more}
    world = World(raw)
    world.step()
    world.start_all()
    world.settle()
    return world


def test_a_server_out_of_reach_is_a_condition_that_ends_no_team() -> None:
    world = with_server()
    assert condition(world, "McpServersReachable")["status"] == "True"
    out = [{"name": "mail", "reason": "Connection refused."}]
    doing = {"agent": "a", "state": "working", "since": to_text(world.now), "unreachableServers": out}
    world.raw["status"]["activity"] = [doing]
    said = condition(world, "McpServersReachable")
    assert (said["status"], said["reason"]) == ("False", "Unreachable")
    assert said["message"] == "a cannot reach mail: Connection refused."
    assert condition(world, "AgentsHealthy")["status"] == "True" and world.phase == "Running"
    world.raw["status"]["activity"] = [{**doing, "unreachableServers": []}]
    assert condition(world, "McpServersReachable")["status"] == "True"
    world.raw["status"]["activity"] = [doing]
    world.succeed("a")
    world.settle()
    assert "McpServersReachable" not in {entry["type"] for entry in world.raw["status"]["conditions"]}


def test_nothing_is_said_of_servers_that_no_agent_has() -> None:
    world = World(team(simple_spec({"name": "a"})))
    world.step()
    world.start_all()
    world.settle()
    assert "McpServersReachable" not in {entry["type"] for entry in world.raw["status"]["conditions"]}


def test_files_outside_a_scope_are_a_condition_where_no_merge_can_tell() -> None:
    world = World(team(simple_spec({"name": "a", "scope": {"includePaths": ["reports/"]}}, {"name": "b"})))
    world.step()
    world.start_all()
    world.settle()
    assert condition(world, "ScopesKept")["status"] == "True"
    doing = {"state": "working", "since": to_text(world.now), "outsideScope": ["data.csv", "x"]}
    world.raw["status"]["activity"] = [doing | {"agent": "a"}, doing | {"agent": "b"}]
    said = condition(world, "ScopesKept")
    assert (said["status"], said["reason"]) == ("False", "OutsideScope")
    assert said["message"] == "while a worked, files outside its scope changed: data.csv, x"
    for agent in ("a", "b", "lead"):
        world.succeed(agent)
        world.settle()
    assert world.phase == "Completed"
    assert condition(world, "ScopesKept")["status"] == "False"


def test_files_outside_a_scope_that_the_recorder_tells_of_after_the_end_are_said_once() -> None:
    world = World(team(simple_spec({"name": "a", "scope": {"includePaths": ["reports/"]}})))
    world.step()
    world.start_all()
    world.settle()
    for agent in ("a", "lead"):
        world.succeed(agent)
        world.settle()
    assert world.phase == "Completed"
    assert condition(world, "ScopesKept")["status"] == "True"
    doing = {"agent": "a", "state": "ended", "since": to_text(world.now), "outsideScope": ["data.csv"]}
    world.raw["status"]["activity"] = [doing]
    world.settle()
    assert condition(world, "ScopesKept")["reason"] == "OutsideScope"
    assert world.step().status is None
    assert world.phase == "Completed"
