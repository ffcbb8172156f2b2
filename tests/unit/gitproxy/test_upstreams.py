"""The hub's side: every kind of credential that prepare and finish know; agents see nothing of it."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from forge_server import APP, APP_TOKEN, INSTALLATION, TOKEN, ForgeServer, served
from proxied_team import ProxiedTeam
from runner_places import git
from ssh_server import ssh_served

pytestmark = pytest.mark.long


@pytest.fixture
def forge(tmp_path: Path, remote: Path) -> Iterator[ForgeServer]:
    """The repository behind a token."""
    root = tmp_path / "forge/acme"
    root.mkdir(parents=True)
    (root / "backend.git").symlink_to(remote)
    with served() as server:
        server.root = root.parent
        yield server


def secret(team: ProxiedTeam, **values: str) -> None:
    folder = team.place.root / "secret"
    folder.mkdir(exist_ok=True)
    for name, value in values.items():
        (folder / name).write_text(value)
    team.place.variables["KAGENTS_GIT_CREDENTIALS_DIR"] = str(folder)


def works(team: ProxiedTeam, remote: Path) -> None:
    """Push by one, fetch by another."""
    commit = team.commit("scout", "one.md")
    team.did("scout", "push", "origin", "HEAD")
    assert git(remote, "rev-parse", team.branch("scout")) == commit
    team.did("lead", "fetch", "origin")
    assert team.did("lead", "show", f"origin/{team.branch('scout')}:one.md") == "x"


def test_a_token_stays_in_the_hub(
    team_of: Callable[..., ProxiedTeam], forge: ForgeServer, remote: Path, tmp_path: Path
) -> None:
    team = team_of(f"{forge.url}/acme/backend.git")
    secret(team, token=TOKEN)
    notes = spying(tmp_path / "spies")
    team.place.variables["PATH"] = f"{notes.parent}:{os.environ['PATH']}"
    team.start()
    works(team, remote)
    refused = team.git("scout", "push", "origin", "HEAD:main", GIT_TRACE="1", GIT_TRACE_PACKET="1")
    assert "not yours" in refused.stderr
    told = notes.read_text() + team.stop(signal.SIGTERM) + refused.stderr
    assert "fetch" in told
    assert "git-remote-kagents" in told
    secrets = [TOKEN, *(team.token(agent) for agent in ("lead", "scout"))]
    assert [each for each in secrets if each in told] == []
    files = [path for path in team.place.root.rglob("*") if path.is_file() and not path.is_symlink()]
    where = {
        str(path.relative_to(team.place.root))
        for path in files
        for each in secrets
        if each.encode() in path.read_bytes()
    }
    assert where == {"secret/token", "home/lead/git/token", "home/scout/git/token"}


def spying(folder: Path) -> Path:
    """``git``, ``cat`` and ``sh`` that write down arguments and variables."""
    folder.mkdir()
    notes = folder / "notes"
    for name in ("git", "cat", "ssh"):
        program = folder / name
        program.write_text(
            f'#!/bin/sh\n{{ printf "%s\\n" "$0" "$@"; env; }} >> {notes}\nexec {shutil.which(name)} "$@"\n'
        )
        program.chmod(0o755)
    return notes


def test_a_key_for_ssh(team_of: Callable[..., ProxiedTeam], remote: Path, tmp_path: Path) -> None:
    with ssh_served(tmp_path / "sshd") as server:
        team = team_of(server.url(remote))
        secret(team, **{"ssh-privatekey": server.key.read_text()})
        team.start()
        works(team, remote)
        key = server.key.read_text().splitlines()[1].encode()
        files = [path for path in team.place.root.rglob("*") if path.is_file()]
        assert [path.name for path in files if key in path.read_bytes()] == ["ssh-privatekey"]
        server.change_host_key()
        ran = team.git("scout", "fetch", "origin")
        assert ran.returncode != 0
        assert "SSH host key" in ran.stderr


def test_a_github_app(team_of: Callable[..., ProxiedTeam], forge: ForgeServer, remote: Path) -> None:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    forge.app_key = key.public_key()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    team = team_of(f"{forge.url}/acme/backend.git")
    names = {"id": APP, "installation-id": INSTALLATION, "private-key": pem}
    secret(team, **{f"github-app-{name}": value for name, value in names.items()})
    team.start()
    works(team, remote)
    reading = {"permissions": {"contents": "read"}}
    assert forge.minted.count({"repositories": ["backend"]}) == 1, "one push, one token that may write"
    assert [each for each in forge.minted if each != reading] == [{"repositories": ["backend"]}]
    assert not any(
        APP_TOKEN.encode() in path.read_bytes() for path in team.place.root.rglob("*") if path.is_file()
    )


def test_a_credential_that_expired_is_told_plainly(
    team_of: Callable[..., ProxiedTeam], forge: ForgeServer, remote: Path
) -> None:
    team = team_of(f"{forge.url}/acme/backend.git")
    secret(team, token=TOKEN)
    team.start()
    forge.refused.add(TOKEN)
    ran = team.git("scout", "fetch", "origin")
    assert ran.returncode != 0
    assert "refused the credential or needs one" in ran.stderr
    assert TOKEN not in ran.stderr
    forge.refused.clear()
    works(team, remote)


def test_large_files_of_others_are_pointers_and_stop_no_merge(
    team_of: Callable[..., ProxiedTeam], tmp_path: Path, remote: Path
) -> None:
    if shutil.which("git-lfs") is None:
        assert os.environ.get("CI") != "true", "CI needs git-lfs: run tools/install-test-packages"
        pytest.skip("no git-lfs: install it, or run tools/install-test-packages")
    seed = tmp_path / "seed"
    git(seed, "lfs", "install", "--local")
    git(seed, "lfs", "track", "*.bin")

    def add(name: str) -> None:
        (seed / name).write_text(f"{name}\n")
        git(seed, "add", ".")
        git(seed, "commit", "-q", "-m", name)
        git(seed, "push", "-q", "--no-verify", str(remote), "main")

    add("old.bin")
    shutil.copytree(seed / ".git/lfs", remote / "lfs")
    team = team_of(remote.as_uri())
    team.start()
    add("new.bin")
    team.did("scout", "fetch", "origin")
    team.did("scout", "merge", "--quiet", "origin/main")
    tree = team.tree("scout")
    assert (tree / "old.bin").read_text() == "old.bin\n"
    assert (tree / "new.bin").read_text().startswith("version https://git-lfs")
    (tree / "own.bin").write_text("own\n")
    team.did("scout", "add", "own.bin")
    team.did("scout", "commit", "--quiet", "-m", "Own")
    team.did("scout", "push", "origin", "HEAD")


def test_a_hub_that_starts_again_takes_the_same_agents(team: ProxiedTeam, remote: Path) -> None:
    before = team.token("scout")
    works(team, remote)
    team.stop()
    team.start()
    assert team.token("scout") == before
    commit = team.commit("scout", "two.md")
    team.did("scout", "push", "origin", "HEAD")
    assert git(remote, "rev-parse", team.branch("scout")) == commit


def test_agents_wait_for_a_hub_that_is_not_there_yet(team: ProxiedTeam) -> None:
    team.stop()
    address = team.place.root / "team/git/address"
    address.unlink()
    waiting = subprocess.Popen(
        ["git", "ls-remote", "origin"],
        cwd=team.tree("scout"),
        env=team.variables("scout"),
        stdout=subprocess.PIPE,
        text=True,
    )
    team.start()
    assert "refs/heads/main" in waiting.communicate(timeout=30)[0]


def test_what_an_agent_s_own_variables_say_of_git_stays(team: ProxiedTeam) -> None:
    team.place.variables |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "alias.hello",
        "GIT_CONFIG_VALUE_0": "version",
    }
    assert team.did("scout", "hello").startswith("git version")
    assert "refs/heads/main" in team.did("scout", "ls-remote", "origin")


@pytest.mark.parametrize("told", ["", "nowhere", "127.0.0.1 8418;id", "$(id) 1", "-oProxy 1", "127.0.0.1"])
def test_an_address_that_somebody_has_changed_leads_nowhere(team: ProxiedTeam, told: str) -> None:
    (team.place.root / "team/git/address").write_text(f"{told or ' '}\n")
    ran = team.git("scout", "ls-remote", "origin")
    assert ran.returncode != 0
    assert "the hub's address cannot be read" in ran.stderr


def test_another_server_at_that_address_is_told_nothing(
    team: ProxiedTeam, team_of: Callable[..., ProxiedTeam], remote: Path
) -> None:
    other = team_of(remote.as_uri())
    other.start()
    (team.place.root / "team/git/address").write_text(f"127.0.0.1 {other.port}\n")
    ran = team.git("scout", "ls-remote", "origin")
    assert ran.returncode != 0
    assert "certificate" in ran.stderr.lower()


def test_it_ends_with_the_team(team: ProxiedTeam) -> None:
    (team.place.root / "over/over").touch()
    team.ended()
    assert team.process is not None
    assert team.process.returncode == 0


def test_it_ends_when_it_is_told_to(team: ProxiedTeam) -> None:
    team.stop(signal.SIGTERM)
    assert team.process is not None
    assert team.process.returncode == 143


def test_two_teams_on_one_machine(team_of: Callable[..., ProxiedTeam], remote: Path) -> None:
    teams = [team_of(remote.as_uri()), team_of(remote.as_uri())]
    for each in teams:
        each.place.variables["KAGENTS_GIT_PROXY_PORT"] = str(teams[0].port) if each is teams[1] else "0"
        each.start()
    assert teams[0].port != teams[1].port
    for each in teams:
        assert "refs/heads/main" in each.did("scout", "ls-remote", "origin")


def test_a_cluster_of_ipv6(team_of: Callable[..., ProxiedTeam], remote: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    team = team_of(remote.as_uri())
    team.place.variables["KAGENTS_GIT_PROXY_ADDRESS"] = "::1"
    team.start()
    works(team, remote)
