"""A team on the embedded engine with all that an agent may be given: pulled, started, missed, named."""

import base64
import json
import sys
from pathlib import Path
from typing import Any

from scripted_model import Call, Rule, Script, ScriptedModel
from small_team import KEY, MODEL, git, until
from whole_team import NAMESPACE, WholeTeam, team_of

sys.path.insert(0, str(Path(__file__).parents[1] / "unit/runner"))  # the registry of those tests

from registry_server import NAME, PASSWORD, TAR, Registry, tarball

from kagents_core.api.resources import AGENT_TEAMS, SECRETS

CANARY = "canary-of-the-database-3f"
PULLED = b"---\nname: closing\ndescription: How a quarter is closed here.\n---\nCount twice.\n"
KEPT = "---\nname: style\ndescription: How texts are written here.\n---\nShort words.\n"

team = team_of("equipped")


def describe_style(repository: Path) -> None:
    """The repository has a skill of its own."""
    folder = repository / "skills/style"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(KEPT)
    git(repository, "add", ".")
    author = ("-c", "user.name=t", "-c", "user.email=t@example.test")
    git(repository, *author, "commit", "-q", "-m", "Write a skill")


async def test_skills_and_servers_reach_the_agent_and_what_does_not_is_a_condition(
    team: WholeTeam, model: ScriptedModel
) -> None:
    describe_style(team.repository)
    registry = Registry()
    registry.wants = "bearer"
    registry.add("1", (TAR, tarball(("SKILL.md", PULLED)), None))
    auth = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
    await secret(team, "anthropic-api-key", ANTHROPIC_API_KEY=KEY)
    await secret(team, "db", password=CANARY)
    config = json.dumps({"auths": {registry.host: {"auth": auth}}})
    await secret(team, "registry", **{".dockerconfigjson": config})
    look = [Call("Skill", {"skill": name}) for name in ("closing", "style")]
    model.script = Script([Rule("worker", "Begin", [*look, Call("mcp__db__look", {}, delay=12)])])
    try:
        await team.client.create(AGENT_TEAMS, NAMESPACE, manifest(team, model.url, registry.host))
        said = await until(lambda: unreachable(team), 60)
        assert "worker cannot reach far" in said
        seen = await until(lambda: [each for each in results(model) if "DB_HOST" in each], 60)
        told = json.JSONDecoder().raw_decode(seen[0][seen[0].index("{") :])[0]
        assert (told["DB_HOST"], told["password"], told["credential"]) == ("h", len(CANARY), "none")
        assert "Count twice." in model.requests[-1].everything
        assert "Short words." in model.requests[-1].everything
        await until(lambda: phase(team, "Completed"), 90)
    finally:
        registry.close()
    status = json.dumps(await team.status()) + json.dumps(team.journal())
    files = [path for path in team.volume.rglob("*") if path.is_file() and not path.is_symlink()]
    written = b"".join(path.read_bytes() for path in files)
    for canary in (CANARY, PASSWORD, auth):
        assert canary not in status and canary.encode() not in written


def manifest(team: WholeTeam, model_url: str, registry: str) -> dict[str, Any]:
    pulled = {"oci": f"{registry}/team/skill:1", "credentialsSecret": "registry"}
    own = {"path": "skills/style"}
    password = {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}
    server = str(Path(__file__).with_name("mcp_over_stdio.py"))
    database = {"name": "db", "command": sys.executable, "args": [server]}
    worker = {
        "name": "worker",
        "model": MODEL,
        "prompt": "Begin.",
        "env": [{"name": "CLAUDE_CODE_MAX_RETRIES", "value": "1"}],
        "skills": [
            {"name": "closing", "source": pulled},
            {"name": "style", "source": own},
        ],
        "mcpServers": [
            database | {"env": [password, {"name": "DB_HOST", "value": "h"}]},
            {"name": "far", "url": "http://127.0.0.1:9/mcp"},
        ],
    }
    spec = {
        "repository": {"url": team.repository.as_uri(), "branch": "main"},
        "auth": {"apiKeySecret": "anthropic-api-key", "baseUrl": model_url},
        "teammates": [worker],
        "lifecycle": {"timeout": "10m", "idleTimeout": "15s"},
    }
    head = {"apiVersion": "claude.amcheste.io/v1alpha1", "kind": "AgentTeam"}
    return head | {"metadata": {"name": team.name}, "spec": spec}


async def secret(team: WholeTeam, name: str, **values: str) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
    await team.client.create(SECRETS, NAMESPACE, body)


async def unreachable(team: WholeTeam) -> str | None:
    """What the condition says while it is false."""
    for entry in (await team.status()).get("conditions", ()):
        if entry["type"] == "McpServersReachable" and entry["status"] == "False":
            return str(entry["message"])
    return None


async def phase(team: WholeTeam, wanted: str) -> bool:
    found = (await team.status()).get("phase")
    assert found in (wanted, None, "Initializing", "Running"), found
    return bool(found == wanted)


def results(model: ScriptedModel) -> list[str]:
    return [result for request in model.requests for result in request.results]
