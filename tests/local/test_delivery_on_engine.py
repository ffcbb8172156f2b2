"""The described coding team on a whole engine: two worktrees, an order, a merge, a push, one pull request."""

import base64
import json
import os
import shutil
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
from loopback_tls import tls_for_loopback
from simulated_team import SPEED, Team, agent, git, make_repository, until
from ssh_server import SshServer, ssh_served

from kagents_core.api.resources import AGENT_TEAMS, EVENTS, NAMESPACES, SECRETS
from kagents_core.kube.client import Client
from kagents_tui.acts import ActError
from kagents_tui.delivery_states import delivery_of, failure_of
from kagents_tui.retrying import retry

pytestmark = pytest.mark.long

SEED = Path(__file__).parents[1] / "fixtures/seed-manifests/auth-refactor.yaml"
NAMESPACE = "dev-agents"
PASSING = {"state": "passing", "passing": 1, "failing": 0, "pending": 0}
"""What the forge says of every commit's checks, unless it is told otherwise."""


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


def make_forge_root(tmp_path: Path) -> Path:
    """The folder of a forge with acme/backend."""
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
    return root


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ForgeServer]:
    """A forge with acme/backend."""
    with served() as server:
        server.root = make_forge_root(tmp_path)
        yield server
        assert server.complaints == []


@pytest.fixture
def https_forge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForgeServer]:
    """The same over https, with a certificate that whoever started the engine trusts."""
    certificate = tmp_path / "ca.pem"
    with served(tls_for_loopback(certificate)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        server.root = make_forge_root(tmp_path)
        yield server
        assert server.complaints == []


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[SshServer]:
    """A server that opens to one key."""
    with ssh_served(tmp_path / "sshd") as server:
        yield server


async def put_secret(client: Client, name: str, **values: str) -> None:
    """A Secret in the team's namespace, made or changed."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
    await client.apply(SECRETS, NAMESPACE, name, body, manager="test", force=True)


async def make_namespace(client: Client) -> None:
    """The sample's."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    await client.create(NAMESPACES, None, space)


async def apply_seed(client: Client, data: Path, url: str, **lifecycle: Any) -> Team:
    """Applies the seed's manifest with only the repository's address, the harness and more as given."""
    manifest = yaml.safe_load(SEED.read_text())
    manifest["spec"]["repository"]["url"] = url
    manifest["spec"]["harness"] = "simulated"
    described = manifest["spec"]["lifecycle"]
    request = described["pullRequest"] | lifecycle.pop("pullRequest", {})
    described |= lifecycle | {"pullRequest": request}
    team = Team(client, data, "auth-refactor", NAMESPACE)
    await team.create({"metadata": manifest["metadata"], "spec": manifest["spec"]})
    return team


@pytest.fixture
async def seed_team(fast: None, engine: Any, engine_client: Client, forge: ForgeServer) -> Callable[..., Any]:
    """Applies the sample with the forge's repository."""
    await make_namespace(engine_client)
    await put_secret(engine_client, "git-credentials", token=TOKEN)

    async def applied(**lifecycle: Any) -> Team:
        url = f"{forge.url}/acme/backend.git"
        return await apply_seed(engine_client, engine.data.root, url, **lifecycle)

    return applied


async def test_the_described_coding_team_ends_in_one_pull_request(
    seed_team: Callable[..., Any], forge: ForgeServer
) -> None:
    team = await seed_team()
    assert_delivered(await team.in_phase("Completed"), forge)


async def test_a_team_that_waits_for_checks_shows_its_request_and_completes_when_they_end(
    seed_team: Callable[..., Any], forge: ForgeServer
) -> None:
    forge.usual = [{"status": "in_progress"}]
    team = await seed_team(pullRequest={"waitForChecks": "10m"})

    async def awaits() -> dict[str, Any] | None:
        status = await team.status()
        said = {each["type"]: each["reason"] for each in status.get("conditions", ())}
        return status if said.get("Delivered") == "AwaitingChecks" else None

    status = await until(awaits)
    [made] = forge.requests
    assert status["phase"] == "Running"
    assert status["pullRequest"] == {"url": made["html_url"], "state": "open"}
    forge.usual = [{"status": "completed", "conclusion": "failure"}, {"state": "success"}]
    status = await team.in_phase("Completed")
    failing = {"state": "failing", "passing": 1, "failing": 1, "pending": 0}
    assert status["pullRequest"] == {"url": made["html_url"], "state": "open", "checks": failing}


async def test_it_does_so_over_https(
    fast: None, https_forge: ForgeServer, engine: Any, engine_client: Client
) -> None:
    await make_namespace(engine_client)
    await put_secret(engine_client, "git-credentials", token=TOKEN)
    url = f"{https_forge.url}/acme/backend.git"
    assert url.startswith("https://")
    team = await apply_seed(engine_client, engine.data.root, url)
    assert_delivered(await team.in_phase("Completed"), https_forge)


async def test_it_does_so_over_ssh_and_the_key_stays_where_it_belongs(
    spied: Path, forge: ForgeServer, sshd: SshServer, engine: Any, engine_client: Client
) -> None:
    await make_namespace(engine_client)
    key = sshd.key.read_text()
    pinned = {"ssh-privatekey": key, "known_hosts": sshd.host_line + "\n"}
    await put_secret(engine_client, "git-credentials", **pinned)
    await put_secret(engine_client, "forge", GITHUB_TOKEN=TOKEN)
    team = await apply_seed(
        engine_client,
        engine.data.root,
        sshd.url(forge.root / "acme/backend.git"),
        githubTokenSecret="forge",
        pullRequest={"provider": "github", "apiUrl": forge.url},
    )
    assert_delivered(await team.in_phase("Completed"), forge)
    canaries = (key.splitlines()[1], TOKEN)
    objects = [await team.status(), await team.pods(), forge.requests, forge.calls]
    objects.append(list((await engine_client.list(EVENTS, NAMESPACE)).items))
    told = [json.dumps(objects), spied.read_text()]
    told += [
        path.read_bytes().decode(errors="replace")
        for root in (team.volume, *team.data.glob("pods/*/containers"))
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    ]
    assert "ssh" in told[1] and not [each for each in told if any(canary in each for canary in canaries)]


def assert_delivered(status: dict[str, Any], forge: ForgeServer) -> None:
    """As the sample describes it: merged in order, pushed, one pull request with its title."""
    [made] = forge.requests
    assert made["title"] == "feat(auth): migrate from JWT to OAuth2"
    assert (made["head"]["ref"], made["base"]["ref"]) == ("kagents/auth-refactor", "main")
    assert status["pullRequest"] == {"url": made["html_url"], "state": "open", "checks": PASSING}
    bare = forge.root / "acme/backend.git"
    assert git(bare, "rev-parse", "kagents/auth-refactor") == status["commit"]
    merged = git(bare, "log", "--format=%an", "kagents/auth-refactor").splitlines()
    assert {"backend-api (kagents)", "test-coverage (kagents)"} <= set(merged)


MODEL_KEY = "sk-ant-canary-7d20"


def spying(folder: Path) -> Path:
    """``git`` and ``ssh`` that write down their arguments and variables, and those of all that they start."""
    folder.mkdir()
    notes = folder / "notes"
    for name in ("git", "ssh"):
        program = folder / name
        program.write_text(
            f'#!/bin/sh\n{{ printf "%s\\n" "$0" "$@"; env; }} >> {notes}\nexec {shutil.which(name)} "$@"\n'
        )
        program.chmod(0o755)
    return notes


@pytest.fixture
def spied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """What every git of the team is given."""
    notes = spying(tmp_path / "spies")
    monkeypatch.setenv("PATH", f"{notes.parent}:{os.environ['PATH']}")
    return notes


async def test_no_secret_is_anywhere_it_does_not_belong(
    spied: Path, seed_team: Callable[..., Any], forge: ForgeServer, engine_client: Client
) -> None:
    await put_secret(engine_client, "forge", GITHUB_TOKEN=TOKEN)
    await put_secret(engine_client, "anthropic-api-key", ANTHROPIC_API_KEY=MODEL_KEY)
    team = await seed_team(githubTokenSecret="forge")
    await team.in_phase("Completed")
    assert forge.made() == 1
    canaries = [each.encode() for each in (TOKEN, MODEL_KEY, base64.b64encode(TOKEN.encode()).decode())]
    objects = [await team.status(), await team.pods(), forge.requests, forge.calls]
    objects.append(list((await engine_client.list(EVENTS, NAMESPACE)).items))
    assert not [each for each in objects if any(canary.decode() in json.dumps(each) for canary in canaries)]
    told = spied.read_text()
    assert "clone" in told and "push" in told and not any(canary.decode() in told for canary in canaries)

    def holders(*roots: Path) -> set[Path]:
        files = (path for root in roots for path in root.rglob("*") if path.is_file())
        plain = (path for path in files if not path.is_symlink())
        return {path for path in plain if any(canary in path.read_bytes() for canary in canaries)}

    # The team's volume holds the journal, transcripts and .git/config; containers their logs and variables.
    assert {"journal.jsonl", "config"} <= {path.name for path in team.volume.rglob("*")}
    assert holders(team.volume, *team.data.glob("pods/*/containers"), team.data / "volumes") == set()
    mounted = {path.relative_to(team.data / "pods").parts[1] for path in holders(team.data / "pods")}
    assert mounted == {"volumes"}, "the search finds what it looks for, where a Secret is mounted"


async def test_a_setup_command_and_one_worktree_for_all(
    engine: Any, engine_client: Client, tmp_path: Path
) -> None:
    team = Team(engine_client, engine.data.root, "together")
    remote = tmp_path / "remote.git"
    git(tmp_path, "clone", "-q", "--bare", str(make_repository(tmp_path / "seed")), str(remote))
    show = "env > seen; ls -A /var/run/secrets/kubernetes.io/serviceaccount > token 2>&1; echo set up"
    spec = {
        "repository": {
            "url": remote.as_uri(),
            "worktreeStrategy": "shared",
            "setupCommand": ["sh", "-c", show],
        },
        "harness": "simulated",
        "teammates": [
            agent("Write.", "work: {write: {a.txt: one}}", "shutdown: done", name="a"),
            agent("Write.", "work: {write: {b.txt: two}}", "shutdown: done", name="b", dependsOn=["a"]),
        ],
        "lifecycle": {"timeout": "10m", "onComplete": "push-branch"},
    }
    await team.create({"metadata": {"name": "together"}, "spec": spec})
    status = await team.in_phase("Completed")
    shown = {name: git(remote, "show", f"{status['branch']}:{name}") for name in ("a.txt", "b.txt", "token")}
    assert (shown["a.txt"], shown["b.txt"]) == ("one", "two")
    assert "token" not in shown["token"].split()
    variables = git(remote, "show", f"{status['branch']}:seen")
    assert "KAGENTS_TEAM" not in variables and "PATH=" in variables
    assert (team.volume / "work/setup/shared.log").read_text() == "set up\n"
    assert "set up" in await team.log("hub", "setup")


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


async def test_a_conflict_is_handed_to_the_lead_and_then_delivered(
    engine: Any, engine_client: Client, tmp_path: Path
) -> None:
    team = Team(engine_client, engine.data.root, "conflicting")
    remote = tmp_path / "remote.git"
    git(tmp_path, "clone", "-q", "--bare", str(make_repository(tmp_path / "seed")), str(remote))
    await team.apply(
        agent("Write.", "work: {write: {both.txt: one, one.txt: '1'}}", "shutdown: done", name="one"),
        agent("Write.", "work: {write: {both.txt: two, two.txt: '2'}}", "shutdown: done", name="two"),
        lead=agent("Lead.", "shutdown: done"),
        lifecycle={"onComplete": "push-branch", "onConflict": "lead"},
        repository=remote,
    )
    status = await team.in_phase("Completed")
    branch = status["branch"]
    assert git(remote, "show", f"{branch}:both.txt") == "two"
    assert {"one.txt", "two.txt"} <= set(git(remote, "ls-tree", "--name-only", branch).splitlines())
    pods = await team.pods("lead")
    assert [pod["status"]["phase"] for pod in pods] == ["Succeeded", "Succeeded"]
    names = git(team.volume / "work/repo", "branch", "--format=%(refname:short)").split()
    assert {f"kagents/conflicting/{name}" for name in ("one", "two", "lead")} <= set(names)
