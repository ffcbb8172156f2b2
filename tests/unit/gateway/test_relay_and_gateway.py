"""Relay and gateway together: what the CLI sees while the hub is killed, comes back elsewhere, and counts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
import pytest
from gateway_place import ASKED, KEY
from gateway_team import GatewayTeam, costs, gateway_team
from model_answers import events, server_sent

from kagents_runner.gateway.relay import Hub, Relay

pytestmark = pytest.mark.long


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[GatewayTeam]:
    async with gateway_team(tmp_path) as found:
        yield found


async def test_the_cli_goes_on_through_restarts_and_nothing_is_counted_twice(team: GatewayTeam) -> None:
    await team.start()
    token = team.root / "token"
    token.write_text(team.token_of("scout"))
    relay = Relay(
        Hub(team.root / "team" / "gateway", team.root / "home" / "scout" / "gateway" / "ca.pem", token),
        patience=1.0,
    )
    await relay.start()
    codes: list[int] = []

    async def cli() -> None:
        """Asks until it has 6 answers, again whenever it is told to, as the CLI does."""
        headers = {"Authorization": "Bearer kagents", "X-Api-Key": "own"}
        async with aiohttp.ClientSession(headers=headers) as session:
            while codes.count(200) < 6:
                url = f"{relay.url}/v1/messages?beta=true"
                try:
                    async with session.post(url, data=orjson.dumps(ASKED)) as answer:
                        body = await answer.read()
                except aiohttp.ClientError:
                    codes.append(0)
                    continue
                codes.append(answer.status)
                assert answer.status in (200, 503), body
                assert answer.status == 503 or body == server_sent(events())

    async with asyncio.timeout(110):
        asking = asyncio.create_task(cli())
        for wanted in (2, 4):
            while codes.count(200) < wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            first = team.address.read_text()
            await team.kill()
            await team.start()
            assert team.address.read_text() != first
        await asking
    await relay.close()
    ends = [entry for entry in team.entries() if entry["state"] != "open"]
    assert len(ends) >= codes.count(200) == 6
    assert len({entry["id"] for entry in ends}) == len(ends)
    assert ends[-1]["totalMicros"] == costs(team.entries())
    assert all(seen.headers["x-api-key"] == KEY for seen in team.model.seen)
    assert not any("kagents" in str(seen.headers) for seen in team.model.seen)
