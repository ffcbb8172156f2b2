"""Git LFS against a server over HTTPS: clone and push with the token, which no other host is shown."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from finishing_team import Finishing
from lfs_server import TOKEN, LargeFileServer, large_files_served
from runner_places import Place, Ran, git, make_repository


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LargeFileServer]:
    """A repository with a large file, behind a token."""
    if shutil.which("git-lfs") is None:
        assert os.environ.get("CI") != "true", "CI needs git-lfs: run tools/install-test-packages"
        pytest.skip("no git-lfs: install it, or run tools/install-test-packages")
    folder = tmp_path / "server"
    (folder / "acme").mkdir(parents=True)
    source = make_repository(tmp_path / "seed")
    git(source, "lfs", "install", "--local")
    git(source, "lfs", "track", "*.bin")
    (source / "old.bin").write_text("old\n")
    git(source, "add", ".")
    git(source, "commit", "-q", "-m", "Add a large file")
    git(tmp_path, "clone", "-q", "--bare", str(source), str(folder / "acme/backend.git"))
    with large_files_served(folder) as found:
        found.objects[hashlib.sha256(b"old\n").hexdigest()] = b"old\n"
        yield found


@pytest.fixture
def team(tmp_path: Path, server: LargeFileServer) -> Place:
    """A coding team on it that nobody has prepared."""
    (tmp_path / "place").mkdir()
    place = Place(tmp_path / "place")
    url = f"{server.url}/acme/backend.git"
    place.repository = {"url": url, "branch": "main", "worktreeStrategy": "per-teammate"}
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "token").write_text(TOKEN)
    place.variables["KAGENTS_GIT_CREDENTIALS_DIR"] = str(secret)
    place.variables["GIT_SSL_CAINFO"] = str(server.certificate)
    return place


def delivered(team: Place, server: LargeFileServer) -> Ran:
    """What an agent adds, merged and pushed."""
    finishing = Finishing(team, server.folder / "acme/backend.git")
    finishing.wish["order"] = ["scout", "lead"]
    finishing.work("scout", "new.bin", "new\n")
    assert finishing.merge().code == 0
    return finishing.finish()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_large_files_come_and_go_and_the_token_stays_with_its_host(
    team: Place, server: LargeFileServer, elsewhere: bool
) -> None:
    server.elsewhere = elsewhere
    prepared = team.run("prepare")
    assert prepared.code == 0, prepared.err
    assert (team.work / "worktrees/scout/old.bin").read_text() == "old\n"
    ran = delivered(team, server)
    assert ran.code == 0, ran.err
    assert set(server.objects.values()) == {b"old\n", b"new\n"}
    assert server.shown_to("repository") == {f"x-access-token:{TOKEN}"}
    stored = {what for host, what, _ in server.seen if host == "storage"}
    assert {what.split()[0] for what in stored} == ({"GET", "PUT"} if elsewhere else set())
    assert server.shown_to("storage") == set()
    assert TOKEN not in prepared.out + prepared.err + ran.out + ran.err
    kept = [path for path in team.root.rglob("*") if path.is_file()]
    assert [path for path in kept if TOKEN.encode() in path.read_bytes()] == []


def test_another_host_that_asks_for_a_credential_gets_none(team: Place, server: LargeFileServer) -> None:
    server.elsewhere = server.greedy = True
    ran = team.run("prepare")
    assert ran.code != 0
    assert "large files (Git LFS) cannot be fetched" in ran.sentence
    assert "spec.repository.lfs: false" in ran.sentence
    assert [what for host, what, _ in server.seen if host == "storage"], "it was asked"
    assert server.shown_to("storage") == set()
    assert TOKEN not in ran.out + ran.err + ran.sentence


def test_a_server_without_the_file_says_which(team: Place, server: LargeFileServer) -> None:
    server.objects.clear()
    ran = team.run("prepare")
    assert ran.code != 0
    assert "large files (Git LFS) cannot be fetched" in ran.sentence
