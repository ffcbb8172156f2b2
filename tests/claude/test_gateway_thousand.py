"""A thousand requests of the real CLI through the gateway, by eight agents at once, with what goes wrong.

Every tenth request meets an overloaded upstream or an answer that breaks off, the gateway is killed twice in
the middle of answers, and at the end the team is cancelled under its agents. The scripted upstream knows
which answers it has begun and what they used: the ledger has each of them once, to the token.
"""

import os
import signal
from collections import Counter

import pytest
from metered_team import apply, entries, gateways, under_way
from scripted_model import Call, Cut, Fail, Rule, Script, ScriptedModel
from small_team import until
from whole_team import WholeTeam, team_of

from kagents_core.pricing import Tokens, price

AGENTS = ("lead", *(f"worker-{number}" for number in range(7)))
REQUESTS = 1000
KILLS = 2
OVERLOADED = Fail(529, "overloaded_error", "too much to do", again=True)

team = team_of("thousand")


def fault(number: int) -> Fail | Cut | None:
    """What the upstream does to this request."""
    return {5: OVERLOADED, 15: Cut()}.get(number % 20)


@pytest.mark.timeout(1200)
async def test_a_thousand_requests_are_in_the_ledger_to_the_token(
    team: WholeTeam, model: ScriptedModel
) -> None:
    step = Call("Bash", {"command": "true", "description": "work"})
    model.script = Script([Rule(".*", "Begin", [step] * REQUESTS)])
    model.fault = fault
    await apply(team, model.url, dict.fromkeys(AGENTS, "Begin."))
    await until(lambda: {each.agent for each in model.requests} >= set(AGENTS), 240)
    for number in range(KILLS):
        model.pause = 0.5
        await until(lambda: under_way(team), 60)
        [pid] = gateways(team.data)
        os.kill(pid, signal.SIGKILL)
        lost = number + 1
        await until(lambda lost=lost: _states(team)["lost"] >= lost, 60)
        model.pause = 0.0
    await until(lambda: sum(_states(team).values()) >= REQUESTS, 600)
    await team.change(cancel=True)
    await until(lambda: _over(team), 120)

    ends = [entry for entry in entries(team) if entry["state"] != "open"]
    ids = [entry["id"] for entry in ends]
    assert len(set(ids)) == len(ids) >= REQUESTS
    assert set(ids) <= set(model.answered)
    never_begun = len(model.answered) - len(ids)
    assert never_begun <= (KILLS + 1) * len(AGENTS), "only what was on its way to a gateway that was killed"
    states = _states(team)
    assert states["complete"] > REQUESTS * 0.9 and states["aborted"] > 0 and states["lost"] >= KILLS
    assert model.unexpected == []
    for entry in ends:
        counted = entry["inputTokens"], entry["cacheReadTokens"], entry["cacheWrite5mTokens"]
        assert counted == (100, 5, 7)
        if entry["state"] == "complete":
            assert model.answered[entry["id"]] and entry["outputTokens"] == 20
        elif not model.answered[entry["id"]]:
            assert entry["outputTokens"] == 1, "what the upstream told before it broke off"
    exact = sum(price(each["model"], Tokens(100, each["outputTokens"], 5, 7)).micros for each in ends)
    usage = (await team.status())["usage"]
    assert usage["costMicros"] == ends[-1]["totalMicros"] == exact
    assert usage["requests"] == len(ends) == len(team.journal("usage"))
    assert usage["outputTokens"] == sum(entry["outputTokens"] for entry in ends)


def _states(team: WholeTeam) -> Counter[str]:
    """How many answers have ended in which way."""
    return Counter(entry["state"] for entry in entries(team) if entry["state"] != "open")


async def _over(team: WholeTeam) -> bool:
    """Whether the team is cancelled and its hub has nothing more to write."""
    hub = (await team.agents_with_pods()).get("hub")
    return (await team.status()).get("phase") == "Cancelled" and hub == ["Succeeded"]
