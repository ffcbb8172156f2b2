"""The hook of the checks as a program: which calls it holds back, and what the CLI reads from it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from kagents_core.teamfiles.layout import TeamLayout
from kagents_runner.harness.claude_code.credentials import choose_credential
from kagents_runner.harness.claude_code.home import prepare_home
from kagents_runner.harness.claude_code.prompts import team_instructions
from kagents_runner.quality.wanted import Quality

SAMPLES = Path(__file__).parents[2] / "fixtures/protocol-samples/2.1.329/gateway-and-hooks/hooks"
APPROVAL = {"type": "shutdown_response", "request_id": "shutdown-1@worker", "approve": True}


def ask(tmp_path: Path, payload: dict[str, Any], **gates: Any) -> str:
    """What the hook prints about a call, in a folder whose check fails."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir(exist_ok=True)
    home.mkdir(exist_ok=True)
    quality = Quality(**({"script": "echo broken; exit 1"} | gates))
    file = tmp_path / "quality.json"
    told = {"worktree": str(work), "home": str(home), "base": None, "lock": None}
    file.write_text(json.dumps({"quality": asdict(quality), **told}))
    command = [sys.executable, "-I", "-m", "kagents_runner.quality.claude_code_hook", str(file)]
    environment = {"PATH": os.environ["PATH"]}
    ran = subprocess.run(
        command, input=json.dumps(payload), capture_output=True, text=True, env=environment, timeout=30
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def call(sample: str, **given: Any) -> dict[str, Any]:
    """A recorded payload with other input."""
    payload: dict[str, Any] = json.loads((SAMPLES / sample).read_text())
    return payload | {"tool_input": given}


@pytest.mark.parametrize(
    "payload",
    [
        call("PreToolUse_TaskUpdate.json", taskId="1", status="completed"),
        call("PreToolUse_SendMessage.json", to="team-lead", message=APPROVAL),
        call("PreToolUse_SendMessage.json", to="team-lead", message=json.dumps(APPROVAL)),
        {
            "hook_event_name": "PreToolUse",
            "tool_name": "mcp__kagents__finish",
            "tool_input": {"summary": "x"},
        },
    ],
)
def test_completing_and_ending_are_refused_with_the_output(tmp_path: Path, payload: dict[str, Any]) -> None:
    answer = json.loads(ask(tmp_path, payload))["hookSpecificOutput"]
    assert (answer["hookEventName"], answer["permissionDecision"]) == ("PreToolUse", "deny")
    assert "broken" in answer["permissionDecisionReason"]


@pytest.mark.parametrize(
    "payload",
    [
        call("PreToolUse_TaskUpdate.json", taskId="1", status="in_progress"),
        call("PreToolUse_TaskUpdate.json", taskId="1", status="deleted"),
        call("PreToolUse_SendMessage.json", to="lead", message="the status is completed"),
        call("PreToolUse_SendMessage.json", to="team-lead", message=APPROVAL | {"approve": False}),
        call("PreToolUse_SendMessage.json", to="team-lead", message='{"type":'),
        {"hook_event_name": "PreToolUse", "tool_name": "TaskUpdate"},
    ],
)
def test_other_calls_run_no_check(tmp_path: Path, payload: dict[str, Any]) -> None:
    assert ask(tmp_path, payload) == ""
    assert not (tmp_path / "home/quality").exists()


def test_a_check_ends_when_nobody_waits_for_the_answer(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "home").mkdir()
    file, started = tmp_path / "quality.json", tmp_path / "started"
    told = {"worktree": str(tmp_path / "work"), "home": str(tmp_path / "home"), "base": None, "lock": None}
    quality = Quality(script=f"echo $$ > {started}; sleep 300")
    file.write_text(json.dumps({"quality": asdict(quality), **told}))
    command = [sys.executable, "-I", "-m", "kagents_runner.quality.claude_code_hook", str(file)]
    hook = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert hook.stdin is not None and hook.stdout is not None
    hook.stdin.write(json.dumps(call("PreToolUse_TaskUpdate.json", status="completed")).encode())
    hook.stdin.close()
    _until(lambda: started.exists() and started.read_text().strip())
    hook.stdout.close()
    hook.wait(20)
    _until(lambda: not _alive(int(started.read_text())))


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def test_a_check_that_passes_says_nothing(tmp_path: Path) -> None:
    payload = call("PreToolUse_TaskUpdate.json", taskId="1", status="completed")
    assert ask(tmp_path, payload, script="true") == ""


def test_an_agent_with_checks_gets_the_hook_and_is_told(context: Any) -> None:
    worker = context(quality={"tests": True, "testCommand": "make -C src test", "rounds": 2, "seconds": 60})
    prepare_home(worker, choose_credential(worker.environment))
    settings = json.loads((worker.home_dir / "settings.json").read_text())
    [held] = settings["hooks"]["PreToolUse"]
    assert held["matcher"] == "TaskUpdate|SendMessage|mcp__kagents__finish"
    [hook] = held["hooks"]
    assert hook["timeout"] > 2 * 60
    told = json.loads((worker.home_dir / "kagents-quality.json").read_text())
    assert told["quality"]["test_command"] == "make -C src test"
    instructions = team_instructions(worker)
    assert "requireTests: make -C src test" in instructions
    assert "After 3 failures in a row" in instructions


def test_an_agent_without_checks_gets_no_hook(context: Any) -> None:
    worker = context()
    prepare_home(worker, choose_credential(worker.environment))
    settings = json.loads((worker.home_dir / "settings.json").read_text())
    assert settings["hooks"]["PreToolUse"] == []
    assert not (worker.home_dir / "kagents-quality.json").exists()
    assert "Your work is checked" not in team_instructions(worker)
    assert TeamLayout(worker.team_dir, "demo").events_dir.is_dir()
