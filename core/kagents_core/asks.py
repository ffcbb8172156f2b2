"""What agents ask of people, and what people answer: permissions, plans, questions, in the native messages.

An agent's CLI sends ``permission_request`` (a question is one for the tool ``AskUserQuestion``) or
``plan_approval_request`` to team-lead's mailbox, and goes on once ``permission_response`` or
``plan_approval_response`` lies in its own (docs/protocol-notes.md). All of a request is an agent's text.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from kagents_core.safetext import clean

AskKind = Literal["permission", "plan", "question"]
Mode = Literal["edits", "everything", "each"]
Choices = tuple[tuple[str | int, ...], ...]

ASKING: Final = frozenset({"permission_request", "plan_approval_request"})
"""Native message types that ask for an answer."""
QUESTION_TOOL: Final = "AskUserQuestion"
PLAN_TOOL: Final = "ExitPlanMode"
ID_LIMIT: Final = 200
"""Characters of a request's id; a longer one, or one with spaces or control characters, is no id."""
INPUT_LIMIT: Final = 64 * 1024
"""Characters of a tool call (as JSON) or a plan that are kept whole; beyond that each text in it is cut."""
SUMMARY_LIMIT: Final = 200
REASON_LIMIT: Final = 4000
CHOICE_LIMIT: Final = 1000
BY_LIMIT: Final = 200
MODES: Final[Mapping[Mode, str]] = {
    "edits": "acceptEdits",
    "everything": "bypassPermissions",
    "each": "default",
}
"""How the agent may work once its plan is approved, and the native name of that mode."""

_TEXT_LIMIT: Final = 2000
_ITEMS: Final = 100
_DEPTH: Final = 8
_QUESTIONS, _OPTIONS = 8, 20
_TELLING: Final = ("command", "file_path", "notebook_path", "url", "query", "pattern", "path", "description")


class AnswerError(ValueError):
    """An answer that does not fit its request; ``str()`` is one plain sentence."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of an agent. ``input`` is the exact tool call, or ``{"plan": text}``.

    ``cut`` says that it was too long and is not whole: then a question cannot be answered by a choice.
    """

    id: str
    agent: str
    kind: AskKind
    tool: str
    summary: str
    input: Mapping[str, Any]
    cut: bool
    tool_use_id: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its options (label, description)."""

    text: str
    header: str
    options: tuple[tuple[str, str], ...]
    multiple: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person decided. ``choices``: for each question the numbers (from 1) of options, or own words."""

    allow: bool
    by: str
    reason: str | None = None
    choices: Choices = ()
    mode: Mode | None = None


def ask_of(agent: str, data: Mapping[str, Any]) -> Ask | None:
    """The request in a protocol message of ``agent``; None for any other message, or without a sane id."""
    kind = data.get("type")
    if kind == "permission_request":
        identity, given = data.get("request_id"), _mapping(data.get("input"))
        tool = _line(data.get("tool_name"), 100) or "a tool"
        what: AskKind = "question" if tool == QUESTION_TOOL else "permission"
        told = {"description": data.get("description"), **given}
        summary = _question_summary(given) if what == "question" else _call_summary(tool, told)
        call = _text(data.get("tool_use_id"))[:ID_LIMIT] or None
    elif kind == "plan_approval_request":
        identity, given = data.get("requestId"), {"plan": _text(data.get("planContent"))}
        what, tool, summary, call = "plan", PLAN_TOOL, _plan_summary(given["plan"]), None
    else:
        return None
    if not isinstance(identity, str) or not sane_id(identity):
        return None
    kept, cut = bounded(given)
    return Ask(identity, agent, what, tool, summary, kept, cut, call)


def sane_id(identity: str) -> bool:
    """Whether a text can be a request's id: short, printable, ASCII, without spaces."""
    return (
        0 < len(identity) <= ID_LIMIT
        and identity.isascii()
        and identity.isprintable()
        and " " not in identity
    )


def bounded(value: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The value whole if it is short enough, else its long texts and lists cut; and whether it was cut."""
    if _deep(value, _DEPTH * 2) and len(json.dumps(value, ensure_ascii=False)) <= INPUT_LIMIT:
        return dict(value), False
    short = _shortened(value, _DEPTH)
    if len(json.dumps(short, ensure_ascii=False)) > INPUT_LIMIT:
        return {"excerpt": json.dumps(short, ensure_ascii=False)[: INPUT_LIMIT // 2]}, True
    assert isinstance(short, dict)
    return short, True


def questions_of(given: Mapping[str, Any]) -> tuple[Question, ...]:
    """The questions of an ``AskUserQuestion`` call; what is not one is left out."""
    questions = given.get("questions")
    found = []
    for each in questions[:_QUESTIONS] if isinstance(questions, list) else ():
        if isinstance(each, Mapping) and isinstance(each.get("question"), str):
            options = each.get("options")
            labels = tuple(
                (option["label"], _text(option.get("description")))
                for option in (options[:_OPTIONS] if isinstance(options, list) else ())
                if isinstance(option, Mapping) and isinstance(option.get("label"), str)
            )
            found.append(
                Question(each["question"], _text(each.get("header")), labels, each.get("multiSelect") is True)
            )
    return tuple(found)


def chosen(questions: Sequence[Question], choices: Choices) -> dict[str, str]:
    """The native ``answers``: question to words. Raises ``AnswerError``."""
    if len(choices) != len(questions):
        raise AnswerError(
            f"The request asks {_count(len(questions), 'question')}; choices came for {len(choices)}."
        )
    answers: dict[str, str] = {}
    for question, chosen_ones in zip(questions, choices, strict=True):
        if not chosen_ones or (len(chosen_ones) > 1 and not question.multiple):
            number = "at least" if question.multiple else "exactly"
            raise AnswerError(f"{_quoted(question.text)} takes {number} one choice.")
        answers[question.text] = ", ".join(_words(question, each) for each in chosen_ones)
    return answers


def native_answer(ask: Ask, answer: Answer, *, at: str) -> dict[str, Any]:
    """The protocol message that answers the request; ``at`` is RFC 3339. Raises ``AnswerError`` for a misfit.

    An allowed tool call carries no input: the CLI then runs the call as it was asked.
    """
    if answer.choices and ask.kind != "question":
        raise AnswerError("Only a question is answered by a choice.")
    if answer.mode is not None and (ask.kind != "plan" or not answer.allow):
        raise AnswerError("A way of working goes only with the approval of a plan.")
    if ask.kind == "plan":
        return _plan_answer(ask, answer, at)
    message: dict[str, Any] = {"type": "permission_response", "request_id": ask.id}
    if not answer.allow:
        return message | {"subtype": "error", "error": answer.reason or "A person has refused this."}
    response: dict[str, Any] = {"permission_updates": []}
    if ask.kind == "question":
        if ask.cut:
            raise AnswerError("The question is too long to be answered here; refuse it with a reason.")
        questions = questions_of(ask.input)
        response["updated_input"] = {**ask.input, "answers": chosen(questions, answer.choices)}
    return message | {"subtype": "success", "response": response}


def _plan_answer(ask: Ask, answer: Answer, at: str) -> dict[str, Any]:
    message: dict[str, Any] = {
        "type": "plan_approval_response",
        "requestId": ask.id,
        "approved": answer.allow,
        "timestamp": at,
    }
    if answer.allow:
        message["permissionMode"] = MODES[answer.mode or "edits"]
    if answer.reason or not answer.allow:
        message["feedback"] = answer.reason or "A person has rejected this plan."
    return message


def _words(question: Question, choice: str | int) -> str:
    if isinstance(choice, str):
        if not choice.strip() or len(choice) > CHOICE_LIMIT:
            raise AnswerError(f"An answer in own words has 1 to {CHOICE_LIMIT} characters.")
        return choice
    if not 1 <= choice <= len(question.options):
        known = _count(len(question.options), "option")
        raise AnswerError(f"{_quoted(question.text)} has {known}; {choice} is none of them.")
    return question.options[choice - 1][0]


def _question_summary(given: Mapping[str, Any]) -> str:
    questions = questions_of(given)
    more = f" (and {len(questions) - 1} more)" if len(questions) > 1 else ""
    return _line(questions[0].text, SUMMARY_LIMIT - 20) + more if questions else "a question"


def _call_summary(tool: str, given: Mapping[str, Any]) -> str:
    told = next((given[name] for name in _TELLING if isinstance(given.get(name), str) and given[name]), "")
    return _line(f"{tool}: {told}" if told else tool, SUMMARY_LIMIT)


def _plan_summary(plan: str) -> str:
    first = next((each.strip("# \t") for each in plan[:10_000].splitlines() if each.strip("# \t")), "")
    return _line(first, SUMMARY_LIMIT) or "a plan"


def _shortened(value: object, depth: int) -> object:
    if isinstance(value, str):
        more = len(value) - _TEXT_LIMIT
        return value if more <= 0 else f"{value[:_TEXT_LIMIT]}… [{more} characters more]"
    if isinstance(value, bool | int | float) or value is None:
        return value
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        items = list(value.items())[:_ITEMS]
        return {str(key)[:ID_LIMIT]: _shortened(item, depth - 1) for key, item in items}
    return [_shortened(item, depth - 1) for item in value[:_ITEMS]] if isinstance(value, list) else "…"


def _deep(value: object, depth: int) -> bool:
    """Whether the value is nested at most ``depth`` levels."""
    if isinstance(value, Mapping):
        return depth > 0 and all(_deep(item, depth - 1) for item in value.values())
    if isinstance(value, list):
        return depth > 0 and all(_deep(item, depth - 1) for item in value)
    return True


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _quoted(text: str) -> str:
    return f"“{_line(text, 80)}”"


def _line(value: object, limit: int) -> str:
    return str(clean(_text(value), limit=limit, multiline=False)).strip()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
