"""The recorder on a real team directory: what agents and people do to the files, and what the journal
says."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any, Protocol

import pytest

from kagents_core.teamfiles import mailbox, tasks
from kagents_core.teamfiles.mailbox import new_message
from kagents_runner.record.clock import rfc3339


class World(Protocol):
    """See conftest.py."""

    def __getattr__(self, name: str) -> Any: ...


DEADLINE = 60.0


def states(world: World, agent: str) -> list[str]:
    return [entry["state"] for entry in world.journal("activity") if entry["agent"] == agent]


async def test_a_message_is_journalled_delivered_and_seen(world: World) -> None:
    async with world.recording():
        world.supervise("scout", "running")
        message_id = await world.deliver("lead", "scout", "hello", summary="hi")
        await world.until(lambda: world.messages())
        taken = await world.take("scout")
        await world.until(lambda: world.journal("delivery"))
        (scout,) = [item for item in world.recorder.status()["activity"] if item["agent"] == "scout"]
        assert scout["unread"] == 1
        world.show("scout", *taken)
        (seen,) = await world.until(lambda: world.journal("seen"))
    (entry,) = world.journal("message")
    assert {key: entry[key] for key in ("id", "from", "to", "type", "text", "summary")} == {
        "id": message_id,
        "from": "lead",
        "to": "scout",
        "type": "message",
        "text": "hello",
        "summary": "hi",
    }
    assert seen["id"] == message_id
    assert [entry["seq"] for entry in world.journal()] == list(range(1, len(world.journal()) + 1))


async def test_a_message_nobody_told_of_is_found_in_the_mailbox(world: World) -> None:
    async with world.recording():
        await world.deliver("lead", "scout", "quiet", hook=False)
        (entry,) = await world.until(lambda: world.journal("message"))
    assert entry["text"] == "quiet"


async def test_a_task_assignment_that_was_gone_too_fast_is_told_by_the_hook(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kagents_runner.record.ledger.CLAIM_GRACE", 0.2)
    task = await tasks.create_task(world.layout, "Write parser", "all of it", owner="scout")
    world.event(
        "lead",
        hook_event_name="PostToolUse",
        tool_name="TaskUpdate",
        tool_input={"taskId": task.id, "owner": "scout"},
        tool_response={"success": True, "taskId": task.id, "updatedFields": ["owner"]},
        tool_use_id="toolu_1",
    )
    async with world.recording():
        (entry,) = await world.until(lambda: world.journal("message"))
    assert (entry["from"], entry["to"], entry["type"]) == ("lead", "scout", "task_assignment")
    assert entry["data"]["subject"] == "Write parser"


async def test_what_agents_write_to_team_lead_is_taken_and_understood(world: World) -> None:
    async with world.recording():
        world.supervise("scout", "starting")
        idle = {"type": "idle_notification", "from": "scout", "idleReason": "available", "result": "done"}
        await world.deliver("scout", "team-lead", idle, hook=False)
        await world.until(lambda: states(world, "scout")[-1:] == ["idle"])
        permission = {"type": "permission_request", "request_id": "perm-1-a", "tool_name": "Bash"}
        permission |= {"description": "touch", "input": {}}
        await world.deliver("scout", "team-lead", permission, hook=False)
        await world.until(lambda: states(world, "scout")[-1:] == ["waiting-permission"])
        world.event("scout", hook_event_name="PostToolUse", tool_name="Bash")
        await world.until(lambda: states(world, "scout")[-1:] == ["working"])
        failed = {
            "type": "idle_notification",
            "idleReason": "failed",
            "failureReason": "API Error: 402 budget",
        }
        await world.deliver("scout", "team-lead", failed, hook=False)
        await world.until(lambda: states(world, "scout")[-1:] == ["failed"])
    assert world.layout.inbox("team-lead").read_text() == "[]"
    assert states(world, "scout") == ["starting", "idle", "waiting-permission", "working", "failed"]
    details = [entry["detail"] for entry in world.journal("activity")]
    assert details[2] == "Bash: touch"
    assert details[4] == "API Error: 402 budget"
    assert [entry["type"] for entry in world.journal("message")] == [
        "idle_notification",
        "permission_request",
        "idle_notification",
    ]


async def test_a_persons_message_is_journalled_delivered_and_its_file_removed(world: World) -> None:
    file = world.layout.outgoing / "1.json"
    file.write_text(json.dumps({"id": "p-1", "to": "scout", "text": "please hurry", "summary": None}))
    async with world.recording():
        await world.until(lambda: not file.exists())
        (taken,) = await world.take("scout")
        assert (taken.id, taken.sender, taken.text) == ("p-1", "team-lead", "please hurry")
        await world.until(lambda: world.journal("delivery"))
    assert list(world.messages()) == ["p-1"]


async def test_a_persons_message_survives_a_crash_between_journal_and_mailbox(world: World) -> None:
    file = world.layout.outgoing / "1.json"
    file.write_text(json.dumps({"id": "p-1", "to": "scout", "text": "please hurry", "summary": None}))
    inbox = world.layout.inbox("scout")
    inbox.with_name(inbox.name + ".lock").mkdir()
    async with world.recording():
        await world.until(lambda: world.journal("message"))
    assert file.exists()
    inbox.with_name(inbox.name + ".lock").rmdir()
    async with world.recording():
        await world.until(lambda: not file.exists())
    assert len(world.messages()) == 1
    assert [message.id for message in await world.take("scout")] == ["p-1"]


async def test_rubbish_in_send_is_set_aside_and_told(world: World) -> None:
    (world.layout.outgoing / "1.json").write_text('{"id":"x","to":"nobody","text":"?"}')
    (world.layout.outgoing / "2.json").write_text("{{{")
    async with world.recording():
        await world.until(lambda: len(world.journal("malformed")) == 2)
    assert {path.name for path in world.layout.outgoing.iterdir()} == {"1.json.malformed", "2.json.malformed"}


async def test_tasks_are_journalled_with_what_changed(world: World) -> None:
    async with world.recording():
        task = await tasks.create_task(world.layout, "A", "first")
        await world.until(lambda: world.journal("task"))
        await tasks.update_task(world.layout, task.id, {"owner": "scout", "status": "in_progress"})
        await world.until(lambda: len(world.journal("task")) == 2)
        assert world.recorder.status()["tasks"] == {"total": 1, "completed": 0, "inProgress": 1, "pending": 0}
        await tasks.delete_task(world.layout, task.id)
        await world.until(lambda: len(world.journal("task")) == 3)
    assert [sorted(entry["changed"]) for entry in world.journal("task")] == [
        ["created"],
        ["owner", "status"],
        ["deleted"],
    ]
    assert world.journal("task")[2]["task"] is None


async def test_malformed_entries_are_told_once_and_hide_no_others(world: World) -> None:
    good = new_message("lead", "good")
    world.layout.inbox("scout").write_text(json.dumps([{"from": 5}, dict(good.raw)]))
    async with world.recording():
        await world.until(lambda: world.journal("message"))
        await world.until(lambda: world.journal("malformed"))
    async with world.recording():
        await world.deliver("lead", "writer", "next")
        await world.until(lambda: len(world.journal("message")) == 2)
    assert len(world.journal("malformed")) == 1


async def test_a_torn_mailbox_does_not_look_like_a_delivery(world: World) -> None:
    async with world.recording():
        await world.deliver("lead", "scout", "hello")
        await world.until(lambda: world.messages())
        whole = world.layout.inbox("scout").read_text()
        world.layout.inbox("scout").write_text(whole[:-5])
        await world.until(lambda: world.journal("malformed"))
        assert world.journal("delivery") == []
        world.layout.inbox("scout").write_text("[]")
        await world.until(lambda: world.journal("delivery"))


def response() -> dict[str, Any]:
    """A transcript's line of an answer of 20 tokens, as the real CLI's sample has it."""
    folder = Path(__file__).parents[2] / "fixtures/protocol-samples/2.1.329/gateway-and-hooks/transcript"
    line: dict[str, Any] = json.loads((folder / "assistant_sendmessage_usage.json").read_text())
    return line


async def test_tokens_and_cost_are_counted_once_a_request(world: World) -> None:
    line, early = response(), response()
    early["message"]["usage"]["output_tokens"] = 1
    async with world.recording():
        world.supervise("scout", "running")
        world.transcript("scout", early)
        world.transcript("scout", line)
        (entry,) = await world.until(lambda: world.journal("usage"))
    assert entry["requestId"] == "req_6"
    assert (entry["inputTokens"], entry["outputTokens"], entry["cacheReadTokens"]) == (100, 20, 5)
    assert entry["costMicros"] == 628  # 100*3 + 20*15 + 5*0.3 + 7*3.75, rounded up
    assert entry["estimated"] is True
    async with world.recording():
        status = world.recorder.status()
    assert status["usage"]["requests"] == 1
    assert status["estimatedCost"] == "0.00"
    assert len(world.journal("usage")) == 1


async def test_messages_of_agents_are_counted_once_also_over_a_restart(world: World) -> None:
    async with world.recording():
        world.supervise("scout", "running")
        told = [await world.deliver("lead", "scout", f"part {number}") for number in range(3)]
        await world.deliver("scout", "team-lead", "to a person")
        await world.deliver("lead", "scout", "no hook told of this", hook=False)
        assignment = {"type": "task_assignment", "taskId": "1", "subject": "x", "assignedBy": "lead"}
        await world.deliver("lead", "scout", assignment, hook=False)
        for kind in ("idle_notification", "shutdown_approved"):
            await world.deliver("scout", "team-lead", {"type": kind, "from": "scout"}, hook=False)
        await world.deliver("team-lead", "scout", "of a person", hook=False)
        await world.until(lambda: len(world.messages()) == 9)
        assert world.recorder.status()["messages"] == 6
        await world.take("scout")
        await world.until(lambda: {each["id"] for each in world.journal("delivery")} >= set(told))
        world.supervise("scout", "starting", attempt=1)
        await world.until(lambda: len(world.journal("resent")) >= len(told))
    assert world.books.messages == 6, "what is put back was written once"
    world.layout.recorder_state.unlink()
    async with world.recording():
        assert world.recorder.status()["messages"] == 6
        await world.deliver("scout", "lead", "one more")
        await world.until(lambda: len(world.messages()) == 10)
        assert world.recorder.status()["messages"] == 7


async def test_mail_lost_by_a_kill_is_put_back_once(world: World) -> None:
    async with world.recording():
        world.supervise("scout", "running")
        message_id = await world.deliver("lead", "scout", "do not lose me")
        seen_id = await world.deliver("lead", "scout", "this one was read")
        await world.until(lambda: len(world.messages()) == 2)
        taken = await world.take("scout")
        world.show("scout", taken[1])
        await world.until(lambda: len(world.journal("delivery")) == 2 and world.journal("seen"))
        world.supervise("scout", "starting", attempt=1)
        (resent,) = await world.until(lambda: world.journal("resent"))
        assert (resent["id"], resent["agent"]) == (message_id, "scout")
        (again,) = await world.take("scout")
        assert (again.id, again.sender, again.text) == (message_id, "lead", "do not lose me")
        world.supervise("scout", "running", attempt=1)
        world.show("scout", again)
        await world.until(lambda: len(world.journal("seen")) == 2)
    assert set(world.messages()) == {message_id, seen_id}
    assert len(world.journal("resent")) == 1


async def test_a_pod_started_again_without_a_new_attempt_gets_its_lost_mail(world: World) -> None:
    first = rfc3339(time.time())
    async with world.recording():
        world.supervise("scout", "running", started=first)
        message_id = await world.deliver("lead", "scout", "do not lose me")
        await world.until(lambda: world.messages())
        await world.take("scout")
        await world.until(lambda: world.journal("delivery"))
        world.supervise("scout", "running", started=first)
    async with world.recording():
        assert world.journal("resent") == []
        world.supervise("scout", "starting", started=rfc3339(time.time() + 1))
        (resent,) = await world.until(lambda: world.journal("resent"))
        assert resent["id"] == message_id
    assert len(world.journal("resent")) == 1


async def test_gates_and_phases_are_journalled_and_a_terminal_phase_ends_the_recording(world: World) -> None:
    waiting = {"name": "writer", "phase": "Waiting", "pendingApproval": "spawn-writer"}
    team: dict[str, Any] = {
        "metadata": {"annotations": {}},
        "status": {"phase": "Running", "teammates": [waiting]},
    }
    async with world.recording():
        world.recorder.observe_team(team)
        team["metadata"]["annotations"]["approved.claude.amcheste.io/spawn-writer"] = "true"
        world.recorder.observe_team(team)
        world.recorder.observe_team(team)
        team["status"]["phase"] = "Completed"
        await world.deliver("scout", "lead", "a last word")
        world.recorder.observe_team(team)
    assert [(e["kind"], e.get("phase") or e["state"]) for e in world.journal("phase", "gate")] == [
        ("phase", "Running"),
        ("gate", "waiting"),
        ("gate", "approved"),
        ("phase", "Completed"),
    ]
    assert len(world.messages()) == 1


async def test_a_team_that_is_over_is_recorded_until_its_agents_have_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They spend until they are stopped, and nobody else would count it."""
    monkeypatch.setattr("kagents_runner.record.recorder.DRAIN_QUIET", 0.0)
    world.supervise("lead", "ended")
    world.supervise("scout", "running")
    async with world.recording():
        world.recorder.observe_team({"metadata": {}, "status": {"phase": "Cancelled"}})
        await world.until(world.over.exists)  # what serves agents has ended, so that they spend nothing there
        await world.deliver("scout", "lead", "one thing more")
        await world.until(world.messages)
        assert not world.running.done()
        world.transcript("scout", response())
        world.supervise("scout", "failed")
        async with asyncio.timeout(DEADLINE):
            await world.running
        assert world.recorder.status()["usage"]["outputTokens"] == 20


async def test_an_agent_that_was_killed_holds_the_end_for_three_heartbeats(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kagents_runner.record.agentfiles._SILENT", 0.2)
    world.supervise("scout", "running")
    async with world.recording():
        world.recorder.observe_team({"metadata": {}, "status": {"phase": "Failed"}})
        async with asyncio.timeout(DEADLINE):
            await world.running


async def test_what_is_only_known_at_the_end_is_dated_then(world: World) -> None:
    world.supervise("scout", "running")
    world.show("scout", new_message("lead", "gone before anybody looked"))
    async with world.recording():
        world.recorder.observe_team({"metadata": {}, "status": {"phase": "Completed"}})
    ((late, _),) = world.messages().items()
    assert late.startswith("derived-")
    dates = [entry["delivered"] for entry in world.journal("delivery")]
    dates += [entry["seen"] for entry in world.journal("seen")]
    assert len(dates) == 2
    assert max(dates) <= rfc3339(time.time())


async def test_a_restart_repeats_nothing(world: World) -> None:
    async with world.recording():
        world.supervise("scout", "running")
        await tasks.create_task(world.layout, "A")
        world.event("scout", hook_event_name="SessionStart", source="startup")
        await world.deliver("lead", "scout", "hello")
        world.show("scout", *await world.take("scout"))
        world.request("scout", "report", key="k", value="v")
        await world.until(
            lambda: world.journal("seen") and world.journal("request") and world.journal("task")
        )
    before = world.journal()
    async with world.recording():
        await world.deliver("lead", "scout", "second")
        await world.until(lambda: len(world.messages()) == 2)
    after = world.journal()
    assert after[: len(before)] == before
    assert [entry["kind"] for entry in after[len(before) :]] == ["message"]


async def test_a_lost_state_file_repeats_nothing_either(world: World) -> None:
    async with world.recording():
        world.supervise("scout", "running")
        for number in range(5):
            await world.deliver("lead", "scout", f"same {number % 2}")
        world.show("scout", *await world.take("scout"))
        await world.until(lambda: len(world.journal("seen")) == 5)
    world.layout.recorder_state.unlink()
    async with world.recording():
        await world.deliver("lead", "scout", "one more")
        await world.until(lambda: len(world.messages()) == 6)
    assert len(world.journal("seen")) == 5


async def test_a_link_out_of_the_home_is_not_a_transcript(world: World, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jsonl"
    tag = '<teammate-message teammate_id="x">\nsecret\n</teammate-message>'
    outside.write_text(json.dumps({"type": "user", "message": {"content": tag}, "timestamp": ""}) + "\n")
    link = world.homes / "scout/projects/-w/s.jsonl"
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    async with world.recording():
        world.supervise("scout", "running")
        await world.until(lambda: world.journal("activity"))
        assert world.recorder.status()["activity"][0]["agent"] == "scout"
    assert not world.recorder._files.transcripts


async def test_two_takers_of_team_leads_mailbox_lose_nothing(world: World) -> None:
    async with world.recording():
        for number in range(30):
            await mailbox.deliver(world.layout, "team-lead", new_message("scout", f"n {number}"), budget=5)
        await world.until(lambda: len(world.messages()) == 30)
    assert {entry["text"] for entry in world.messages().values()} == {f"n {number}" for number in range(30)}


async def test_mail_lost_while_no_recorder_watched_is_put_back_too(world: World) -> None:
    async with world.recording():
        world.supervise("scout", "running")
        message_id = await world.deliver("lead", "scout", "taken and never read")
        await world.until(lambda: world.messages())
    assert len(await world.take("scout")) == 1
    world.supervise("scout", "starting", attempt=1)
    async with world.recording():
        await world.until(lambda: world.journal("resent"))
        (again,) = await world.take("scout")
    assert again.id == message_id
    assert len(world.messages()) == 1


async def test_mail_that_waited_while_its_receiver_was_down_is_not_sent_twice(world: World) -> None:
    async with world.recording():
        world.supervise("scout", "failed")
        await world.deliver("lead", "scout", "waiting for you")
        await world.until(lambda: world.messages())
        world.supervise("scout", "starting", attempt=1)
        await world.until(lambda: world.books.attempts.get("scout") == 1)
        taken = await world.take("scout")
        world.supervise("scout", "running", attempt=1)
        world.show("scout", *taken)
        await world.until(lambda: world.journal("seen"))
    assert world.journal("resent") == []


async def test_an_agent_that_spoils_its_mailbox_hides_nobody_elses_mail(world: World) -> None:
    world.layout.inbox("lead").mkdir()
    world.layout.events("lead").mkdir()
    world.layout.agent_state("lead").symlink_to("/dev/zero")
    async with world.recording():
        await world.deliver("writer", "scout", "hello", hook=False)
        (entry,) = await world.until(lambda: world.journal("message"))
        await world.until(lambda: len(world.journal("malformed")) >= 2)
    assert entry["text"] == "hello"


async def test_odd_values_in_files_end_nothing(world: World) -> None:
    for number, line in enumerate([b"[]", b"7", b'{"hook_event_name":{}}', b"\xff\xfe", b"{" * 5000]):
        with world.layout.events("scout").open("ab") as file:
            file.write(line + b"\n")
        (world.layout.requests("scout") / f"{number}.json").write_bytes(line)
        (world.layout.outgoing / f"{number}.json").write_bytes(line)
        world.layout.agent_state("scout").write_bytes(line)
        (world.layout.tasks / f"{number}.json").write_bytes(line)
    for arguments in ({"teammate": {}}, {"teammate": []}, {"summary": 5}):
        world.request("lead", "dismiss", **arguments)
        world.request("lead", "finish", **arguments)
    world.request("lead", "dismiss", id={}, kind_of=[])
    world.event(
        "scout", hook_event_name="PostToolUse", tool_name="SendMessage", tool_response={"success": True}
    )
    world.event("scout", hook_event_name="SessionStart", source=[], kagentsAt={})
    deep = '{"type":"x","data":' + "[" * 300 + "]" * 300 + "}"
    async with world.recording():
        await world.deliver("writer", "scout", deep)
        await world.deliver("writer", "scout", "lone \ud800 surrogate", hook=False)
        await world.deliver("writer", "scout", '{"type":"task_assignment","taskId":{}}')
        huge = '{"type":"x","data":"' + "\x01" * 900_000 + '"}'
        long = new_message("s" * 5000, huge, summary="y" * 900_000, message_id="i" * 5000)
        await mailbox.deliver(world.layout, "writer", long)
        await world.until(lambda: len(world.messages()) == 4)
    assert [path.name for path in world.layout.outgoing.glob("*.json")] == []
