"""Protocol messages in words, held to the recorded files of the real CLI."""

import json
from pathlib import Path

import pytest

from kagents_core.wording import in_words

SAMPLES = Path(__file__).parents[2] / "fixtures" / "protocol-samples" / "2.1.329"


def entry(name: str, position: int = 0) -> dict:
    raw = json.loads((SAMPLES / name).read_text())[position]
    data = json.loads(raw["text"])
    return {"kind": "message", "type": data["type"], "text": raw["text"], "data": data}


@pytest.mark.parametrize(
    ("name", "position", "words"),
    [
        ("inbox_team-lead__message_and_idle.json", 1, "idle: worker: finished turn"),
        ("inbox_team-lead__idle_failed_and_summary.json", 2, "turn failed: API Error: 400 bad thing"),
        ("inbox_worker__task_assignment_and_message.json", 0, "assigned task 1: Write parser"),
        ("inbox_worker__shutdown_request_signed.json", 0, "asked to shut down: all done"),
        ("inbox_team-lead__shutdown_approved.json", 0, "agreed to shut down"),
        ("inbox_team-lead__shutdown_rejected.json", 0, "will not shut down: still busy"),
        ("inbox_team-lead__permission_request.json", 0, "asks to use Bash: touch"),
        ("inbox_worker__permission_response_signed.json", 0, "allowed the tool"),
        ("inbox_worker__plan_approval_response_signed.json", 0, "approved the plan: looks fine"),
    ],
)
def test_a_recorded_message_in_words(name: str, position: int, words: str) -> None:
    assert in_words(entry(name, position)) == words


def test_plain_text_and_unknown_types_stay_as_they_were() -> None:
    assert in_words({"type": "message", "text": "hello"}) == "hello"
    assert in_words({"type": "mode_set_request", "text": "{}", "data": {"type": "mode_set_request"}}) == "{}"
    assert in_words({"type": "idle_notification", "text": "x", "data": None}) == "x"
