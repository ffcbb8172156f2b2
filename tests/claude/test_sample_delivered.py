"""The described coding team with the real CLI: two worktrees, an order, a merge, a push, one pull request.

Of its manifest only the repository's address is another one, and agents are told where their models are.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sample_script import sample_rules
from scripted_model import Script, ScriptedModel
from small_team import KEY, MODEL, git, until
from whole_team import NAMESPACE, WholeTeam, team_of

sys.path.insert(0, str(Path(__file__).parents[1] / "unit/finish"))  # the forge lies beside those of finishing

from forge_server import TOKEN, ForgeServer, served

from kagents_core.api.resources import AGENT_TEAMS, SECRETS

SAMPLE = Path(__file__).parents[1] / "fixtures/seed-manifests/auth-refactor.yaml"
NAME = "auth-refactor"
PASSING = {"state": "passing", "passing": 1, "failing": 0, "pending": 0}
DEADLINE = 120.0
"""Two agents work one after the other, and then the delivery."""


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
        assert server.complaints == []


team = team_of(NAME)


async def applied(team: WholeTeam, model_url: str, forge: ForgeServer) -> None:
    """The sample's Secrets, and its manifest."""
    values = {"anthropic-api-key": {"ANTHROPIC_API_KEY": KEY}, "git-credentials": {"token": TOKEN}}
    for name, data in values.items():
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
        await team.client.create(SECRETS, NAMESPACE, secret)
    manifest: dict[str, Any] = yaml.safe_load(SAMPLE.read_text())
    manifest["metadata"]["namespace"] = NAMESPACE
    manifest["spec"]["repository"]["url"] = f"{forge.url}/acme/backend.git"
    aliases = {f"ANTHROPIC_DEFAULT_{alias}_MODEL": MODEL for alias in ("OPUS", "SONNET")}
    manifest["spec"]["auth"]["baseUrl"] = model_url
    for agent in (manifest["spec"]["lead"], *manifest["spec"]["teammates"]):
        # The scripted model speaks as this one does.
        agent["env"] = [{"name": name, "value": value} for name, value in aliases.items()]
    await team.client.create(AGENT_TEAMS, NAMESPACE, manifest)


@pytest.mark.timeout(180)
async def test_it_ends_in_one_pull_request(team: WholeTeam, model: ScriptedModel, forge: ForgeServer) -> None:
    model.script = Script(sample_rules())
    await applied(team, model.url, forge)
    await until(lambda: _completed(team), DEADLINE)
    assert model.unexpected == []

    [made] = forge.requests
    assert made["title"] == "feat(auth): migrate from JWT to OAuth2"
    assert (made["head"]["ref"], made["base"]["ref"]) == (f"kagents/{NAME}", "main")
    for part in (
        "OAuth2 is in place.",
        "**backend-api**",
        "- Add OAuth2",
        "**test-coverage**",
        "- Cover OAuth2",
    ):
        assert part in made["body"]
    status = await team.status()
    assert status["pullRequest"] == {"url": made["html_url"], "state": "open", "checks": PASSING}

    # Each worked on a branch of its own, the second once the first had ended; the joined one has both.
    bare = forge.root / "acme/backend.git"
    assert git(bare, "rev-parse", f"kagents/{NAME}").strip() == status["commit"]
    joined = git(bare, "log", "--format=%s", f"kagents/{NAME}").splitlines()
    assert {"Add OAuth2", "Cover OAuth2"} <= set(joined)
    told = [(each["agent"], each["state"]) for each in team.journal("activity")]
    assert told.index(("backend-api", "ended")) < told.index(("test-coverage", "starting"))
    worktrees = {path.name for path in (team.volume / "work/worktrees").iterdir()}
    assert {"backend-api", "test-coverage"} <= worktrees


async def _completed(team: WholeTeam) -> bool:
    return (await team.status()).get("phase") == "Completed"
