"""The real CLI behind the team's gateway, which is killed in the middle of answers: it goes on and finishes.

Every request that reached the model's API with an answer begun is one entry of the ledger, and none is two.
"""

import asyncio
import os
import signal

import pytest
from metered_team import apply, entries, gateways, under_way
from scripted_model import Call, Conversation, Reply, Rule, Say, Script, ScriptedModel
from small_team import KEY, until
from whole_team import NAMESPACE, WholeTeam, team_of

NAME = "metered"
KILLS = 3

team = team_of(NAME)


def step(number: int) -> Call:
    return Call("Bash", {"command": f"echo step {number} >> done.txt", "description": "work"})


def finish(conversation: Conversation, _: object) -> Reply:
    """Asks for the end."""
    if conversation.results and "Recorded." in conversation.results[-1]:
        return Say("The team is done.")
    return Call("mcp__kagents__finish", {"summary": "metered work"})


@pytest.mark.timeout(240)
async def test_agents_finish_although_the_gateway_is_killed_in_the_middle_of_answers(
    team: WholeTeam, model: ScriptedModel
) -> None:
    model.pause = 1.0
    model.script = Script([Rule("lead", "Begin the work", [*map(step, range(5)), *[finish] * 10])])
    await apply(team, model.url, {"lead": "Begin the work."})
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
