"""Real agents ask a person through the recorder: permission, plan, question; the verb answers, they go on."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from scripted_model import Call, Conversation, Rule, Say, Script, ScriptedModel
from small_team import SmallTeam, until

MakeTeam = Callable[..., SmallTeam]
QUESTION = {
    "question": "Which colour?",
    "header": "Colour",
    "multiSelect": False,
    "options": [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cool"}],
}


def shell(command: str) -> Call:
    return Call("Bash", {"command": command, "description": "work"})


def write_plan(model: ScriptedModel) -> Callable[..., Call]:
    """Writes the plan to the file that the CLI has named."""

    def step(conversation: Conversation, _: object) -> Call:
        told = "\n".join(conversation.results) + json.dumps(model.bodies[-1])
        found = re.search(r"(/[^\s\"\\]+/plans/[^\s\"\\]+\.md)", told)
        assert found is not None
        return Call(
            "Write", {"file_path": found.group(1), "content": "# Touch one file\nIts name: planned.\n"}
        )

    return step


async def answer(team: SmallTeam, ask: dict[str, Any], **more: Any) -> tuple[int, str]:
    """``kagents-runner answer``, as it runs in the hub."""
    document = {"agent": ask["agent"], "request": ask["id"], "allow": True, "by": "ann"} | more
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kagents_runner", "answer"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "KAGENTS_TEAM_DIR": str(team.layout.root)},
    )
    async with asyncio.timeout(40):
        _, complained = await process.communicate(json.dumps(document).encode())
    return process.returncode or 0, complained.decode()


async def asked(team: SmallTeam, number: int = 1) -> dict[str, Any]:
    """The request with this number, once the journal has it."""
    found: list[dict[str, Any]] = await until(
        lambda: len(team.journal("ask")) >= number and team.journal("ask")
    )
    return found[number - 1]


def activity(team: SmallTeam) -> list[str]:
    return [entry["state"] for entry in team.journal("activity") if entry["agent"] == "worker"]


async def test_a_tool_runs_only_once_a_person_has_allowed_it(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("lead", "worker")
    model.script = Script([Rule("worker", "Begin", [shell("touch first"), shell("touch second")])])
    async with team.recorded():
        worker = team.start("worker", "Begin.", permissionMode="default")
        first = await asked(team)
        assert (first["ask"], first["tool"], first["input"]["command"]) == (
            "permission",
            "Bash",
            "touch first",
        )
        assert activity(team)[-1] == "waiting-permission"
        assert not (team.worktree("worker") / "first").exists()
        assert await answer(team, first) == (0, "")
        second = await asked(team, 2)
        assert (team.worktree("worker") / "first").exists()
        assert (await answer(team, first, allow=False))[0] == 64
        assert await answer(team, second, allow=False, reason="one file is enough") == (0, "")
        await until(lambda: activity(team)[-1] == "idle")
        worker.stop.set()
        await worker.ended()
    assert any("one file is enough" in result for result in model.requests[-1].results)
    assert not (team.worktree("worker") / "second").exists()
    assert [entry["answer"] for entry in team.journal("answer")] == ["allow", "deny"]
    assert {entry["by"] for entry in team.journal("answer")} == {"ann"}


@pytest.mark.parametrize("mode", ["default", "plan"])
async def test_a_question_is_answered_by_a_choice(
    small_team: MakeTeam, model: ScriptedModel, mode: str
) -> None:
    team = small_team("lead", "worker")
    model.script = Script([Rule("worker", "Begin", [Call("AskUserQuestion", {"questions": [QUESTION]})])])
    async with team.recorded():
        worker = team.start("worker", "Begin.", permissionMode=mode)
        ask = await asked(team)
        assert (ask["ask"], ask["summary"]) == ("question", "Which colour?")
        assert await answer(team, ask, choices=[[2]]) == (0, "")
        await until(lambda: any('"Which colour?"="Blue"' in result for result in model.requests[-1].results))
        worker.stop.set()
        await worker.ended()


async def test_a_plan_is_rejected_rewritten_and_approved(small_team: MakeTeam, model: ScriptedModel) -> None:
    team = small_team("lead", "worker")
    leave = Call("ExitPlanMode", {})
    plan = write_plan(model)
    model.script = Script(
        [
            Rule("worker", "Plan Approved", [shell("touch planned")]),
            Rule("worker", "Plan Rejected", [plan, leave, Say("Submitted again.")]),
            Rule("worker", "Begin", [leave, plan, leave, Say("Submitted.")]),
        ]
    )
    async with team.recorded():
        worker = team.start("worker", "Begin.", permissionMode="plan")
        first = await asked(team)
        assert (first["ask"], first["input"]) == ("plan", {"plan": "# Touch one file\nIts name: planned.\n"})
        await until(lambda: team.hooks("worker", "TeammateIdle"))
        assert activity(team)[-1] == "waiting-permission"
        assert await answer(team, first, allow=False, reason="say why") == (0, "")
        second = await asked(team, 2)
        assert any("[Plan Rejected] say why" in request.prompt for request in model.requests)
        assert not (team.worktree("worker") / "planned").exists()
        assert await answer(team, second, reason="good") == (0, "")
        await until(lambda: (team.worktree("worker") / "planned").exists())
        await until(lambda: activity(team)[-1] == "idle")
        worker.stop.set()
        await worker.ended()
    assert any("[Plan Approved] good" in request.prompt for request in model.requests)


async def test_a_plan_waits_through_a_kill_and_a_permission_is_asked_anew(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("lead", "worker")
    leave = Call("ExitPlanMode", {})
    model.script = Script(
        [
            Rule("worker", "Plan Approved", [shell("touch one")]),
            Rule("worker", "kagents has started you again", [shell("touch two")]),
            Rule("worker", "Begin", [leave, write_plan(model), leave, Say("Submitted.")]),
        ]
    )
    async with team.recorded():
        worker = team.start("worker", "Begin.", permissionMode="plan")
        plan = await asked(team)
        os.kill(worker.pid, 9)
        await worker.ended()
        again = team.start("worker", "Begin.", permissionMode="plan", attempt=1)
        await until(lambda: any("started you again" in request.prompt for request in model.requests))
        assert await answer(team, plan, mode="each") == (0, "")
        permission = await asked(team, 2)
        assert permission["input"]["command"] == "touch one"
        os.kill(again.pid, 9)
        await again.ended()
        await until(lambda: team.journal("answer")[-1]["answer"] == "withdrawn")
        code, sentence = await answer(team, permission)
        assert code == 64 and "withdrawn" in sentence
