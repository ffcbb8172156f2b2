"""The hook that keeps an agent to its scope: before an editing tool, and once at the end of a turn.

``python -I -m kagents_runner.harness.claude_code.scope_hook FILE`` reads the CLI's payload from stdin and the
scope from FILE. What it cannot judge it lets pass: the same check is made again before anything is merged.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from kagents_runner.harness.claude_code.folder_scope import FolderScope
from kagents_runner.scope import FOLDER, REPOSITORY, Scope

EDITING_TOOLS: Final = "Edit|Write|MultiEdit|NotebookEdit"
COMMAND_TOOLS: Final = ("Bash",)
_GIT_SECONDS: Final = 20.0
_PAYLOAD_LIMIT: Final = 16 * 1024 * 1024
_NAMED: Final = 10


def main() -> int:
    """Prints the CLI's decision, or nothing."""
    told = json.loads(Path(sys.argv[1]).read_text())
    scope = Scope(tuple(told["include"]), tuple(told["exclude"]))
    payload = json.loads(sys.stdin.buffer.read(_PAYLOAD_LIMIT))
    worktree = Path(told["worktree"])
    if told["base"] is None:
        answer = _in_folder(scope, worktree, FolderScope(Path(told["state"]), worktree, scope), payload)
    elif payload.get("hook_event_name") == "PreToolUse":
        answer = before_tool(scope, worktree, payload)
    elif payload.get("hook_event_name") == "Stop" and not payload.get("stop_hook_active"):
        answer = at_turn_end(scope, worktree, told["base"])
    else:
        answer = None
    if answer is not None:
        print(json.dumps(answer))  # noqa: T201 - the CLI reads a hook's decision there
    return 0


def _in_folder(
    scope: Scope, folder: Path, watched: FolderScope, payload: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The same for a folder that all agents share, without git."""
    event, call = payload.get("hook_event_name"), str(payload.get("tool_use_id"))
    if payload.get("tool_name") in COMMAND_TOOLS:
        (watched.before if event == "PreToolUse" else watched.after)(call)
        return None
    if event == "PreToolUse":
        return before_tool(scope, folder, payload, alone=False)
    strayed = watched.strayed()
    if not strayed or payload.get("stop_hook_active"):
        return None
    reason = (
        f"Files outside your scope have changed while your commands ran: {_some(strayed)}. "
        f"{scope.words(FOLDER)} Put back what you have changed, and leave alone what other agents did."
    )
    return {"decision": "block", "reason": reason}


def before_tool(
    scope: Scope, worktree: Path, payload: Mapping[str, Any], *, alone: bool = True
) -> dict[str, Any] | None:
    """Refuses to edit a file that is not the agent's; ``alone``: in a worktree of its own."""
    given = payload.get("tool_input")
    given = given if isinstance(given, dict) else {}
    name = given.get("file_path") or given.get("notebook_path")
    if not isinstance(name, str):
        return None
    root = os.path.realpath(worktree)
    path = os.path.realpath(os.path.join(root, name))  # noqa: PTH118 - an absolute name replaces the root
    relative = os.path.relpath(path, root)
    outside = relative.startswith(os.pardir)
    if outside and not (alone and path.startswith(os.path.realpath(worktree.parent) + os.sep)):
        return None
    if not outside and scope.allows(relative):
        return None
    what = f"{name} is in the worktree of another agent" if outside else f"{relative} is outside your scope"
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": f"{what}. {scope.words(REPOSITORY if alone else FOLDER)}",
        }
    }


def at_turn_end(scope: Scope, worktree: Path, base: str) -> dict[str, Any] | None:
    """Sends the agent back once when a command of its own has changed what is not its."""
    found = scope.violations(_changed(worktree, base))
    if not found:
        return None
    reason = (
        f"You have changed files outside your scope: {_some(found)}. {scope.words()} "
        f"Put them back as they were (git checkout {base} -- FILE, or git rm for new ones), and commit."
    )
    return {"decision": "block", "reason": reason}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


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
