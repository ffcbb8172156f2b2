"""Who may ask the model for something: what is spent, what those under way may still cost, and the limits.

An agent that has nothing under way is let in while less than the limit is spent; a further request of its own
waits until those under way can no longer reach the limit, or until one of them ends. So the sum goes beyond
a limit by at most one request an agent, and nobody is refused while there is money left.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kagents_core.api.quantities import format_money
from kagents_core.pricing import Price, PriceTable, Tokens
from kagents_core.teamfiles.nativejson import timestamp
from kagents_runner.gateway.entries import CLOSED, OPEN, Entry
from kagents_runner.gateway.ledger import Ledger
from kagents_runner.gateway.seams import BudgetExhausted
from kagents_runner.gateway.tokens import Counts

_AGENT_WAY_OUT: Final = "Raise its budget to go on."
_TEAM_WAY_OUT: Final = "Raise lifecycle.budgetLimit to go on."


@dataclass(frozen=True, slots=True)
class Limits:
    """Micro-dollars that may be spent; None: no limit."""

    team: int | None = None
    agents: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Waiting:
    agent: str
    estimate: int
    admitted: "asyncio.Future[Ticket]"


class Meter:
    """Lets requests in, and enters what they cost."""

    def __init__(self, ledger: Ledger, prices: PriceTable, limits: Limits) -> None:
        """What ``ledger`` holds is spent already."""
        self._ledger = ledger
        self._prices = prices
        self._limits = limits
        self._tickets: set[Ticket] = set()
        self._waiting: deque[_Waiting] = deque()
        self._numbers = 0

    @property
    def in_flight(self) -> int:
        """Requests that are under way."""
        return len(self._tickets)

    @property
    def waiting(self) -> int:
        """Requests that wait for others to end."""
        return len(self._waiting)

    def limit(self, limits: Limits) -> None:
        """The limits from now on."""
        self._limits = limits
        self._settle()

    async def admit(self, agent: str, *, model: str, estimate_micros: int) -> "Ticket":
        """Waits until the request fits; ``estimate_micros`` is the most it may cost.

        Raises ``BudgetExhausted`` once the limit is reached.
        """
        waiting = _Waiting(agent, max(estimate_micros, 0), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._settle()
        try:
            return await waiting.admitted
        except asyncio.CancelledError:
            done = waiting.admitted
            if done.done() and not done.cancelled() and done.exception() is None:
                self.release(done.result())  # let in at the moment in which nobody wanted it any more
            raise
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def release(self, ticket: "Ticket") -> None:
        """A request has ended; others may come in."""
        self._tickets.discard(ticket)
        self._settle()

    def _settle(self) -> None:
        """Decides on those that wait, in the order in which they came; of one agent none overtakes."""
        held: set[str] = set()
        for waiting in tuple(self._waiting):
            if waiting.admitted.done() or waiting.agent in held:
                continue
            sentence = self._exhausted(waiting.agent)
            if sentence is not None:
                waiting.admitted.set_exception(BudgetExhausted(sentence))
            elif self._fits(waiting.agent):
                ticket = Ticket(self, waiting.agent, waiting.estimate)
                self._tickets.add(ticket)
                waiting.admitted.set_result(ticket)
            else:
                held.add(waiting.agent)

    def _exhausted(self, agent: str) -> str | None:
        own, team = self._limits.agents.get(agent), self._limits.team
        spent = self._ledger.spent_by(agent)
        if own is not None and spent >= own:
            amounts = f"${format_money(spent)} of ${format_money(own)}"
            return f"the budget of {agent} is spent ({amounts}). {_AGENT_WAY_OUT}"
        spent = self._ledger.spent
        if team is not None and spent >= team:
            amounts = f"${format_money(spent)} of ${format_money(team)}"
            return f"the team's budget is spent ({amounts}). {_TEAM_WAY_OUT}"
        return None

    def _fits(self, agent: str) -> bool:
        own = [ticket for ticket in self._tickets if ticket.agent == agent]
        if not own:
            return True
        limit, team = self._limits.agents.get(agent), self._limits.team
        reserved = self._ledger.spent_by(agent) + sum(ticket.reserved for ticket in own)
        if limit is not None and reserved >= limit:
            return False
        everything = self._ledger.spent + sum(ticket.reserved for ticket in self._tickets)
        return team is None or everything < team

    def enter(self, ticket: "Ticket", state: str, counts: Counts) -> int:
        """Writes an entry of this request; what it has cost so far. Raises ``OSError``."""
        at = timestamp()
        price = self._priced(counts, at)
        entry = Entry(
            id=ticket.id,
            state=state,
            at=at,
            agent=ticket.agent,
            counts=counts,
            micros=price.micros,
            known=price.known,
            prices=self._prices.version,
        )
        self._ledger.write(entry)
        return price.micros

    def new_id(self, told: str) -> str:
        """The id of an answer that tells this one of its own, or none."""
        self._numbers += 1
        return self._ledger.free_id(told or f"kagents-{self._numbers}")

    async def durable(self) -> None:
        """Returns once what was entered is on the disk."""
        await self._ledger.durable()

    def _priced(self, counts: Counts, day: str) -> Price:
        tokens = Tokens(
            counts.input, counts.output, counts.cache_read, counts.cache_write_5m, counts.cache_write_1h
        )
        return self._prices.price(counts.model, tokens, day=day, tools=counts.server_tools)


class Ticket:
    """One admitted request, from before it is sent until its answer has ended."""

    def __init__(self, meter: Meter, agent: str, estimate: int) -> None:
        """``estimate``: micro-dollars that it may cost at most."""
        self._meter = meter
        self._estimate = estimate
        self._begun: Counts | None = None
        self._known = 0
        self._closed = False
        self.agent = agent
        self.id = ""

    @property
    def reserved(self) -> int:
        """Micro-dollars that it may still cost."""
        return max(self._estimate - self._known, 0)

    def opened(self, response_id: str, counts: Counts) -> None:
        """The first usage has arrived. Raises ``OSError`` when it cannot be written."""
        if self._begun is not None or self._closed:
            raise ValueError("an answer is opened once")
        self.id = self._meter.new_id(response_id)
        self._known = self._meter.enter(self, OPEN, counts)
        self._begun = counts

    async def closed(self, state: str, counts: Counts | None) -> None:
        """It has ended. What is counted is written before this first waits, and on the disk when it returns.

        Raises ``OSError`` when it cannot be written. Whatever happens, others may come in.
        """
        if state not in CLOSED:
            raise ValueError(f"an answer does not end as {state!r}")
        if self._closed:
            raise ValueError("an answer is closed once")
        self._closed = True
        final = counts if counts is not None else self._begun
        try:
            if final is not None:
                self.id = self.id or self._meter.new_id("")
                self._meter.enter(self, state, final)
        finally:
            self._meter.release(self)
        if final is not None:
            await asyncio.shield(asyncio.ensure_future(self._meter.durable()))
