"""The real CLI and artifacts: reminded of what it was to make before it ends, and not for ever."""

from collections.abc import Callable
from typing import Any

from scripted_model import Call, Rule, Script, ScriptedModel
from small_team import SmallTeam, until

MakeTeam = Callable[..., SmallTeam]
REPORT = [{"name": "report", "path": "docs/report.md"}]


def bash(command: str) -> Call:
    return Call("Bash", {"command": command, "description": "work"})


def approve(_: Any, match: Any) -> Call:
    message = {"type": "shutdown_response", "request_id": match.group(1), "approve": True}
    return Call("SendMessage", {"to": "team-lead", "summary": "ending", "message": message})


async def test_an_agent_is_reminded_of_what_it_was_to_make(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("worker")
    shutdown = r'"shutdown_request".*?"requestId":\s*"([^"]+)"'
    ending = [approve, bash("mkdir docs; echo found it > docs/report.md"), approve]
    model.script = Script([Rule("worker", "Begin", [bash("true")]), Rule("worker", shutdown, ending)])
    agent = team.start("worker", "Begin.", artifacts=REPORT)
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    await team.ask_to_shut_down("worker")
    assert (await agent.ended()).code == 0
    assert any("these artifacts must be there" in told for told in model.requests[-1].results)
    assert (team.worktree("worker") / "docs/report.md").read_text() == "found it\n"
    assert model.unexpected == []


async def test_one_that_cannot_make_it_may_end_all_the_same(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("worker")
    shutdown = r'"shutdown_request".*?"requestId":\s*"([^"]+)"'
    ending = [approve, approve, approve]
    model.script = Script([Rule("worker", "Begin", [bash("true")]), Rule("worker", shutdown, ending)])
    agent = team.start("worker", "Begin.", artifacts=REPORT)
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    await team.ask_to_shut_down("worker")
    assert (await agent.ended()).code == 0
    refused = [told for told in model.requests[-1].results if "these artifacts must be there" in told]
    assert len(refused) == 2
