"""A team on the embedded engine, applied as a person would, with the real CLI as every agent."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from small_team import KEY, MODEL, git, until

from kagents_core.api.constants import APPROVAL_PREFIX
from kagents_core.api.resources import AGENT_TEAMS, PODS, SECRETS
from kagents_core.journal import entries
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

NAMESPACE = "default"
LIMIT = 60.0


class WholeTeam:
    """One AgentTeam, its objects and its files."""

    def __init__(self, client: Client, data: Path, repository: Path, name: str) -> None:
        self.client, self.data, self.repository, self.name = client, data, repository, name

    async def apply(self, *, model_url: str, prompts: Mapping[str, str], **lifecycle: Any) -> None:
        """Creates the credential and the team: ``lead`` and teammates by their prompts, behind a gateway.

        ``budget``: budgets of agents; ``tracing``: where the team's life is told.
        """
        secret = {"metadata": {"name": "anthropic-api-key"}, "stringData": {"ANTHROPIC_API_KEY": KEY}}
        await self.client.create(SECRETS, NAMESPACE, {"apiVersion": "v1", "kind": "Secret", **secret})
        depends_on = lifecycle.pop("dependsOn", {})
        modes = lifecycle.pop("permissionMode", {})
        budgets = lifecycle.pop("budget", {})
        tracing = (
            {"observability": {"tracing": {"endpoint": at}}} if (at := lifecycle.pop("tracing", None)) else {}
        )
        environment = [{"name": "CLAUDE_CODE_MAX_RETRIES", "value": "1"}]
        auth = {"apiKeySecret": "anthropic-api-key", "baseUrl": model_url}

        def agent(name: str) -> dict[str, Any]:
            common = {"model": MODEL, "prompt": prompts[name], "harness": "claude-code", "env": environment}
            common |= {"permissionMode": modes[name]} if name in modes else {}
            common |= {"budget": budgets[name]} if name in budgets else {}
            waits = {"dependsOn": depends_on[name]} if name in depends_on else {}
            return common if name == "lead" else {"name": name, **common, **waits}

        team = {
            "apiVersion": "claude.amcheste.io/v1alpha1",
            "kind": "AgentTeam",
            "metadata": {"name": self.name},
            "spec": {
                "repository": {"url": self.repository.as_uri(), "branch": "main"},
                "auth": auth,
                "lead": agent("lead"),
                "teammates": [agent(name) for name in prompts if name != "lead"],
                "lifecycle": {"timeout": "10m", **lifecycle},
                **tracing,
            },
        }
        await self.client.create(AGENT_TEAMS, NAMESPACE, team)

    async def change(self, **spec: Any) -> None:
        """What ``kubectl patch`` does."""
        await self.client.patch_merge(AGENT_TEAMS, NAMESPACE, self.name, {"spec": spec})

    async def status(self) -> dict[str, Any]:
        """The team's status as of now."""
        status: dict[str, Any] = (await self.team()).get("status", {})
        return status

    async def team(self) -> dict[str, Any]:
        """The team's object as of now."""
        return dict(await self.client.get(AGENT_TEAMS, NAMESPACE, self.name))

    async def approve(self, event: str) -> None:
        """What ``kubectl annotate`` does."""
        annotations = {f"{APPROVAL_PREFIX}{event}": "true"}
        await self.client.patch_merge(
            AGENT_TEAMS, NAMESPACE, self.name, {"metadata": {"annotations": annotations}}
        )

    async def agents_with_pods(self) -> dict[str, list[str]]:
        """Phases of the pods of each agent."""
        found: dict[str, list[str]] = {}
        for pod in (await self.client.list(PODS, NAMESPACE)).items:
            agent = pod["metadata"]["labels"]["claude.amcheste.io/agent"]
            found.setdefault(agent, []).append(pod.get("status", {}).get("phase", ""))
        return found

    async def send(self, to: str, text: str) -> None:
        """A person's message, over exec in the hub, as every terminal sends it."""
        pods = (await self.client.list(PODS, NAMESPACE, labels="claude.amcheste.io/agent=hub")).items
        command = ["kagents-runner", "send", "--to", to]
        hub = pods[0]["metadata"]["name"]
        stream = await self.client.exec(NAMESPACE, hub, command, container="recorder", stdin=True)
        async with stream:
            await stream.send(text.encode())
            await stream.close_stdin()
            output = b"".join([data async for _, data in stream])
        assert stream.exit_code == 0, output

    @property
    def volume(self) -> Path:
        """The directory of the team's claim."""
        [found] = (self.data / "volumes" / NAMESPACE).glob(f"{self.name}-team-*")
        return found

    def journal(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The journal's entries, of one kind or all."""
        found = entries(self.volume / "team/journal.jsonl")
        return [dict(entry) for entry in found if kind is None or entry["kind"] == kind]

    def about(self, kind: str, text: str) -> list[dict[str, Any]]:
        """Entries of one kind about the one message with this text."""
        ids = [entry["id"] for entry in self.journal("message") if entry["text"] == text]
        assert len(ids) <= 1, f"journalled {len(ids)} times: {text}"
        return [entry for entry in self.journal(kind) if entry["id"] in ids]

    def pids(self, agent: str) -> list[int]:
        """Processes of the agent's CLI."""
        mark = f"--agent-id\0{agent}@{self.name}\0".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if mark in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found

    def explain(self) -> str:
        """The engine's log and the last lines of every container's, for a test that fails."""
        logs = [*sorted(self.data.glob("pods/*/**/*.log*")), self.data / "engine.log"]
        shown = [f"== {path}\n{path.read_text(errors='replace')[-3000:]}" for path in logs if path.is_file()]
        return "\n".join(shown)


@asynccontextmanager
async def engine_with_team(root: Path, name: str, claude: str) -> AsyncIterator[WholeTeam]:
    """The daemon on a data directory of its own, as a terminal starts it; gone afterwards."""
    data, repository = root / "data", root / "repository"
    repository.mkdir()
    git(repository, "init", "-q", "-b", "main")
    git(
        repository,
        *("-c", "user.name=t", "-c", "user.email=t@example.test"),
        *("commit", "-q", "--allow-empty", "-m", "Begin"),
    )
    await engine("up", data, claude)
    try:
        async with Client(load_kubeconfig(str(data / "kubeconfig"))) as client:
            yield WholeTeam(client, data, repository, name)
    finally:
        await engine("down", data, claude)
        shutil.rmtree(data, ignore_errors=True)


def team_of(name: str) -> Callable[..., AsyncIterator[WholeTeam]]:
    """The fixture ``team`` of a module: an engine and, on it, the team of that name that the test applies."""

    @pytest.fixture(name="team")
    async def team(tmp_path: Path, claude: str) -> AsyncIterator[WholeTeam]:
        async with engine_with_team(tmp_path, name, claude) as running:
            yield running
            print(running.explain())  # which pytest shows of a test that failed

    return team


async def engine(verb: str, data: Path, claude: str) -> None:
    """``kagents local up`` or ``down``."""
    command: Sequence[str] = (sys.executable, "-P", "-m", "kagents_local", verb, "--data", str(data))
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "KAGENTS_CLAUDE": claude},
    )
    output, _ = await asyncio.wait_for(process.communicate(), LIMIT)
    assert process.returncode == 0, output.decode()


async def kill_cli(team: WholeTeam, agent: str) -> None:
    """SIGKILL to the agent's CLI alone; its supervisor lives."""
    [pid] = team.pids(agent)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: pid not in team.pids(agent))
