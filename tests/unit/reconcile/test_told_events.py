"""Which Kubernetes events a team's life gives: exactly these, each in the step that it tells of."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from world import World, simple_spec, team

from kagents_core.reconcile.times import to_text


def told(world: World) -> list[tuple[str, str, str]]:
    """Events since the last look."""
    found = [(event.type, event.reason, event.message) for event in world.events]
    world.events.clear()
    return found


def test_a_team_through_its_life_gives_exactly_these_events() -> None:
    mates = ({"name": "a"}, {"name": "b", "dependsOn": ["a"]})
    world = World(team(simple_spec(*mates, gates=("spawn-b", "finish"))))
    world.settle()
    assert [event[1] for event in told(world)] == ["Initializing"]
    world.start_all()
    world.settle()
    assert told(world) == [("Normal", "Running", "the agents have started")]
    world.fail("a", "it broke")
    world.settle()
    [restarted] = told(world)
    assert restarted[:2] == ("Warning", "AgentRestarted")
    assert "it broke" in restarted[2]
    world.start_all()
    world.settle()
    assert told(world) == [("Normal", "AgentStarted", "a has started")]
    world.succeed("a")
    world.settle()
    annotation = "annotate this team with approved.claude.amcheste.io/"
    assert told(world) == [
        ("Normal", "AgentCompleted", "a has ended as it should"),
        ("Normal", "ApprovalNeeded", f"b waits for approval: {annotation}spawn-b=true"),
    ]
    world.annotate("spawn-b", "true")
    world.settle()
    assert told(world) == [("Normal", "Approved", "spawn-b was approved")]
    world.start_all()
    world.settle()
    assert told(world) == [("Normal", "AgentStarted", "b has started")]
    world.succeed("b")
    world.succeed("lead")
    world.settle()
    assert told(world) == [
        ("Normal", "AgentCompleted", "lead has ended as it should"),
        ("Normal", "AgentCompleted", "b has ended as it should"),
        ("Normal", "ApprovalNeeded", f"the completion action waits for approval: {annotation}finish=true"),
    ]
    world.annotate("finish", "true")
    world.settle()
    assert told(world) == [
        ("Normal", "Completed", "every agent has ended as it should"),
        ("Normal", "Approved", "finish was approved"),
    ]
    world.pass_time(hours=1)
    world.settle()
    assert told(world) == []


def test_suspending_and_resuming_are_told_by_phases() -> None:
    world = World(team(simple_spec({"name": "a"})))
    world.settle()
    world.start_all()
    world.settle()
    told(world)
    world.raw["spec"]["suspend"] = True
    world.settle()
    world.collect()
    world.settle()
    assert told(world) == [("Normal", "Suspended", "agents are stopped; their files and sessions stay")]
    world.raw["spec"]["suspend"] = False
    world.settle()
    world.start_all()
    world.settle()
    assert [event[1] for event in told(world)] == ["Initializing", "Running"]


def test_an_agent_that_fails_for_good_is_told_and_those_that_are_stopped_for_it_are_not() -> None:
    world = World(team(simple_spec({"name": "a"}, {"name": "b"}, maxRestarts=0)))
    world.settle()
    world.start_all()
    world.settle()
    told(world)
    world.fail("a", "the disk is on fire")
    world.settle()
    events = told(world)
    assert [event[:2] for event in events] == [("Warning", "Failed"), ("Warning", "AgentFailed")]
    assert events[1][2].startswith("a ")
    assert "the disk is on fire" in events[1][2]


def test_a_condition_that_is_well_again_is_told_once() -> None:
    server = {"name": "docs", "type": "http", "url": "https://docs.example.com/mcp"}
    spec = simple_spec({"name": "a", "harness": "claude-code", "mcpServers": [server]})
    world = World(team(spec | {"auth": {"apiKeySecret": "key"}}))
    world.settle()
    world.start_all()
    world.settle()
    out = [{"name": "docs", "reason": "Connection refused"}]
    doing = {"agent": "a", "state": "working", "since": to_text(world.now), "unreachableServers": out}
    world.raw["status"]["activity"] = [doing]
    told(world)
    world.settle()
    assert told(world) == [("Warning", "Unreachable", "a cannot reach docs: Connection refused")]
    doing["unreachableServers"] = []
    world.settle()
    assert told(world) == [("Normal", "AsExpected", "McpServersReachable again")]
    world.settle()
    assert told(world) == []


@given(st.integers(0, 100))
def test_nothing_that_stands_is_told_again(minutes: int) -> None:
    world = World(team(simple_spec({"name": "a"})))
    world.settle()
    world.start_all()
    world.settle()
    world.events.clear()
    world.now += timedelta(minutes=minutes)
    plan = world.plan()
    assert plan.events == ()
