"""Mail that the CLI takes in the moment in which a turn ends, and then keeps to itself."""

import json
from typing import Any, Protocol

import pytest

from kagents_runner.record import held_back
from kagents_runner.record.held_back import PAUSES, WORDS, HeldBack
from kagents_runner.record.ledger import MailLedger
from kagents_runner.record.letters import Letter, likeness


class World(Protocol):
    """See conftest.py."""

    def __getattr__(self, name: str) -> Any: ...


def taken(at: float) -> MailLedger:
    """A ledger of one message that has left its mailbox at this time."""
    ledger = MailLedger()
    letter = Letter("lead", "scout", "hello", None, "", "m1")
    ledger.mailbox("scout", [letter], at - 1)
    ledger.mailbox("scout", [], at)
    return ledger


def test_an_agent_is_woken_some_time_after_both_the_mail_and_the_turns_end() -> None:
    unread = taken(100.0).held("scout")
    assert HeldBack().due("scout", 90.0, unread) == 100.0 + PAUSES[0]
    assert HeldBack().due("scout", 130.0, unread) == 130.0 + PAUSES[0]
    assert HeldBack().due("scout", None, unread) is None
    assert HeldBack().due("scout", 90.0, ()) is None


def test_mail_that_still_lies_in_the_mailbox_is_not_held_back() -> None:
    ledger = MailLedger()
    ledger.mailbox("scout", [Letter("lead", "scout", "hello", None, "", "m1")], 10.0)
    assert HeldBack().due("scout", 5.0, ledger.held("scout")) is None


def test_waking_is_repeated_ever_later_and_then_given_up_until_the_mail_is_read() -> None:
    held, ledger = HeldBack(), taken(100.0)
    now = 100.0
    for pause in PAUSES:
        due = held.due("scout", 90.0, ledger.held("scout"))
        assert due == now + pause
        now = due
        assert held.waiting("scout", ledger.count_unread("scout"), len(ledger.held("scout"))) == 1
        held.woken("scout", now)
    assert held.due("scout", 90.0, ledger.held("scout")) is None
    assert held.waiting("scout", ledger.count_unread("scout"), len(ledger.held("scout"))) == 0
    ledger.sighted("line:0", Letter("lead", "scout", "hello"), now)
    assert held.due("scout", 90.0, ledger.held("scout")) is None
    again = taken(now + 50)
    assert held.due("scout", 90.0, again.held("scout")) == now + 50 + PAUSES[0]


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"approved": True}, "[Plan Approved] You can now proceed with implementation"),
        ({"approved": True, "feedback": "mind <the> tests"}, "[Plan Approved] mind &lt;the&gt; tests"),
        ({"approved": False, "feedback": "say why"}, "[Plan Rejected] say why"),
        ({"approved": False}, "[Plan Rejected] Please revise your plan"),
    ],
)
def test_the_answer_to_a_plan_is_recognised_in_the_transcript(told: dict[str, Any], shown: str) -> None:
    native = json.dumps({"type": "plan_approval_response", "requestId": "plan-1", **told})
    assert likeness(Letter("team-lead", "scout", native)) == likeness(Letter("team-lead", "scout", shown))


async def test_an_idle_agent_that_holds_mail_back_is_woken_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_back, "PAUSES", (0.2, 3600.0))
    async with world.recording():
        world.supervise("scout", "running")
        world.event("scout", hook_event_name="TeammateIdle")
        await world.until(lambda: [entry for entry in world.journal("activity") if entry["state"] == "idle"])
        await world.deliver("lead", "scout", "hello")
        await world.until(lambda: world.journal("message"))
        taken = await world.take("scout")
        woken = await world.until(lambda: [m for m in world.messages().values() if m["text"] == WORDS])
        assert [(entry["from"], entry["to"]) for entry in woken] == [("team-lead", "scout")]
        world.show("scout", *taken, *await world.take("scout"))
        await world.until(lambda: len(world.journal("seen")) == 2)
    assert len(world.messages()) == 2


async def test_an_agent_within_its_turn_is_left_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_back, "PAUSES", (0.0,))
    async with world.recording():
        world.supervise("scout", "running")
        world.supervise("writer", "running")
        world.event("scout", hook_event_name="PreToolUse", tool_name="Bash", tool_input={"command": "make"})
        world.event("writer", hook_event_name="TeammateIdle")
        await world.until(lambda: len(world.journal("activity")) >= 4)
        for name in ("scout", "writer"):
            await world.deliver("lead", name, f"hello {name}")
            await world.until(
                lambda name=name: f"hello {name}" in [m["text"] for m in world.messages().values()]
            )
            await world.take(name)
        woken = await world.until(lambda: [m for m in world.messages().values() if m["text"] == WORDS])
    assert {entry["to"] for entry in woken} == {"writer"}
