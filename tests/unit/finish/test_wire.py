"""What a forge answers, as it comes over the wire: whole, however many pieces it comes in, and bounded."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kagents_runner.finish import forge
from kagents_runner.finish.forge import UnknownError, Wire

LONG = [{"id": number, "title": "x" * 1000} for number in range(1000)]


@pytest.fixture
async def api() -> AsyncIterator[str]:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(LONG)

    application = web.Application()
    application.router.add_get("/long", answer)
    async with TestServer(application) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_an_answer_that_comes_in_many_pieces_is_read_whole(api: str) -> None:
    async with Wire(api, {}) as wire:
        assert await wire.call("GET", "/long") == LONG


async def test_no_more_is_held_than_the_limit(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forge, "_ANSWER_LIMIT", 1000)
    async with Wire(api, {}) as wire:
        with pytest.raises(UnknownError, match="is not JSON"):
            await wire.call("GET", "/long")
