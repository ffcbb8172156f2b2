"""Who is let in: a limit is passed by one request an agent at most, nobody is refused while money is left."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kagents_core.pricefile import parse_prices
from kagents_runner.gateway.ledger import FILE, Ledger
from kagents_runner.gateway.meter import Limits, Meter, Ticket
from kagents_runner.gateway.seams import BudgetExhausted
from kagents_runner.gateway.tokens import Counts

PRICES = parse_prices(b"version: v\nmodels: {m: {input: 1, output: 1}}")
"""A token costs a micro-dollar."""
AGENTS = 8


def used(micros: int, model: str = "m") -> Counts:
    return Counts(model, micros, 0, 0, 0, 0, {})


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    found = Ledger(tmp_path / FILE)
    yield found
    found.close()


async def settled() -> None:
    """Everybody who can go on has gone on."""
    for _ in range(4):
        await asyncio.sleep(0)


class Play:
    """Agents that ask and are answered, and the laws that hold after each step."""

    def __init__(self, ledger: Ledger, limits: Limits) -> None:
        self.ledger, self.limits = ledger, limits
        self.meter = Meter(ledger, PRICES, limits)
        self.asked: list[tuple[int, str, int, asyncio.Task[Ticket]]] = []
        self.running: list[tuple[str, int, Ticket]] = []
        self.largest: dict[str, int] = {}
        self.count = 0

    async def ask(self, agent: str, estimate: int) -> None:
        work = self.meter.admit(agent, model="m", estimate_micros=estimate)
        self.count += 1
        self.asked.append((self.count, agent, estimate, asyncio.create_task(work)))
        await self.look()

    async def look(self) -> None:
        await settled()
        for item in list(self.asked):
            number, agent, estimate, task = item
            if not task.done():
                continue
            self.asked.remove(item)
            if task.cancelled():
                continue
            error = task.exception()
            if error is None:
                assert all(n > number for n, a, _, t in self.asked if a == agent and not t.done()), (
                    "overtaken"
                )
                self.running.append((agent, estimate, task.result()))
                continue
            assert isinstance(error, BudgetExhausted)
            own, team = self.limits.agents.get(agent), self.limits.team
            spent = self.ledger.spent_by(agent)
            assert (own is not None and spent >= own) or (team is not None and self.ledger.spent >= team)

    async def end(self, index: int, part: int, state: str) -> None:
        agent, estimate, ticket = self.running.pop(index % len(self.running))
        cost = estimate * part // 100
        if part % 3 == 0:
            ticket.opened("req", used(cost // 2))
        await ticket.closed(state, used(cost) if part else None)
        self.largest[agent] = max(self.largest.get(agent, 0), cost)
        await self.look()

    def overshoot(self) -> None:
        team = self.limits.team
        if team is not None:
            assert self.ledger.spent <= team + sum(self.largest.values())
        for agent, own in self.limits.agents.items():
            assert self.ledger.spent_by(agent) <= own + self.largest.get(agent, 0)


moves = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, AGENTS - 1), st.integers(1, 400)),
        st.tuples(st.just("ask"), st.integers(0, AGENTS - 1), st.integers(1, 400)),
        st.tuples(st.just("end"), st.integers(0, 50), st.integers(0, 100)),
        st.tuples(st.just("cancel"), st.integers(0, 50)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(moves=moves, team=st.none() | st.integers(1, 3000), own=st.none() | st.integers(1, 800))
def test_in_any_interleaving_a_limit_is_passed_by_at_most_one_request_an_agent(
    moves: list[tuple[Any, ...]], team: int | None, own: int | None
) -> None:
    async def play() -> None:
        limits = Limits(team, {} if own is None else {"agent-0": own, "agent-1": own})
        with tempfile.TemporaryDirectory() as folder:
            ledger = Ledger(Path(folder) / FILE)
            game = Play(ledger, limits)
            for what, *told in moves:
                if what == "ask":
                    await game.ask(f"agent-{told[0]}", told[1])
                elif what == "end" and game.running:
                    await game.end(told[0], told[1], "complete")
                elif what == "cancel" and game.asked:
                    game.asked[told[0] % len(game.asked)][3].cancel()
                    await game.look()
                game.overshoot()
            while game.running:  # everything ends, and so everybody who waits is told something
                await game.end(0, 100, "aborted")
                game.overshoot()
            assert not game.asked
            assert (game.meter.in_flight, game.meter.waiting) == (0, 0)
            ledger.close()

    asyncio.run(play())


async def test_eight_agents_at_full_rate_stop_within_one_request_each(ledger: Ledger) -> None:
    limit, cost = 10_000, 37
    meter = Meter(ledger, PRICES, Limits(limit))

    async def run(agent: str) -> None:
        async def ask() -> None:
            while True:
                ticket = await meter.admit(agent, model="m", estimate_micros=cost)
                await asyncio.sleep(0)
                await ticket.closed("complete", used(cost))

        asks = [asyncio.create_task(ask()) for _ in range(4)]
        for ended in await asyncio.gather(*asks, return_exceptions=True):
            assert isinstance(ended, BudgetExhausted)

    await asyncio.gather(*(run(f"agent-{number}") for number in range(AGENTS)))
    assert limit <= ledger.spent <= limit + AGENTS * cost
    assert meter.in_flight == 0


async def test_a_raised_limit_lets_those_that_wait_go_on(ledger: Ledger) -> None:
    meter = Meter(ledger, PRICES, Limits(100))
    first = await meter.admit("a", model="m", estimate_micros=100)
    second = asyncio.create_task(meter.admit("a", model="m", estimate_micros=10))
    await settled()
    assert not second.done()
    meter.limit(Limits(200))
    await settled()
    assert second.done()
    await first.closed("complete", used(200))
    with pytest.raises(BudgetExhausted, match=r"the team's budget is spent \(\$0\.00 of \$0\.00\)"):
        await meter.admit("b", model="m", estimate_micros=1)
    meter.limit(Limits(None, {"b": 0}))
    with pytest.raises(BudgetExhausted, match="the budget of b is spent"):
        await meter.admit("b", model="m", estimate_micros=1)
    await (await meter.admit("a", model="m", estimate_micros=1)).closed("failed", None)
    await second.result().closed("complete", None)
    assert ledger.total == 200


async def test_who_goes_away_at_the_moment_of_being_let_in_leaves_nothing_behind(ledger: Ledger) -> None:
    meter = Meter(ledger, PRICES, Limits(100))
    first = await meter.admit("a", model="m", estimate_micros=100)
    second = asyncio.create_task(meter.admit("a", model="m", estimate_micros=100))
    await settled()
    closing = asyncio.create_task(first.closed("complete", used(10)))
    second.cancel()
    await asyncio.gather(closing, second, return_exceptions=True)
    assert (meter.in_flight, meter.waiting) == (0, 0)
    await (await meter.admit("a", model="m", estimate_micros=100)).closed("complete", used(1))


async def test_an_answer_is_on_the_disk_although_nobody_waits_for_it_any_more(ledger: Ledger) -> None:
    meter = Meter(ledger, PRICES, Limits())
    ticket = await meter.admit("a", model="m", estimate_micros=1)
    ticket.opened("req_1", used(3))
    assert ledger.spent == 3
    closing = asyncio.create_task(ticket.closed("aborted", used(5)))
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert (ledger.total, meter.in_flight) == (5, 0)
    for again in (ticket.closed("complete", None), ticket.closed("won", None)):
        with pytest.raises(ValueError, match="an answer"):
            await again


async def test_two_answers_with_one_id_are_two_entries_and_an_unknown_model_is_marked(
    ledger: Ledger, tmp_path: Path
) -> None:
    import json

    meter = Meter(ledger, PRICES, Limits())
    for _ in range(3):
        ticket = await meter.admit("a", model="m", estimate_micros=1)
        ticket.opened("msg_1", used(2, "nobody"))
        await ticket.closed("complete", used(4, "nobody"))
    found = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    ends = [line for line in found if line["state"] == "complete"]
    assert [line["id"] for line in ends] == ["msg_1", "msg_1~2", "msg_1~3"]
    assert all(line["unknownModel"] and line["prices"] == "v" for line in found)
    assert ledger.total == sum(line["costMicros"] for line in ends) == 3 * 4 * 15
