"""The ledger against a model whose usage is known.

After a thousand requests of every kind, after aborts, errors and a gateway that is killed in the middle of
streams, it holds what was used, to the token, and nothing twice.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from gateway_place import AGENTS as EIGHT
from gateway_place import Place, place, streamed, told
from gateway_team import AGENTS, GatewayTeam, gateway_team
from model_answers import MODEL, events, plain, server_sent

from kagents_core.pricing import PUBLISHED, Tokens
from kagents_runner.gateway.ledger import Ledger
from kagents_runner.gateway.meter import Limits, Meter

REQUESTS = 1000
AT_ONCE = 8
KINDS = ("stream",) * 8 + ("plain",) * 3 + ("hangs",) * 3 + ("cut", "fails", "500", "529", "400")
SORTS = ("input", "output", "cacheRead", "cacheWrite5m", "cacheWrite1h")


def usage_of(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the answer to this request tells at its start and at its end."""
    chance = random.Random(number)  # the same in whatever order
    five, hour = chance.randrange(5000), chance.randrange(5000)
    start = {
        "input_tokens": chance.randrange(1, 3000),
        "cache_read_input_tokens": chance.randrange(50_000),
        "cache_creation_input_tokens": five + hour,
        "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour},
        "output_tokens": 1,
    }
    return start, {"output_tokens": chance.randrange(2, 4000)}


def tokens_of(number: int, *, whole: bool, words: int = 0) -> tuple[int, ...]:
    """The same as the ledger counts it, when the end was heard, or was not but some words were."""
    start, end = usage_of(number)
    split = start["cache_creation"]
    return (
        start["input_tokens"],
        end["output_tokens"] if whole else max(1, words),
        start["cache_read_input_tokens"],
        split["ephemeral_5m_input_tokens"],
        split["ephemeral_1h_input_tokens"],
    )


def possible(number: int, kind: str, *, whole: bool) -> list[tuple[int, ...]]:
    """What an entry may say: of a stream that was killed some words may have come, a token each."""
    words = range(number % 7 + 1) if kind == "stream" and not whole else range(1)
    return [tokens_of(number, whole=whole, words=count) for count in words]


def entry_tokens(entry: dict[str, Any]) -> tuple[int, ...]:
    return tuple(entry[f"{sort}Tokens"] for sort in SORTS)


async def known_model(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    """Answers as the request wants it to."""
    asked = orjson.loads(body)["metadata"]
    number, kind = asked["number"], asked["kind"]
    start, end = usage_of(number)
    name = f"msg_{number}"
    if kind.isdecimal():
        return web.json_response({"type": "error", "error": {"type": "x", "message": "no"}}, status=int(kind))
    if kind == "plain":
        return web.Response(body=plain(name, usage=start | end), content_type="application/json")
    told_of = events(response_id=name, start=start, end=end, words=["word"] * (number % 7))
    pieces = [server_sent([event]) for event in told_of]
    if kind == "stream":
        return await streamed(request, pieces)
    out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await out.prepare(request)
    await out.write(b"".join(pieces[:3]))
    if kind == "fails":
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        await out.write(server_sent([error]))
        return out
    if kind == "hangs":
        await asyncio.Event().wait()
    await asyncio.sleep(0.05)
    assert request.transport is not None
    request.transport.abort()
    return out


@dataclass
class Heard:
    """What the client of each request has heard: nothing, its start, or all of it."""

    start: set[int] = field(default_factory=set)
    whole: set[int] = field(default_factory=set)
    kinds: dict[int, str] = field(default_factory=dict)


async def ask(team: GatewayTeam, heard: Heard, number: int, kind: str) -> None:
    """One request as an agent's CLI makes it, without its retries; ``hangs`` is given up by the client."""
    heard.kinds[number] = kind
    metadata = {"number": number, "kind": kind}
    data = b""
    with suppress(aiohttp.ClientError, TimeoutError, OSError, ValueError):
        async with team.asked(TOKENS[number % len(AGENTS)], metadata=metadata) as answer:
            if answer.status != 200:
                return
            async with asyncio.timeout(60):
                async for piece in answer.content.iter_any():
                    data += piece
                    if b'"usage"' in data:
                        heard.start.add(number)
                    if kind == "hangs" and b"ping" in data:
                        return
            heard.whole.add(number)


TOKENS: list[str] = []


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[GatewayTeam]:
    async with gateway_team(tmp_path) as found:
        found.model.behave = known_model
        TOKENS[:] = [found.token_of(agent) for agent in AGENTS]
        yield found


@pytest.mark.long
async def test_a_thousand_requests_and_a_gateway_that_is_killed_and_restarted(team: GatewayTeam) -> None:
    chance = random.Random(7)
    numbers = iter(range(REQUESTS))
    heard = Heard()
    await team.start()
    standing = asyncio.Event()
    standing.set()

    async def agent() -> None:
        for number in numbers:
            await standing.wait()
            await ask(team, heard, number, chance.choice(KINDS))

    async def fate() -> None:
        """Kills it twice, ends it in good order once, whatever it is doing."""
        for number, after in enumerate((250, 500, 750)):
            while len(heard.kinds) < after:  # noqa: ASYNC110 - until so many were asked
                await asyncio.sleep(0.005)
            standing.clear()
            assert team.process is not None
            if number == 1:
                team.process.terminate()
                await team.ended()
            else:
                await team.kill()
            await team.start()
            standing.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(fate())
        for _ in range(AT_ONCE):
            group.create_task(agent())
    assert team.process is not None
    team.process.terminate()
    await team.ended()
    check(team, heard)


def check(team: GatewayTeam, heard: Heard) -> None:
    """Every answer once, with what it told; sums and prices as the table says."""
    entries = team.entries()
    ends: dict[int, list[dict[str, Any]]] = defaultdict(list)
    total = 0
    for sequence, entry in enumerate(entries, 1):
        assert entry["seq"] == sequence
        if entry["state"] != "open":
            total += entry["costMicros"]
            ends[int(entry["id"].removeprefix("msg_"))].append(entry)
            price = PUBLISHED.price(MODEL, Tokens(*entry_tokens(entry)), day=entry["at"])
            assert (entry["costMicros"], entry["model"]) == (price.micros, MODEL)
        assert entry["totalMicros"] == total
    assert len(heard.kinds) == REQUESTS
    unsure = 0
    for number, kind in heard.kinds.items():
        found = ends.pop(number, [])
        assert len(found) <= 1, f"answer {number} is counted twice"
        if kind.isdecimal():
            assert not found
        elif number in heard.whole and kind != "fails":
            (entry,) = found
            assert (entry["state"], entry_tokens(entry)) == ("complete", tokens_of(number, whole=True))
        elif number in heard.start:
            (entry,) = found
            unsure += kind not in ("hangs", "cut", "fails")
            assert entry_tokens(entry) in possible(number, kind, whole=entry["state"] == "complete")
        else:  # nobody heard of it: it may have been asked for or not
            unsure += 1
            every = [each for whole in (True, False) for each in possible(number, kind, whole=whole)]
            assert not found or entry_tokens(found[0]) in every
    assert not ends
    assert unsure <= 3 * AT_ONCE  # those under way when the gateway went
    states = {entry["state"] for entry in entries}
    assert {"open", "complete", "aborted", "failed"} <= states


async def test_eight_agents_at_full_rate_stop_at_the_limit_and_finish_when_it_is_raised(
    tmp_path: Path,
) -> None:
    """Each with three helpers at once: the sum goes over the limit by at most one request an agent."""
    most = PUBLISHED.price(MODEL, Tokens(100, 400), day="9999").micros
    limit = 100 * most
    ledger = Ledger(tmp_path / "ledger.jsonl")
    meter = Meter(ledger, PUBLISHED, Limits(limit))
    chance = random.Random(3)

    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        start = {"input_tokens": chance.randrange(1, 101), "output_tokens": 1}
        end = {"output_tokens": chance.randrange(200, 401)}
        pieces = [server_sent([event]) for event in events(start=start, end=end)]
        await asyncio.sleep(chance.random() * 0.01)
        return await streamed(request, pieces)

    async with place(tmp_path, meter=meter) as found:
        found.api.behave = answer
        done = await run_away(found, 40)
        assert sum(done.values()) < 8 * 40
        over = ledger.spent - limit
        assert 0 <= over <= 8 * most
        before = ledger.spent
        for agent in done:
            status, _, body = await found.ask(agent=agent)
            assert status == 402 and told(body)[0] == "billing_error"
        assert ledger.spent == before
        meter.limit(Limits(10_000 * most))
        again = await run_away(found, 40)
        assert set(again.values()) == {40}
    ledger.close()


async def run_away(found: Place, wanted: int) -> dict[str, int]:
    """How many answers each agent got before it was stopped, or had enough."""
    done = dict.fromkeys(EIGHT, 0)
    body = orjson.dumps({"model": MODEL, "messages": ["x" * 300], "max_tokens": 400, "stream": True})

    async def helper(agent: str) -> None:
        while done[agent] < wanted:
            done[agent] += 1
            status, _, _ = await found.ask(agent=agent, data=body)
            if status == 402:
                done[agent] -= 1
                return
            assert status == 200

    async with asyncio.TaskGroup() as group:
        for agent in EIGHT:
            for _ in range(3):
                group.create_task(helper(agent))
    return done
