"""Protocol messages in words: what a person reads in place of the JSON of an idle notice or a shutdown.

The types are the native messages of the real CLI (docs/protocol-notes.md). The result is text of agents
all the same: it goes through ``safetext`` before a terminal sees it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Data = Mapping[str, Any]


def in_words(entry: Mapping[str, Any]) -> str:
    """The text of a ``message`` entry: as written, or a sentence for a protocol message of a known type."""
    data = entry.get("data")
    wording = _WORDINGS.get(str(entry.get("type")))
    if wording is None or not isinstance(data, Mapping):
        return _text(entry.get("text"))
    return wording(data)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _with(start: str, detail: object) -> str:
    text = _text(detail)
    return f"{start}: {text}" if text else start


def _idle(data: Data) -> str:
    if data.get("idleReason") == "failed":
        return _with("turn failed", data.get("failureReason"))
    return _with("idle", data.get("result") or data.get("summary"))


def _assignment(data: Data) -> str:
    return _with(f"assigned task {_text(data.get('taskId'))}", data.get("subject"))


def _permission(data: Data) -> str:
    return _with(f"asks to use {_text(data.get('tool_name')) or 'a tool'}", data.get("description"))


def _permission_answer(data: Data) -> str:
    allowed = data.get("subtype") == "success"
    return "allowed the tool" if allowed else _with("refused the tool", data.get("error"))


def _plan_answer(data: Data) -> str:
    return _with(
        "approved the plan" if data.get("approved") is True else "rejected the plan", data.get("feedback")
    )


_WORDINGS: Final[Mapping[str, Callable[[Data], str]]] = {
    "idle_notification": _idle,
    "task_assignment": _assignment,
    "shutdown_request": lambda data: _with("asked to shut down", data.get("reason")),
    "shutdown_approved": lambda _: "agreed to shut down",
    "shutdown_rejected": lambda data: _with("will not shut down", data.get("reason")),
    "plan_approval_request": lambda data: _with("asks to approve a plan", data.get("planContent")),
    "plan_approval_response": _plan_answer,
    "permission_request": _permission,
    "permission_response": _permission_answer,
}
