"""People's answers: what an agent asks is journalled once, answered once, delivered natively, never lost."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any, Protocol

import pytest

DEADLINE = 20.0
QUESTION = {"questions": [{"question": "Which?", "options": [{"label": "Red"}, {"label": "Blue"}]}]}


class World(Protocol):
    """See conftest.py."""

    def __getattr__(self, name: str) -> Any: ...


def permission(identity: str = "perm-1-a", tool: str = "Bash", given: Any = None) -> dict[str, Any]:
    request = {"type": "permission_request", "request_id": identity, "agent_id": "scout", "tool_name": tool}
    return request | {"tool_use_id": f"toolu_{identity}", "input": given or {"command": "make"}}


def plan(identity: str = "plan_approval-1@scout@demo") -> dict[str, Any]:
    return {"type": "plan_approval_request", "from": "scout", "requestId": identity, "planContent": "# Go\n"}


def states(world: World) -> list[str]:
    return [entry["state"] for entry in world.journal("activity") if entry["agent"] == "scout"]


def requests(world: World) -> list[dict[str, Any]]:
    """What the status shows of scout."""
    [mine] = [each for each in world.recorder.status()["activity"] if each["agent"] == "scout"]
    found: list[dict[str, Any]] = mine.get("requests", [])
    return found


async def ask(world: World, data: dict[str, Any], *, running: bool = True) -> None:
    if running:
        world.supervise("scout", "running", started="2026-11-21T00:00:00.000Z")
    await world.deliver("scout", "team-lead", data, hook=False)
    identity = data.get("request_id") or data.get("requestId")
    await world.until(lambda: identity in [entry["id"] for entry in world.journal("ask")])


async def answer(world: World, request: str = "perm-1-a", **more: Any) -> tuple[int, str]:
    """The verb as a program: exit code, and what it said to whom it refused."""
    document = {"agent": "scout", "request": request, "allow": True, "by": "ann"} | more
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kagents_runner", "answer"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "KAGENTS_TEAM_DIR": str(world.layout.root)},
    )
    async with asyncio.timeout(DEADLINE):
        _, complained = await process.communicate(json.dumps(document).encode())
    return process.returncode or 0, complained.decode()


async def delivered(world: World) -> list[dict[str, Any]]:
    """The protocol messages that scout has taken."""
    return [dict(message.data) for message in await world.take("scout") if message.data]


async def test_a_request_is_journalled_shown_answered_and_delivered(world: World) -> None:
    async with world.recording():
        await ask(world, permission())
        [shown] = requests(world)
        assert (shown["id"], shown["kind"], shown["summary"]) == ("perm-1-a", "permission", "Bash: make")
        assert world.journal("ask")[0]["seq"] == shown["seq"]
        assert states(world)[-1] == "waiting-permission"
        assert await answer(world, reason="go") == (0, "")
        assert requests(world) == [] and states(world)[-1] == "working"
        [native] = await delivered(world)
    assert (native["type"], native["request_id"], native["subtype"]) == (
        "permission_response",
        "perm-1-a",
        "success",
    )
    [entry] = world.journal("answer")
    assert (entry["answer"], entry["by"], entry["agent"], entry["reason"]) == ("allow", "ann", "scout", "go")
    assert list(world.layout.answers.iterdir()) == []


async def test_of_two_answers_the_second_is_refused_and_says_who_was_first(world: World) -> None:
    async with world.recording():
        await ask(world, permission())
        ended = await asyncio.gather(answer(world, by="ann"), answer(world, by="bob", allow=False))
        assert sorted(code for code, _ in ended) == [0, 64]
        [sentence] = [words for code, words in ended if code]
        [entry] = world.journal("answer")
        assert f"by {entry['by']} before; that stands" in sentence
        assert len(await delivered(world)) == 1


async def test_the_same_answer_again_is_no_second_one(world: World) -> None:
    async with world.recording():
        await ask(world, permission())
        assert [await answer(world, id="a1"), await answer(world, id="a1")] == [(0, ""), (0, "")]
        assert len(await delivered(world)) == len(world.journal("answer")) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"request": "perm-9-z"}, "There is no request perm-9-z of scout."),
        ({"agent": "writer"}, "There is no request perm-1-a of writer."),
        ({"agent": "nobody"}, "There is no request perm-1-a of nobody."),
        ({"choices": [[1]]}, "Only a question is answered by a choice."),
        ({"mode": "each"}, "goes only with the approval of a plan"),
        ({"mode": "yolo"}, "the way of working is one of"),
        ({"allow": "yes"}, "true or false"),
        ({"reason": "x" * 5000}, "at most 4000 characters"),
    ],
)
async def test_an_answer_that_fits_nothing_is_refused_and_changes_nothing(
    world: World, given: dict[str, Any], words: str
) -> None:
    async with world.recording():
        await ask(world, permission())
        code, sentence = await answer(world, **given)
        assert code == 64 and words in sentence
        assert world.journal("answer") == [] and await delivered(world) == []
        assert len(requests(world)) == 1


async def test_a_question_is_answered_by_numbers_that_become_words(world: World) -> None:
    async with world.recording():
        await ask(world, permission("perm-1-a", "AskUserQuestion", QUESTION))
        assert requests(world)[0]["kind"] == "question"
        assert await answer(world, choices=[[2]]) == (0, "")
        [native] = await delivered(world)
    assert native["response"]["updated_input"] == {**QUESTION, "answers": {"Which?": "Blue"}}


async def test_an_agent_whose_plan_waits_is_not_idle_and_is_not_sent_home(solo: World) -> None:
    """Its turn is over, and with nothing else to do it would be asked to shut down."""
    request = plan("plan_approval-1@lead@demo")
    async with solo.recording():
        solo.supervise("lead", "running")
        await solo.deliver("lead", "team-lead", request, hook=False)
        idle = {"type": "idle_notification", "from": "lead", "idleReason": "available"}
        await solo.deliver("lead", "team-lead", idle, hook=False)
        await solo.until(lambda: len(solo.journal("message")) == 2 and solo.journal("ask"))
        assert solo.journal("activity")[-1]["state"] == "waiting-permission"
        due, _ = solo.books.endings.due([solo.recorder._view("lead")], 0, solo.books.clock() + 3600)
        assert due == []
        assert await answer(solo, request["requestId"], agent="lead", mode="everything") == (0, "")
        [native] = [message.data for message in await solo.take("lead")]
        assert (native["approved"], native["permissionMode"]) == (True, "bypassPermissions")


async def test_a_new_process_asks_anew_but_still_honours_its_plan(world: World) -> None:
    async with world.recording():
        await ask(world, permission())
        await ask(world, plan(), running=False)
        world.supervise("scout", "starting", attempt=1, started="2026-11-21T01:00:00.000Z")
        await world.until(lambda: world.journal("answer"))
        assert [each["kind"] for each in requests(world)] == ["plan"]
        code, sentence = await answer(world)
        assert code == 64 and "withdrawn" in sentence
        world.supervise("scout", "ended", attempt=1, started="2026-11-21T01:00:00.000Z")
        await world.until(lambda: requests(world) == [])
        code, sentence = await answer(world, plan()["requestId"])
        assert code == 64 and "withdrawn" in sentence


async def test_a_request_of_a_process_that_is_gone_is_withdrawn_when_it_is_read(world: World) -> None:
    world.supervise("scout", "running", started="2099-01-01T00:00:00.000Z")
    async with world.recording():
        await ask(world, permission(), running=False)
        await world.until(lambda: [entry["answer"] for entry in world.journal("answer")] == ["withdrawn"])


async def test_a_call_that_has_its_result_needs_no_answer(world: World) -> None:
    async with world.recording():
        await ask(world, permission())
        result = [{"type": "tool_result", "tool_use_id": "toolu_perm-1-a", "content": "interrupted"}]
        world.transcript("scout", {"type": "user", "message": {"role": "user", "content": result}})
        await world.until(lambda: [entry["answer"] for entry in world.journal("answer")] == ["withdrawn"])
        assert states(world)[-1] == "working"


async def test_a_request_waits_through_a_restart_of_the_recorder(world: World) -> None:
    async with world.recording():
        await ask(world, permission())
        before = requests(world)
    async with world.recording():
        await world.until(lambda: requests(world) == before)
        world.event("scout", hook_event_name="TeammateIdle")
        assert await answer(world, allow=False, reason="no") == (0, "")
        [native] = await delivered(world)
    assert (native["subtype"], native["error"]) == ("error", "no")
    assert len(world.journal("ask")) == 1


async def test_an_answer_that_a_crash_left_undelivered_is_delivered_once(world: World) -> None:
    """The files as they are when the recorder dies after journalling an answer and before the mailbox."""
    document = {"id": "a1", "agent": "scout", "request": "perm-1-a", "allow": True, "by": "ann"}
    async with world.recording():
        await ask(world, permission())
        assert await answer(world, id="a1") == (0, "")
        assert len(await delivered(world)) == 1
    lines = world.layout.journal.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["kind"] not in ("delivery", "activity")]
    world.layout.recorder_state.unlink()
    numbered = [json.dumps({**json.loads(line), "seq": n}) for n, line in enumerate(kept, 1)]
    world.layout.journal.write_text("".join(f"{line}\n" for line in numbered))
    (world.layout.answers / "00000000000000000001-a1.json").write_text(json.dumps(document))
    async with world.recording():
        await world.until(lambda: not list(world.layout.answers.glob("*.json")))
        assert [each["request_id"] for each in await delivered(world)] == ["perm-1-a"]
    assert len(world.journal("answer")) == 1
    assert len([entry for entry in world.journal("message") if entry["type"] == "permission_response"]) == 1


async def test_a_request_that_a_crash_left_unread_is_asked(world: World) -> None:
    """The message is journalled, its meaning is not: the mailbox still holds it."""
    async with world.recording():
        await ask(world, permission())
    kept = [entry for entry in world.journal() if entry["kind"] == "message"]
    world.layout.journal.write_text(
        "".join(json.dumps({**e, "seq": n}) + "\n" for n, e in enumerate(kept, 1))
    )
    world.layout.recorder_state.unlink()
    text = json.dumps(permission())
    async with world.recording():
        await world.deliver("scout", "team-lead", text, hook=False, message_id=kept[0]["id"])
        await world.until(lambda: len(world.journal("ask")) == 1)
    assert len(world.messages()) == 1


async def test_what_is_no_answer_is_set_aside_and_said(world: World) -> None:
    async with world.recording():
        (world.layout.answers / "1-x.json").write_text("[")
        (world.layout.answers / "2-y.json").symlink_to("/etc/passwd")
        await world.until(lambda: len(world.journal("malformed")) == 2)
        await world.until(lambda: not list(world.layout.answers.glob("*.json")))


async def test_a_request_that_nobody_can_answer_is_said(world: World) -> None:
    async with world.recording():
        await world.deliver("scout", "team-lead", permission("has spaces in it"), hook=False)
        await world.until(lambda: world.journal("malformed"))
    assert world.journal("ask") == []
