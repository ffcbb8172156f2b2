"""What agents ask and how it is answered: the native messages, bounds, and answers that do not fit."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagents_core.asks import (
    INPUT_LIMIT,
    Answer,
    AnswerError,
    Ask,
    Choices,
    ask_of,
    bounded,
    native_answer,
    questions_of,
)

SAMPLES = Path(__file__).parents[2] / "fixtures/protocol-samples/2.1.329"
AT = "2026-11-21T00:00:00.000Z"
QUESTIONS = {
    "questions": [
        {
            "question": "Which colour?",
            "header": "Colour",
            "multiSelect": True,
            "options": [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cool"}],
        },
        {
            "question": "How many?",
            "header": "Number",
            "multiSelect": False,
            "options": [{"label": "One", "description": ""}, {"label": "Two", "description": ""}],
        },
    ]
}


def sample(name: str) -> dict[str, Any]:
    [message, *_] = json.loads((SAMPLES / name).read_text())
    found: dict[str, Any] = json.loads(message["text"])
    return found


def question(**more: Any) -> dict[str, Any]:
    request = {"type": "permission_request", "request_id": "perm-1-a", "tool_name": "AskUserQuestion"}
    return request | {"tool_use_id": "toolu_1", "input": QUESTIONS} | more


def asked(data: dict[str, Any]) -> Ask:
    found = ask_of("worker", data)
    assert found is not None
    return found


def test_a_native_permission_request_shows_the_exact_call() -> None:
    ask = asked(sample("inbox_team-lead__permission_request.json"))
    assert (ask.kind, ask.tool, ask.id) == ("permission", "Bash", "perm-1795199300181-wryhjre")
    assert ask.input == {"command": "touch made.txt", "description": "touch"}
    assert ask.summary == "Bash: touch made.txt" and not ask.cut
    assert ask.tool_use_id == "toolu_000100000000000000000000"


def test_a_native_plan_is_kept_as_text_and_named_by_its_first_line() -> None:
    ask = asked(sample("inbox_team-lead__plan_approval_request.json"))
    assert (ask.kind, ask.id) == ("plan", "plan_approval-1795199629613@worker@demo")
    assert ask.input == {"plan": "# Plan\n1. write parser\n2. test it\n"} and ask.summary == "Plan"


def test_a_question_is_a_request_for_its_tool() -> None:
    ask = asked(question())
    assert (ask.kind, ask.summary) == ("question", "Which colour? (and 1 more)")
    first, second = questions_of(ask.input)
    assert first.options == (("Red", "warm"), ("Blue", "cool")) and first.multiple
    assert (second.text, second.multiple) == ("How many?", False)


@pytest.mark.parametrize(
    "data",
    [
        {"type": "idle_notification"},
        {"type": "permission_request", "tool_name": "Bash", "input": {}},
        {"type": "permission_request", "request_id": 7, "tool_name": "Bash"},
        {"type": "permission_request", "request_id": "a b", "tool_name": "Bash"},
        {"type": "permission_request", "request_id": "a\x1b[2J", "tool_name": "Bash"},
        {"type": "permission_request", "request_id": "x" * 201},
        {"type": "plan_approval_request", "request_id": "the wrong name"},
    ],
)
def test_what_is_no_request_or_cannot_be_named_is_none(data: dict[str, Any]) -> None:
    assert ask_of("worker", data) is None


def test_a_summary_has_one_harmless_line() -> None:
    call = {"command": "rm -rf /\n\x1b[2Jecho \u202eevil " + "x" * 500}
    ask = asked({"type": "permission_request", "request_id": "p", "tool_name": "Ba\nsh", "input": call})
    assert "\n" not in ask.summary and "\x1b" not in ask.summary and "\u202e" not in ask.summary
    assert len(ask.summary) < 250


def test_a_call_beyond_the_limit_is_cut_and_says_so() -> None:
    ask = asked(
        {"type": "permission_request", "request_id": "p", "tool_name": "Write"}
        | {"input": {"content": "x" * 10**6}}
    )
    assert ask.cut and len(json.dumps(ask.input)) < INPUT_LIMIT
    assert "998000 characters more" in ask.input["content"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=40,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=6))
def test_what_is_short_is_kept_whole(value: dict[str, Any]) -> None:
    kept, cut = bounded(value)
    assert cut or kept == value


def test_nesting_without_end_is_cut() -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    kept, cut = bounded({"deep": deep})
    assert cut and len(json.dumps(kept)) < 1000


def test_an_allowed_call_runs_as_it_was_asked() -> None:
    answer = native_answer(
        asked(sample("inbox_team-lead__permission_request.json")), Answer(True, "ann"), at=AT
    )
    assert answer == {
        "type": "permission_response",
        "request_id": "perm-1795199300181-wryhjre",
        "subtype": "success",
        "response": {"permission_updates": []},
    }


def test_a_refusal_carries_the_reason() -> None:
    ask = asked(sample("inbox_team-lead__permission_request.json"))
    answer = native_answer(ask, Answer(False, "ann", "not on a Friday"), at=AT)
    assert (answer["subtype"], answer["error"]) == ("error", "not on a Friday")
    assert native_answer(ask, Answer(False, "ann"), at=AT)["error"]


@pytest.mark.parametrize(
    ("choices", "answers"),
    [
        (((2,), (1,)), {"Which colour?": "Blue", "How many?": "One"}),
        (((1, 2), (2,)), {"Which colour?": "Red, Blue", "How many?": "Two"}),
        ((("green, please",), (2,)), {"Which colour?": "green, please", "How many?": "Two"}),
    ],
)
def test_a_choice_is_answered_in_words_with_the_questions_unchanged(
    choices: Choices, answers: dict[str, str]
) -> None:
    answer = native_answer(asked(question()), Answer(True, "ann", choices=choices), at=AT)
    assert answer["response"]["updated_input"] == {**QUESTIONS, "answers": answers}


@pytest.mark.parametrize(
    "choices", [(), ((1,),), ((1,), (1, 2)), ((3,), (1,)), ((0,), (1,)), (("",), (1,)), ((), (1,))]
)
def test_choices_that_do_not_fit_are_refused_in_a_sentence(choices: Choices) -> None:
    with pytest.raises(AnswerError, match=r"\.$"):
        native_answer(asked(question()), Answer(True, "ann", choices=choices), at=AT)


def test_a_question_that_was_cut_can_only_be_refused() -> None:
    long = {"questions": [{"question": "q" * 100_000, "options": []}]}
    ask = asked(question(input=long))
    with pytest.raises(AnswerError, match="too long"):
        native_answer(ask, Answer(True, "ann", choices=((1,),)), at=AT)
    assert native_answer(ask, Answer(False, "ann"), at=AT)["subtype"] == "error"


@pytest.mark.parametrize(
    ("mode", "native"),
    [
        (None, "acceptEdits"),
        ("edits", "acceptEdits"),
        ("everything", "bypassPermissions"),
        ("each", "default"),
    ],
)
def test_an_approved_plan_says_how_the_agent_may_work(mode: Any, native: str) -> None:
    ask = asked(sample("inbox_team-lead__plan_approval_request.json"))
    answer = native_answer(ask, Answer(True, "ann", mode=mode), at=AT)
    assert (answer["type"], answer["approved"], answer["permissionMode"]) == (
        "plan_approval_response",
        True,
        native,
    )
    assert answer["requestId"] == ask.id


def test_a_rejected_plan_carries_the_reason_and_no_mode() -> None:
    ask = asked(sample("inbox_team-lead__plan_approval_request.json"))
    answer = native_answer(ask, Answer(False, "ann", "shorter"), at=AT)
    assert (answer["approved"], answer["feedback"]) == (False, "shorter") and "permissionMode" not in answer
    with pytest.raises(AnswerError):
        native_answer(ask, Answer(False, "ann", mode="edits"), at=AT)


def test_a_mode_or_a_choice_for_a_permission_is_refused() -> None:
    ask = asked(sample("inbox_team-lead__permission_request.json"))
    for answer in (Answer(True, "ann", mode="each"), Answer(True, "ann", choices=((1,),))):
        with pytest.raises(AnswerError):
            native_answer(ask, answer, at=AT)
