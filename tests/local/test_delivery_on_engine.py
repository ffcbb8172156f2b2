"""The described coding team on a whole engine: two worktrees, an order, a merge, a push, one pull request."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests
sys.path.insert(
    0, str(Path(__file__).parents[1] / "unit" / "finish")
)  # and the forge beside those of finishing

from forge_server import TOKEN, ForgeServer, served
from simulated_team import SPEED, Team, git, make_repository, until

from kagents_core.api.resources import AGENT_TEAMS, NAMESPACES, SECRETS
from kagents_core.kube.client import Client
from kagents_tui.acts import ActError
from kagents_tui.delivery_states import delivery_of, failure_of
from kagents_tui.retrying import retry

SEED = Path(__file__).parents[1] / "fixtures/seed-manifests/auth-refactor.yaml"
NAMESPACE = "dev-agents"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ForgeServer]:
    """A forge with acme/backend."""
    root = tmp_path / "forge"
    (root / "acme").mkdir(parents=True)
    git(
        tmp_path,
        "clone",
        "-q",
        "--bare",
        str(make_repository(tmp_path / "seed")),
        str(root / "acme/backend.git"),
    )
    with served() as server:
        server.root = root
        yield server
        assert server.complaints == []


async def put_secret(client: Client, name: str, **values: str) -> None:
    """A Secret in the team's namespace, made or changed."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
    await client.apply(SECRETS, NAMESPACE, name, body, manager="test", force=True)


@pytest.fixture
async def seed_team(fast: None, engine: Any, engine_client: Client, forge: ForgeServer) -> Callable[..., Any]:
    """Applies the seed's manifest with only the repository's address, the harness and more as given."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    await engine_client.create(NAMESPACES, None, space)
    await put_secret(engine_client, "git-credentials", token=TOKEN)

    async def applied(**lifecycle: Any) -> Team:
        manifest = yaml.safe_load(SEED.read_text())
        manifest["spec"]["repository"]["url"] = f"{forge.url}/acme/backend.git"
        manifest["spec"]["harness"] = "simulated"
        manifest["spec"]["lifecycle"] |= lifecycle
        team = Team(engine_client, engine.data.root, "auth-refactor", NAMESPACE)
        await team.create({"metadata": manifest["metadata"], "spec": manifest["spec"]})
        return team

    return applied


async def test_the_described_coding_team_ends_in_one_pull_request(
    seed_team: Callable[..., Any], forge: ForgeServer
) -> None:
    team = await seed_team()
    status = await team.in_phase("Completed")
    [made] = forge.requests
    assert made["title"] == "feat(auth): migrate from JWT to OAuth2"
    assert (made["head"]["ref"], made["base"]["ref"]) == ("kagents/auth-refactor", "main")
    assert status["pullRequest"] == {"url": made["html_url"], "state": "open"}
    bare = forge.root / "acme/backend.git"
    assert git(bare, "rev-parse", "kagents/auth-refactor") == status["commit"]
    merged = git(bare, "log", "--format=%an", "kagents/auth-refactor").splitlines()
    assert {"backend-api (kagents)", "test-coverage (kagents)"} <= set(merged)
    await no_token_anywhere(team)


async def no_token_anywhere(team: Team) -> None:
    """Neither in objects, logs, events and files of the team, nor in what its processes were given."""
    pods = [json.dumps(pod) for pod in await team.pods()]
    assert not any(TOKEN in text for text in [json.dumps(await team.status()), *pods])
    found = [
        path
        for folder in (team.volume, *team.data.glob("pods/*/containers"))
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and TOKEN.encode() in path.read_bytes()
    ]
    assert found == []


async def test_an_expired_token_waits_for_a_person_and_goes_on_at_their_word(
    seed_team: Callable[..., Any], forge: ForgeServer, engine_client: Client
) -> None:
    await put_secret(engine_client, "forge", GITHUB_TOKEN="expired")
    team = await seed_team(githubTokenSecret="forge")

    async def asks() -> str | None:
        conditions = {each["type"]: each for each in (await team.status()).get("conditions", ())}
        told = conditions.get("Delivered", {})
        return told.get("message") if told.get("reason") == "NeedsAttention" else None

    assert "401" in await until(asks)
    assert forge.requests == []
    await put_secret(engine_client, "forge", GITHUB_TOKEN=TOKEN)
    held = await engine_client.get(AGENT_TEAMS, NAMESPACE, team.name)
    _, failed = await retry(engine_client, NAMESPACE, team.name, seen=failure_of(held))
    assert "401" in failed.message
    with pytest.raises(ActError, match="has moved on in the meantime"):
        await retry(engine_client, NAMESPACE, team.name, seen=failed)
    await team.in_phase("Completed")
    assert forge.made() == 1
    done = delivery_of(await engine_client.get(AGENT_TEAMS, NAMESPACE, team.name))
    assert done is not None
    assert (done.state, done.url, len(done.commit)) == ("delivered", forge.requests[0]["html_url"], 40)


async def test_an_answer_that_was_lost_makes_no_second_request(
    seed_team: Callable[..., Any], forge: ForgeServer
) -> None:
    forge.creations = ["lost"]
    team = await seed_team()
    await team.in_phase("Completed")
    assert forge.made() == 1


async def test_a_branch_is_pushed_without_a_request(
    seed_team: Callable[..., Any], forge: ForgeServer
) -> None:
    team = await seed_team(onComplete="push-branch", consolidatedBranchTemplate="work/{{ .TeamName }}")
    status = await team.in_phase("Completed")
    assert (status["branch"], "pullRequest" in status) == ("work/auth-refactor", False)
    assert git(forge.root / "acme/backend.git", "rev-parse", "work/auth-refactor") == status["commit"]
    assert forge.requests == []
