"""The real CLI behind the team's gateway, which is killed in the middle of answers: it goes on and finishes.

Every request that reached the model's API with an answer begun is one entry of the ledger, and none is two.
"""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from scripted_model import Call, Conversation, Reply, Rule, Say, Script, ScriptedModel
from small_team import KEY, MODEL, until
from whole_team import NAMESPACE, WholeTeam, engine_with_team

from kagents_core.api.resources import AGENT_TEAMS, SECRETS

NAME = "metered"
KILLS = 3


@pytest.fixture
async def team(tmp_path: Path, claude: str) -> AsyncIterator[WholeTeam]:
    """An engine and, on it, the team that the test applies."""
    async with engine_with_team(tmp_path, NAME, claude) as running:
        try:
            yield running
        except BaseException:
            print(running.explain())
            raise


def step(number: int) -> Call:
    return Call("Bash", {"command": f"echo step {number} >> done.txt", "description": "work"})


def finish(conversation: Conversation, _: object) -> Reply:
    """Asks for the end."""
    if conversation.results and "Recorded." in conversation.results[-1]:
        return Say("The team is done.")
    return Call("mcp__kagents__finish", {"summary": "metered work"})


async def applied(team: WholeTeam, model_url: str) -> None:
    secret = {"metadata": {"name": "model"}, "stringData": {"ANTHROPIC_API_KEY": KEY}}
    await team.client.create(SECRETS, NAMESPACE, {"apiVersion": "v1", "kind": "Secret", **secret})
    manifest = {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeam",
        "metadata": {"name": NAME},
        "spec": {
            "workspace": {"output": {}},
            "auth": {"mode": "gateway", "apiKeySecret": "model", "baseUrl": model_url},
            "lead": {"model": MODEL, "prompt": "Begin the work.", "harness": "claude-code"},
            "lifecycle": {"timeout": "5m"},
        },
    }
    await team.client.create(AGENT_TEAMS, NAMESPACE, manifest)


def gateways(data: Path) -> list[int]:
    """Processes of this engine's gateways."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command, variables = (path / "cmdline").read_bytes(), (path / "environ").read_bytes()
        except OSError:
            continue
        if command.endswith(b"kagents_runner\0gateway\0") and str(data).encode() in variables:
            found.append(int(path.name))
    return found


def entries(team: WholeTeam) -> list[dict[str, Any]]:
    """Lines of the ledger."""
    path = team.volume / "gateway/ledger.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def under_way(team: WholeTeam) -> bool:
    """An answer has begun and not ended."""
    found = entries(team)
    return bool(found) and found[-1]["state"] == "open"


@pytest.mark.timeout(240)
async def test_agents_finish_although_the_gateway_is_killed_in_the_middle_of_answers(
    team: WholeTeam, model: ScriptedModel
) -> None:
    model.pause = 1.0
    model.script = Script([Rule("lead", "Begin the work", [*map(step, range(5)), *[finish] * 10])])
    await applied(team, model.url)
    await until(lambda: list((team.data / "volumes" / NAMESPACE).glob(f"{NAME}-team-*")))
    for number in range(KILLS):
        await until(lambda: under_way(team))
        [pid] = gateways(team.data)
        os.kill(pid, signal.SIGKILL)
        ended = number + 1
        await until(lambda ended=ended: [e["state"] for e in entries(team)].count("lost") == ended)
    model.pause = 0.0
    async with asyncio.timeout(150):
        while (await team.status()).get("phase") != "Completed":  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert model.unexpected == []
    assert {headers["x-api-key"] for headers in model.headers} == {KEY}

    ends = [entry for entry in entries(team) if entry["state"] != "open"]
    assert [entry["state"] for entry in ends].count("lost") == KILLS
    assert len({entry["id"] for entry in ends}) == len(ends) == len(model.requests)
    assert ends[-1]["totalMicros"] == sum(entry["costMicros"] for entry in ends)
    [done] = (team.data / "volumes").rglob("done.txt")
    assert done.read_text().split("\n") == [*(f"step {number}" for number in range(5)), ""]
    journalled = team.journal("usage")
    assert [entry["requestId"] for entry in journalled] == [entry["id"] for entry in ends]
    async with asyncio.timeout(30):  # the recorder's last word comes after the phase
        while (await team.status())["usage"]["costMicros"] != ends[-1]["totalMicros"]:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
