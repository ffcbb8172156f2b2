"""A team on a whole engine tells its life to a real endpoint: team, agents, turns, tools, and no words."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests
sys.path.insert(
    0, str(Path(__file__).parents[1] / "unit" / "recorder")
)  # and the endpoint with the recorder's

from otlp_collector import collecting
from simulated_team import SPEED, Team, agent

from kagents_core.api.resources import SECRETS
from kagents_core.kube.client import Client
from kagents_runner.record.tracing import trace_id

pytestmark = pytest.mark.long

WORDS = "Nobody but us may read this."


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


async def test_a_team_tells_its_whole_life(engine: Any, engine_client: Client) -> None:
    headers = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "otel"}}
    await engine_client.create(SECRETS, "default", headers | {"stringData": {"authorization": "Bearer x"}})
    lead = agent(
        WORDS,
        f"send: {{to: scout, text: {WORDS}}}",
        "wait: {mail_from: scout}",
        "dismiss: scout",
        f"finish: {WORDS}",
    )
    scout = agent(
        "Look.",
        "wait: {mail_from: lead}",
        "work: {seconds: 1, write: {notes.md: found}}",
        f"send: {{to: lead, text: {WORDS}}}",
        name="scout",
    )
    async with collecting() as collector:
        spec = {
            "harness": "simulated",
            "workspace": {"output": {"size": "1Gi"}},
            "lead": lead,
            "teammates": [scout],
            "lifecycle": {"timeout": "10m"},
            "observability": {"tracing": {"endpoint": collector.url, "headersSecret": "otel"}},
        }
        team = Team(engine_client, engine.data.root, "traced")
        await team.create({"metadata": {"name": "traced"}, "spec": spec})
        await team.in_phase("Completed")
        [hub] = await team.pods("hub")
        await ended(engine_client, hub["metadata"]["name"])
    collector.check()
    tree = collector.tree()
    assert tree[""] == ["team traced"]
    assert sorted(tree["team traced"]) == ["agent lead", "agent scout"]
    assert tree["agent lead"][0] == tree["agent scout"][0] == "turn"
    assert {"tool SendMessage", "tool Write"} <= set(tree["turn"])
    assert not any(name.startswith("tool") for name in tree["agent lead"] + tree["agent scout"])
    (whole,) = collector.named("team")
    assert whole.trace == trace_id(hub["metadata"]["ownerReferences"][0]["uid"])
    assert whole.attributes["kagents.phase"] == "Completed"
    assert all(span.attributes["kagents.simulated"] for span in collector.named("agent"))
    (write,) = collector.named("tool Write")
    assert whole.start <= write.start <= write.end <= whole.end
    assert all(WORDS.encode() not in body for body in collector.bodies)
    assert {each["authorization"] for each in collector.headers} == {"Bearer x"}
    assert "Bearer x" not in str(hub)


async def ended(client: Client, hub: str) -> None:
    """The hub has sent what it had to."""
    from simulated_team import until

    from kagents_core.api.resources import PODS

    async def done() -> bool:
        pod = await client.get(PODS, "default", hub)
        return bool(pod["status"].get("phase") == "Succeeded")

    await until(done)
