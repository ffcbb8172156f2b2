"""Reads hook payloads: which message was sent, which task was given to whom, what the agent is doing.

Payloads are those of the real CLI (tests/fixtures/protocol-samples); everything in them may be missing or
wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kagents_runner.record.letters import Letter

WORKING: Final = frozenset({"UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolBatch", "TaskCreated"})
"""Events that only a running turn gives. TaskCompleted is none: it also comes at every turn's end."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A task was given to an agent by TaskUpdate; ``key`` is the tool call's id."""

    key: str
    task_id: str
    owner: str


@dataclass(frozen=True, slots=True)
class Signal:
    """What the agent is doing from now on."""

    state: str
    detail: str | None = None


def sent_letter(agent: str, payload: Mapping[str, Any], at: str) -> Letter | None:
    """The message that a finished SendMessage put into a mailbox; its id may be missing (old CLI
    versions)."""
    response = _tool_response(payload, "SendMessage")
    if response is None or response.get("success") is not True:
        return None
    routing, given = _object(response.get("routing")), _object(payload.get("tool_input"))
    to = (_text(routing.get("target")) or _text(given.get("to"))).removeprefix("@")
    text = routing.get("content", given.get("message"))
    if not to or not isinstance(text, str):
        return None
    summary = routing.get("summary", given.get("summary"))
    return Letter(
        sender=agent,
        to=to,
        text=text,
        summary=summary if isinstance(summary, str) else None,
        written=at,
        id=_text(response.get("msg_id")) or None,
    )


def call_id(payload: Mapping[str, Any]) -> str:
    """The tool call's id, or an empty text."""
    return _text(payload.get("tool_use_id"))


def assignment(agent: str, payload: Mapping[str, Any]) -> Assignment | None:
    """The assignment that a finished TaskUpdate made, when it named another agent as owner.

    Natively that writes a ``task_assignment`` into the new owner's mailbox, whose id the hook does not tell.
    """
    response = _tool_response(payload, "TaskUpdate")
    if response is None or response.get("success") is not True:
        return None
    given, updated = _object(payload.get("tool_input")), response.get("updatedFields")
    owner, task_id, key = _text(given.get("owner")), _text(given.get("taskId")), call_id(payload)
    if not owner or not task_id or not key or owner == agent:
        return None
    return Assignment(key, task_id, owner) if isinstance(updated, list) and "owner" in updated else None


def signal(payload: Mapping[str, Any]) -> Signal | None:
    """What the event says about the agent's state; None for events that say nothing."""
    event = _text(payload.get("hook_event_name"))
    if event == "SessionStart":
        return Signal("starting", "resumed" if payload.get("source") == "resume" else None)
    if event in WORKING:
        return Signal("working")
    if event == "TeammateIdle":
        return Signal("idle")
    if event == "StopFailure":
        reason = _text(payload.get("last_assistant_message")) or _text(payload.get("error"))
        return Signal("failed", reason or None)
    return None


def _tool_response(payload: Mapping[str, Any], tool: str) -> Mapping[str, Any] | None:
    if payload.get("hook_event_name") != "PostToolUse" or payload.get("tool_name") != tool:
        return None
    response = payload.get("tool_response")
    return response if isinstance(response, dict) else None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
