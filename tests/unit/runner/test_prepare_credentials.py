"""``prepare`` against a git server on loopback that asks for a password: where the token goes."""

import asyncio
import base64
import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from runner_places import Place, git, make_repository

from kagents_runner.prepare.credentials import git_environment

TOKEN = "ghp_secretCanary0123456789"


class GitServer(http.server.ThreadingHTTPServer):
    """``git http-backend`` behind basic authentication; ``seen`` are the users that came with the token."""

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.seen: list[str] = []
        self.given: list[str] = []
        """Every ``Authorization`` that came."""
        self.elsewhere: str | None = None
        """Where it redirects to."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/source/.git"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: GitServer

    def _answer(self) -> None:
        if self.server.elsewhere:
            self.send_response(302)
            self.send_header("Location", self.server.elsewhere + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        given = self.headers.get("Authorization", "")
        self.server.given += [given] if given else []
        user, _, password = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
        if password != TOKEN:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.server.seen.append(user)
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": address.path,
            "QUERY_STRING": address.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = next((value for name, value in fields if name == "Status"), "200 OK")
        self.send_response(int(status.split()[0]))
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    make_repository(tmp_path / "server" / "source")
    with GitServer(tmp_path / "server") as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[GitServer]:
    """Another server, which wants a password too."""
    make_repository(tmp_path / "stranger" / "source")
    with GitServer(tmp_path / "stranger") as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


@pytest.fixture
def private(place: Place, server: GitServer) -> Place:
    """A coding team on the server's repository."""
    place.repository = {"url": server.url, "branch": "main", "worktreeStrategy": "per-teammate"}
    return place


def secret(place: Place, **keys: str) -> Path:
    folder = place.root / "secret"
    folder.mkdir()
    for name, value in keys.items():
        (folder / name).write_text(value)
    place.variables["KAGENTS_GIT_CREDENTIALS_DIR"] = str(folder)
    return folder


def spying_git(place: Place) -> Path:
    """A ``git`` that writes down its arguments and variables, and those of everything it starts."""
    folder = place.root / "bin"
    folder.mkdir()
    for name in ("git", "ssh"):
        program = folder / name
        real = f"/usr/bin/{name}"
        program.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$0" "$@" >> {place.root}/spied\nenv >> {place.root}/spied\n'
            f'exec {real} "$@"\n'
        )
        program.chmod(0o755)
    place.variables["PATH"] = f"{folder}:{os.environ['PATH']}"
    return place.root / "spied"


@pytest.mark.parametrize(("keys", "user"), [({}, "x-access-token"), ({"username": "robot"}, "robot")])
def test_the_token_opens_the_repository_and_stays_nowhere(
    private: Place, server: GitServer, keys: dict[str, str], user: str
) -> None:
    folder = secret(private, token=TOKEN + "\n", **keys)
    spied = spying_git(private)
    ran = private.run("prepare")
    assert ran.code == 0, ran.err
    assert set(server.seen) == {user}
    assert git(private.work / "worktrees/scout", "log", "--format=%s") == "Begin"
    assert TOKEN not in ran.out + ran.err
    assert "clone" in spied.read_text()
    assert TOKEN not in spied.read_text()
    left = [path for path in private.root.rglob("*") if path.is_file() and folder not in path.parents]
    assert [path for path in left if TOKEN.encode() in path.read_bytes()] == []
    assert list(private.root.glob("kagents-git-*")) == []


def test_nothing_goes_to_the_network_once_there_is_a_clone(private: Place, server: GitServer) -> None:
    secret(private, token=TOKEN)
    private.prepare()
    asked = len(server.seen)
    private.prepare()
    assert len(server.seen) == asked


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"token": "wrong"}, "refused the credential"),
        ({"token": "\n"}, "The key token of the repository's Secret is empty."),
        ({"ssh-privatekey": ""}, "The key ssh-privatekey of the repository's Secret is empty."),
        ({"password": "x"}, "has no key token and no key ssh-privatekey"),
        ({}, "has no key token and no key ssh-privatekey"),
    ],
)
def test_a_wrong_credential_is_a_sentence_for_a_person(
    private: Place, keys: dict[str, str], sentence: str
) -> None:
    secret(private, **keys)
    ran = private.run("prepare")
    assert ran.code == 64
    assert sentence in ran.sentence


def test_a_repository_that_needs_a_credential_says_so(private: Place) -> None:
    ran = private.run("prepare")
    assert ran.code == 64
    assert "refused the credential or needs one: spec.repository.credentialsSecret" in ran.sentence


def test_a_missing_repository_of_the_server_is_a_sentence(private: Place) -> None:
    secret(private, token=TOKEN)
    assert private.repository is not None
    private.repository["url"] = private.repository["url"].replace("source", "other")
    ran = private.run("prepare")
    assert ran.code == 64
    assert "was not found" in ran.sentence


def test_a_server_that_is_away_is_no_fault_of_a_person(private: Place, server: GitServer) -> None:
    server.shutdown()
    server.server_close()
    ran = private.run("prepare")
    assert ran.code == 1
    assert "cannot be reached" in ran.sentence


def test_an_ssh_key_is_a_private_file_that_is_gone_afterwards(place: Place) -> None:
    secret(place, **{"ssh-privatekey": "KEY-canary", "known_hosts": "h ssh-ed25519 AAAA"})
    folder = place.root / "bin"
    folder.mkdir()
    program = folder / "ssh"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {place.root}/argv\n'
        'while [ "$1" != -i ]; do shift; done\n'
        f'stat -c %a "$2" > {place.root}/mode; cp "$2" {place.root}/copied; exit 255\n'
    )
    program.chmod(0o755)
    place.variables["PATH"] = f"{folder}:{os.environ['PATH']}"
    place.repository = {"url": "git@git.example.invalid:x/y.git", "branch": "main"}
    assert place.run("prepare").code != 0
    assert (place.root / "mode").read_text().strip() == "600"
    assert (place.root / "copied").read_text() == "KEY-canary\n"
    argv = (place.root / "argv").read_text()
    assert "KEY-canary" not in argv
    assert "-oStrictHostKeyChecking=yes" in argv
    assert f'-oUserKnownHostsFile="{place.root}/secret/known_hosts"' in argv
    assert list(place.root.glob("kagents-git-*")) == []


def test_a_submodule_on_another_host_is_not_given_the_token(
    private: Place, server: GitServer, stranger: GitServer
) -> None:
    source = server.root / "source"
    pinned = git(source, "rev-parse", "HEAD")
    (source / ".gitmodules").write_text(f'[submodule "x"]\n\tpath = x\n\turl = {stranger.url}\n')
    git(source, "update-index", "--add", "--cacheinfo", f"160000,{pinned},x")
    git(source, "add", ".gitmodules")
    git(source, "commit", "-q", "-m", "Add x")
    secret(private, token=TOKEN)
    ran = private.run("prepare")
    assert ran.code == 64
    assert "A submodule cannot be fetched" in ran.sentence and "spec.repository.submodules" in ran.sentence
    assert server.seen and stranger.given == []
    assert TOKEN not in ran.out + ran.err


def test_a_submodule_on_the_same_host_is_opened_by_the_token(private: Place, server: GitServer) -> None:
    source = server.root / "source"
    pinned = git(make_repository(server.root / "inner"), "rev-parse", "HEAD")
    (source / ".gitmodules").write_text('[submodule "x"]\n\tpath = x\n\turl = ../../inner/.git\n')
    git(source, "update-index", "--add", "--cacheinfo", f"160000,{pinned},x")
    git(source, "add", ".gitmodules")
    git(source, "commit", "-q", "-m", "Add x")
    secret(private, token=TOKEN)
    private.prepare()
    assert (private.work / "worktrees/scout/x/README.md").exists()


def test_a_redirection_to_another_host_is_not_given_the_token(
    private: Place, server: GitServer, stranger: GitServer
) -> None:
    server.elsewhere = stranger.url.removesuffix("/source/.git")
    secret(private, token=TOKEN)
    ran = private.run("prepare")
    assert ran.code == 64
    assert stranger.given == []


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("Username for 'https://git.example.com': ", "x-access-token"),
        ("Password for 'https://robot@git.example.com': ", TOKEN),
        ('Password for "https://git.example.com/a/b.git"', TOKEN),
        ("Password for 'https://git.example.com:8443': ", ""),
        ("Password for 'http://git.example.com': ", ""),
        ("Password for 'https://git.example.com@evil.example': ", ""),
        ("Password for 'https://evil.example/@git.example.com': ", ""),
        ("Password for 'https://evil.example'@git.example.com': ", ""),
        ("Password for 'https://evil.example?@git.example.com': ", ""),
        ("Password for 'https://evil.example#@git.example.com': ", ""),
        ("Enter passphrase for key '/home/robot/.ssh/id': ", ""),
        ("", ""),
    ],
)
async def test_who_asks_is_looked_at(place: Place, asked: str, given: str) -> None:
    folder = secret(place, token=TOKEN)
    url = "https://git.example.com/acme/backend.git"
    async with git_environment(folder, place.root / "hosts", url, {"TMPDIR": str(place.root)}) as variables:
        asking = await asyncio.create_subprocess_exec(
            variables["GIT_ASKPASS"], asked, env={**os.environ, **variables}, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await asking.communicate()
    assert told.decode().strip() == given
    assert (asking.returncode == 0) is bool(given)
