"""The real CLI with a skill and MCP servers: all are seen, and a secret goes only where it belongs."""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mcp_over_http import mcp_over_http
from scripted_model import Call, Rule, Script, ScriptedModel
from small_team import RunningAgent, SmallTeam, until

MakeTeam = Callable[..., SmallTeam]
TOKEN = "mcp-canary-77f1"


async def test_a_skill_is_offered_and_read(
    small_team: MakeTeam, model: ScriptedModel, tmp_path: Path
) -> None:
    folder = tmp_path / "skill"
    folder.mkdir()
    manifest = "---\nname: quarter-close\ndescription: How a quarter is closed here.\n---\nCount twice.\n"
    (folder / "SKILL.md").write_text(manifest)
    team = small_team("worker")
    model.script = Script([Rule("worker", "Begin", [Call("Skill", {"skill": "quarter-close"})])])
    team.start("worker", "Begin.", skills=[{"name": "quarter-close", "dir": str(folder)}])
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    assert "Count twice." in model.requests[-1].everything
    assert model.unexpected == []


async def test_instructions_are_heeded_beside_the_repository_s_own(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("worker")
    (team.worktree("worker") / "CLAUDE.md").write_text("Indent by two.\n")
    model.script = Script([Rule("worker", "Begin", [])])
    team.start("worker", "Begin.", instructions="Say please.\n\nCount twice.\n")
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    told = json.dumps(model.bodies[0])
    assert told.index("Say please.") < told.index("Count twice.") < told.index("Indent by two.")


async def test_a_server_is_used_with_the_headers_of_its_secret(
    small_team: MakeTeam, model: ScriptedModel, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "token").write_text(TOKEN)
    (secret / "X-Team").write_text("red")
    async with mcp_over_http() as server:
        team = small_team("worker")
        model.script = Script([Rule("worker", "Begin", [Call("mcp__mail__draft", {"to": "ann"})])])
        told = {"name": "mail", "url": server.url, "type": "http", "credentials": str(secret)}
        worker = team.start("worker", "Begin.", mcpServers=[told])
        await until(lambda: team.hooks("worker", "TeammateIdle"))
        assert [call["arguments"] for call in server.called] == [{"to": "ann"}]
        assert {headers["Authorization"] for headers in server.headers} == {f"Bearer {TOKEN}"}
        assert {headers["X-Team"] for headers in server.headers} == {"red"}
        assert any("drafted" in told for told in model.requests[-1].results)
        environment = Path(f"/proc/{worker.pid}/environ").read_bytes()
        arguments = Path(f"/proc/{worker.pid}/cmdline").read_bytes()
        assert TOKEN.encode() not in environment + arguments
    files = [path for path in team.root.rglob("*") if path.is_file() and secret not in path.parents]
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    assert not [line for line in worker.log if TOKEN in line]


async def test_a_server_that_answers_by_events_is_used_with_the_headers_of_its_secret(
    small_team: MakeTeam, model: ScriptedModel, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "token").write_text(TOKEN)
    async with mcp_over_http() as server:
        team = small_team("worker")
        model.script = Script([Rule("worker", "Begin", [Call("mcp__mail__draft", {"to": "ann"})])])
        told = {"name": "mail", "url": server.sse_url, "type": "sse", "credentials": str(secret)}
        team.start("worker", "Begin.", mcpServers=[told])
        await until(lambda: team.hooks("worker", "TeammateIdle"))
        assert server.streams, "it was spoken to by events"
        assert [call["arguments"] for call in server.called] == [{"to": "ann"}]
        assert {headers["Authorization"] for headers in server.headers} == {f"Bearer {TOKEN}"}
        assert any("drafted" in told for told in model.requests[-1].results)
    files = [path for path in team.root.rglob("*") if path.is_file() and secret not in path.parents]
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


async def test_a_command_is_a_server_with_its_secrets_and_the_repository_s_own_starts_nothing(
    small_team: MakeTeam, model: ScriptedModel, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "DB_PASSWORD").write_text(TOKEN)
    team = small_team("worker")
    theirs = {"command": "touch", "args": [str(tmp_path / "started")]}
    (team.worktree("worker") / ".mcp.json").write_text(json.dumps({"mcpServers": {"theirs": theirs}}))
    (team.worktree("worker") / ".claude").mkdir()
    (team.worktree("worker") / ".claude/settings.json").write_text('{"enableAllProjectMcpServers": true}')
    model.script = Script([Rule("worker", "Begin", [Call("mcp__db__look", {})])])
    server = Path(__file__).with_name("mcp_over_stdio.py")
    told = {"name": "db", "type": "stdio", "command": sys.executable, "credentials": str(secret)}
    more = {"args": [str(server), "${HOME}"], "env": {"DB_HOST": "h"}}
    worker = team.start("worker", "Begin.", mcpServers=[told | more])
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    (seen,) = [result for result in model.requests[-1].results if "DB_HOST" in result]
    about, _ = json.JSONDecoder().raw_decode(seen[seen.index("{") :])
    assert about["arguments"] == "${HOME}" and about["DB_HOST"] == "h" and about["password"] == len(TOKEN)
    assert about["credential"] == "none"
    assert not (tmp_path / "started").exists()
    for each in [worker.pid, *_children(worker.pid)]:
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            assert TOKEN.encode() not in Path(f"/proc/{each}/cmdline").read_bytes()
    assert TOKEN.encode() not in Path(f"/proc/{worker.pid}/environ").read_bytes()
    files = [path for path in team.root.rglob("*") if path.is_file() and secret not in path.parents]
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


async def test_a_server_out_of_reach_is_told_and_cleared_when_the_agent_has_reached_it(
    small_team: MakeTeam, model: ScriptedModel, tmp_path: Path
) -> None:
    team = small_team("worker")
    gate = tmp_path / "open"
    async with mcp_over_http() as server:
        server.open = gate.exists
        model.script = Script([Rule("worker", "Again", [Call("mcp__mail__draft", {"to": "ann"})])])
        mail = {"name": "mail", "url": server.url, "type": "http"}
        broken = {"name": "broken", "command": "no-such-program"}
        worker = team.start("worker", "Begin.", mcpServers=[mail, broken])
        both = await until(lambda: len(found := unreachable(worker)) == 2 and found)
        assert "no-such-program cannot be started: No such file" in both["broken"]
        assert "503" in both["mail"] or "endpoint" in both["mail"]
        gate.touch()
        await team.send("worker", "Again, please.")
        await until(lambda: list(unreachable(worker)) == ["broken"])
    assert any("the MCP server mail is reached" in line for line in worker.log)
    assert not worker.task.done()


def unreachable(agent: RunningAgent) -> dict[str, str]:
    """What the harness has said last."""
    return dict(agent.states[-1].unreachable) if agent.states else {}


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended meanwhile
            found += [int(each) for each in (task / "children").read_text().split()]
    return found
