"""Artifacts and the real CLI: what an agent is told, and how it is reminded before it ends."""

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from kagents_core.teamfiles.files import read_bounded
from kagents_runner.harness.claude_code.credentials import choose_credential
from kagents_runner.harness.claude_code.home import prepare_home
from kagents_runner.harness.claude_code.prompts import team_instructions
from kagents_runner.harness.protocol import AgentContext

MakeContext = Callable[..., AgentContext]
APPROVAL = {"to": "team-lead", "message": {"type": "shutdown_response", "request_id": "1", "approve": True}}
MADE = [{"name": "report", "path": "docs/report.md"}]
TAKEN = [{"agent": "lead", "artifact": "plan", "path": "/kagents/inputs/lead/plan/plan.md"}]


@pytest.fixture
def worker(context: MakeContext) -> AgentContext:
    """An agent that makes one artifact, in its worktree."""
    made = context(artifacts=MADE)
    tree = made.work_dir / "worktrees" / "worker"
    tree.mkdir(parents=True)
    return made


def ask(worker: AgentContext, tool: str, **given: Any) -> str:
    """What the hook that the settings name for this tool says; empty when it says nothing."""
    environment = {"ANTHROPIC_API_KEY": "sk-ant-x", "PATH": os.environ["PATH"]}
    prepare_home(worker, choose_credential(environment))
    settings = json.loads(read_bounded(worker.home_dir / "settings.json", 2**20))
    [hook] = [each for each in settings["hooks"]["PreToolUse"] if tool in each["matcher"].split("|")]
    payload = json.dumps({"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": given})
    command = shlex.split(hook["hooks"][0]["command"])
    ran = subprocess.run(command, input=payload, capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stderr) == (0, "")
    if not ran.stdout:
        return ""
    answer = json.loads(ran.stdout)["hookSpecificOutput"]
    assert answer["permissionDecision"] == "deny"
    return str(answer["permissionDecisionReason"])


def test_an_agent_is_told_what_it_makes_and_what_it_is_given(context: MakeContext) -> None:
    worker = context(artifacts=MADE, inputs=TAKEN)
    told = team_instructions(worker)
    assert f"  - report: {worker.cwd}/docs/report.md\n" in told
    assert "  - lead/plan: /kagents/inputs/lead/plan/plan.md\n" in told
    plain = team_instructions(context())
    assert "were made for you" not in plain
    assert "must be there" not in plain


@pytest.mark.parametrize(("tool", "given"), [("SendMessage", APPROVAL), ("mcp__kagents__finish", {})])
def test_it_is_reminded_twice_and_then_may_end(
    worker: AgentContext, tool: str, given: dict[str, Any]
) -> None:
    for _ in range(2):
        words = ask(worker, tool, **given)
        assert f"- report: {worker.cwd}/docs/report.md: it is not there" in words
    assert ask(worker, tool, **given) == ""


def test_what_is_there_is_not_asked_for(worker: AgentContext) -> None:
    report = worker.work_dir / "worktrees/worker/docs/report.md"
    report.parent.mkdir()
    report.symlink_to("/etc/passwd")
    assert "links are not followed" in ask(worker, "SendMessage", **APPROVAL)
    report.unlink()
    report.write_text("found it")
    assert ask(worker, "SendMessage", **APPROVAL) == ""


def test_other_mail_goes_its_way(worker: AgentContext) -> None:
    assert ask(worker, "SendMessage", to="lead", message="Done.") == ""
    refusal = {"to": "team-lead", "message": {"type": "shutdown_response", "approve": False}}
    assert ask(worker, "SendMessage", **refusal) == ""


def test_an_agent_that_makes_nothing_has_no_such_hook(context: MakeContext) -> None:
    worker = context()
    prepare_home(worker, choose_credential({"ANTHROPIC_API_KEY": "sk-ant-x"}))
    settings = json.loads(read_bounded(worker.home_dir / "settings.json", 2**20))
    assert settings["hooks"]["PreToolUse"] == []
