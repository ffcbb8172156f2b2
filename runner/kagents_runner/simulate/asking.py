"""What a simulated agent asks of people: the native requests, and what an answer says to its log."""

import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from kagents_core.asks import QUESTION_TOOL
from kagents_core.simulation import AskPermission, AskQuestion, SubmitPlan
from kagents_core.teamfiles.nativejson import timestamp

_DESCRIPTION: Final = (
    "Asks the user multiple choice questions to gather information, clarify ambiguity, understand "
    "preferences, make decisions or offer them choices."
)


def permission_request(agent: str, step: AskPermission | AskQuestion) -> dict[str, Any]:
    """The native request for a tool call. Like the real CLI's, its id is new each time it is asked."""
    if isinstance(step, AskQuestion):
        options = [{"label": option, "description": option} for option in step.options]
        question = {"question": step.question, "header": step.question[:12], "options": options}
        tool, given = QUESTION_TOOL, {"questions": [{**question, "multiSelect": step.multiple}]}
        description = _DESCRIPTION
    else:
        tool, given = step.tool, dict(step.input)
        told = given.get("description") or given.get("command") or step.tool
        description = str(told)[:200]
    return {
        "type": "permission_request",
        "request_id": f"perm-{time.time_ns() // 1_000_000}-{secrets.token_hex(4)[:7]}",
        "agent_id": agent,
        "tool_name": tool,
        "tool_use_id": f"toolu_{secrets.token_hex(12)}",
        "description": description,
        "input": given,
        "permission_suggestions": [],
    }


def plan_request(agent: str, team: str, plan: str) -> dict[str, Any]:
    """The native request for the approval of a plan."""
    return {
        "type": "plan_approval_request",
        "from": agent,
        "timestamp": timestamp(),
        "planFilePath": "",
        "planContent": plan,
        "requestId": f"plan_approval-{time.time_ns() // 1_000_000}@{agent}@{team}",
    }


def told(step: AskPermission | AskQuestion | SubmitPlan, answer: Mapping[str, Any]) -> str:
    """The answer in words."""
    if isinstance(step, SubmitPlan):
        words = "plan approved" if answer.get("approved") is True else "plan rejected"
        return f"{words}: {answer['feedback']}" if answer.get("feedback") else words
    if answer.get("subtype") != "success":
        return f"refused: {answer.get('error')}"
    if isinstance(step, AskPermission):
        return f"allowed: {step.tool}"
    given = answer.get("response", {}).get("updated_input", {}).get("answers", {})
    return f"answered: {given.get(step.question)}"
