"""``kagents-runner transcript``: turns of an agent, in pages, followed, bounded whatever the file holds."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kagents_core.teamfiles.conversation import TEXT_LIMIT, turns_of

AGENT = {"role": "teammate", "harness": "simulated", "dependsOn": [], "gate": None, "prompt": "p"}
TEAM = {
    "name": "demo",
    "namespace": "dev",
    "uid": "u-1",
    "mode": "cowork",
    "agents": [{**AGENT, "name": "lead", "role": "lead"}, {**AGENT, "name": "api"}],
}
SAMPLES = Path(__file__).parents[2] / "fixtures/protocol-samples/2.1.329/gateway-and-hooks/transcript"


def line(kind: str, content: Any, **more: Any) -> bytes:
    entry = {"type": kind, "timestamp": "2026-11-21T14:00:00.000Z", "message": {"content": content}, **more}
    return json.dumps(entry).encode()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A team directory and the homes, as the hub sees them."""
    (tmp_path / "team/agents").mkdir(parents=True)
    (tmp_path / "home/api/projects/x").mkdir(parents=True)
    name(tmp_path, "projects/x/s.jsonl")
    return tmp_path


def name(place: Path, transcript: str | None) -> None:
    state = {"agent": "api", "transcript": transcript}
    (place / "team/agents/api.json").write_text(json.dumps(state))


def write(place: Path, *lines: bytes) -> Path:
    path = place / "home/api/projects/x/s.jsonl"
    with path.open("ab") as file:
        file.write(b"".join(each + b"\n" for each in lines))
    return path


def start(place: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "kagents_runner", "transcript", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "KAGENTS_TEAM_DIR": str(place / "team"),
            "KAGENTS_HOMES_DIR": str(place / "home"),
            "KAGENTS_TEAM": json.dumps(TEAM),
        },
    )


def run(place: Path, *arguments: str) -> list[dict[str, Any]]:
    out, err = start(place, "--agent", "api", *arguments).communicate(timeout=60)
    assert not err
    return [json.loads(each) for each in out.splitlines()]


def test_a_turn_of_each_kind() -> None:
    mail = '<teammate-message teammate_id="lead" summary="s">\nTask 2 is yours.\n</teammate-message>'
    call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "a b"}]}
    found = [
        turn
        for each in (
            line("user", "Do it."),
            line("user", mail),
            line(
                "assistant", [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Yes."}, call]
            ),
            line("user", [result]),
            line("user", [{**result, "is_error": True, "content": "denied"}]),
            line("assistant", [{"type": "text", "text": "API Error"}], isApiErrorMessage=True),
            line("user", "all before", isCompactSummary=True),
            line("user", "caveat", isMeta=True),
            line("progress", "x"),
            b"{broken",
            b'{"type":"user","message":{"content":[3,{"type":"text"},{"type":"tool_result"}]}}',
        )
        for turn in turns_of(each)
    ]
    assert [(turn.what, turn.name, turn.text, turn.failed) for turn in found] == [
        ("prompt", "", "Do it.", False),
        ("mail", "lead", "Task 2 is yours.", False),
        ("thought", "", "hm", False),
        ("said", "", "Yes.", False),
        ("tool", "Bash", '{"command": "ls"}', False),
        ("result", "", "a b", False),
        ("result", "", "denied", True),
        ("error", "", "API Error", False),
        ("summary", "", "all before", False),
        ("result", "", "", False),
    ]


@pytest.mark.parametrize(
    ("sample", "what"),
    [
        ("api_error", ["error"]),
        ("assistant_sendmessage_usage", ["tool"]),
        ("received_message_worker", ["mail"]),
        ("received_messages_lead", ["mail", "mail", "mail"]),
        ("cost_state", []),
    ],
)
def test_lines_of_the_real_cli(sample: str, what: list[str]) -> None:
    text = json.dumps(json.loads((SAMPLES / f"{sample}.json").read_text()))
    assert [turn.what for turn in turns_of(text.encode())] == what


def test_a_very_long_text_is_cut_and_says_so() -> None:
    (turn,) = turns_of(line("assistant", [{"type": "text", "text": "x" * (TEXT_LIMIT + 5)}]))
    assert (len(turn.text), turn.cut) == (TEXT_LIMIT, True)


def test_all_then_what_came_after_then_a_page_before(place: Path) -> None:
    write(place, *(line("user", f"turn {number}") for number in range(10)))
    everything = run(place)
    assert [each["text"] for each in everything[:-1]] == [f"turn {number}" for number in range(10)]
    assert everything[-1] == {"kind": "end", "offset": everything[-2]["end"]}
    later = run(place, "--after", str(everything[6]["end"]))
    assert [each["text"] for each in later[:-1]] == ["turn 7", "turn 8", "turn 9"]
    last = run(place, "--last", "3")
    assert [each["text"] for each in last[:-1]] == ["turn 7", "turn 8", "turn 9"]
    page = run(place, "--last", "2", "--before", str(last[0]["begin"]))
    assert [each["text"] for each in page[:-1]] == ["turn 5", "turn 6"]
    assert run(place, "--last", "2", "--before", "0") == [{"kind": "end", "offset": 0}]


def test_a_follower_hears_of_new_turns_and_ends_by_being_stopped(place: Path) -> None:
    write(place, line("user", "before"))
    process = start(place, "--agent", "api", "--follow")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["text"] == "before"
    assert json.loads(process.stdout.readline())["kind"] == "live"
    write(place, line("user", "after"))
    assert json.loads(process.stdout.readline())["text"] == "after"
    process.terminate()
    assert process.wait(30) == 0
    process.communicate()


def test_an_agent_without_a_transcript_has_no_turns(place: Path) -> None:
    name(place, None)
    assert run(place) == [{"kind": "end", "offset": 0}]


@pytest.mark.parametrize("transcript", ["../lead/secret.jsonl", "/etc/passwd", "projects/x/s.txt"])
def test_a_transcript_elsewhere_is_not_read(place: Path, transcript: str) -> None:
    (place / "home/lead").mkdir()
    (place / "home/lead/secret.jsonl").write_bytes(line("user", "of somebody else") + b"\n")
    name(place, transcript)
    assert run(place) == [{"kind": "end", "offset": 0}]


def test_a_link_out_of_the_home_is_not_followed(place: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jsonl"
    secret.write_bytes(line("user", "of somebody else") + b"\n")
    (place / "home/api/projects/x/s.jsonl").symlink_to(secret)
    assert run(place) == [{"kind": "end", "offset": 0}]


def test_an_agent_that_the_team_has_not_is_one_sentence(place: Path) -> None:
    process = start(place, "--agent", "nobody")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (64, "")
    assert err == "demo has no agent 'nobody'; its agents: lead, api.\n"
