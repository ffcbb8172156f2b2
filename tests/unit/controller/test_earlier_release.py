"""A controller that takes over what an earlier one, with laxer rules, has accepted."""

from typing import Any

from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.kube.client import path_of


def company(name: str) -> dict[str, Any]:
    """An agent with an address that now belongs in ``auth``: refused when it is applied today."""
    address = {"name": "ANTHROPIC_BASE_URL", "value": "https://models.example.com"}
    return {"name": name, "prompt": "work", "env": [address]}


async def test_a_team_that_is_refused_today_goes_on_when_it_was_accepted(
    stopped_world: Any, simple: Any
) -> None:
    world = stopped_world
    gate = {"event": "spawn-b"}
    spec = simple(company("a"), company("b"), gates=(gate,)) | {"harness": "claude-code"}
    spec["auth"] = {"apiKeySecret": "key"}
    world.apply(spec, "fresh")
    world.apply(spec, "taken")
    path = path_of(AGENT_TEAMS, "ns", "taken")
    world.change(path, {"status": {"phase": "Running"}}, status=True)
    world.change(path, {"metadata": {"annotations": {"approved.claude.amcheste.io/spawn-b": "true"}}})
    await world.start()
    await world.until(lambda: world.pods("b", "taken"))
    await world.until(lambda: world.status("fresh").get("phase") == "Failed")
    assert not world.pods(team="fresh")
    assert "ANTHROPIC_BASE_URL" in world.status("fresh")["conditions"][0]["message"]
    assert world.status("taken")["phase"] == "Running"
