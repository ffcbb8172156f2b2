"""A request that takes too long is ended, and its agent may ask again."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from proxied_team import ProxiedTeam

from kagents_runner.documents import parse_team
from kagents_runner.gitproxy import server
from kagents_runner.gitproxy.keys import Agents, make_keys, proxy_folder
from kagents_runner.gitproxy.mirror import Mirror
from kagents_runner.gitproxy.packets import FLUSH, packet


@pytest.fixture
def application(tmp_path: Path, remote: Path) -> web.Application:
    """A proxy whose agents are known, in this process."""
    place = ProxiedTeam(tmp_path / "place", remote.as_uri()).place
    team = parse_team(json.dumps(place.team()))
    assert team.repository is not None
    finish = tmp_path / "finish"
    (tmp_path / "homes/scout").mkdir(parents=True)
    make_keys(finish, tmp_path / "homes", ["scout"])
    folder = proxy_folder(finish)
    mirror = Mirror(team.repository, folder / "repository.git", None, finish / "known_hosts", {})
    return server.Proxy(team, Agents(folder), mirror).application()


async def test_a_push_that_never_goes_on_is_ended(
    application: web.Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.3)
    token = (tmp_path / "homes/scout/git/token").read_text()
    ended = asyncio.Event()

    async def endless() -> Any:
        yield packet(b"shallow " + b"1" * 40)
        await ended.wait()
        yield FLUSH

    async with TestServer(application) as served, aiohttp.ClientSession() as session:
        url = served.make_url("/repository.git/git-receive-pack")
        login = {"Authorization": f"Basic {base64.b64encode(f'scout:{token}'.encode()).decode()}"}
        async with asyncio.timeout(20):
            for _ in range(server.AT_ONCE + 1):
                async with session.post(url, data=endless(), headers=login) as answer:
                    assert answer.status == 504
                    assert "longer than 0.3 seconds" in await answer.text()
        ended.set()
        async with session.post(url, data=FLUSH, headers=login) as answer:
            assert answer.status == 200


def test_keys_that_were_not_finished_are_made_again(tmp_path: Path) -> None:
    homes, finish = tmp_path / "homes", tmp_path / "finish"
    (homes / "scout").mkdir(parents=True)
    make_keys(finish, homes, ["scout"])
    first = (homes / "scout/git/token").read_text()
    assert Agents(proxy_folder(finish)).knows("scout", first)
    (proxy_folder(finish) / "agents.json").unlink()  # as if killed before the last step
    make_keys(finish, homes, ["scout"])
    second = (homes / "scout/git/token").read_text()
    known = Agents(proxy_folder(finish))
    assert second != first
    assert known.knows("scout", second) and not known.knows("scout", first)
    secret = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {oct(path.stat().st_mode & 0o777) for path in secret} == {"0o600"}
