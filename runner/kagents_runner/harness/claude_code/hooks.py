"""The CLI's hooks as the event feed: shell one-liners that append each payload to the agent's event file.

A payload is one line of JSON that begins with ``{"`` and ends with a newline (observed up to 200
KB). The time is put in as its first field. ``dd`` collects the whole of it and appends it by a
single ``write`` with ``O_APPEND``: hooks of parallel tools cannot tear each other's lines, which
``cat >>`` does beyond its buffer. Nothing is printed, because what a SessionStart hook prints would
become part of the conversation, and the status is always 0, because another one would steer the
agent.
"""

import shlex
import sys
from pathlib import Path
from typing import Any

from kagents_runner.artifacts.claude_code_hook import HELD_TOOLS as ENDING_TOOLS
from kagents_runner.harness.claude_code.scope_hook import COMMAND_TOOLS, EDITING_TOOLS
from kagents_runner.quality.claude_code_hook import HELD_TOOLS

_SCOPE = "kagents_runner.harness.claude_code.scope_hook"
_ARTIFACTS = "kagents_runner.artifacts.claude_code_hook"
_QUALITY = "kagents_runner.quality.claude_code_hook"

LINE_BYTES = 16 * 1024 * 1024
EVENTS = (
    "SessionStart",
    "TaskCompleted",
    "Stop",
    "StopFailure",
    "TeammateIdle",
    "SessionEnd",
    "Notification",
)
TOOLS = "SendMessage|TaskCreate|TaskUpdate"
_TIMEOUT_SECONDS = 30


def append_command(events: Path) -> str:
    """The shell command that appends one payload to ``events``."""
    return (
        """{ printf '{"kagentsAt":"%s",' "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)"; tail -c +2; } | """
        f"dd of={shlex.quote(str(events))} bs={LINE_BYTES} iflag=fullblock oflag=append conv=notrunc "
        "status=none >/dev/null 2>&1; exit 0"
    )


def hook_settings(
    events: Path,
    scope: Path | None = None,
    quality: tuple[Path, int] | None = None,
    *,
    commands: bool = False,
    artifacts: Path | None = None,
) -> dict[str, Any]:
    """The value of ``hooks`` in the CLI's ``settings.json``.

    ``scope`` is the file of an agent's scope, which with ``commands`` is judged by what each of them changes;
    ``quality`` is the file of its checks, and their time limit; ``artifacts`` that of what it is to make.
    """
    hook = {"type": "command", "command": append_command(events), "timeout": _TIMEOUT_SECONDS}
    settings: dict[str, Any] = {name: [{"hooks": [hook]}] for name in EVENTS}
    settings["PostToolUse"] = [{"matcher": TOOLS, "hooks": [hook]}]
    before = settings["PreToolUse"] = []
    if scope is not None:
        judge = _program(_SCOPE, scope, _TIMEOUT_SECONDS)
        before.append({"matcher": EDITING_TOOLS, "hooks": [judge]})
        if commands:
            around = {"matcher": "|".join(COMMAND_TOOLS), "hooks": [judge]}
            before.append(around)
            settings["PostToolUse"].append(around)
        settings["Stop"].append({"hooks": [judge]})
    if quality is not None:
        before.append({"matcher": HELD_TOOLS, "hooks": [_program(_QUALITY, *quality)]})
    if artifacts is not None:
        before.append({"matcher": ENDING_TOOLS, "hooks": [_program(_ARTIFACTS, artifacts, _TIMEOUT_SECONDS)]})
    return settings


def _program(module: str, file: Path, seconds: int) -> dict[str, Any]:
    command = shlex.join([sys.executable, "-I", "-m", module, str(file)])
    return {"type": "command", "command": command, "timeout": seconds}
