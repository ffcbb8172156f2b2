"""The real CLI's hook that holds back what unchecked work must not do: complete a task, approve the end.

``python -I -m kagents_runner.quality.claude_code_hook FILE`` reads the CLI's payload from stdin and
the checks from FILE. It answers only when they fail: the tool call is then refused, with the output. The
CLI's own event ``TaskCompleted`` would be too much: it also comes when a turn ends that leaves a task open.
"""

import asyncio
import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

HELD_TOOLS: Final = "TaskUpdate|SendMessage|mcp__kagents__finish"
_PAYLOAD_LIMIT: Final = 16 * 1024 * 1024
_LISTEN_SECONDS: Final = 0.25


def main() -> int:
    """Prints the CLI's decision, or nothing."""
    payload = json.loads(sys.stdin.buffer.read(_PAYLOAD_LIMIT))
    if not is_held(payload):
        return 0
    told = asyncio.run(_inspect(json.loads(Path(sys.argv[1]).read_text())))
    if told:
        answer = {"hookEventName": "PreToolUse", "permissionDecision": "deny"}
        answer["permissionDecisionReason"] = told
        print(json.dumps({"hookSpecificOutput": answer}))  # noqa: T201 - the CLI reads a hook's decision there
    return 0


def is_held(payload: Mapping[str, Any]) -> bool:
    """Whether a tool call has to wait for the checks."""
    given = payload.get("tool_input")
    given = given if isinstance(given, dict) else {}
    match payload.get("tool_name"):
        case "TaskUpdate":
            return bool(given.get("status") == "completed")
        case "SendMessage":
            return _approves_the_end(given.get("message"))
        case "mcp__kagents__finish":
            return True
    return False


def _approves_the_end(message: object) -> bool:
    if isinstance(message, str):
        with contextlib.suppress(ValueError, RecursionError):
            message = json.loads(message)
    return (
        isinstance(message, dict)
        and message.get("type") == "shutdown_response"
        and message.get("approve") not in (False, None)
    )


async def _inspect(told: Mapping[str, Any]) -> str:
    """What is wrong with the work; empty when nothing is."""
    from kagents_runner.quality.inspection import Inspector, Place  # most calls end before they need it
    from kagents_runner.quality.wanted import Quality

    task = asyncio.current_task()
    assert task is not None
    deserted = asyncio.create_task(_until_deserted())
    deserted.add_done_callback(lambda _: task.cancel())
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    lock = Path(told["lock"]) if told["lock"] else None
    place = Place(Path(told["worktree"]), Path(told["home"]), told["base"], lock)
    try:
        return (await Inspector(Quality(**told["quality"]), place, os.environ).inspect()).told
    except OSError as error:
        return f"The checks of this team cannot be run: {error.strerror or error}. Try again in a while."


async def _until_deserted() -> None:
    """Returns once nobody reads our answer any more: the CLI was killed, its checks must not outlive it."""
    listener = select.poll()
    listener.register(sys.stdout.fileno(), 0)  # only what is always told: that the other end is gone
    while not listener.poll(0):  # noqa: ASYNC110 - no event tells it
        await asyncio.sleep(_LISTEN_SECONDS)


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError):
        sys.exit(main())
