"""Real agents and the recorder: every message stands in the journal once, and none is lost to a kill."""

import asyncio
import os
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from scripted_model import Call, Conversation, Rule, Say, Script, ScriptedModel, undelivered
from small_team import SmallTeam, until

from kagents_core.teamfiles.mailbox import deliver, new_message
from kagents_runner.record import held_back

MakeTeam = Callable[..., SmallTeam]


def mail(to: str, text: str) -> Call:
    return Call("SendMessage", {"to": to, "summary": text.split()[0], "message": text})


def texts(team: SmallTeam, sender: str, to: str) -> Counter[str]:
    """Texts of ordinary messages from one agent to another, with how often the journal holds them."""
    return Counter(
        entry["text"]
        for entry in team.journal("message")
        if (entry["from"], entry["to"], entry["type"]) == (sender, to, "message")
    )


def marks(team: SmallTeam, kind: str, text: str) -> list[dict[str, Any]]:
    """Journal entries of one kind about the message with this text."""
    ids = [entry["id"] for entry in team.journal("message") if entry["text"] == text]
    assert len(ids) <= 1
    return [entry for entry in team.journal(kind) if entry["id"] in ids]


@pytest.mark.timeout(300)
async def test_every_message_is_journalled_once_with_its_times(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("lead", "worker")
    sent = [f"message-{n} to the worker" for n in range(6)]

    def answer(conversation: Conversation, _: object) -> Call | Say:
        said = mail("lead", f"answer-{conversation.everything.count('to the worker')} done")
        made = zip(conversation.calls, conversation.results, strict=False)
        told = any(call["input"] == said.input and not undelivered(result) for call, result in made)
        return Say("Done.") if told else said

    model.script = Script(
        [
            Rule("lead", "Begin", [mail("worker", text) for text in sent]),
            Rule("worker", "message-", [answer] * 12),
        ]
    )
    async with team.recorded():
        worker, lead = team.start("worker", "Wait for mail."), team.start("lead", "Begin.")
        await until(
            lambda: sum(texts(team, "lead", "worker").values()) == 6 and len(team.journal("seen")) >= 6
        )
        # What the CLI holds back at a turn's end takes as long as the recorder's wakes, 12 and 30 s.
        await until(lambda: "answer-6 done" in texts(team, "worker", "lead"), 90)
        await until(lambda: marks(team, "seen", "answer-6 done"), 90)
        await until(lambda: all(marks(team, "seen", text) for text in sent))
        for agent in (worker, lead):
            agent.stop.set()
            await agent.ended()
        await until(lambda: len(team.journal("usage")) >= len(model.requests), 10)
    assert texts(team, "lead", "worker") == Counter(sent)
    assert set(texts(team, "worker", "lead").values()) == {1}
    for text in sent:
        assert len(marks(team, "delivery", text)) == len(marks(team, "seen", text)) == 1
    ids = [entry["id"] for entry in team.journal("message")]
    assert len(ids) == len(set(ids))
    assert [entry["seq"] for entry in team.journal("message")] == sorted(
        {e["seq"] for e in team.journal("message")}
    )
    assert team.journal("malformed") == []
    used = team.journal("usage")
    assert len({entry["requestId"] for entry in used}) == len(used) == len(model.requests)
    assert {entry["agent"] for entry in used} == {"lead", "worker"} and all(
        entry["costMicros"] > 0 for entry in used
    )
    states = [entry["state"] for entry in team.journal("activity") if entry["agent"] == "worker"]
    assert "working" in states and "idle" in states


async def test_mail_that_a_kill_swallowed_is_sent_again(small_team: MakeTeam, model: ScriptedModel) -> None:
    team = small_team("worker")
    model.script = Script(
        [
            Rule("worker", "first", [Say("late", delay=20)]),
            Rule("worker", "Begin", [Say("ready")]),
            Rule("worker", "kagents has started you again", [Say("going on")]),
        ]
    )
    async with team.recorded():
        worker = team.start("worker", "Begin.")
        await until(lambda: team.hooks("worker", "TeammateIdle"))
        await team.send("worker", "first, which starts a turn")
        await until(lambda: "first" in model.requests[-1].prompt)
        await team.send("worker", "second, taken during the turn")
        await until(lambda: marks(team, "delivery", "second, taken during the turn"))
        os.kill(worker.pid, 9)
        await worker.ended()
        before = len(model.requests)
        again = team.start("worker", "Begin.", attempt=1)
        await until(lambda: any("second" in request.everything for request in model.requests[before:]))
        await until(lambda: marks(team, "seen", "second, taken during the turn"))
        again.stop.set()
        await again.ended()
    final = model.requests[-1].everything
    assert (
        final.count("second, taken during the turn") == 1 and final.count("first, which starts a turn") == 1
    )
    assert len(marks(team, "resent", "second, taken during the turn")) == 1
    assert marks(team, "resent", "first, which starts a turn") == []
    assert texts(team, "team-lead", "worker") == Counter(
        ["first, which starts a turn", "second, taken during the turn"]
    )


async def test_the_lead_dismisses_and_finishes(small_team: MakeTeam, model: ScriptedModel) -> None:
    team = small_team("lead", "worker")
    dismiss = Call("mcp__kagents__dismiss", {"teammate": "worker", "reason": "accepted"})

    def wait(conversation: Conversation, _: object) -> Call | Say:
        if "Recorded." in conversation.results[-1]:
            return Say("That is all.")
        return Call("Bash", {"command": "sleep 1", "description": "wait"})

    def finish(_: Conversation, __: object) -> Call:
        return Call("mcp__kagents__finish", {"summary": "all done"})

    model.script = Script(
        [
            Rule("lead", "Begin", [mail("worker", "do it")]),
            Rule("lead", "it is done", [dismiss, *[wait, finish] * 8]),
            Rule("worker", "do it", [mail("lead", "it is done")]),
        ]
    )
    async with team.recorded():
        worker, lead = team.start("worker", "Wait for mail."), team.start("lead", "Begin.")
        assert (await worker.ended()).code == 0
        assert (await lead.ended()).code == 0
    assert [entry["request"] for entry in team.journal("request")] == ["dismiss", "finish"]
    kinds = Counter((entry["type"], entry["from"], entry["to"]) for entry in team.journal("message"))
    for name in ("lead", "worker"):
        assert (
            kinds["shutdown_request", "team-lead", name] == kinds["shutdown_approved", name, "team-lead"] == 1
        )


async def test_mail_that_comes_in_the_moment_a_turn_ends_is_read(
    small_team: MakeTeam, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_back, "PAUSES", (2.0, 2.0, 2.0))
    team = small_team("lead", "worker")
    rounds = 5

    def next_word(_: Conversation, match: re.Match[str]) -> Say:
        """Says its last words shortly after the next message has come in."""
        number = int(match.group(1))
        if number < rounds:
            message = new_message("team-lead", f"Word {number + 1}.")
            asyncio.run(deliver(team.layout, "worker", message))
        return Say(f"Took {number}.", delay=0.06 * number)

    model.script = Script([Rule("worker", r"Word (\d+)(?!.*Word)", [next_word])])
    async with team.recorded():
        worker = team.start("worker", "Word 0.")
        await until(lambda: any(f"Word {rounds}." in each.prompt for each in model.requests), 90)
        worker.stop.set()
        await worker.ended()
    sent = [f"Word {number}." for number in range(1, rounds + 1)]
    assert [entry["text"] for entry in team.journal("message") if entry["text"] in sent] == sent
    assert len(marks(team, "seen", "Word 1.")) == 1
