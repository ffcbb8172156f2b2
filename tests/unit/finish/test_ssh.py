"""Clone and push over a real SSH server: its host key is pinned, or accepted once and then held to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from finishing_team import Finishing
from runner_places import Place, git, make_repository
from ssh_server import SshServer, make_key, ssh_served

pytestmark = pytest.mark.long


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with ssh_served(tmp_path / "sshd") as found:
        yield found


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    found = tmp_path / "backend.git"
    git(tmp_path, "clone", "-q", "--bare", str(make_repository(tmp_path / "seed")), str(found))
    return found


@pytest.fixture
def team(tmp_path: Path, server: SshServer, remote: Path) -> Place:
    """A coding team on the server, with the key that opens it and nothing prepared."""
    root = tmp_path / "place"
    root.mkdir()
    place = Place(root)
    place.repository = {"url": server.url(remote), "branch": "main", "worktreeStrategy": "per-teammate"}
    secret(place, server.key)
    return place


def secret(place: Place, key: Path, known_hosts: str | None = None) -> None:
    folder = place.root / "secret"
    folder.mkdir(exist_ok=True)
    (folder / "ssh-privatekey").write_bytes(key.read_bytes())
    if known_hosts is not None:
        (folder / "known_hosts").write_text(known_hosts + "\n")
    place.variables["KAGENTS_GIT_CREDENTIALS_DIR"] = str(folder)


def recorded(place: Place) -> Path:
    return place.root / "finish" / "known_hosts"


def test_a_host_key_is_accepted_once_recorded_and_told(team: Place, server: SshServer) -> None:
    ran = team.run("prepare")
    assert ran.code == 0, ran.err
    assert recorded(team).read_text().strip() == server.host_line
    assert f"accepted the SSH host key of [127.0.0.1]:{server.port}" in ran.out
    assert server.fingerprint in ran.out
    key = server.key.read_text().splitlines()[1]
    kept = [path for path in team.root.rglob("*") if path.is_file() and path.parent.name != "secret"]
    assert [path for path in kept if key.encode() in path.read_bytes()] == []
    assert key not in ran.out + ran.err


@pytest.mark.parametrize("same", [True, False])
def test_delivery_goes_to_the_host_that_was_cloned_from_or_nowhere(
    team: Place, server: SshServer, remote: Path, same: bool
) -> None:
    team.prepare()
    finishing = Finishing(team, remote)
    finishing.wish["order"] = ["scout", "lead"]
    finishing.work("scout", "api.py", "api\n")
    assert finishing.merge().code == 0
    if not same:
        server.change_host_key()
    ran = finishing.finish()
    if same:
        assert ran.code == 0, ran.err
        assert finishing.pushed("api.py") == "api"
    else:
        assert ran.code == 64
        assert "SSH host key" in ran.sentence
        assert git(remote, "branch", "--list", "kagents/*") == ""


def test_a_pinned_host_key_is_held_to_and_nothing_is_recorded(team: Place, server: SshServer) -> None:
    secret(team, server.key, server.host_line)
    ran = team.run("prepare")
    assert ran.code == 0, ran.err
    assert "accepted the SSH host key" not in ran.out
    assert not recorded(team).exists()


def test_another_pinned_host_key_is_a_persons_matter(team: Place, server: SshServer, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    secret(team, server.key, f"[127.0.0.1]:{server.port} {other}")
    ran = team.run("prepare")
    assert ran.code == 64
    assert "SSH host key" in ran.sentence and "known_hosts" in ran.sentence


def test_a_key_that_opens_nothing_is_a_persons_matter(team: Place, tmp_path: Path) -> None:
    secret(team, make_key(tmp_path / "other"))
    ran = team.run("prepare")
    assert ran.code == 64
    assert "refused the credential" in ran.sentence
