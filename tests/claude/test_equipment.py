"""The real CLI with a skill and an MCP server: both are seen, and the secret goes only where it belongs."""

from collections.abc import Callable
from pathlib import Path

from mcp_over_http import mcp_over_http
from scripted_model import Call, Rule, Script, ScriptedModel
from small_team import SmallTeam, until

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
