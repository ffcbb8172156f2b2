"""When the model's API has had enough, agents go by turns, and nobody waits longer than told."""

import asyncio
from collections import Counter
from pathlib import Path

from aiohttp import web
from gateway_place import Place, place, until, whole_stream
from hypothesis import given, settings
from hypothesis import strategies as st

from kagents_runner.gateway.turns import Turns


def counting(found: Place, allowed: int, **headers: str) -> list[str]:
    """The API lets ``allowed`` requests in at once and refuses the others; who came through, in order."""
    served: list[str] = []
    inside = 0

    async def answer(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        nonlocal inside
        if inside >= allowed:
            return web.Response(status=429, text="too many", headers=headers)
        inside += 1
        try:
            served.append(request.headers["x-agent"])
            await asyncio.sleep(0.01)  # what an answer takes
            return await whole_stream(request, body)
        finally:
            inside -= 1

    found.api.behave = answer
    return served


async def test_one_that_asks_for_much_does_not_starve_the_others(tmp_path: Path) -> None:
    async with place(tmp_path, turns=Turns(first_pause=0.05)) as found:
        served = counting(found, 1)
        async with asyncio.TaskGroup() as group:
            many = [
                group.create_task(found.ask(agent="lead", headers={"x-agent": "lead"})) for _ in range(20)
            ]
            await until(lambda: len(found.api.seen) >= 20)
            few = [
                group.create_task(found.ask(agent=agent, headers={"x-agent": agent}))
                for agent in ("scout", "writer")
            ]
        assert {task.result()[0] for task in (*many, *few)} == {200}
        assert Counter(served) == {"lead": 20, "scout": 1, "writer": 1}
        # Both were served while most of the lead's own requests still waited.
        assert max(served.index("scout"), served.index("writer")) <= 8


async def test_what_does_not_pass_within_the_hold_is_heard_as_it_is(tmp_path: Path) -> None:
    async with place(tmp_path, turns=Turns(hold_seconds=0.3, first_pause=0.05)) as found:
        counting(found, 0, **{"x-words": "of the API"})
        status, headers, body = await found.ask(headers={"x-agent": "lead"})
        assert (status, headers["x-words"], body) == (429, "of the API", b"too many")
        assert 2 <= len(found.api.seen) <= 6  # with pauses that grow
        assert found.tickets.closed == [("failed", None)]


async def test_a_long_pause_is_not_waited_for(tmp_path: Path) -> None:
    async with place(tmp_path, turns=Turns(hold_seconds=5)) as found:
        counting(found, 0, **{"retry-after": "30"})
        for number in (1, 2):
            status, headers, _ = await found.ask(headers={"x-agent": "lead"})
            assert (status, headers["retry-after"]) == (429, "30")
            assert len(found.api.seen) == number  # asked once, and not held back meanwhile


async def test_what_must_not_be_tried_again_is_not(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        counting(found, 0, **{"x-should-retry": "false"})
        assert (await found.ask(headers={"x-agent": "lead"}))[0] == 429
        assert len(found.api.seen) == 1


async def test_one_that_gives_up_waiting_is_not_sent(tmp_path: Path) -> None:
    async with place(tmp_path, turns=Turns(first_pause=0.2)) as found:
        served = counting(found, 0)
        first = asyncio.create_task(found.ask(headers={"x-agent": "lead"}))
        await until(lambda: len(found.api.seen) == 1)
        second = asyncio.create_task(found.ask(agent="scout", headers={"x-agent": "scout"}))
        await until(lambda: len(found.tickets.admitted) == 2)
        second.cancel()
        await until(lambda: found.tickets.closed == [("aborted", None)])
        served = counting(found, 5)
        assert (await first)[0] == 200
        assert served == ["lead"]


@settings(deadline=None, max_examples=60)
@given(
    asking=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), min_size=1, max_size=25
    ),
    allowed=st.integers(1, 3),
)
async def test_everybody_comes_through_and_nothing_is_left(
    asking: list[tuple[str, int, bool]], allowed: int
) -> None:
    """Whoever asks in whatever order, gives up or not: the queue ends empty, and open."""
    turns = Turns(hold_seconds=5, first_pause=0.0005)
    inside = 0

    async def one(agent: str, delay: int, gives_up: bool) -> None:
        nonlocal inside
        for _ in range(delay):
            await asyncio.sleep(0)
        again, deadline = False, turns.deadline()
        while True:
            await turns.enter(agent, deadline, again=again)
            again = True
            if inside >= allowed:
                turns.limited(None)
                continue
            inside += 1
            try:
                await asyncio.sleep(0)
            finally:
                inside -= 1
                turns.answered()
            return

    tasks = [asyncio.create_task(one(*each)) for each in asking]
    await asyncio.sleep(0)
    for task, (_, _, gives_up) in zip(tasks, asking, strict=True):
        if gives_up:
            task.cancel()
    async with asyncio.timeout(5):
        done = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(each is None or isinstance(each, asyncio.CancelledError) for each in done)
    async with asyncio.timeout(1):
        await turns.enter("a", turns.deadline())
        turns.answered()
        for _ in range(5):
            await turns.enter("a", turns.deadline())  # as many as like to
