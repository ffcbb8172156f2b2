"""The hook that keeps an agent to its scope: before an editing tool, and once at the end of a turn.

``python -I -m kagents_runner.harness.claude_code.scope_hook FILE`` reads the CLI's payload from stdin and the
scope from FILE. What it cannot judge it lets pass: the same check is made again before anything is merged.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kagents_runner.scope import Scope

EDITING_TOOLS: Final = "Edit|Write|MultiEdit|NotebookEdit"
_GIT_SECONDS: Final = 20.0
_PAYLOAD_LIMIT: Final = 16 * 1024 * 1024
_NAMED: Final = 10


def main() -> int:
    """Prints the CLI's decision, or nothing."""
    told = json.loads(Path(sys.argv[1]).read_text())
    scope = Scope(tuple(told["include"]), tuple(told["exclude"]))
    payload = json.loads(sys.stdin.buffer.read(_PAYLOAD_LIMIT))
    worktree = Path(told["worktree"])
    if payload.get("hook_event_name") == "PreToolUse":
        answer = before_tool(scope, worktree, payload)
    elif payload.get("hook_event_name") == "Stop" and not payload.get("stop_hook_active"):
        answer = at_turn_end(scope, worktree, told["base"])
    else:
        answer = None
    if answer is not None:
        print(json.dumps(answer))  # noqa: T201 - the CLI reads a hook's decision there
    return 0


def before_tool(scope: Scope, worktree: Path, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """Refuses to edit a file of the repository that is not the agent's."""
    given = payload.get("tool_input") or {}
    name = given.get("file_path") or given.get("notebook_path")
    if not isinstance(name, str):
        return None
    root = os.path.realpath(worktree)
    path = os.path.realpath(os.path.join(root, name))  # noqa: PTH118 - an absolute name replaces the root
    relative = os.path.relpath(path, root)
    outside = relative.startswith(os.pardir)
    if outside and not path.startswith(os.path.realpath(worktree.parent) + os.sep):
        return None
    if not outside and scope.allows(relative):
        return None
    what = f"{name} is in the worktree of another agent" if outside else f"{relative} is outside your scope"
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": f"{what}. {scope.words()}",
        }
    }


def at_turn_end(scope: Scope, worktree: Path, base: str) -> dict[str, Any] | None:
    """Sends the agent back once when a command of its own has changed what is not its."""
    found = scope.violations(_changed(worktree, base))
    if not found:
        return None
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    reason = (
        f"You have changed files outside your scope: {', '.join(found[:_NAMED])}{more}. {scope.words()} "
        f"Put them back as they were (git checkout {base} -- FILE, or git rm for new ones), and commit."
    )
    return {"decision": "block", "reason": reason}


def _changed(worktree: Path, base: str) -> list[str]:
    """Files that differ from where the agent began, committed or not."""
    try:
        since = _git(worktree, "merge-base", "HEAD", base).strip()
        names = _git(worktree, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", since)
        new = _git(worktree, "ls-files", "--others", "--exclude-standard", "-z")
    except (OSError, subprocess.SubprocessError):
        return []
    return [name for name in (names + new).split("\0") if name]


def _git(worktree: Path, *arguments: str) -> str:
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments]
    return subprocess.run(
        command, cwd=worktree, capture_output=True, text=True, timeout=_GIT_SECONDS, check=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
