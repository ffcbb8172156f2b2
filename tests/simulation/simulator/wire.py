"""Between a controller and the simulated server: the real client on a transport that can fail in every way.

Of the client the HTTP connection alone is replaced: retries, decoding, errors and watches are its own.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import aiohttp
import orjson

from kagents_controller.caches import _PAGE_SIZE
from kagents_core.kube.client import Client
from kagents_core.kube.config import ClientConfig
from kagents_core.kube.transport import Query, Transport, _refusal
from simulator.addresses import Address, parse
from simulator.server import Answer
from simulator.watches import Watch
from simulator.weather import UNCOUNTED, Weather

STALE_WRITES = 12
"""How far a replica is behind."""


class Content:
    """The body of an answer, as aiohttp gives it."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    def iter_any(self) -> AsyncIterator[bytes]:
        """The chunks."""
        return self._chunks

    async def read(self, _: int) -> bytes:
        """The next chunk; nothing at the end."""
        return await anext(self._chunks, b"")


class Response:
    """What the transport looks at of an answer."""

    content_length = None
    reason = ""

    def __init__(self, status: int, chunks: AsyncIterator[bytes], retry_after: str = "") -> None:
        self.status = status
        self.content = Content(chunks)
        self.headers = {"Retry-After": retry_after} if retry_after else {}


class Link:
    """The connections of one controller process."""

    def __init__(
        self, weather: Weather, crash: Callable[[], None], skew: Callable[[float], None], replica: int | None
    ) -> None:
        """``crash`` ends the process, ``skew`` sets its clock wrong by some seconds."""
        self.dead = False
        self.cut_until = 0.0
        self.stale = False
        """The next process is to see a replica that is behind."""
        self._weather = weather
        self._server = weather.server
        self._crash = crash
        self._skew = skew
        self._replica = replica
        self._watches: set[Watch] = set()

    async def ask(
        self, method: str, path: str, query: dict[str, str], media: str, data: bytes | None, patience: float
    ) -> Response:
        """One request, with what befalls it, by somebody who waits so many seconds for its answer."""
        self._reachable()
        address, loop = parse(path), asyncio.get_running_loop()
        watching = "watch" in query
        fault = self._weather.next_fault("WATCH" if watching else method, address, _named(method, data))
        if fault == "crash-before":
            await self._die()
        self._befall(fault, loop)
        await asyncio.sleep(self._weather.travel())
        self._reachable()
        if fault == "reset-before":
            raise aiohttp.ClientOSError("reset")
        if fault == "late" and not watching:
            loop.call_later(20.0, self._server.handle, method, path, query, media, data)
        if fault in ("timeout-before", "late"):
            await _silence(30.0, patience)
        refusal = self._refusal(fault, loop.time())
        if refusal is not None:
            return _whole(refusal)
        if watching:
            return Response(200, self._watch(address, query))
        return await self._carried_out(fault, patience, method, path, query, media, data)

    async def _carried_out(self, fault: str, patience: float, *request: Any) -> Response:
        version = self._server.version
        answer = self._server.handle(*request, replica=self._replica_for(request[2]))
        if self._server.version != version and parse(request[1]).plural not in UNCOUNTED:
            self._weather.writes += 1
        if fault in ("crash-after", "crash-stale"):
            self.stale = fault == "crash-stale"
            await self._die()
        if fault == "reset-after":
            raise aiohttp.ServerDisconnectedError
        if fault == "timeout-after":
            await _silence(30.0, patience)
        if fault == "503-after":
            return _whole(_status(503, "ServiceUnavailable", "upstream connect error"))
        if fault == "slow" and patience < 8.0:
            await _silence(8.0, patience)
        await asyncio.sleep(8.0 if fault == "slow" else self._weather.travel())
        self._reachable()
        return _whole(answer)

    def _replica_for(self, query: dict[str, str]) -> int | None:
        """Lists that fill caches may be old; what is read to be sure is not, as Kubernetes promises."""
        behind = self._replica is not None and self._replica >= self._server.compacted
        return self._replica if behind and query.get("limit") == str(_PAGE_SIZE) else None

    def _reachable(self) -> None:
        now = asyncio.get_running_loop().time()
        if self.dead or now < max(self.cut_until, self._weather.down_until):
            raise aiohttp.ClientOSError("refused")

    def _refusal(self, fault: str, now: float) -> Answer | None:
        if fault == "409":
            return _status(409, "Conflict", "the object has been modified")
        if fault == "500":
            return _status(500, "InternalError", "etcdserver: leader changed")
        if fault == "429" or now < self._weather.refusing_until:
            return _status(429, "TooManyRequests", "too many requests", "1")
        return None

    def _befall(self, fault: str, loop: asyncio.AbstractEventLoop) -> None:
        """Faults that last, and are not this request's alone."""
        weather, now = self._weather, loop.time()
        if fault == "429-long":
            weather.refusing_until = now + 20.0
        elif fault == "outage":
            weather.down_until = now + 45.0
            self.hang_up()
        elif fault == "partition":
            self.cut_until = now + 45.0
            self.hang_up()
        elif fault.startswith("lag-"):
            plural = {"lag-pods": "pods", "lag-teams": "agentteams", "lag-all": ""}[fault]
            weather.lagging[plural] = (now + 20.0, 4.0 if fault == "lag-all" else 12.0)
        elif fault == "hang-up":
            self.hang_up()
        elif fault == "gone":
            weather.server.compacted = weather.server.version
            self.hang_up()
        elif fault == "silence":
            for watch in self._watches:
                watch.silent = True
        elif fault == "twice":
            weather.twice = True
        elif fault.startswith("clock-"):
            self._skew(3600.0 if fault == "clock-ahead" else -3600.0)
            loop.call_later(60.0, self._skew, 0.0)

    async def _die(self) -> None:
        self._crash()
        await asyncio.get_running_loop().create_future()

    def hang_up(self) -> None:
        """Break every watch of this process."""
        for watch in self._watches:
            watch.broken = True
            watch.rouse()

    # ── watches ───────────────────────────────────────────────────────────────────────────────────────────

    async def _watch(self, address: Address, query: dict[str, str]) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        watch = Watch(address, query, int(query["resourceVersion"]))
        ends = loop.time() + float(query.get("timeoutSeconds") or 1e9)
        hear = watch.hear
        self._server.listeners.append(hear)
        self._watches.add(watch)
        try:
            while loop.time() < ends:
                if watch.position < self._server.compacted:
                    yield orjson.dumps({"type": "ERROR", "object": _GONE}) + b"\n"
                    return
                watch.seen()
                changes = [] if watch.silent else self._server.since(watch.position)
                lines = b"".join(watch.line(change, self._weather.twice) for change in changes)
                if lines:
                    await asyncio.sleep(self._weather.lag(address.plural, loop.time()))
                self._broken(watch)
                if changes:
                    watch.position = changes[-1].version
                if lines:
                    yield lines
                    continue
                if not await watch.woken(min(ends - loop.time(), 60.0)) and not watch.silent:
                    watch.position = self._server.version if not changes else watch.position
                    bookmark = {
                        "type": "BOOKMARK",
                        "object": {"metadata": {"resourceVersion": str(watch.position)}},
                    }
                    yield orjson.dumps(bookmark) + b"\n"
                elif watch.silent:
                    await asyncio.sleep(75.0)
                    raise TimeoutError
                self._broken(watch)
        finally:
            self._server.listeners.remove(hear)
            self._watches.discard(watch)

    def _broken(self, watch: Watch) -> None:
        if watch.broken or self.dead:
            raise aiohttp.ClientPayloadError("broken")


class SimulatedTransport(Transport):
    """The transport without its connection."""

    def __init__(self, link: Link) -> None:
        super().__init__(ClientConfig(server="http://127.0.0.1"))
        self._link = link

    async def __aenter__(self) -> "SimulatedTransport":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        path: str,
        query: Query,
        headers: dict[str, str],
        timeout: aiohttp.ClientTimeout,
        data: bytes | None,
    ) -> AsyncIterator[Any]:
        media = headers.get("Content-Type", "application/json")
        try:
            # Answers are late by a fault alone, so the link counts the seconds: a timer for each cost more.
            patience = timeout.total or math.inf
            response = await self._link.ask(method, path, dict(query), media, data, patience)
            if response.status >= 300:
                raise await _refusal(response, f"{method} {path}")  # type: ignore[arg-type]
            yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(error, timeout.total or 10.0) from error


class SimulatedClient(Client):
    """The client of one controller process."""

    def __init__(self, link: Link) -> None:
        super().__init__(ClientConfig(server="http://127.0.0.1"))
        self._transport = SimulatedTransport(link)


async def _silence(seconds: float, patience: float) -> NoReturn:
    """No answer, until whoever asked gives up or the connection does."""
    await asyncio.sleep(min(seconds, patience))
    raise TimeoutError


def _status(code: int, reason: str, message: str, retry_after: str = "") -> Answer:
    document = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return Answer(code, orjson.dumps(document), retry_after)


_GONE = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}


def _named(method: str, data: bytes | None) -> str:
    """What a request creates, which its path does not say."""
    if method != "POST" or not data:
        return ""
    metadata = orjson.loads(data).get("metadata") or {}
    return str(metadata.get("name") or metadata.get("generateName") or "")


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _whole(answer: Answer) -> Response:
    return Response(answer.status, _once(answer.body), answer.retry_after)
