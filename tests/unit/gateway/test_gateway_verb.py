"""The gateway as the program that it is: who comes in, what is counted, and how it begins and ends."""

import asyncio
import json
import resource
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from gateway_place import KEY, streamed, told, until
from gateway_team import GatewayTeam, costs, gateway_team
from model_answers import events, server_sent

from kagents_runner.documents import TeamDocument, parse_team
from kagents_runner.gateway.limits import FILE, first_limits
from kagents_runner.gateway.meter import Limits
from kagents_runner.termination import EXIT_NEEDS_A_PERSON

pytestmark = pytest.mark.long

ANSWER = 100 * 3 + 20 * 15 + 12 + 38 + 20 * 6
"""Micro-dollars of the scripted answer by sonnet-4-6's prices: 100 in, 20 out, 40 read, 10 and 20 written."""


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[GatewayTeam]:
    async with gateway_team(tmp_path) as found:
        yield found


async def test_agents_of_the_team_come_in_and_are_charged_and_nobody_else(team: GatewayTeam) -> None:
    await team.start()
    token = team.token_of("scout")
    status, body = await team.ask(token)
    assert (status, body) == (200, server_sent(events()))
    asked = team.model.seen[0].headers
    assert asked["x-api-key"] == KEY
    assert token not in str(asked)
    first, last = team.entries()
    assert (first["state"], last["state"], last["agent"]) == ("open", "complete", "scout")
    assert last["costMicros"] == last["totalMicros"] == ANSWER
    strangers = [
        team.token_of("scout", uid="another-team"),
        team.token_of("player"),
        team.token_of("hub"),
        team.token_of("lead", audience=None),
        team.token_of("lead", audience="vault"),
        "kagents",
    ]
    for stranger in strangers:
        status, body = await team.ask(stranger)
        assert (status, told(body)[0]) == (401, "authentication_error")
    assert (await team.ask(team.token_of("scout", 1)))[0] == 200
    assert (await team.ask(token))[0] == 401
    assert len(team.model.seen) == 2


async def test_the_limit_is_kept_also_after_a_restart_and_a_raised_one_lets_them_go_on(
    team: GatewayTeam,
) -> None:
    team.limits(ANSWER, scout=10 * ANSWER)
    await team.start()
    assert (await team.ask(team.token_of("lead")))[0] == 200
    await team.kill()
    await team.start()
    for agent in ("lead", "scout"):
        status, body = await team.ask(team.token_of(agent))
        assert (status, told(body)[0]) == (402, "billing_error")
        assert told(body)[1].startswith("kagents: the team's budget is spent ($0.00 of $0.00).")
    team.limits(3 * ANSWER, scout=ANSWER)

    async def admitted() -> bool:
        return (await team.ask(team.token_of("scout")))[0] == 200

    async with asyncio.timeout(20):
        while not await admitted():  # noqa: ASYNC110 - another process looks at the limits
            await asyncio.sleep(0.05)
    status, body = await team.ask(team.token_of("scout"))
    assert (status, told(body)[1].split(" is ")[0]) == (402, "kagents: the budget of scout")
    assert (await team.ask(team.token_of("lead")))[0] == 200
    assert costs(team.entries()) == 3 * ANSWER


async def test_killed_in_the_middle_of_an_answer_it_counts_what_had_come(team: GatewayTeam) -> None:
    going = asyncio.Event()

    async def endless(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        await out.write(server_sent(events()[:4]))
        going.set()
        await asyncio.sleep(60)
        return out

    team.model.behave = endless
    await team.start()
    async with team.asked(team.token_of("lead")) as answer:
        await going.wait()
        await answer.content.readany()
        await until(lambda: team.ledger.exists() and len(team.entries()) == 1)
        await team.kill()
        with pytest.raises(aiohttp.ClientError):
            await answer.read()
    await team.start()
    assert [entry["state"] for entry in team.entries()] == ["open", "lost"]
    team.model.behave = lambda request, _: streamed(request, [server_sent(events(response_id="msg_2"))])
    assert (await team.ask(team.token_of("lead")))[0] == 200
    found = team.entries()
    assert [entry["id"] for entry in found] == ["msg_1", "msg_1", "msg_2", "msg_2"]
    assert found[-1]["totalMicros"] == costs(found) == found[0]["costMicros"] + ANSWER


async def test_it_ends_with_the_team_and_by_a_signal_and_says_where_it_is_meanwhile(
    team: GatewayTeam,
) -> None:
    await team.start()
    (team.root / "over" / "over").touch()
    said = await team.ended()
    assert team.process is not None
    assert team.process.returncode == 0
    assert "agents reach the gateway through port" in said
    assert not team.address.exists()
    (team.root / "over" / "over").unlink()
    await team.start()
    team.process.send_signal(signal.SIGTERM)
    await team.ended()
    assert team.process.returncode == 143
    assert not team.address.exists()
    assert KEY not in said


async def test_prices_of_ones_own_are_charged(team: GatewayTeam) -> None:
    prices = team.root / "prices.yaml"
    prices.write_text("version: ours\nmodels: {claude-sonnet-4-6: {input: 1, output: 2}}\n")
    team.variables["KAGENTS_PRICES_FILE"] = str(prices)
    await team.start()
    assert (await team.ask(team.token_of("lead")))[0] == 200
    last = team.entries()[-1]
    # 100 in, 20 out at 2, 40 read at 0.1, 10 written at 1.25, 20 at 2: rounded up to a whole micro-dollar.
    assert (last["prices"], last["costMicros"]) == ("ours", 100 + 40 + 4 + 13 + 40)


def no_key(team: GatewayTeam) -> None:
    (team.root / "model" / "ANTHROPIC_API_KEY").unlink()


def no_gateway(team: GatewayTeam) -> None:
    team.gateway = None


def another_provider(team: GatewayTeam) -> None:
    team.gateway = {"provider": "azure"}


def wrong_prices(team: GatewayTeam) -> None:
    prices = team.root / "prices.yaml"
    prices.write_text("version: ours\nmodels: {opus: 3}\n")
    team.variables["KAGENTS_PRICES_FILE"] = str(prices)


def no_prices(team: GatewayTeam) -> None:
    team.variables["KAGENTS_PRICES_FILE"] = str(team.root / "nowhere" / "prices.yaml")


def wrong_ledger(team: GatewayTeam) -> None:
    team.ledger.write_text('{"seq":1}\n')


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_key, "The model's Secret has neither ANTHROPIC_API_KEY nor ANTHROPIC_AUTH_TOKEN."),
        (no_gateway, "Only a team with auth, a claude-code agent and auth.mode gateway has a gateway."),
        (another_provider, "This runner knows no provider 'azure'."),
        (wrong_prices, "The ConfigMap of auth.priceTable cannot be used: prices.yaml: models.opus"),
        (no_prices, "The ConfigMap of auth.priceTable has no key prices.yaml that can be read"),
        (wrong_ledger, "The ledger ledger.jsonl cannot be gone on with: line 1: id is not a text."),
    ],
)
async def test_what_a_person_must_change_is_one_sentence(team: GatewayTeam, change: Any, words: str) -> None:
    assert (await team.run("prepare"))[0] == 0
    change(team)
    code, _ = await team.run("gateway")
    sentence = (team.root / "termination-log").read_text()
    assert code == EXIT_NEEDS_A_PERSON, sentence
    assert sentence.startswith(words)
    assert "\n" not in sentence.strip()


def document(team: int | None = None, **own: int) -> TeamDocument:
    agents = [
        {"name": name, "role": "lead", "harness": "claude-code", "budgetMicros": own.get(name)}
        for name in ("lead", "scout")
    ]
    fields = {"name": "demo", "namespace": "n", "uid": "u", "mode": "cowork", "agents": agents}
    return parse_team(json.dumps(fields | {"budgetMicros": team}))


@pytest.mark.parametrize(
    "told",
    [
        None,
        "torn",
        "[]",
        '{"agents": {}}',
        '{"budgetMicros": -1, "agents": {}}',
        '{"budgetMicros": 1, "agents": 2}',
    ],
)
async def test_without_a_word_of_the_recorder_the_manifests_limits_hold(
    tmp_path: Path, told: str | None
) -> None:
    if told is not None:
        (tmp_path / FILE).write_text(told)
    expected = Limits(5, {"lead": 3})
    assert await first_limits(tmp_path, document(5, lead=3), seconds=0.05) == expected
    assert await first_limits(None, document(5, lead=3)) == expected
    (tmp_path / FILE).write_text('{"budgetMicros": null, "agents": {"lead": 7}}')
    assert await first_limits(tmp_path, document(5)) == Limits(None, {"lead": 7})


async def test_what_cannot_be_written_down_ends_it_and_the_next_one_goes_on_from_the_file(
    team: GatewayTeam,
) -> None:
    team.limits(None)
    await team.start()
    assert team.process is not None
    assert (await team.ask(team.token_of("lead")))[0] == 200
    written = team.ledger.stat().st_size
    resource.prlimit(team.process.pid, resource.RLIMIT_FSIZE, (written + 50, written + 50))
    with pytest.raises(aiohttp.ClientError):  # an answer that is not counted is not handed out
        await team.ask(team.token_of("lead"))
    await team.ended()
    assert team.process.returncode == 1
    assert "ledger" in (team.root / "termination-log").read_text()
    assert team.ledger.stat().st_size == written
    await team.start()
    assert (await team.ask(team.token_of("lead")))[0] == 200
    assert team.entries()[-1]["totalMicros"] == 2 * ANSWER
