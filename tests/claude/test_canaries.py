"""Secrets of a whole team of the real CLI: each is looked for everywhere it has no business.

Git's token, the key for the model's API and the header of an MCP server, in logs, events, objects, journal,
transcripts, the pull request, and in arguments and variables of every process; and what an agent's own
processes do hold is stated to the letter, as docs/security.md says it.
"""

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp_over_http import McpOverHttp, mcp_over_http
from scripted_model import Call, Conversation, Reply, Rule, Say, Script, ScriptedModel
from small_team import KEY, MODEL, git, until
from whole_team import NAMESPACE, WholeTeam, team_of

sys.path.insert(0, str(Path(__file__).parents[1] / "unit/finish"))  # the forge lies beside those of finishing

from forge_server import TOKEN, ForgeServer, served

from kagents_core.api.resources import AGENT_TEAMS, EVENTS, PODS, SECRETS

NAME = "guarded"
HEADER = "mcp-canary-4a6e"


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ForgeServer]:
    """A forge with acme/backend, behind git's token."""
    seed, bare = tmp_path / "seed", tmp_path / "forge/acme/backend.git"
    seed.mkdir()
    git(seed, "init", "-q", "-b", "main")
    me = ("-c", "user.name=t", "-c", "user.email=t@example.test")
    git(seed, *me, "commit", "-q", "--allow-empty", "-m", "Begin")
    git(seed, "clone", "-q", "--bare", str(seed), str(bare))
    with served() as server:
        server.root = tmp_path / "forge"
        yield server


team = team_of(NAME)


def shell(command: str) -> Call:
    return Call("Bash", {"command": command, "description": "work"})


def finish(conversation: Conversation, _: object) -> Reply:
    """Asks for the end."""
    if "Recorded." in conversation.results[-1]:
        return Say("The team is done.")
    return Call("mcp__kagents__finish", {"summary": "guarded work"})


def manifest(mode: str, model_url: str, forge: ForgeServer, mail: McpOverHttp) -> dict[str, Any]:
    """A lead alone, with every kind of secret that a team can have."""
    own = {"ANTHROPIC_BASE_URL": model_url} if mode == "direct" else {}
    variables = {"CLAUDE_CODE_MAX_RETRIES": "1", **own}
    auth = {"apiKeySecret": "model", "mode": mode} | ({} if own else {"baseUrl": model_url})
    lead = {
        "model": MODEL,
        "prompt": "Begin the work.",
        "harness": "claude-code",
        "env": [{"name": key, "value": value} for key, value in variables.items()],
        "mcpServers": [{"name": "mail", "url": mail.url, "credentialsSecret": "mail"}],
    }
    repository = {"url": f"{forge.url}/acme/backend.git", "credentialsSecret": "git", "agentAccess": "push"}
    delivery = {"onComplete": "create-pr", "githubTokenSecret": "forge", "timeout": "5m"}
    return {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeam",
        "metadata": {"name": NAME},
        "spec": {
            "repository": repository,
            "auth": auth,
            "lead": lead,
            "lifecycle": delivery,
        },
    }


async def applied(
    mode: str, team: WholeTeam, model: ScriptedModel, forge: ForgeServer, mail: McpOverHttp
) -> None:
    for name, values in (
        ("git", {"token": TOKEN}),
        ("forge", {"GITHUB_TOKEN": TOKEN}),
        ("model", {"ANTHROPIC_API_KEY": KEY}),
        ("mail", {"token": HEADER}),
    ):
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
        await team.client.create(SECRETS, NAMESPACE, secret)
    await team.client.create(AGENT_TEAMS, NAMESPACE, manifest(mode, model.url, forge, mail))


CANARIES = {
    "git": (TOKEN.encode(), base64.b64encode(f"x-access-token:{TOKEN}".encode())),
    "model": (KEY.encode(),),
    "header": (HEADER.encode(),),
}


def found_in(data: bytes) -> set[str]:
    """Which secrets stand there."""
    return {name for name, forms in CANARIES.items() if any(form in data for form in forms)}


@dataclass(frozen=True)
class Process:
    """One process, as its own account can look at it."""

    parent: int
    arguments: bytes
    variables: bytes

    @property
    def name(self) -> str:
        """The verb of kagents' own programs; else the first argument."""
        parts = self.arguments.decode(errors="replace").rstrip("\0").split("\0")
        return parts[-1] if "kagents_runner" in parts else parts[0]


def processes(data: Path) -> dict[int, Process]:
    """Every process of the engine's pods."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            arguments, variables = (path / "cmdline").read_bytes(), (path / "environ").read_bytes()
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if str(data).encode() in variables:
            found[int(path.name)] = Process(parent, arguments, variables)
    return found


def ancestors(pid: int, running: dict[int, Process]) -> set[int]:
    """Those that started it."""
    found: set[int] = set()
    while pid in running and running[pid].parent not in found:
        pid = running[pid].parent
        found.add(pid)
    return found


def holders(*roots: Path) -> dict[str, set[str]]:
    """Files that hold a secret."""
    plain = [path for root in roots for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path): names for path in plain if (names := found_in(path.read_bytes()))}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("mode", ["gateway", "direct"])
async def test_no_secret_is_where_it_does_not_belong(
    team: WholeTeam, model: ScriptedModel, forge: ForgeServer, tmp_path: Path, mode: str
) -> None:
    gate, waits = tmp_path / "go-on", tmp_path / "waits"
    work = "echo shop > shop.txt && git add shop.txt && git commit -qm Shop"
    steps = [
        shell(f"{work} && git push origin HEAD 2>&1"),
        shell("git push origin HEAD:main 2>&1; git config --list; git remote -v"),
        Call("mcp__mail__draft", {"to": "ann"}),
        shell(f"touch {waits}; while [ ! -e {gate} ]; do sleep 0.1; done"),
        *[finish] * 10,
    ]
    model.script = Script([Rule("lead", "Begin the work", steps)])
    async with mcp_over_http() as mail:
        await applied(mode, team, model, forge, mail)
        await until(waits.exists)
        running = processes(team.data)
        [cli] = team.pids("lead")
        gate.touch()
        await until(lambda: _completed(team))
    assert model.unexpected == []

    # It all happened, with the secrets that it needs.
    said = model.requests[-1].everything
    assert "main is not yours; you may push kagents/guarded/lead" in said
    assert git(forge.root / "acme/backend.git", "show", "kagents/guarded/lead:shop.txt").strip() == "shop"
    assert {headers["Authorization"] for headers in mail.headers} == {f"Bearer {HEADER}"}
    assert forge.made() == 1

    # Processes: no arguments hold any, and with the gateway no variables either. Without it, variables hold
    # the model's key alone: those of the supervisor, of the CLI, and of what the CLI starts.
    servers = {"gateway"} if mode == "gateway" else set()
    assert {"supervise", "record", "git-proxy"} | servers <= {each.name for each in running.values()}
    assert [each.name for each in running.values() if found_in(each.arguments)] == []
    holding = {pid: found for pid, each in running.items() if (found := found_in(each.variables))}
    if mode == "gateway":
        assert holding == {}
    else:
        assert set().union(*holding.values()) == {"model"}
        started = {pid for pid in running if cli in ancestors(pid, running)}
        assert cli in holding
        assert {running[pid].name for pid in set(holding) - started - {cli}} == {"supervise"}
    assert {headers.get("x-api-key") for headers in model.headers} == {KEY}

    # Files: the folders where Secrets are mounted, and nothing that a team leaves.
    assert {"journal.jsonl", "config"} <= {path.name for path in team.volume.rglob("*")}
    assert list(team.volume.glob("home/lead/projects/*/*.jsonl")), "its transcript is among them"
    assert holders(team.volume, *team.data.glob("pods/*/containers")) == {}
    assert found_in((team.data / "engine.log").read_bytes()) == set()
    mounted = {Path(path).relative_to(team.data / "pods").parts[1] for path in holders(team.data / "pods")}
    assert mounted == {"volumes"}, "the search finds what it looks for, where a Secret is mounted"
    objects = [await team.status(), forge.requests, forge.calls, model.requests[-1].everything]
    for kind in (PODS, EVENTS, AGENT_TEAMS):
        objects.append(list((await team.client.list(kind, NAMESPACE)).items))
    assert found_in(json.dumps(objects).encode()) == set()


async def _completed(team: WholeTeam) -> bool:
    """The team is done, and its hub has written its last."""
    pods = await team.agents_with_pods()
    return (await team.status()).get("phase") == "Completed" and pods["hub"] == ["Succeeded"]
