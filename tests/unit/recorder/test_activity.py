"""What hooks say (on the real CLI's payloads), and what an agent is therefore doing."""

import json
from pathlib import Path
from typing import Any, Protocol

import pytest

from kagents_runner.record import hooks
from kagents_runner.record.activity import QUIET_AFTER_RESUME, ActivityBoard
from kagents_runner.record.hooks import Signal

HOOKS = Path(__file__).parents[2] / "fixtures/protocol-samples/2.1.329/gateway-and-hooks/hooks"


class World(Protocol):
    """See conftest.py."""

    def __getattr__(self, name: str) -> Any: ...


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HOOKS / f"{name}.json").read_text())
    return found


def board() -> ActivityBoard:
    return ActivityBoard({"scout": False})


def states(entries: list[Any]) -> list[tuple[str, str | None]]:
    return [(entry["state"], entry["detail"]) for entry in entries]


def test_a_finished_send_tells_the_message_and_its_id() -> None:
    letter = hooks.sent_letter("worker", sample("PostToolUse_SendMessage"), "2026-11-20T00:00:00Z")
    assert letter is not None
    assert (letter.sender, letter.to, letter.text, letter.summary) == (
        "worker",
        "team-lead",
        "hi lead",
        "sum",
    )
    assert letter.id == "054cd3f4-c44d-40fb-90a4-3bde374758ed"


def test_a_send_that_failed_tells_nothing() -> None:
    assert hooks.sent_letter("worker", sample("PostToolUse_SendMessage_unknown_recipient"), "") is None


def test_an_update_without_a_named_owner_is_no_assignment() -> None:
    assert hooks.assignment("worker", sample("PostToolUse_TaskUpdate")) is None


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("SessionStart", "starting"),
        ("UserPromptSubmit", "working"),
        ("PreToolUse_TaskUpdate", "working"),
        ("PostToolBatch", "working"),
        ("TeammateIdle", "idle"),
        ("StopFailure", "failed"),
        ("Stop", None),
        ("TaskCompleted", None),
        ("SessionEnd", None),
        ("Notification_idle_prompt", None),
    ],
)
def test_events_say_what_an_agent_does(name: str, state: str | None) -> None:
    told = hooks.signal(sample(name))
    assert (None if told is None else told.state) == state


def test_a_failure_says_why() -> None:
    told = hooks.signal(sample("StopFailure"))
    assert told is not None
    assert told.detail is not None
    assert told.detail.startswith("API Error: 402")


@pytest.mark.parametrize(
    "payload", [{}, {"hook_event_name": 5}, {"hook_event_name": "PostToolUse", "tool_name": "SendMessage"}]
)
def test_rubbish_says_nothing(payload: dict[str, Any]) -> None:
    assert hooks.sent_letter("a", payload, "") is None
    assert hooks.assignment("a", payload) is None
    assert hooks.signal(payload) is None or payload.get("hook_event_name") == "PostToolUse"


def test_only_changes_are_told_and_late_signals_ignored() -> None:
    activity = board()
    assert states(activity.told("scout", Signal("working"), 10)) == [("working", None)]
    assert activity.told("scout", Signal("working"), 11) == []
    assert activity.told("scout", Signal("idle"), 9) == []
    assert states(activity.told("scout", Signal("idle"), 12)) == [("idle", None)]
    assert activity.told("stranger", Signal("idle"), 12) == []


def test_an_idle_notification_that_comes_late_does_not_hide_the_next_turn() -> None:
    activity = board()
    activity.told("scout", Signal("working"), 20)
    assert activity.notified("scout", {"type": "idle_notification"}, 15) == []


def test_mail_that_was_taken_while_resting_begins_a_turn() -> None:
    activity = board()
    activity.told("scout", Signal("idle"), 10)
    assert activity.wakes("scout", 10) == []
    assert states(activity.wakes("scout", 11)) == [("working", None)]


def test_the_end_of_the_process_is_final_until_a_new_one_starts() -> None:
    activity = board()
    activity.supervised("scout", "starting", 0, 1, None)
    assert states(activity.supervised("scout", "failed", 0, 5, "The CLI was killed.")) == [
        ("failed", "The CLI was killed.")
    ]
    assert activity.told("scout", Signal("working"), 6) == []
    assert states(activity.supervised("scout", "starting", 1, 7, None)) == [("starting", None)]
    assert activity.supervised("scout", "running", 1, 8, None) == []
    assert states(activity.told("scout", Signal("working"), 9)) == [("working", None)]
    assert states(activity.supervised("scout", "ended", 1, 10, None)) == [("ended", None)]


def test_after_a_restart_of_the_recorder_an_old_supervisor_state_changes_nothing() -> None:
    activity = board()
    activity.restore({"agent": "scout", "state": "idle", "detail": None}, 50)
    assert activity.supervised("scout", "running", 2, 10, None) == []
    assert activity.supervised("scout", "starting", 2, 9, None) == []
    assert states(activity.supervised("scout", "starting", 3, 60, None)) == [("starting", None)]


def test_a_resumed_session_that_stays_quiet_rests() -> None:
    activity = board()
    activity.told("scout", Signal("starting", "resumed"), 10)
    assert activity.next_due == 10 + QUIET_AFTER_RESUME
    assert activity.due(11) == []
    assert states(activity.due(10 + QUIET_AFTER_RESUME)) == [("idle", None)]
    assert activity.next_due is None


async def test_servers_that_an_agent_cannot_reach_are_in_the_status_until_it_reaches_them(
    world: World,
) -> None:
    def shown() -> dict[str, Any]:
        activity = world.recorder.status()["activity"]
        return {each["agent"]: each.get("unreachableServers") for each in activity}

    told = [{"server": "mail", "reason": "refused\x1b[31m"}, {"server": 3, "reason": "x"}, "odd"]
    async with world.recording():
        world.supervise("scout", "running", unreachable=told)
        await world.until(lambda: shown().get("scout"))
        (entry,) = shown()["scout"]
        assert (
            entry["name"] == "mail"
            and entry["reason"].startswith("refused")
            and "\x1b" not in entry["reason"]
        )
        world.supervise("scout", "running", unreachable=[])
        await world.until(lambda: shown() == {"scout": None})
