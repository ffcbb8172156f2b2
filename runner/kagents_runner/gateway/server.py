"""The gateway's server: who asks, whether it may, and then the answer of the model's API as it is.

The order matters: a caller is known before anything of its request is read, the request is whole before it is
admitted, and it is admitted before the API hears of it.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiohttp import web

from kagents_core.pricing import Tokens, price
from kagents_runner.gateway.bodies import BodyTooLarge, BodyTooSlow, HeldBody, Room
from kagents_runner.gateway.calls import Call, call_of
from kagents_runner.gateway.headers import asked
from kagents_runner.gateway.listening import BoundedServer, WaitingRunner
from kagents_runner.gateway.passing import Bill, hand_back
from kagents_runner.gateway.refusals import refusal
from kagents_runner.gateway.seams import BudgetExhausted, CallersNotKnownYet, Identities, Meter, UnknownCaller
from kagents_runner.gateway.upstream import Upstream, UpstreamError
from kagents_runner.output import say

REQUEST_SECONDS: Final = 3600.0
AT_ONCE: Final = 32
"""Requests of one agent: it may have helpers of its own."""
_HEADER_LIMIT: Final = 32 * 1024
_STEP: Final = 256 * 1024
"""Bytes of a body that are taken at a time."""
_BYTES_A_TOKEN: Final = 2
"""At the least: words have four and more."""
_USUAL_OUTPUT: Final = 32_000
_MODEL: Final = re.compile(rb'"model"\s*:\s*"([^"\\]{1,200})"')
_MAX_TOKENS: Final = b'"max_tokens"'
_NUMBER: Final = re.compile(rb"\s*:\s*(\d{1,9})")

Estimate = Callable[[str, Tokens], int]
"""The price in micro-dollars of these tokens of this model."""


def _list_price(model: str, tokens: Tokens) -> int:
    return price(model, tokens).micros


class Gateway:
    """One team's gateway."""

    def __init__(
        self,
        upstream: Upstream,
        identities: Identities,
        meter: Meter,
        agents: Sequence[str],
        *,
        estimate: Estimate = _list_price,
        room: Room | None = None,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        """For these agents."""
        self._upstream = upstream
        self._identities = identities
        self._meter = meter
        self._agents = frozenset(agents)
        self._estimate = estimate
        self._room = room or Room()
        self._request_seconds = request_seconds
        self._busy: Counter[str] = Counter()
        self._silence_told = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing: set[asyncio.Task[None]] = set()

    def runner(self, *, shutdown_seconds: float = 5.0) -> web.BaseRunner:
        """What listens for it: whoever goes away ends what was being done for it."""
        server = BoundedServer(
            self.handle,
            handler_cancellation=True,
            auto_decompress=False,
            access_log=None,
            read_bufsize=_STEP,
            max_line_size=_HEADER_LIMIT,
            max_field_size=_HEADER_LIMIT,
        )
        return WaitingRunner(server, self._tasks, self._closing, seconds=shutdown_seconds)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers one request."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            return await self._handled(request)
        finally:
            self._tasks.discard(task)

    async def _handled(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            agent = await self._who(request)
        except UnknownCaller:
            return refusal(401, "this token is of no agent that runs in this team today.")
        except CallersNotKnownYet:
            sentence = "the cluster has not told yet which tokens are its own."
            return refusal(503, sentence, headers={"Retry-After": "2"})
        call = call_of(
            self._upstream.provider.name,
            request.method,
            request.raw_path,
            project=self._upstream.provider.project,
        )
        if call is None:
            return refusal(404, "this call of the model's API is not passed on.")
        if self._busy[agent] >= AT_ONCE:
            sentence = f"{AT_ONCE} requests of this agent are under way."
            return refusal(429, sentence, headers={"Retry-After": "1"})
        self._busy[agent] += 1
        try:
            return await self._answered(request, agent, call)
        finally:
            self._busy[agent] -= 1

    async def _who(self, request: web.BaseRequest) -> str:
        shown = request.headers.getall("Authorization", [])
        if len(shown) != 1:
            raise UnknownCaller
        agent = await self._identities.agent_of(shown[0])
        if agent not in self._agents:
            raise UnknownCaller
        return agent

    async def _answered(self, request: web.BaseRequest, agent: str, call: Call) -> web.StreamResponse:
        """The answer, or a refusal of our own."""
        try:
            async with asyncio.timeout(self._request_seconds), self._room.body(request, agent) as body:
                return await self._passed_on(request, agent, call, body)
        except BodyTooLarge:
            return refusal(413, f"a request has at most {self._room.body_limit} bytes.")
        except BodyTooSlow:
            return refusal(408, "the request did not arrive in time.")
        except BudgetExhausted as error:
            return refusal(402, error.sentence)
        except UpstreamError as error:
            return refusal(error.status, error.sentence)
        except TimeoutError:
            return refusal(504, f"the request took longer than {self._request_seconds:g} s.")
        except ConnectionError:
            return refusal(400, "the request broke off.")
        except OSError as error:  # of the ledger: what is not counted is not handed out
            say(f"{agent}: what an answer used cannot be written down: {error.strerror}", "error")
            return refusal(503, f"what answers cost cannot be written down ({error.strerror}).")

    async def _passed_on(
        self, request: web.BaseRequest, agent: str, call: Call, body: HeldBody
    ) -> web.StreamResponse:
        model = call.model or model_of(body.data)
        ticket = None
        if call.metered:
            micros = self._estimate(model, likely_tokens(body.data))
            ticket = await self._meter.admit(agent, model=model, estimate_micros=micros)
        bill = Bill(ticket, model, self._closing)
        try:
            headers = asked(request.headers)
            async with self._upstream.ask(agent, request.method, call, headers, body) as answer:
                response = await hand_back(request, answer, bill)
            if bill.silent and not self._silence_told:
                self._silence_told = True
                say("answers of the model's API tell no usage: nothing is counted, no budget holds", "warn")
            return response
        except (asyncio.CancelledError, TimeoutError):
            bill.state = "aborted"
            raise
        finally:
            await bill.settle()


def model_of(body: bytes) -> str:
    """The model that is asked for: the first that a body names, as the CLI names it before all else.

    It is not read as JSON: that takes milliseconds where a body has megabytes, and it is for an estimate.
    """
    found = _MODEL.search(body)
    return found[1].decode(errors="replace") if found is not None else ""


def likely_tokens(body: bytes) -> Tokens:
    """What a request may use at most: all of it written to the cache, and hardly ever so much of it."""
    at = body.rfind(_MAX_TOKENS)
    found = _NUMBER.match(body, at + len(_MAX_TOKENS)) if at >= 0 else None
    output = int(found[1]) if found is not None else _USUAL_OUTPUT
    return Tokens(cache_write_1h=len(body) // _BYTES_A_TOKEN, output=output)
