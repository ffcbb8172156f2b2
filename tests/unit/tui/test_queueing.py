"""Turns: so many at once, the most urgent first, none lost."""

import asyncio

from kagents_tui.queueing import Queue


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_most_urgent_waits_least_and_a_turn_is_given_back_once():
    queue, order = Queue(1, 60), []

    async def work(name, urgency):
        turn = await queue.take(urgency)
        order.append(name)
        await asyncio.sleep(0)
        turn.give()
        turn.give()

    first = await queue.take(0)
    async with asyncio.TaskGroup() as group:
        for name, urgency in (("late", 9), ("soon", 1), ("also soon", 1), ("now", 0)):
            group.create_task(work(name, urgency))
        await settled()
        assert order == []
        first.give()
    assert order == ["now", "soon", "also soon", "late"]
    assert queue.free == 1


async def test_whoever_goes_away_takes_no_turn_along():
    queue = Queue(1, 60)
    first = await queue.take(0)
    waiting = [asyncio.create_task(queue.take(0)) for _ in range(3)]
    await settled()
    waiting[0].cancel()
    first.give()
    waiting[1].cancel()  # its turn has come already
    await settled()
    assert [each.cancelled() for each in waiting[:2]] == [True, True]
    (await waiting[2]).give()
    assert queue.free == 1


async def test_a_turn_ends_by_itself():
    queue = Queue(1, 0.01)
    await queue.take(0)
    async with asyncio.timeout(10):
        second = await queue.take(0)
    second.give()
    assert queue.free == 1
