"""The real CLI's hook that reminds an agent, before it ends, of what it was to make and has not.

``python -I -m kagents_runner.artifacts.claude_code_hook FILE`` reads the CLI's payload from stdin and what is
declared from FILE. It refuses to approve the end, or to finish the team, only so often: an agent that cannot
make what it was asked for must be able to say so and end; then the team's status tells what is missing.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from kagents_runner.artifacts.collect import missing
from kagents_runner.documents import ArtifactDocument
from kagents_runner.quality.claude_code_hook import is_held

HELD_TOOLS: Final = "SendMessage|mcp__kagents__finish"
MOST_REMINDERS: Final = 2
_PAYLOAD_LIMIT: Final = 16 * 1024 * 1024


def main() -> int:
    """Prints the CLI's decision, or nothing."""
    payload = json.loads(sys.stdin.buffer.read(_PAYLOAD_LIMIT))
    told = json.loads(Path(sys.argv[1]).read_text())
    if is_held(payload) and (words := reminder(told)):
        answer = {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": words,
        }
        print(json.dumps({"hookSpecificOutput": answer}))  # noqa: T201 - the CLI reads a hook's decision there
    return 0


def reminder(told: dict[str, Any]) -> str:
    """What is missing, in words for the agent; empty when nothing is, or when it was told often enough."""
    wanted = [ArtifactDocument(each["name"], each["path"]) for each in told["artifacts"]]
    found = missing(Path(told["root"]), told["place"], wanted)
    counter = Path(told["reminders"])
    count = len(counter.read_bytes()) if counter.is_file() else 0
    if not found or count >= MOST_REMINDERS:
        return ""
    with counter.open("ab") as file:
        file.write(b".")
    lines = "\n".join(f"- {each.name}: {Path(told['cwd']) / each.path}: {why}" for each, why in found.items())
    return (
        f"Before you end, these artifacts must be there, as plain files or folders:\n{lines}\n"
        "Make them, then call this again. If you cannot make one, tell the lead why, then call this again."
    )


if __name__ == "__main__":
    sys.exit(main())
