"""A simulated agent under the team's checks: what waits until they pass, and how it ends when not."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

from runner_places import Place, steps, until

Keep = Callable[[Popen[str]], Popen[str]]
GOOD = {"script": "cat verdict; grep -qx good verdict", "rounds": 1, "seconds": 60}


def play(place: Place, *script: str, **quality: Any) -> Any:
    place.agents["scout"] |= {"script": steps(*script), "quality": GOOD | quality}
    place.prepare()
    return place.run("supervise", "scout")


def checks(place: Place) -> list[bool]:
    lines = (place.home("scout") / "quality/checks.jsonl").read_text().splitlines()
    return [json.loads(line)["passed"] for line in lines]


def test_a_task_is_completed_only_when_the_checks_pass(place: Place) -> None:
    ran = play(
        place,
        "create_task: {subject: A}",
        "claim: any",
        "work: {write: {verdict: bad}}",
        "complete: all",
        "say: mending",
        "work: {write: {verdict: good}}",
        "complete: all",
        "shutdown: done",
    )
    assert ran.code == 0, ran.err
    assert [task["status"] for task in place.tasks()] == ["completed"]
    assert checks(place) == [False, True], "the end runs no check again"
    lines = [line.removeprefix("[simulated] ") for line in ran.out.splitlines()]
    told = next(line for line in lines if "ended with status 1" in line)
    assert lines.index(told) < lines.index("mending") < lines.index("completed task 1: A")


def test_rounds_that_are_over_end_it_and_name_the_gate(place: Place) -> None:
    ran = play(place, "work: {write: {verdict: bad}}", "shutdown: done")
    assert ran.code == 65
    assert ran.sentence == (
        "scout: its work failed validationScript 2 times in a row: "
        "`the team's script` ended with status 1: bad"
    )
    assert place.state("scout")["state"] == "failed"
    assert checks(place) == [False, False]


def test_the_end_waits_until_somebody_mends_the_work(place: Place, running: Keep) -> None:
    place.agents["scout"] |= {
        "script": steps("work: {write: {verdict: bad}}", "shutdown: done"),
        "quality": GOOD | {"rounds": 100},
    }
    place.prepare()
    agent = running(place.start("supervise", "scout"))
    kept = place.home("scout") / "quality/checks.jsonl"
    until(kept.exists)
    (place.work / "output/verdict").write_text("good\n")
    assert agent.wait(30) == 0
    assert checks(place)[-1]


def test_a_stop_during_a_check_ends_it_at_once(place: Place, running: Keep, tmp_path: Path) -> None:
    place.agents["scout"] |= {
        "script": steps("work: {write: {verdict: bad}}", "shutdown: done"),
        "quality": {"script": f"echo $$ > {tmp_path}/child; sleep 300", "rounds": 1, "seconds": 600},
    }
    place.prepare()
    agent = running(place.start("supervise", "scout"))
    until(lambda: (tmp_path / "child").exists())
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(30) == 143
