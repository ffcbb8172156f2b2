"""``supervise``: state, heartbeat, signals, the work that is left over, and the last sentence."""

import signal
from collections.abc import Callable
from subprocess import Popen

import pytest
from runner_places import LIMIT, Place, git, steps, until

from kagents_runner import supervise

Keep = Callable[[Popen[str]], Popen[str]]


def test_an_agent_that_ends_well(place: Place) -> None:
    place.agents["scout"]["script"] = steps("say: hello", "shutdown: nothing left")
    place.prepare()
    ran = place.run("supervise", "scout")
    assert ran.code == 0
    assert "[simulated] hello\n" in ran.out
    assert ran.sentence == ""
    state = place.state("scout")
    assert (state["state"], state["pid"], state["harness"], state["attempt"]) == (
        "ended",
        None,
        "simulated",
        0,
    )


def test_a_failure_ends_in_the_termination_log(place: Place) -> None:
    place.agents["scout"]["script"] = steps("fail: the disk is on fire")
    place.prepare()
    ran = place.run("supervise", "scout")
    assert ran.code == 1
    assert ran.sentence == "The simulated agent failed as its script says: the disk is on fire"
    assert place.state("scout")["state"] == "failed"
    assert place.state("scout")["message"] == ran.sentence


def test_what_a_terminal_would_obey_does_not_reach_log_or_sentence(place: Place) -> None:
    place.agents["scout"]["script"] = '- say: "a\\e[2Jb"\n- fail: "c\\e[31m\\u202ed"\n'
    place.prepare()
    ran = place.run("supervise", "scout")
    assert ran.code == 1
    assert "\x1b" not in ran.out + ran.err + ran.sentence
    assert "‮" not in ran.sentence


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_143_and_work_is_committed(
    coding: Place, running: Keep, number: signal.Signals
) -> None:
    coding.agents["scout"]["script"] = steps("say: ready", "wait: {mail_from: lead}")
    coding.prepare()
    process = running(coding.start("supervise", "scout"))
    until(lambda: any(hook["hook_event_name"] == "TeammateIdle" for hook in coding.hooks("scout")))
    assert coding.state("scout")["pid"] == process.pid
    tree = coding.work / "worktrees/scout"
    (tree / "half.md").write_text("half done")
    (tree / "README.md").unlink()
    index_lock = coding.work / "repo/.git/worktrees/scout/index.lock"
    index_lock.touch()
    process.send_signal(number)
    assert process.wait(LIMIT) == 143
    assert coding.state("scout")["state"] == "failed"
    assert git(tree, "status", "--porcelain") == ""
    assert git(tree, "show", "--format=%an <%ae>", "--name-status", "HEAD").split("\n") == [
        "scout (kagents) <scout@demo.kagents.invalid>",
        "",
        "D\tREADME.md",
        "A\thalf.md",
    ]


def test_nothing_is_committed_when_nothing_is_left(coding: Place) -> None:
    coding.agents["scout"]["script"] = steps("work: {write: {a/b.md: text}}", "shutdown: done")
    coding.prepare()
    assert coding.run("supervise", "scout").code == 0
    tree = coding.work / "worktrees/scout"
    assert git(tree, "log", "--format=%s") == "Simulate: write a/b.md\nBegin"
    assert git(tree, "log", "-1", "--format=%an") == "scout (kagents)"


def test_ignored_files_stay_out_of_the_commit(coding: Place) -> None:
    coding.agents["scout"]["script"] = steps("shutdown: done")
    coding.prepare()
    tree = coding.work / "worktrees/scout"
    (tree / ".gitignore").write_text("secret.env\n")
    (tree / "secret.env").write_text("x")
    assert coding.run("supervise", "scout").code == 0
    assert git(tree, "ls-files") == ".gitignore\nREADME.md"


async def test_the_heart_beats_while_the_agent_rests(
    place: Place, running: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    import argparse
    import asyncio
    import os

    monkeypatch.setattr(supervise, "HEARTBEAT_SECONDS", 0.02)
    place.prepare()
    place.agents["scout"]["script"] = steps("wait: {mail_from: lead}")
    task = asyncio.create_task(supervise.run(argparse.Namespace(), place.environment("scout")))
    beats: set[str] = set()
    async with asyncio.timeout(LIMIT):
        while len(beats) < 4:
            await asyncio.sleep(0.005)
            beats.add(str(place.state("scout").get("heartbeatAt")))
    started = place.state("scout")["startedAt"]
    assert started <= min(beats - {"None"})
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(task, LIMIT) == 143


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        ({"harness": "codex"}, 64, "This runner has no harness 'codex'; it has claude-code and simulated."),
        ({"script": "- sya: x"}, 64, "step 1: there is no step 'sya'"),
        ({"timeoutSeconds": 0.2, "script": "- wait: {seconds: 3000}"}, 1, "longer than its timeout of 0.2"),
        ({"name": 5}, 64, "KAGENTS_AGENT.name must be str, not int."),
    ],
)
def test_what_cannot_be_run_is_one_sentence(
    place: Place, change: dict[str, object], code: int, sentence: str
) -> None:
    place.prepare()
    place.agents["scout"] |= change
    ran = place.run("supervise", "scout")
    assert ran.code == code
    assert sentence in ran.sentence


def test_a_speed_that_is_none_is_refused(place: Place) -> None:
    place.prepare()
    for speed in ("fast", "0", "-1", "nan", "1e9"):
        place.variables["KAGENTS_SIMULATION_SPEED"] = speed
        ran = place.run("supervise", "scout")
        assert ran.code == 64
        assert "cannot be played" in ran.sentence


def test_a_team_that_is_not_prepared_has_no_worktree(coding: Place) -> None:
    coding.layout.agents_dir.mkdir(parents=True)
    ran = coding.run("supervise", "scout")
    assert ran.code == 64
    assert "The working directory of scout is not there" in ran.sentence
