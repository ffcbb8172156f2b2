"""``spec.observability`` on a whole engine: signed events at a receiver, metrics of the hub, quieter logs."""

import base64
import hmac
import json
import socket
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests

from simulated_team import SPEED, Team, agent, until

from kagents_core.kube.client import Client

pytestmark = pytest.mark.long

KEY = b"k" * 32


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def test_a_team_tells_its_events_serves_its_numbers_and_logs_what_it_is_told_to(
    engine: Any, engine_client: Client
) -> None:
    keys = engine.data.root / "webhook-keys"
    keys.mkdir()
    (keys / "default").write_text("whsec_" + base64.b64encode(KEY).decode())
    got: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
        assert request.headers["webhook-signature"] == expected
        got.append(json.loads(body))
        return web.Response(status=204)

    receiver = web.Application()
    receiver.router.add_post("/", take)
    runner = web.AppRunner(receiver)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        await _live(engine, engine_client, f"http://127.0.0.1:{runner.addresses[0][1]}/", got)
    finally:
        await runner.cleanup()


async def _live(engine: Any, client: Client, url: str, got: list[Any]) -> None:
    port = free_port()
    spec = {
        "harness": "simulated",
        "workspace": {},
        "lead": agent("Lead.", "wait: {mail_from: team-lead}", "finish: done"),
        "lifecycle": {"timeout": "10m"},
        "observability": {
            "logLevel": "error",
            "metrics": {"enabled": True, "port": port},
            "webhook": {"url": url, "events": ["team.started", "team.completed"]},
        },
    }
    team = Team(client, engine.data.root, "watched")
    await team.create({"metadata": {"name": "watched"}, "spec": spec})
    await until(lambda: _told(got, "team.started"))
    async with aiohttp.ClientSession() as session:

        async def numbers() -> str:
            try:
                async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
                    return str(await response.text())
            except aiohttp.ClientConnectorError:
                return ""  # the recorder may start after the first agent

        text = await until(
            lambda: _with(numbers, 'agent_state{namespace="default",team="watched",agent="lead"')
        )
    assert "kagents_team_cost_dollars" in text
    await team.send("lead", "Enough.")
    await team.in_phase("Completed")
    await until(lambda: _told(got, "team.completed"))
    assert [each["event"] for each in got] == ["team.started", "team.completed"]
    assert got[-1]["status"]["phase"] == "Completed"
    assert "[simulated]" not in await team.log("lead")
    assert team.journal("message"), "the journal is no log"


async def _told(got: list[Any], event: str) -> bool:
    return any(each["event"] == event for each in got)


async def _with(read: Any, words: str) -> str | None:
    text = await read()
    return text if words in text else None


@pytest.mark.parametrize(("level", "form"), [("debug", "json"), ("error", "json"), ("debug", "text")])
async def test_every_part_of_a_team_logs_as_much_and_as_it_is_told_to(
    engine: Any, engine_client: Client, level: str, form: str
) -> None:
    spec = {
        "harness": "simulated",
        "workspace": {},
        "lead": agent("Lead.", "say: at work", "finish: done"),
        "lifecycle": {"timeout": "10m"},
        "observability": {"logLevel": level, "logFormat": form},
    }
    team = Team(engine_client, engine.data.root, "talks")
    await team.create({"metadata": {"name": "talks"}, "spec": spec})
    await team.in_phase("Completed")
    parts = [("hub", "prepare"), ("hub", "recorder"), ("lead", "await"), ("lead", "agent")]
    logs = {part: await team.log(*part) for part in parts}
    lines = [
        line
        for text in logs.values()
        for line in text.splitlines()
        if not line.startswith('{"seq":')  # the journal is no log
    ]
    if level == "error":
        assert lines == []
        return
    assert "at work" in logs["lead", "agent"]
    assert all(logs.values())
    if form == "text":
        assert not any(line.startswith("{") for line in lines)
        return
    entries = [json.loads(line) for line in lines]
    assert {entry["level"] for entry in entries} >= {"debug", "info"}
    assert all(set(entry) == {"ts", "level", "logger", "msg"} for entry in entries)
