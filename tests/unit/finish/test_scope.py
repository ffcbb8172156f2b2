"""An agent's scope: what it allows, what the hook refuses, and what becomes of changes outside it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner_places import git

from kagents_runner.scope import Scope

pytestmark = pytest.mark.long

HOOK = [sys.executable, "-I", "-m", "kagents_runner.harness.claude_code.scope_hook"]


@pytest.mark.parametrize(
    ("include", "exclude", "path", "allowed"),
    [
        ((), (), "a/b", True),
        (("src/api/",), (), "src/api/x.py", True),
        (("src/api/",), (), "src/api", True),
        (("src/api",), (), "src/apis/x.py", False),
        (("./src",), (), "src/x.py", True),
        (("*.md",), (), "README.md", True),
        (("*.md",), (), "docs/README.md", False),
        (("**/*.md",), (), "docs/a/README.md", True),
        (("**/*.md",), (), "README.md", True),
        (("src/**/test_*.py",), (), "src/a/b/test_x.py", True),
        (("src/**/test_*.py",), (), "src/test_x.py", True),
        (("src/",), ("src/secret/",), "src/secret/k", False),
        ((), ("src/secret/",), "other", True),
        (("a+b(c)",), (), "a+b(c)", True),
        (("a.b",), (), "axb", False),
    ],
)
def test_what_a_scope_allows(include, exclude, path, allowed):
    assert Scope(include, exclude).allows(path) is allowed


@given(st.lists(st.text(min_size=1, max_size=12), max_size=4), st.text(max_size=40))
def test_no_entry_and_no_path_breaks_it(entries, path):
    scope = Scope(tuple(entries))
    assert scope.allows(path) in (True, False)
    assert (
        not Scope((), tuple(entries)).allows(path) or entries == [] or not Scope(tuple(entries)).allows(path)
    )


class Hooked:
    """The hook as the CLI calls it, in a real worktree."""

    def __init__(self, finishing, agent: str) -> None:
        self.worktree = finishing.place.work / "worktrees" / agent
        self.file = finishing.place.root / "scope.json"
        told = {"include": ["src/"], "exclude": [], "worktree": str(self.worktree), "base": "origin/main"}
        self.file.write_text(json.dumps(told))

    def answer(self, **payload) -> dict | None:
        command = [*HOOK, str(self.file)]
        ran = subprocess.run(command, input=json.dumps(payload), capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout) if ran.stdout else None

    def edit(self, path: Path | str) -> str | None:
        answer = self.answer(
            hook_event_name="PreToolUse", tool_name="Edit", tool_input={"file_path": str(path)}
        )
        if answer is None:
            return None
        assert answer["hookSpecificOutput"]["permissionDecision"] == "deny"
        return answer["hookSpecificOutput"]["permissionDecisionReason"]


@pytest.fixture
def hooked(finishing):
    return Hooked(finishing, "backend")


def test_the_hook_refuses_to_edit_what_is_not_the_agents(hooked, tmp_path):
    tree = hooked.worktree
    assert hooked.edit(tree / "src/a.py") is None
    assert "README.md is outside your scope" in hooked.edit(tree / "README.md")
    assert "outside your scope" in hooked.edit(tree / "src/../README.md")
    assert "another agent" in hooked.edit(tree.parent / "tests/src/a.py")
    assert hooked.edit(tmp_path / "notes.txt") is None
    (tree / "src").mkdir()
    (tree / "src/link").symlink_to(tree / "README.md")
    assert "README.md is outside your scope" in hooked.edit(tree / "src/link")


def test_the_turns_end_sends_the_agent_back_once(hooked, finishing):
    finishing.work("backend", "src/a.py", "a\n")
    assert hooked.answer(hook_event_name="Stop", stop_hook_active=False) is None
    finishing.work("backend", "README.md", "changed\n")
    finishing.work("backend", "new.txt", "new\n", commit=False)
    answer = hooked.answer(hook_event_name="Stop", stop_hook_active=False)
    assert answer["decision"] == "block"
    assert "README.md, new.txt" in answer["reason"]
    assert hooked.answer(hook_event_name="Stop", stop_hook_active=True) is None


@pytest.fixture
def strayed(finishing):
    """backend has changed its own files, one that was there, and added one that is not its."""
    finishing.work("backend", "src/api.py", "api\n")
    finishing.work("backend", "README.md", "changed\n")
    finishing.work("backend", "odd name\t.txt", "odd\n")
    finishing.wish["scopes"] = {"backend": {"include": ["src/"]}}
    return finishing


def test_changes_outside_are_reported(strayed):
    told = strayed.outcome()
    assert "backend changed files outside its scope (kept): README.md" in told["warnings"][0]
    assert strayed.pushed("README.md") == "changed"


def test_changes_outside_are_taken_out(strayed):
    strayed.wish["scopes"]["backend"]["onViolation"] = "revert"
    told = strayed.outcome()
    assert "(taken out)" in told["warnings"][0]
    assert (strayed.pushed("README.md"), strayed.pushed("src/api.py")) == ("hello", "api")
    names = git(strayed.remote, "ls-tree", "-r", "--name-only", "kagents/demo").splitlines()
    assert names == ["README.md", "src/api.py"]
    assert strayed.outcome()["commit"] == told["commit"]


def test_changes_outside_stop_the_delivery(strayed):
    strayed.wish["scopes"]["backend"]["onViolation"] = "fail"
    ran = strayed.merge()
    assert ran.code == 64
    assert "backend changed 2 files outside its scope (README.md" in ran.sentence


def test_what_a_dependency_did_is_not_held_against_those_that_build_on_it(finishing):
    finishing.work("backend", "src/api.py", "api\n")
    worktree = finishing.place.work / "worktrees" / "tests"
    git(worktree, "merge", "-q", "kagents/demo/backend")
    finishing.work("tests", "tests/test_api.py", "test\n")
    finishing.wish["scopes"] = {"tests": {"include": ["tests/"], "onViolation": "fail"}}
    assert "warnings" not in finishing.outcome()
