"""What one request to the model says: who asks, what was asked last, and what was done about it since."""

import json
import re
from dataclasses import dataclass
from typing import Any

_IDENTITY = re.compile(r"You are `([^`]+)`, an agent of the team `([^`]+)`")
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)


@dataclass(frozen=True)
class Conversation:
    """A request as a script sees it."""

    agent: str
    team: str
    session: str
    has_tools: bool
    prompt: str
    """The last user message that is no tool result, without the CLI's own reminders."""
    calls: tuple[dict[str, Any], ...]
    """The tool calls made since ``prompt``, oldest first."""
    results: tuple[str, ...]
    """Their results."""
    everything: str
    """All user texts and tool results so far, for scripts that must know whether something was ever seen."""


def read_conversation(body: dict[str, Any], session: str) -> Conversation:
    """Reads the body of ``POST /v1/messages``."""
    identity = _IDENTITY.search(_text(body.get("system")))
    prompt, calls, results, everything = "", [], [], []
    for message in body.get("messages", []):
        blocks = _blocks(message.get("content"))
        if message.get("role") == "assistant":
            calls += [block for block in blocks if block.get("type") == "tool_use"]
            continue
        found = [_text(block.get("content")) for block in blocks if block.get("type") == "tool_result"]
        spoken = _REMINDER.sub("", "\n".join(b["text"] for b in blocks if b.get("type") == "text")).strip()
        everything += [*found, spoken]
        results += found
        if spoken and not found:
            prompt, calls, results = spoken, [], []
    return Conversation(
        agent=identity.group(1) if identity else "",
        team=identity.group(2) if identity else "",
        session=session,
        has_tools=bool(body.get("tools")),
        prompt=prompt,
        calls=tuple(calls),
        results=tuple(results),
        everything="\n".join(everything),
    )


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or [])


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(block.get("text", "")) if isinstance(block, dict) else "" for block in content)
    return "" if content is None else json.dumps(content)
