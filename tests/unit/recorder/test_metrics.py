"""A team's numbers over HTTP: what the status says, to whoever asks for ``/metrics`` and speaks HTTP."""

import asyncio
import socket
from typing import Any

import aiohttp
import pytest

from kagents_runner.documents import parse_team
from kagents_runner.record.metrics import page_of, served
from kagents_runner.record.numbers import Numbers

TEAM = parse_team(
    '{"name":"demo","namespace":"ns","uid":"u","mode":"cowork","repository":null,"outputDir":null,'
    '"inputs":[],"idleTimeoutSeconds":null,"agents":[]}'
)
STATUS: dict[str, Any] = {
    "estimatedCost": "1.42",
    "usage": {"inputTokens": 10, "outputTokens": 20, "requests": 3},
    "messages": 41,
    "tasks": {"total": 4, "completed": 1, "inProgress": 1, "pending": 2},
    "activity": [{"agent": 'a"\n', "state": "working", "unread": 2, "cost": "0.71", "requests": [{}]}],
}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_every_number_of_the_status_is_there_with_its_labels() -> None:
    text = page_of(Numbers(TEAM), lambda: STATUS)()
    place = 'namespace="ns",team="demo"'
    assert f"kagents_team_cost_dollars{{{place}}} 1.42\n" in text
    assert f'kagents_team_tokens_total{{{place},kind="output"}} 20\n' in text
    assert f"kagents_team_messages_total{{{place}}} 41\n" in text
    assert f'kagents_team_tasks{{{place},state="pending"}} 2\n' in text
    assert f'kagents_agent_unread_messages{{{place},agent="a\\"\\n"}} 2\n' in text
    assert text.count("# TYPE kagents_team_tokens_total counter\n") == 1


async def test_it_is_served_while_the_hub_runs_and_nothing_else_is() -> None:
    port = free_port()
    environment = {"KAGENTS_METRICS_ADDRESS": "127.0.0.1", "KAGENTS_METRICS_PORT": str(port)}
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session, served(Numbers(TEAM), lambda: STATUS, environment):
        async with session.get(f"{url}/metrics") as response:
            assert response.status == 200
            assert "kagents_team_cost_dollars" in await response.text()
        async with session.get(f"{url}/other") as other, session.post(f"{url}/metrics") as posted:
            assert (other.status, posted.status) == (404, 404)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x" * 20_000)
        assert await reader.read() == b""
        writer.close()
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_port_that_is_taken_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        where = {"KAGENTS_METRICS_ADDRESS": "127.0.0.1", "KAGENTS_METRICS_PORT": port}
        async with served(Numbers(TEAM), lambda: STATUS, where):
            pass
    assert f"metrics are not served on port {port}" in capsys.readouterr().out
