"""A simulated agent asks people as the real one does: the same native requests, held to recorded ones."""

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from runner_places import LIMIT, Place, steps, until

from kagents_core.asks import Answer, ask_of, native_answer
from kagents_core.simulation import check_script
from kagents_core.teamfiles import mailbox
from kagents_core.teamfiles.mailbox import new_message

Keep = Callable[[Popen[str]], Popen[str]]
SAMPLES = Path(__file__).parents[2] / "fixtures/protocol-samples/2.1.329"
AT = "2026-11-21T00:00:00.000Z"
ASKING = [
    ("ask_permission: touch made.txt", "inbox_team-lead__permission_request.json"),
    ("ask_question: {question: Which colour?, options: [Red, Blue]}", "inbox_team-lead__question.json"),
    ("submit_plan: '# Plan'", "inbox_team-lead__plan_approval_request.json"),
]


def requests(place: Place) -> list[dict[str, Any]]:
    """What scout asks of team-lead."""
    found = [json.loads(each["text"]) for each in place.mail("team-lead")]
    return [data for data in found if ask_of("scout", data) is not None]


def start(place: Place, running: Keep, *lines: str) -> Popen[str]:
    place.agents["scout"]["script"] = steps(*lines) + "- shutdown: the script is over\n"
    place.prepare()
    return running(place.start("supervise", "scout"))


def answer(place: Place, request: dict[str, Any], decision: Answer) -> None:
    """A person's answer, as the recorder delivers it."""
    ask = ask_of("scout", request)
    assert ask is not None
    message = new_message("team-lead", native_answer(ask, decision, at=AT))
    asyncio.run(mailbox.deliver(place.layout, "scout", message))


def wait_for(place: Place, number: int) -> None:
    """Until so many requests were sent."""
    until(lambda: len(requests(place)) == number)


def end(process: Popen[str]) -> str:
    output, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, output
    return output


@pytest.mark.parametrize(("line", "sample"), ASKING)
def test_a_request_has_the_shape_of_the_real_one(place: Place, running: Keep, line: str, sample: str) -> None:
    real = json.loads(json.loads((SAMPLES / sample).read_text())[0]["text"])
    process = start(place, running, line)
    [request] = until(lambda: requests(place))
    assert set(request) == set(real) and {k: type(v) for k, v in request.items()} == {
        k: type(v) for k, v in real.items()
    }
    mine, theirs = ask_of("scout", request), ask_of("worker", real)
    assert mine is not None and theirs is not None
    assert (mine.kind, mine.tool, mine.summary) == (theirs.kind, theirs.tool, theirs.summary)
    assert mine.id.partition("-")[0] == theirs.id.partition("-")[0]
    answer(place, request, Answer(False, "ann", "no"))
    assert "no" in end(process)


def test_it_goes_on_with_what_a_person_has_decided(place: Place, running: Keep) -> None:
    process = start(place, running, *(line for line, _ in ASKING), "work: {write: {after.md: done}}")
    decisions = [
        (Answer(True, "ann"), "allowed: Bash"),
        (Answer(True, "ann", choices=((2,),)), "answered: Blue"),
        (Answer(True, "ann", "good"), "plan approved: good"),
    ]
    for number, (decision, _) in enumerate(decisions, 1):
        wait_for(place, number)
        assert not (place.work / "output/after.md").exists()
        answer(place, requests(place)[-1], decision)
    output = end(process)
    for _, words in decisions:
        assert words in output
    assert (place.work / "output/after.md").read_text() == "done"


def test_other_mail_waits_while_it_asks_within_a_turn(place: Place, running: Keep) -> None:
    process = start(place, running, "ask_permission: make")
    [request] = until(lambda: requests(place))
    asyncio.run(mailbox.deliver(place.layout, "scout", new_message("lead", "meanwhile")))
    until(lambda: place.mail("scout") == [])
    answer(place, request, Answer(True, "ann"))
    output = end(process)
    assert "received" not in output


def test_a_killed_agent_asks_anew_but_its_plan_stands(place: Place, running: Keep) -> None:
    process = start(place, running, "submit_plan: '# Go'", "ask_permission: make")
    [plan] = until(lambda: requests(place))
    process.send_signal(signal.SIGKILL)
    process.wait(LIMIT)
    process = running(place.start("supervise", "scout"))
    until(lambda: len([h for h in place.hooks("scout") if h["hook_event_name"] == "SessionStart"]) == 2)
    answer(place, plan, Answer(True, "ann"))
    until(lambda: len(requests(place)) == 2)
    process.send_signal(signal.SIGKILL)
    process.wait(LIMIT)
    process = running(place.start("supervise", "scout"))
    until(lambda: len(requests(place)) == 3)
    old, new = requests(place)[1:]
    assert old["request_id"] != new["request_id"] and old["input"] == new["input"]
    answer(place, old, Answer(True, "ann"))
    answer(place, new, Answer(False, "ann", "too late"))
    assert "refused: too late" in end(process)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ask_permission: {tool: Bash, input: 3}", "ask_permission.input is the tool's input, not 3"),
        ("ask_permission: {input: {}}", "ask_permission needs tool"),
        ("submit_plan: 7", "submit_plan is a text that is not empty"),
        ("ask_question: {question: Why?, options: [one]}", "a list of 2 to 4 texts"),
        ("ask_question: {question: Why?, options: [1, 2]}", "a list of texts"),
        ("ask_question: {options: [a, b]}", "ask_question needs question"),
        ("ask_question: {question: Why?, options: [a, b], multiple: some}", "is true or false"),
    ],
)
def test_a_wrong_step_is_named(line: str, words: str) -> None:
    [problem] = check_script(steps(line))
    assert problem.startswith("step 1: ") and words in problem
