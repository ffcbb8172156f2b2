"""The real CLI through its team's gateway: counted to the token, stopped at the budget, continued after it.

The scripted model says what each answer used, so every sum is known beforehand. What a killed gateway does to
its agents is in ``test_gateway_killed.py``.
"""

import json
from collections import Counter
from typing import Any

import pytest
from scripted_model import Call, Conversation, Reply, Rule, Say, Script, ScriptedModel
from small_team import MODEL, until
from whole_team import WholeTeam, team_of

NAME = "metered"
USED = {"inputTokens": 100, "outputTokens": 20, "cacheReadTokens": 5, "cacheWriteTokens": 7}
PRICE = 628
"""Micro-dollars of an answer: 100 at $3, 20 at $15, 5 at $0.30 and 7 at $3.75 a million, rounded up."""

team = team_of(NAME)


def work(number: int) -> Call:
    return Call("Bash", {"command": f"echo {number} >> done.txt", "description": "work"})


def finish(conversation: Conversation, _: object) -> Reply:
    """Asks for the end until the tool agrees, with a pause after each refusal."""
    said = conversation.results[-1]
    if "Recorded." in said:
        return Say("The team is done.")
    pause = Call("Bash", {"command": "sleep 1", "description": "wait"})
    return pause if "Not yet" in said else Call("mcp__kagents__finish", {"summary": "all done"})


def lead_works(steps: int) -> list[Rule]:
    """The lead does so many steps, then ends; started again, it does the rest of them."""
    return [Rule("lead", "Begin the work|started you again", [*map(work, range(steps)), *[finish] * 40])]


def ledger(team: WholeTeam) -> list[dict[str, Any]]:
    path = team.volume / "gateway/ledger.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def ended(team: WholeTeam) -> list[dict[str, Any]]:
    """Lines of answers that have ended."""
    return [line for line in ledger(team) if line["state"] != "open"]


async def phase(team: WholeTeam, wanted: str) -> bool:
    """The team's phase, as far as its hub has nothing more to write."""
    status = await team.status()
    if status.get("phase") != wanted:
        return False
    hub = (await team.agents_with_pods()).get("hub")
    return wanted == "Suspended" or hub == ["Succeeded"]


async def condition(team: WholeTeam, kind: str) -> dict[str, Any] | None:
    found = (await team.status()).get("conditions", ())
    return next((each for each in found if each["type"] == kind), None)


@pytest.mark.timeout(180)
async def test_every_answer_is_counted_to_the_token(team: WholeTeam, model: ScriptedModel) -> None:
    asks = Call("SendMessage", {"to": "worker", "summary": "do it", "message": "do it"})
    tells = Call("SendMessage", {"to": "lead", "summary": "did it", "message": "did it"})
    dismiss = Call("mcp__kagents__dismiss", {"teammate": "worker", "reason": "accepted"})
    model.script = Script(
        [
            Rule("lead", "Begin the work", [asks]),
            Rule("lead", "did it", [dismiss, *[finish] * 40]),
            Rule("worker", "do it", [work(1), tells]),
        ]
    )
    prompts = {"lead": "Begin the work.", "worker": "Wait for a task."}
    await team.apply(model_url=model.url, prompts=prompts)
    await until(lambda: phase(team, "Completed"), 120)

    asked = Counter(request.agent for request in model.requests)
    assert set(asked) == {"lead", "worker"} and model.unexpected == []
    lines = ended(team)
    assert Counter(line["agent"] for line in lines) == asked
    assert {line["state"] for line in lines} == {"complete"}
    assert {(line["costMicros"], line["model"]) for line in lines} == {(PRICE, MODEL)}
    assert len({line["id"] for line in lines}) == len(lines)
    usage, total = (await team.status())["usage"], asked.total()
    expected = {name: each * total for name, each in USED.items()}
    assert {name: usage[name] for name in expected} == expected
    assert (usage["requests"], usage["costMicros"], usage["estimated"]) == (total, PRICE * total, False)
    shares = {each["agent"]: each["costMicros"] for each in usage["byModel"]}
    assert shares == {agent: PRICE * count for agent, count in asked.items()}
    assert sum(each["costMicros"] for each in usage["hours"]) == PRICE * total
    journalled = team.journal("usage")
    assert [each["requestId"] for each in journalled] == [line["id"] for line in lines]
    said = await condition(team, "ModelKeyProtected")
    assert said is not None and said["status"] == "True"


@pytest.mark.timeout(180)
async def test_at_the_limit_the_team_ends(team: WholeTeam, model: ScriptedModel) -> None:
    model.script = Script(lead_works(100))
    await team.apply(model_url=model.url, prompts={"lead": "Begin the work."}, budgetLimit="0.003")
    await until(lambda: phase(team, "BudgetExceeded"), 120)
    said = await condition(team, "Succeeded")
    assert said is not None and said["message"] == (
        "the team spent $0.003 (metered) of lifecycle.budgetLimit $0.003"
    )
    assert len(model.requests) == 5, "the first that reaches 3,000 micro-dollars is the last"
    assert (await team.status())["usage"]["costMicros"] == 5 * PRICE
    warned = await condition(team, "BudgetWarning")
    assert warned is not None and "80 % of lifecycle.budgetLimit $0.003" in warned["message"]


@pytest.mark.timeout(240)
async def test_a_suspended_team_goes_on_where_it_stopped_when_the_limit_is_raised(
    team: WholeTeam, model: ScriptedModel
) -> None:
    model.script = Script(lead_works(8))
    limits = {"budgetLimit": "0.003", "onBudget": "suspend", "maxRestarts": 0}
    await team.apply(model_url=model.url, prompts={"lead": "Begin the work."}, **limits)
    await until(lambda: phase(team, "Suspended"), 120)
    said = await condition(team, "BudgetLeft")
    assert said is not None and said["reason"] == "TeamSuspended"
    await until(lambda: not team.pids("lead"))
    assert len(model.requests) == 5
    await team.change(lifecycle={"budgetLimit": "1.00"})
    await until(lambda: phase(team, "Completed"), 120)
    status = await team.status()
    assert (status["lead"]["attempt"], status["lead"].get("restartCount", 0)) == (1, 0)
    assert "Begin the work" in model.requests[-1].everything, "its conversation is the same"
    assert status["usage"]["costMicros"] == PRICE * len(ended(team)) == PRICE * len(model.requests)


@pytest.mark.timeout(240)
async def test_an_agent_at_its_budget_is_stopped_alone_and_goes_on_when_that_is_raised(
    team: WholeTeam, model: ScriptedModel
) -> None:
    tells = Call("SendMessage", {"to": "lead", "summary": "did it", "message": "did it"})
    dismiss = Call("mcp__kagents__dismiss", {"teammate": "worker", "reason": "accepted"})
    model.script = Script(
        [
            Rule("worker", "Begin your work", [*map(work, range(100)), tells]),
            Rule("worker", "started you again", [tells]),
            Rule("lead", "did it", [dismiss, *[finish] * 40]),
        ]
    )
    prompts = {"lead": "Wait for mail.", "worker": "Begin your work."}
    await team.apply(
        model_url=model.url, prompts=prompts, budget={"worker": "0.003"}, onBudget="suspend", maxRestarts=0
    )
    await until(lambda: condition(team, "BudgetLeft"), 120)
    said = await condition(team, "BudgetLeft")
    assert said is not None and said["message"].startswith(
        "worker spent $0.003 (metered) of its budget $0.003"
    )
    await until(lambda: not team.pids("worker"))
    assert team.pids("lead"), "the others go on"
    [mate] = (await team.status())["teammates"]
    assert (mate["phase"], mate["waitingFor"]) == ("Waiting", "budget: $0.003 of $0.003 are spent")
    assert Counter(request.agent for request in model.requests)["worker"] == 5
    found = await team.team()
    found["spec"]["teammates"][0]["budget"] = "1.00"
    await team.change(teammates=found["spec"]["teammates"])
    await until(lambda: phase(team, "Completed"), 120)
    [mate] = (await team.status())["teammates"]
    assert (mate["attempt"], mate.get("restartCount", 0)) == (1, 0)
    assert await condition(team, "BudgetLeft") is None
