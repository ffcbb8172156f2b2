"""Who is asked to shut down, and when: the rules alone, and on a team directory."""

import json
from dataclasses import replace
from typing import Any, Protocol

from kagents_runner.record.endings import AFTER_REJECTION, GRACE, UNANSWERED, AgentView, Endings

NOW = 10_000.0


class World(Protocol):
    """See conftest.py."""

    def __getattr__(self, name: str) -> Any: ...


def view(name: str, **changes: Any) -> AgentView:
    resting = AgentView(name, name == "lead", True, False, None, 0, 0, 0, False)
    return replace(resting, **changes)


def asked(endings: Endings, *agents: AgentView, tasks: int = 0, now: float = NOW) -> list[str]:
    return [ask.agent for ask in endings.due(agents, tasks, now)[0]]


def request(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": "request", "agent": "lead", "request": kind, **more}


def mail(sender: str, to: str, kind: str) -> dict[str, Any]:
    return {"kind": "message", "id": "m", "from": sender, "to": to, "type": kind}


IDLE = NOW - GRACE


def test_a_dismissed_teammate_is_asked_at_once_and_only_once() -> None:
    endings = Endings("lead", None)
    endings.learn(request("dismiss", teammate="scout"), NOW)
    assert asked(endings, view("lead"), view("scout")) == ["scout"]
    endings.learn(mail("team-lead", "scout", "shutdown_request"), NOW)
    assert asked(endings, view("lead"), view("scout"), now=NOW + 1) == []


def test_a_teammate_that_has_not_come_is_asked_when_it_comes() -> None:
    endings = Endings("lead", None)
    endings.learn(request("dismiss", teammate="scout"), NOW)
    assert asked(endings, view("lead"), view("scout", alive=False)) == []
    assert asked(endings, view("lead"), view("scout")) == ["scout"]


def test_one_that_rejects_is_asked_again_later() -> None:
    endings = Endings("lead", None)
    endings.learn(request("dismiss", teammate="scout"), NOW)
    endings.learn(mail("team-lead", "scout", "shutdown_request"), NOW)
    endings.learn(mail("scout", "team-lead", "shutdown_rejected"), NOW + 5)
    assert asked(endings, view("scout"), now=NOW + 6) == []
    _, wake = endings.due([view("scout")], 0, NOW + 6)
    assert wake == NOW + 5 + AFTER_REJECTION
    assert asked(endings, view("scout"), now=wake) == ["scout"]


def test_one_that_does_not_answer_is_asked_again_when_it_is_idle() -> None:
    endings = Endings("lead", None)
    endings.learn(request("dismiss", teammate="scout"), NOW)
    endings.learn(mail("team-lead", "scout", "shutdown_request"), NOW)
    later = NOW + UNANSWERED
    assert asked(endings, view("scout"), now=later) == []
    assert asked(endings, view("scout", idle_since=IDLE, asked_waits=True), now=later) == []
    assert asked(endings, view("scout", idle_since=IDLE), now=later) == ["scout"]


def test_a_new_process_is_asked_again() -> None:
    endings = Endings("lead", None)
    endings.learn(request("dismiss", teammate="scout"), NOW)
    endings.learn(mail("team-lead", "scout", "shutdown_request"), NOW)
    assert asked(endings, view("scout")) == []
    assert asked(endings, view("scout", attempt=1)) == ["scout"]


def test_the_lead_ends_when_it_rests_and_nobody_and_nothing_is_left() -> None:
    gone = view("scout", alive=False, gone=True)
    endings = Endings("lead", None)
    assert asked(endings, view("lead", idle_since=IDLE), gone) == ["lead"]
    assert asked(endings, view("lead", idle_since=IDLE + 1), gone) == []
    assert endings.due([view("lead", idle_since=IDLE + 1), gone], 0, NOW)[1] == NOW + 1
    assert asked(endings, view("lead", idle_since=IDLE, unread=1), gone) == []
    assert asked(endings, view("lead", idle_since=IDLE), gone, tasks=1) == []
    assert asked(endings, view("lead"), gone) == []
    assert asked(endings, view("lead", idle_since=IDLE), view("scout", alive=False)) == []
    assert asked(endings, view("lead", idle_since=IDLE)) == ["lead"]


def test_finish_is_held_until_every_teammate_has_ended() -> None:
    endings = Endings("lead", None)
    endings.learn(request("finish", summary="done"), NOW)
    assert asked(endings, view("lead"), view("scout")) == []
    assert asked(endings, view("lead"), view("scout", alive=False, gone=True), tasks=3) == ["lead"]


def test_a_refused_request_changes_nothing() -> None:
    endings = Endings("lead", None)
    endings.learn(request("finish", refused="Only the lead may do that."), NOW)
    assert asked(endings, view("lead"), view("scout", alive=False, gone=True)) == []


def test_after_the_lead_idle_teammates_end_too_and_busy_ones_when_they_rest() -> None:
    endings = Endings("lead", None)
    lead = view("lead", alive=False, gone=True)
    assert asked(endings, lead, view("scout", idle_since=IDLE), view("writer")) == ["scout"]


def test_idle_timeout_ends_only_those_without_an_open_task() -> None:
    endings = Endings("lead", 30.0)
    assert asked(endings, view("lead"), view("scout", idle_since=NOW - 29)) == []
    assert asked(endings, view("lead"), view("scout", idle_since=NOW - 30)) == ["scout"]
    assert asked(endings, view("lead"), view("scout", idle_since=NOW - 30, open_tasks=1)) == []
    assert asked(Endings("lead", None), view("lead"), view("scout", idle_since=0.5)) == []


def test_without_a_lead_all_end_once_all_rest() -> None:
    endings = Endings(None, None)
    one, other = view("one", idle_since=IDLE), view("other", idle_since=IDLE)
    assert asked(endings, one, replace(other, idle_since=None)) == []
    assert asked(endings, one, other, tasks=1) == []
    assert asked(endings, one, other, view("later", alive=False)) == ["one", "other"]


async def test_a_dismissal_reaches_the_teammate_as_a_native_request(world: World) -> None:
    async with world.recording():
        world.supervise("scout", "running")
        world.request("lead", "dismiss", teammate="scout")
        (entry,) = await world.until(lambda: world.journal("message"))
        (message,) = await world.until(lambda: _inbox(world, "scout"))
    text = json.loads(message["text"])
    assert message["from"] == "team-lead"
    assert text["type"] == "shutdown_request"
    assert text["requestId"].startswith("shutdown-")
    assert text["requestId"].endswith("@scout")
    assert entry["id"] == message["msg_id"]
    assert list(world.layout.requests("lead").iterdir()) == []


async def test_a_teammate_cannot_dismiss_another(world: World) -> None:
    async with world.recording():
        world.supervise("writer", "running")
        world.request("scout", "dismiss", teammate="writer")
        (entry,) = await world.until(lambda: world.journal("request"))
        world.supervise("scout", "running")
        await world.until(lambda: len(world.journal("activity")) == 2)
    assert entry["refused"] == "Only the lead may do that."
    assert world.messages() == {}


async def test_a_lead_alone_that_rests_is_asked_to_end(solo: World) -> None:
    async with solo.recording():
        solo.supervise("lead", "running")
        solo.event("lead", hook_event_name="TeammateIdle", teammate_name="lead")
        solo.request("lead", "finish", summary="All done")
        (message,) = await solo.until(lambda: _inbox(solo, "lead"))
        assert solo.recorder.status()["result"] == "All done"
    assert json.loads(message["text"])["reason"] == "the lead has finished"


def _inbox(world: World, agent: str) -> list[dict[str, Any]]:
    path = world.layout.inbox(agent)
    return json.loads(path.read_text()) if path.exists() else []
