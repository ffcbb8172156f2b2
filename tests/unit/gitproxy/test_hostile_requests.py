"""Whoever speaks to the proxy without being git: it lets in its own agents, and keeps its rules."""

import asyncio
import base64
import gzip
import hashlib
import os
import signal
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from proxied_team import ProxiedTeam, references
from runner_places import git

from kagents_runner.gitproxy.packets import FLUSH, packet
from kagents_runner.hub_certificate import HOST

pytestmark = pytest.mark.long

ZERO = "0" * 40
PUSH = "git-receive-pack"


class Client:
    """Requests with a token, as somebody else than git makes them."""

    def __init__(self, team: ProxiedTeam, agent: str = "scout", token: str | None = None) -> None:
        shown = f"{agent}:{team.token('scout') if token is None else token}".encode()
        self.headers = {"Authorization": f"Basic {base64.b64encode(shown).decode()}"}
        self.base = f"https://127.0.0.1:{team.port}"
        self.tls = team.tls()

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, bytes]:
        """Status and body."""
        headers = self.headers | more.pop("headers", {})
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, self.base + path, headers=headers, ssl=self.tls, server_hostname=HOST, **more
            ) as answer,
        ):
            return answer.status, await answer.read()

    async def push(self, body: bytes, **headers: str) -> tuple[int, bytes]:
        return await self.ask("POST", f"/repository.git/{PUSH}", data=body, headers=headers)


def command(new: str, name: str) -> bytes:
    return packet(f"{ZERO} {new} {name}\0 report-status".encode()) + FLUSH


@pytest.mark.parametrize(
    ("agent", "token"),
    [("scout", "wrong"), ("scout", ""), ("nobody", ""), ("lead", None), ("", ""), ("scout", "x" * 2000)],
)
async def test_only_its_own_agents_come_in(
    standing: tuple[ProxiedTeam, Path], agent: str, token: str | None
) -> None:
    team, _ = standing
    client = Client(team, agent, token)  # None: the token of another agent
    for method, path in (
        ("GET", "/repository.git/info/refs?service=git-upload-pack"),
        ("POST", f"/repository.git/{PUSH}"),
        ("GET", "/"),
    ):
        assert (await client.ask(method, path))[0] == 401
    client.headers = {"Authorization": "Basic not-base64!"}
    assert (await client.ask("GET", "/"))[0] == 401


async def test_another_teams_agents_do_not_come_in(
    team: ProxiedTeam, team_of: Callable[..., ProxiedTeam], remote: Path
) -> None:
    other = team_of(remote.as_uri())
    other.place.prepare()
    client = Client(team, token=other.token("scout"))
    assert (await client.ask("GET", "/repository.git/info/refs?service=git-upload-pack"))[0] == 401


async def test_the_hub_proves_itself(
    team: ProxiedTeam, team_of: Callable[..., ProxiedTeam], remote: Path
) -> None:
    other = team_of(remote.as_uri())
    other.place.prepare()
    client = Client(team)
    client.tls = other.tls()
    with pytest.raises(aiohttp.ClientConnectorCertificateError) as refused:
        await client.ask("GET", "/")
    assert isinstance(refused.value.certificate_error, ssl.SSLCertVerificationError)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/repository.git/HEAD", 404),
        ("GET", "/repository.git/config", 404),
        ("GET", "/repository.git/objects/info/packs", 404),
        ("GET", "/repository.git/../prepared", 404),
        ("GET", "/repository.git/%2e%2e/agents.json", 404),
        ("GET", "/repository.git/info/refs", 403),
        ("GET", "/repository.git/info/refs?service=git-upload-archive", 403),
        ("GET", "/repository.git/info/refs?service=--upload-pack%3Did", 403),
        ("PUT", f"/repository.git/{PUSH}", 404),
        ("POST", "/repository.git/git-upload-archive", 404),
    ],
)
async def test_nothing_else_is_served(
    standing: tuple[ProxiedTeam, Path], method: str, path: str, status: int
) -> None:
    team, _ = standing
    assert (await Client(team).ask(method, path))[0] == status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"00",
        b"0001",
        b"ffff" + b"x" * 100,
        os.urandom(5000),
        command("1" * 40, "refs/heads/kagents/demo/scout")[:-4],
        packet(b"push-cert\0"),
        b"<html>",
    ],
    ids=["empty", "cut", "delimiter", "long", "noise", "endless", "certificate", "page"],
)
async def test_what_is_no_push_is_a_bad_request(standing: tuple[ProxiedTeam, Path], body: bytes) -> None:
    team, remote = standing
    client, before = Client(team), references(remote)
    await client.ask("GET", f"/repository.git/info/refs?service={PUSH}")
    status, said = await client.push(body)
    assert status == 400
    assert said
    assert references(remote) == before


async def test_packed_or_not_the_rules_are_the_same(standing: tuple[ProxiedTeam, Path]) -> None:
    team, remote = standing
    client, before = Client(team), references(remote)
    await client.ask("GET", f"/repository.git/info/refs?service={PUSH}")
    main = git(remote, "rev-parse", "main")
    for sent, headers in (
        (command(main, "refs/heads/x"), {}),
        (gzip.compress(command(main, "refs/heads/x")), {"Content-Encoding": "gzip"}),
    ):
        status, said = await client.push(sent, **headers)
        assert status == 200
        assert b"ng refs/heads/x kagents: x is not yours; you may push kagents/demo/scout" in said
    assert (await client.push(command(main, "x"), **{"Content-Encoding": "br"}))[0] == 400
    assert references(remote) == before


async def test_objects_that_are_missing_make_no_branch(standing: tuple[ProxiedTeam, Path]) -> None:
    team, remote = standing
    client, before = Client(team), references(remote)
    await client.ask("GET", f"/repository.git/info/refs?service={PUSH}")
    empty = b"PACK\0\0\0\2\0\0\0\0"
    pack = empty + hashlib.sha1(empty).digest()
    for objects in (pack, pack[:-3], b"", b"no pack"):
        status, said = await client.push(command("1" * 40, "refs/heads/kagents/demo/scout") + objects)
        assert status == 200
        assert b"ok refs/heads" not in said
    assert references(remote) == before


async def test_one_agent_cannot_keep_all_others_out(team: ProxiedTeam) -> None:
    client = Client(team)
    begun = asyncio.Event()
    asking = 0

    async def endless() -> Any:
        nonlocal asking
        yield packet(b"shallow " + b"1" * 40)
        asking += 1
        if asking == 4:
            begun.set()
        await asyncio.sleep(60)

    path = f"/repository.git/{PUSH}"
    slow = [asyncio.create_task(client.ask("POST", path, data=endless())) for _ in range(4)]
    try:
        async with asyncio.timeout(20):
            await begun.wait()
            await answered(client, 429)
        lead = Client(team, "lead", team.token("lead"))
        assert (await lead.ask("GET", "/repository.git/info/refs?service=git-upload-pack"))[0] == 200
    finally:
        for each in slow:
            each.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
    async with asyncio.timeout(20):
        await answered(client, 200)


async def answered(client: Client, status: int) -> None:
    """Until this is the answer to a push of nothing."""
    while (await client.push(FLUSH))[0] != status:  # noqa: ASYNC110  (a state, no event)
        await asyncio.sleep(0.05)


async def test_a_client_that_hangs_up_is_no_failure(team: ProxiedTeam) -> None:
    commit = team.commit("scout", "big.bin", "".join(map(str, range(2_000_000))))
    team.did("scout", "push", "origin", "HEAD")
    client = Client(team)
    path = "/repository.git/git-upload-pack"
    wants = packet(f"want {commit} side-band-64k\n".encode()) + FLUSH + packet(b"done\n")
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            client.base + path, data=wants, headers=client.headers, ssl=client.tls, server_hostname=HOST
        ) as answer,
    ):
        assert answer.status == 200
        await answer.content.readany()  # and the rest never
    assert (await client.push(FLUSH))[0] == 200
    assert "Traceback" not in team.stop(signal.SIGTERM)


async def test_a_push_that_breaks_off_leaves_nothing(team: ProxiedTeam, remote: Path) -> None:
    client, before = Client(team), references(remote)
    await client.ask("GET", f"/repository.git/info/refs?service={PUSH}")
    objects = team.place.root / "finish/git-proxy/repository.git/objects"
    sent = asyncio.Event()

    async def broken() -> Any:
        yield command("1" * 40, "refs/heads/kagents/demo/scout")
        yield b"PACK\0\0\0\2\0\0\xff\xff" + os.urandom(100)
        sent.set()
        await asyncio.sleep(60)

    pushing = asyncio.create_task(client.ask("POST", f"/repository.git/{PUSH}", data=broken()))
    async with asyncio.timeout(20):
        await sent.wait()
        pushing.cancel()
        await asyncio.gather(pushing, return_exceptions=True)
        team.commit("scout", "one.md")
        await asyncio.to_thread(team.did, "scout", "push", "origin", "HEAD")  # the branch is free again
    assert list(objects.glob("tmp_objdir-*")) == []
    assert references(remote) == before | {"refs/heads/kagents/demo/scout"}
    (objects / "tmp_objdir-incoming-x").mkdir()
    assert "Traceback" not in team.stop(signal.SIGTERM)
    team.start()
    assert list(objects.glob("tmp_objdir-*")) == []


def peak(team: ProxiedTeam) -> int:
    """KiB that the proxy has needed at most."""
    assert team.process is not None
    told = Path(f"/proc/{team.process.pid}/status").read_text()
    return int(next(line for line in told.splitlines() if line.startswith("VmHWM")).split()[1])


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_what_is_large_is_not_held(team: ProxiedTeam) -> None:
    team.did("scout", "ls-remote", "origin")
    before = peak(team)
    (team.tree("scout") / "large.bin").write_bytes(os.urandom(24 * 1024 * 1024))
    team.did("scout", "add", "large.bin")
    team.did("scout", "commit", "--quiet", "-m", "Large")
    team.did("scout", "push", "origin", "HEAD")
    fetched = team.place.root / "fetched.git"
    team.did("lead", "init", "--quiet", "--bare", str(fetched))
    team.did("lead", "-C", str(fetched), "fetch", "--quiet", "kagents::repository", team.branch("scout"))
    assert peak(team) - before < 12 * 1024
