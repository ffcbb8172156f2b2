"""Hands one answer of the model's API back to the agent, piece by piece as it comes, and counts what it used.

The ledger's last line of an answer is written before its last piece is handed on: an agent that has heard the
end of it was charged for it, whatever becomes of the gateway then.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp import web

from kagents_runner.gateway.headers import answered, request_id
from kagents_runner.gateway.refusals import refusal
from kagents_runner.gateway.seams import Ticket
from kagents_runner.gateway.upstream import Answer
from kagents_runner.gateway.usage import STREAMS, Usage
from kagents_runner.output import say
from kagents_runner.reading import at_most

ERROR_LIMIT: Final = 1024 * 1024
"""Bytes of an answer that is an error."""
_HIDDEN: Final = "***"


@dataclass(slots=True)
class Bill:
    """What one request owes: its ticket is closed once, whatever happens."""

    ticket: Ticket | None
    model: str
    closing: set[asyncio.Task[None]]
    """Where those stand that wait for the disk: an agent's next request does not."""
    request_id: str = ""
    """The API's own name of it."""
    usage: Usage | None = None
    state: str = "failed"
    handed_back: bool = False
    """The answer was, to its end."""
    _opened: bool = False
    _settled: bool = False

    def heard(self) -> None:
        """More of the answer has come."""
        if self.ticket is None or self.usage is None or self._opened:
            return
        counts = self.usage.counts(self.model)
        if counts is not None:
            self._opened = True
            self.ticket.opened(self.request_id or self.usage.response_id, counts)

    @property
    def silent(self) -> bool:
        """Whether an answer that cost something has told nothing of it."""
        told = self.usage is not None and self.usage.counts(self.model) is not None
        return self.ticket is not None and self.handed_back and not told

    async def settle(self) -> None:
        """Has it written, without waiting for the disk. Raises ``OSError``."""
        if self.ticket is None or self._settled:
            return
        self._settled = True
        counts = self.usage.counts(self.model) if self.usage is not None else None
        task = asyncio.ensure_future(self.ticket.closed(self._judged(), counts))
        self.closing.add(task)
        task.add_done_callback(self._closed)
        await asyncio.sleep(0)
        if task.done():
            task.result()  # what could not be written is not handed out

    def _closed(self, task: asyncio.Task[None]) -> None:
        self.closing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            say(f"what an answer used cannot be written down: {error}", "error")

    def _judged(self) -> str:
        if self.usage is not None and self.usage.failed:
            return "failed"
        return "complete" if self.usage is not None and self.usage.ended else self.state


async def hand_back(request: web.BaseRequest, answer: Answer, bill: Bill) -> web.StreamResponse:
    """The answer, as it is."""
    response = answer.response
    if 300 <= response.status < 400:
        return refusal(502, "the model's API answered with another address, which is not followed.")
    if response.status >= 400:
        return await _error(answer)
    kind = response.headers.get("Content-Type", "")
    bill.request_id = request_id(response.headers)
    bill.usage = Usage(kind, response.headers.get("Content-Encoding", ""))
    bill.state = "aborted"
    out = web.StreamResponse(
        status=response.status, reason=response.reason, headers=answered(response.headers)
    )
    try:
        await out.prepare(request)
        if kind.partition(";")[0].strip().lower() in STREAMS:
            await _stream(out, response, bill)
        else:
            await _whole(out, response, bill)
        await out.write_eof()
        bill.handed_back = True
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        say(f"an answer of the model broke off ({type(error).__name__})", "debug")
        _break_off(request)
    except BaseException:
        _break_off(request)
        raise
    return out


async def _stream(out: web.StreamResponse, response: aiohttp.ClientResponse, bill: Bill) -> None:
    usage = bill.usage
    assert usage is not None
    async for piece in response.content.iter_any():
        usage.feed(piece)
        bill.heard()
        if usage.ended:
            await bill.settle()
        await out.write(piece)
    usage.end()


async def _whole(out: web.StreamResponse, response: aiohttp.ClientResponse, bill: Bill) -> None:
    """The last piece waits for what stands in the body as a whole."""
    assert bill.usage is not None
    last = b""
    async for piece in response.content.iter_any():
        bill.usage.feed(piece)
        if last:
            await out.write(last)
        last = piece
    bill.usage.end()
    bill.heard()
    await bill.settle()
    if last:
        await out.write(last)


async def _error(answer: Answer) -> web.StreamResponse:
    """An error of the API's; a proxy between us might have put the key into it."""
    response = answer.response
    headers = answered(response.headers)
    try:
        body = await at_most(response.content, ERROR_LIMIT)
    except (aiohttp.ClientError, TimeoutError):
        body = b""
    for secret in answer.secrets:
        body = body.replace(secret.encode(), _HIDDEN.encode())
        for name, value in list(headers.items()):
            if secret in value:
                headers[name] = value.replace(secret, _HIDDEN)
    headers.popall("Content-Length", None)
    return web.Response(status=response.status, reason=response.reason, headers=headers, body=body)


def _break_off(request: web.BaseRequest) -> None:
    """Half an answer is not to look like a whole one."""
    with suppress(Exception):
        if request.transport is not None:
            request.transport.abort()
