"""The work queue's two promises, and its delays."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kagents_controller.delays import DelayHeap
from kagents_controller.workqueue import QueueClosed, WorkQueue

KEYS = st.sampled_from("abcd")


class QueueMachine(RuleBasedStateMachine):
    """One key is never worked on twice at once, and every add is followed by work that began after it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.queue: WorkQueue[str] = WorkQueue(clock=lambda: self.now)
        self.working: set[str] = set()
        self.owed: set[str] = set()  # keys added since their last work began
        self.later: dict[str, float] = {}

    @rule(key=KEYS)
    def add(self, key: str) -> None:
        self.queue.add(key)
        self.owed.add(key)

    @rule(key=KEYS, seconds=st.floats(-1, 50))
    def add_after(self, key: str, seconds: float) -> None:
        self.queue.add_after(key, seconds)
        if seconds <= 0:
            self.owed.add(key)
        else:
            self.later[key] = min(self.now + seconds, self.later.get(key, self.now + seconds))

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def fail(self, data: Any) -> None:
        key = data.draw(st.sampled_from(sorted(self.working)))
        before = self.queue.failures(key)
        seconds = self.queue.retry(key)
        assert seconds == min(1000.0, 0.005 * 2**before)
        self.later[key] = min(self.now + seconds, self.later.get(key, self.now + seconds))
        self._done(key)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def succeed(self, data: Any) -> None:
        key = data.draw(st.sampled_from(sorted(self.working)))
        self.queue.forget(key)
        self.later.pop(key, None)
        assert self.queue.failures(key) == 0
        self._done(key)

    def _done(self, key: str) -> None:
        self.working.discard(key)
        self.queue.done(key)

    @rule(seconds=st.floats(0, 30))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def take(self) -> None:
        due = {key for key, moment in self.later.items() if moment <= self.now}
        key = self.queue.take()
        for each in due:
            self.later.pop(each)
        self.owed |= due
        if key is None:
            assert self.owed <= self.working, "nothing was handed out although a key waits"
            return
        assert key not in self.working, "a key is worked on twice at once"
        assert key in self.owed, "work for a key that nobody added"
        self.owed.discard(key)
        self.working.add(key)

    @invariant()
    def counts(self) -> None:
        assert self.queue.processing == len(self.working)
        assert len(self.queue) <= len("abcd")

    def teardown(self) -> None:
        """However it went: what was added is handed out once all work is done."""
        for key in tuple(self.working):
            self._done(key)
        self.now += 2000
        handed = set()
        while (key := self.queue.take()) is not None:
            assert key not in handed
            handed.add(key)
        assert handed == self.owed | set(self.later)


TestQueueMachine = QueueMachine.TestCase


@given(st.lists(st.tuples(KEYS, st.one_of(st.none(), st.integers(0, 20)), st.booleans())))
def test_the_heap_gives_each_key_at_its_own_moment(steps: list[tuple[str, int | None, bool]]) -> None:
    heap: DelayHeap[str] = DelayHeap()
    expected: dict[str, int] = {}
    for key, moment, advance in steps:
        if advance and moment is not None:
            heap.advance(key, moment)
            expected[key] = min(moment, expected.get(key, moment))
        elif moment is None:
            heap.set(key, None)
            expected.pop(key, None)
        else:
            heap.set(key, moment)
            expected[key] = moment
        assert len(heap) == len(expected)
        assert heap.next() == min(expected.values(), default=None)
    popped = heap.pop_due(10)
    assert sorted(popped) == sorted(key for key, moment in expected.items() if moment <= 10)
    assert [expected[key] for key in popped] == sorted(expected[key] for key in popped)
    assert heap.pop_due(20) + popped is not None
    assert len(heap) == 0


async def test_workers_wait_for_adds_and_for_delays() -> None:
    queue: WorkQueue[str] = WorkQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add_after("later", 0.02)
    queue.add("now")
    assert await asyncio.wait_for(waiting, 5) == "now"
    assert await asyncio.wait_for(queue.get(), 5) == "later"


async def test_a_closed_queue_lets_work_end_and_hands_out_nothing() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add("b")
    key = await queue.get()
    waiting = asyncio.create_task(queue.idle())
    queue.close()
    with pytest.raises(QueueClosed):
        await queue.get()
    assert not waiting.done()
    queue.done(key)
    await asyncio.wait_for(waiting, 5)


async def test_many_workers_never_share_a_key() -> None:
    queue: WorkQueue[int] = WorkQueue()
    working: set[int] = set()
    done = 0

    async def work() -> None:
        nonlocal done
        while True:
            try:
                key = await queue.get()
            except QueueClosed:
                return
            assert key not in working
            working.add(key)
            await asyncio.sleep(0)
            working.discard(key)
            done += 1
            queue.done(key)

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(work())
        for round_ in range(50):
            for key in range(5):
                queue.add(key)
            if round_ % 3 == 0:
                await asyncio.sleep(0)
        async with asyncio.timeout(5):
            while len(queue) or queue.processing:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        queue.close()
    assert done >= 5


async def test_what_waits_can_be_put_into_another_order() -> None:
    queue: WorkQueue[int] = WorkQueue()
    for number in (2, 5, 1, 5, 3):
        queue.add(number)
    queue.arrange(lambda number: -number)
    queue.add(4)
    assert [await queue.get() for _ in range(5)] == [5, 3, 2, 1, 4]
