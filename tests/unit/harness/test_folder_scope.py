"""A scope in a folder that agents share without git: what changed is found by looking before and after."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kagents_runner.harness.claude_code import folder_scope
from kagents_runner.harness.claude_code.folder_scope import FolderScope
from kagents_runner.outside import tell_outside, told_outside
from kagents_runner.scope import Scope

HOOK = [sys.executable, "-I", "-m", "kagents_runner.harness.claude_code.scope_hook"]


class Agent:
    """An agent that may change ``reports/`` of the shared folder; its hook runs as the CLI calls it."""

    def __init__(self, root: Path) -> None:
        self.folder, self.home = root / "output", root / "home"
        self.folder.mkdir()
        self.home.mkdir()
        self.file = self.home / "scope.json"
        told = {"include": ["reports/"], "exclude": [], "worktree": str(self.folder), "base": None}
        self.file.write_text(json.dumps(told | {"state": str(self.home / "scope")}))
        self.calls = 0

    def hook(self, event: str, **payload: Any) -> dict[str, Any] | None:
        ran = subprocess.run(
            [*HOOK, str(self.file)],
            input=json.dumps({"hook_event_name": event, **payload}),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return json.loads(ran.stdout) if ran.stdout else None

    def command(self, shell: str) -> None:
        self.calls += 1
        call = {"tool_name": "Bash", "tool_use_id": f"toolu_{self.calls}", "tool_input": {"command": shell}}
        assert self.hook("PreToolUse", **call) is None
        subprocess.run(shell, shell=True, cwd=self.folder, check=True, timeout=60)
        assert self.hook("PostToolUse", **call) is None

    def ends_turn(self, *, again: bool = False) -> str | None:
        answer = self.hook("Stop", stop_hook_active=again)
        return answer["reason"] if answer else None


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


def edit(agent: Agent, path: str) -> str | None:
    answer = agent.hook("PreToolUse", tool_name="Write", tool_input={"file_path": path, "content": "x"})
    return answer["hookSpecificOutput"]["permissionDecisionReason"] if answer else None


def test_editing_tools_are_held_to_the_scope(agent: Agent) -> None:
    assert edit(agent, str(agent.folder / "reports/a.md")) is None
    refused = edit(agent, str(agent.folder / "data/a.csv"))
    assert refused is not None and "data/a.csv is outside your scope" in refused
    assert "Change only these paths of your working directory: reports/." in refused
    assert edit(agent, "reports/../b.md") is not None
    assert edit(agent, "/tmp/notes.md") is None
    (agent.folder / "link").symlink_to(agent.folder / "data")
    assert edit(agent, "link/x") is not None


def test_a_command_that_strays_sends_the_agent_back_and_is_told_until_put_back(
    agent: Agent,
) -> None:
    (agent.folder / "data.csv").write_text("1\n")
    agent.command("mkdir reports; echo r > reports/a.md; echo 2 >> data.csv; echo n > new.txt; ln -s / away")
    reason = agent.ends_turn()
    assert reason is not None and "ran: away, data.csv, new.txt." in reason
    assert told_outside(agent.home) == ["away", "data.csv", "new.txt"]
    agent.command("echo 1 > data.csv; rm away")
    assert agent.ends_turn(again=True) is None
    assert told_outside(agent.home) == ["new.txt"]
    agent.command("rm new.txt")
    assert agent.ends_turn() is None
    assert told_outside(agent.home) == []


def test_what_others_change_between_its_commands_is_not_its(agent: Agent) -> None:
    agent.command("true")
    (agent.folder / "theirs.md").write_text("written by another agent")
    agent.command("true")
    assert agent.ends_turn() is None
    assert told_outside(agent.home) == []


def test_a_file_that_is_removed_counts(agent: Agent) -> None:
    (agent.folder / "data.csv").write_text("1\n")
    agent.command("rm data.csv")
    assert "data.csv" in (agent.ends_turn() or "")


def test_large_and_odd_files_are_told_apart_too(agent: Agent) -> None:
    (agent.folder / "large").write_bytes(b"x" * 300_000)
    agent.command("printf y >> large; touch $(printf 'a\\377b'); mkfifo pipe")
    reason = agent.ends_turn()
    assert reason is not None and "large" in reason and "pipe" in reason
    assert any(name.startswith("a") for name in told_outside(agent.home))


def test_a_folder_with_too_many_files_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_scope, "MOST_FILES", 3)
    agent = Agent(tmp_path)
    watched = FolderScope(agent.home / "scope", agent.folder, Scope(("reports/",)))
    for number in range(5):
        (agent.folder / f"{number}").write_text("x")
    watched.before("one")
    (agent.folder / "0").write_text("y")
    watched.after("one")
    assert watched.strayed() == []


@pytest.mark.parametrize("text", ["", "{}", "[1, null]", "[" * 20000, "\\ud800"])
def test_what_an_agent_writes_there_itself_breaks_nothing(tmp_path: Path, text: str) -> None:
    tell_outside(tmp_path / "scope", ["a"])
    assert told_outside(tmp_path) == ["a"]
    (tmp_path / "scope/outside.json").write_text(text)
    assert told_outside(tmp_path) == []
