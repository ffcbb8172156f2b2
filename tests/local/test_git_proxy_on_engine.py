"""Agents that reach their repository through the hub: a whole engine, real git, a server with a token."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests
sys.path.insert(
    0, str(Path(__file__).parents[1] / "unit" / "finish")
)  # and the forge beside those of finishing

from forge_server import TOKEN, ForgeServer, served
from simulated_team import SPEED, Team, agent, git, make_repository, until

from kagents_core.api.resources import SECRETS
from kagents_core.kube.client import Client

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ForgeServer]:
    """A forge with acme/backend, that wants its token."""
    root = tmp_path / "forge"
    (root / "acme").mkdir(parents=True)
    seed = make_repository(tmp_path / "seed")
    git(tmp_path, "clone", "-q", "--bare", str(seed), str(root / "acme/backend.git"))
    with served() as server:
        server.root = root
        yield server


async def applied(engine: Any, client: Client, forge: ForgeServer, access: str, *teammates: Any) -> Team:
    """A team whose agents reach the repository."""
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "git-token"},
        "stringData": {"token": TOKEN},
    }
    await client.apply(SECRETS, "default", "git-token", body, manager="test", force=True)
    team = Team(client, engine.data.root, "reaching")
    repository = {"url": f"{forge.url}/acme/backend.git", "credentialsSecret": "git-token"}
    spec = {"repository": repository | {"agentAccess": access}, "harness": "simulated"}
    spec |= {"teammates": list(teammates), "lifecycle": {"timeout": "5m", "onComplete": "push-branch"}}
    await team.create({"metadata": {"name": "reaching"}, "spec": spec})
    return team


async def test_an_agent_pushes_its_own_branch_and_no_other(
    engine: Any, engine_client: Client, forge: ForgeServer
) -> None:
    writer = agent(
        "Write.",
        "work: {seconds: 0, write: {notes.md: hello}}",
        "push: own",
        "push: main",
        "push: kagents/reaching/reader",
        "shutdown: done",
        name="writer",
    )
    reader = agent(
        "Read.",
        "fetch: all",
        "work: {seconds: 0, write: {read.md: seen}}",
        "push: own",
        "shutdown: done",
        name="reader",
        dependsOn=["writer"],
    )
    team = await applied(engine, engine_client, forge, "push", writer, reader)
    status = await team.in_phase("Completed")
    bare = forge.root / "acme/backend.git"
    said = await team.log("writer")
    assert "pushed kagents/reaching/writer" in said
    assert "main is not yours; you may push kagents/reaching/writer" in said
    assert "kagents/reaching/reader is not yours" in said
    assert "fetched" in await team.log("reader")
    assert git(bare, "show", "kagents/reaching/writer:notes.md") == "hello"
    assert git(team.volume / "work/repo", "rev-parse", "origin/kagents/reaching/writer") == git(
        bare, "rev-parse", "kagents/reaching/writer"
    )
    branches = set(git(bare, "for-each-ref", "--format=%(refname:short)").split())
    assert branches == {"main", *(f"kagents/reaching/{name}" for name in ("writer", "reader", "finish"))}
    assert status["branch"] == "kagents/reaching/finish"

    async def hub_has_ended() -> bool:
        [pod] = await team.pods("hub")
        return bool(pod["status"]["phase"] == "Succeeded")

    await until(hub_has_ended, 30)
    assert "writer pushed" in await team.log("hub", "git")
    files = [each for each in team.volume.rglob("*") if each.is_file() and not each.is_symlink()]
    logs = engine.data.root.glob("pods/*/containers/**/*")
    tokens = [(team.volume / f"home/{name}/git/token").read_bytes() for name in ("writer", "reader")]
    for each in [*files, *(path for path in logs if path.is_file())]:
        found = [secret for secret in (TOKEN.encode(), *tokens) if secret in each.read_bytes()]
        assert not found or (each.parent.name, each.name) == ("git", "token"), each


async def test_a_proxy_that_is_killed_comes_back(
    engine: Any, engine_client: Client, forge: ForgeServer
) -> None:
    worker = agent(
        "Work.", "fetch: all", "wait: {mail_from: team-lead}", "fetch: all", "shutdown: x", name="worker"
    )
    team = await applied(engine, engine_client, forge, "fetch", worker)

    async def fetched() -> bool:
        return "fetched" in await team.log("worker")

    async def restarted() -> bool:
        [pod] = await team.pods("hub")
        counts = {each["name"]: each["restartCount"] for each in pod["status"]["containerStatuses"]}
        return bool(counts["git"] == 1) and address.exists() and address.stat().st_mtime_ns != before

    await team.in_phase("Running")
    await until(fetched)
    [process] = [
        found
        for path in engine.data.root.glob("pods/*/containers/git/*/process.json")
        if (found := json.loads(path.read_text()))
    ]
    address = team.volume / "team/git/address"
    before = address.stat().st_mtime_ns
    os.kill(process["pid"], signal.SIGKILL)
    await until(restarted)
    await team.send("worker", "go on")
    await team.in_phase("Completed")
    assert (await team.log("worker")).count("fetched") == 2
