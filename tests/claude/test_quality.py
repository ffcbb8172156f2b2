"""The real CLI under the team's checks: completing and ending are refused with the output, then done."""

import json
from collections.abc import Callable
from typing import Any

from scripted_model import Call, Rule, Script, ScriptedModel
from small_team import SmallTeam, git, until

MakeTeam = Callable[..., SmallTeam]
QUALITY = {"tests": True, "rounds": 1, "seconds": 30}


def bash(command: str) -> Call:
    return Call("Bash", {"command": command, "description": "work"})


def complete(task: str) -> Call:
    return Call("TaskUpdate", {"taskId": task, "status": "completed"})


def with_tests(team: SmallTeam, worker: str) -> None:
    """A repository whose Makefile tells how it is tested, as it was before the agent began."""
    tree = team.worktree(worker)
    (tree / "Makefile").write_text("test:\n\t@echo looking at the verdict; grep -qx good verdict\n")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "Add tests")
    git(tree, "update-ref", "refs/remotes/origin/main", "HEAD")


def tasks(team: SmallTeam) -> dict[str, Any]:
    found = [json.loads(path.read_text()) for path in sorted(team.layout.tasks.glob("[0-9]*.json"))]
    return {task["id"]: task["status"] for task in found}


async def test_a_task_is_completed_once_the_tests_pass(small_team: MakeTeam, model: ScriptedModel) -> None:
    team = small_team("worker")
    with_tests(team, "worker")
    create = Call("TaskCreate", {"subject": "A", "description": "a"})
    begin = [create, bash("echo bad > verdict"), complete("1"), bash("echo good > verdict"), complete("1")]
    model.script = Script([Rule("worker", "Begin", begin)])
    agent = team.start("worker", "Begin.", quality=QUALITY)
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    assert tasks(team) == {"1": "completed"}
    results = model.requests[-1].results
    assert "requireTests: `make test` ended with status 2" in results[2]
    assert "looking at the verdict" in results[2]
    assert any("check requireTests (make test): passed" in line for line in agent.log)
    assert model.unexpected == []


async def test_the_end_is_refused_until_the_work_is_mended(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("worker")
    with_tests(team, "worker")

    def approve(_: Any, match: Any) -> Call:
        message = {"type": "shutdown_response", "request_id": match.group(1), "approve": True}
        return Call("SendMessage", {"to": "team-lead", "summary": "ending", "message": message})

    shutdown = r'"shutdown_request".*?"requestId":\s*"([^"]+)"'
    ending = [approve, bash("echo good > verdict"), approve]
    model.script = Script(
        [Rule("worker", "Begin", [bash("echo bad > verdict")]), Rule("worker", shutdown, ending)]
    )
    agent = team.start("worker", "Begin.", quality=QUALITY)
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    await team.ask_to_shut_down("worker")
    assert (await agent.ended()).code == 0
    assert (team.worktree("worker") / "verdict").read_text() == "good\n"
    assert any("looking at the verdict" in told for told in model.requests[-1].results)


async def test_rounds_that_are_over_end_the_agent_and_name_the_gate(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("worker")
    with_tests(team, "worker")
    create = Call("TaskCreate", {"subject": "A", "description": "a"})
    begin = [create, bash("echo bad > verdict"), complete("1"), complete("1"), complete("1")]
    model.script = Script([Rule("worker", "Begin", begin)])
    ended = await team.start("worker", "Begin.", quality=QUALITY).ended()
    assert ended.code == 65
    assert ended.sentence is not None
    assert ended.sentence.startswith("worker: its work failed requireTests 2 times in a row: `make test`")
    assert tasks(team) == {"1": "pending"}
