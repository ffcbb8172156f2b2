"""``observability.webhook``: each event once, recorded with the step it tells of, due until it was told."""

from typing import Any

import pytest
from world import World, simple_spec, team

from kagents_core.api.validation import validate_team
from kagents_core.reconcile import NotificationOutcome
from kagents_core.reconcile.rules.announcements import DELETION_WAITS, MOST_ATTEMPTS

URL = "https://hooks.example.com/x"


def watched(*mates: dict[str, Any], webhook: dict[str, Any] | None = None, **lifecycle: Any) -> World:
    spec = simple_spec(*mates, **lifecycle)
    spec["observability"] = {"webhook": {"url": URL, **(webhook or {})}}
    world = World(team(spec))
    world.settle()
    return world


def told(world: World) -> list[tuple[str, str | None]]:
    """Every event that was ever asked for, once an id, in order."""
    seen = {effect.id: effect.payload for effect in world.effects}
    return [(body["event"], body["data"]["subject"]) for body in seen.values()]


def arrive(world: World) -> None:
    """The receiver takes all that is due."""
    for effect in world.plan().effects:
        world.outcomes[effect.id] = NotificationOutcome("sent", 1, world.now)
    world.settle()


def live(world: World) -> None:
    world.start_all()
    world.settle()
    world.succeed("a")
    world.settle()
    world.succeed("lead")
    world.settle()


def test_a_whole_life_is_told_once_and_in_order() -> None:
    world = watched({"name": "a"})
    live(world)
    assert world.phase == "Completed"
    assert told(world) == [
        ("team.started", None),
        ("teammate.started", "lead"),
        ("teammate.started", "a"),
        ("teammate.completed", "a"),
        ("teammate.completed", "lead"),
        ("team.completed", None),
    ]
    last = next(e.payload for e in world.effects if e.payload["event"] == "team.completed")
    assert last["status"]["phase"] == "Completed", "it is told with the step, and says what it makes true"
    before = len(world.effects)
    arrive(world)
    records = world.raw["status"]["notifications"]
    assert {record["state"] for record in records} == {"sent"}
    assert not world.plan().effects
    world.outcomes.clear()
    assert not world.plan().effects, "a new controller repeats nothing"
    assert {effect.id for effect in world.effects[before:]} <= {record["id"] for record in records}


def test_an_event_is_recorded_in_the_step_that_asks_for_it_and_keeps_its_id_and_time() -> None:
    world = watched({"name": "a"})
    world.start_all()
    plan = world.step()
    assert plan.status is not None
    recorded = {record["id"] for record in plan.status["notifications"]}
    assert {effect.id for effect in plan.effects} == recorded
    first = {effect.id: effect.payload["timestamp"] for effect in plan.effects}
    world.pass_time(minutes=5)
    again = world.plan().effects
    assert {effect.id: effect.payload["timestamp"] for effect in again} == first


def test_what_fails_is_tried_again_also_after_the_end_and_then_given_up() -> None:
    world = watched(ttlSecondsAfterFinished=0)
    world.start_all()
    world.settle()
    arrive(world)
    world.succeed("lead")
    plan = world.step()
    [last] = [effect for effect in plan.effects if effect.payload["event"] == "team.completed"]
    for effect in plan.effects:
        world.outcomes[effect.id] = NotificationOutcome("failed", DELETION_WAITS - 1, world.now, "HTTP 503")
    plan = world.step()
    assert last.id in {effect.id for effect in plan.effects}
    assert not world.gone, "the last word is worth a little patience"
    assert [r["message"] for r in world.raw["status"]["notifications"] if r["id"] == last.id] == ["HTTP 503"]
    for effect in plan.effects:
        world.outcomes[effect.id] = NotificationOutcome("failed", MOST_ATTEMPTS, world.now, "HTTP 503")
    assert not world.step().effects
    world.step()
    assert not world.gone, "the recorder has not told its last word"
    world.succeed("hub")
    world.step()
    assert world.gone


@pytest.mark.parametrize(
    ("on_complete", "expected"),
    [("notify", ["teammate.error", "team.completed"]), ("none", ["teammate.error"])],
)
def test_only_the_named_events_are_told_and_notify_tells_the_end(
    on_complete: str, expected: list[str]
) -> None:
    world = watched({"name": "a"}, webhook={"events": ["teammate.error"]}, onComplete=on_complete)
    world.start_all()
    world.settle()
    world.fail("a", "the tool broke")
    world.settle()
    live(world)
    assert [event for event, _ in told(world)] == expected
    [error] = {e.id: e.payload for e in world.effects if e.payload["event"] == "teammate.error"}.values()
    assert error["data"]["subject"] == "a"
    assert "the tool broke" in error["data"]["message"]


def test_what_waits_for_people_is_told_while_it_waits() -> None:
    world = watched({"name": "a"}, gates=("spawn-a",), budgetLimit="10.00")
    world.raw["status"]["estimatedCost"] = "8.00"
    request = {
        "id": "r-1",
        "kind": "permission",
        "tool": "Bash",
        "summary": "rm -r build",
        "since": "",
        "seq": 4,
    }
    doing = {"agent": "lead", "state": "waiting-permission", "since": "", "requests": [request]}
    world.raw["status"]["activity"] = [doing]
    world.start_all()
    world.settle()
    waits = [each for each in told(world) if each[0] in ("approval.required", "agent.asks", "budget.warning")]
    assert sorted(waits) == [
        ("agent.asks", "lead"),
        ("approval.required", "spawn-a"),
        ("budget.warning", None),
    ]


def test_suspending_and_resuming_are_told_each_time() -> None:
    world = watched({"name": "a"})
    world.start_all()
    world.settle()
    for _ in range(2):
        world.raw["spec"]["suspend"] = True
        world.settle()
        world.collect()
        world.settle()
        world.raw["spec"]["suspend"] = False
        world.pass_time(seconds=30)
        world.settle()
        world.start_all()
        world.settle()
        world.pass_time(seconds=30)
    names = [event for event, _ in told(world)]
    assert [names.count(each) for each in ("team.started", "team.suspended", "team.resumed")] == [1, 2, 2]


def test_records_are_bounded_and_what_still_waits_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = 12
    monkeypatch.setattr("kagents_core.reconcile.rules.announcements.KEPT", kept)
    world = watched({"name": "a"}, gates=("spawn-a",), maxRestarts=100, timeout="90h")
    world.start_all()
    world.settle()
    arrive(world)
    for _ in range(kept + 10):
        world.fail("lead")
        world.settle()
        world.pass_time(minutes=6)
        world.settle()
        world.start_all()
        world.settle()
        arrive(world)
    records = world.raw["status"]["notifications"]
    assert [r["state"] for r in records if r["state"] != "sent"] == []
    assert len(records) == kept + 1
    assert [record["event"] for record in records].count("approval.required") == 1
    assert told(world).count(("approval.required", "spawn-a")) == 1


@pytest.mark.parametrize(
    ("url", "form"),
    [("https://chat.example.com/hook", "slack"), ("https://hooks.slack.com/services/x", None)],
)
def test_slack_gets_one_line_in_which_no_agent_can_call_a_channel(url: str, form: str | None) -> None:
    world = watched(webhook={"url": url, **({"format": form} if form else {})})
    world.start_all()
    world.settle()
    world.fail("lead", "<!channel> & <https://evil.example|kagents>\x1b[2J")
    plan = world.step()
    [text] = [e.payload["text"] for e in plan.effects if "teammate.error" in e.payload["text"]]
    assert all(set(effect.payload) == {"text"} for effect in plan.effects)
    assert "&lt;!channel&gt; &amp; &lt;https" in text
    assert not set("<\x1b\n") & set(text)


def test_a_gate_tells_slack_in_words() -> None:
    spec = simple_spec({"name": "a"})
    gate = {"event": "spawn-a", "channel": "webhook", "webhookUrl": "https://hooks.slack.com/services/x"}
    spec["lifecycle"]["approvalGates"] = [gate]
    [effect] = World(team(spec)).step().effects
    assert set(effect.payload) == {"text"}
    assert "approved.claude.amcheste.io/spawn-a=true" in effect.payload["text"]


def test_a_gates_own_webhook_and_the_teams_are_told_apart() -> None:
    spec = simple_spec({"name": "a"})
    gate = {"event": "spawn-a", "channel": "webhook", "webhookUrl": "https://gates.example.com/"}
    spec["lifecycle"]["approvalGates"] = [gate]
    spec["observability"] = {"webhook": {"url": URL}}
    plan = World(team(spec)).step()
    assert sorted((effect.url, effect.payload["event"]) for effect in plan.effects) == [
        ("https://gates.example.com/", "spawn-a"),
        (URL, "approval.required"),
    ]


def test_an_unknown_event_is_refused_with_the_known_ones() -> None:
    raw = team(simple_spec())
    raw["spec"]["observability"] = {"webhook": {"url": URL, "events": ["team.finished"]}}
    [error] = validate_team(raw)
    assert "observability.webhook.events" in error.field
    assert "team.completed" in str(error)
