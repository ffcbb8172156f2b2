"""The whole chain with the real CLI: status, the request in full, an answer as terminals send it."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from piloted_terminal import terminal
from scripted_model import Call, Conversation, Reply, Rule, Say, Script, ScriptedModel
from small_team import git, until
from whole_team import NAMESPACE, WholeTeam, team_of

from kagents_core.api.resources import AGENT_TEAMS
from kagents_tui import asking
from kagents_tui.rows.attention import Request

NAME = "asked"
BUILD = Call(
    "Bash", {"command": "echo shop > shop.txt && git add . && git commit -qm Shop", "description": "b"}
)
QUESTION = {"question": "Which colour?", "header": "Colour", "multiSelect": False}
OPTIONS = [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cool"}]
ASK = Call("AskUserQuestion", {"questions": [{**QUESTION, "options": OPTIONS}]})

team = team_of(NAME)


async def document(team: WholeTeam) -> dict[str, Any]:
    """The object as it is now."""
    found: dict[str, Any] = await team.client.get(AGENT_TEAMS, NAMESPACE, team.name)
    return found


async def request(team: WholeTeam, kind: str) -> Request:
    """The open request of this kind, once the status shows it."""

    async def look() -> list[Request]:
        return [each for each in asking.open_requests(await document(team)) if each.kind == kind]

    found: list[Request] = await until(look)
    return found[0]


def finish(conversation: Conversation, _: object) -> Reply:
    """Asks for the end until the tool agrees."""
    said = conversation.results[-1] if conversation.results else ""
    return Say("Over.") if "Recorded." in said else Call("mcp__kagents__finish", {"summary": "shop built"})


@pytest.mark.timeout(180)
async def test_a_person_reads_the_exact_call_and_lets_the_agent_go_on(
    team: WholeTeam, model: ScriptedModel
) -> None:
    model.script = Script([Rule("lead", "Begin", [ASK, BUILD, *[finish] * 9])])
    await team.apply(model_url=model.url, prompts={"lead": "Begin."}, permissionMode={"lead": "default"})

    question = await request(team, "question")
    now = await document(team)
    choice = {"uid": now["metadata"]["uid"], "allow": True}
    await asking.answer(team.client, now, question, **choice, choices=((2,),))
    await until(lambda: any('"Which colour?"="Blue"' in r for m in model.requests for r in m.results))

    permission = await request(team, "permission")
    now = await document(team)
    entry = await asking.in_full(team.client, now, permission)
    assert entry["input"] == BUILD.input
    with pytest.raises(asking.ActError, match="made again"):
        await asking.answer(team.client, now, permission, uid="another", allow=True)
    await asking.answer(team.client, now, permission, **choice)
    with pytest.raises(asking.ActError, match="was allowed by kagents-admin before"):
        await asking.answer(team.client, now, permission, **(choice | {"allow": False}))

    async def completed() -> bool:
        return (await team.status()).get("phase") == "Completed"

    await until(completed, 90)
    assert "Shop" in git(team.volume / "work/repo", "log", "--format=%s", f"kagents/{NAME}/lead")
    assert [(e["ask"], e["answer"]) for e in team.journal("answer")] == [
        ("question", "allow"),
        ("permission", "allow"),
    ]
    assert team.journal("malformed") == [] and model.unexpected == []


@pytest.mark.timeout(180)
async def test_one_key_of_the_terminal_puts_the_answer_that_the_cli_reads_into_its_mailbox(
    team: WholeTeam, model: ScriptedModel
) -> None:
    model.script = Script([Rule("lead", "Begin", [BUILD, *[finish] * 9])])
    await team.apply(model_url=model.url, prompts={"lead": "Begin."}, permissionMode={"lead": "default"})
    permission = await request(team, "permission")
    async with terminal(team.data) as t:
        await t.shows(NAME, "1 needs you")
        await t.pilot.press("w")
        await t.shows("Attention[1]", "echo shop")
        await t.pilot.press("space")
        await t.shows("command: echo shop > shop.txt", "a allow")
        with standing_still(team, "lead"):
            await t.press_until("a", f"lead of {NAME}: allowed")
            [message] = await until(lambda: natively(team, "lead"))
        assert message == {
            "type": "permission_response",
            "request_id": permission.id,
            "subtype": "success",
            "response": {"permission_updates": []},
        }

        async def completed() -> bool:
            return (await team.status()).get("phase") == "Completed"

        await until(completed, 90)
        await t.shows("nothing waits for anybody")
    assert "Shop" in git(team.volume / "work/repo", "log", "--format=%s", f"kagents/{NAME}/lead")
    assert [(e["ask"], e["answer"], e["id"]) for e in team.journal("answer")] == [
        ("permission", "allow", permission.id)
    ]
    assert team.journal("malformed") == [] and model.unexpected == []


@contextmanager
def standing_still(team: WholeTeam, agent: str) -> Iterator[None]:
    """The agent's CLI takes nothing out of its mailbox meanwhile."""
    pids = team.pids(agent)
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def natively(team: WholeTeam, agent: str) -> list[dict[str, Any]]:
    """Answers in the agent's mailbox, as the protocol has them."""
    [inbox] = team.volume.glob(f"**/inboxes/{agent}.json")
    texts = [str(each["text"]) for each in json.loads(inbox.read_text() or "[]")]
    return [json.loads(text) for text in texts if "permission_response" in text]
