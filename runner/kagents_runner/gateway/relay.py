"""The agent's side of the gateway: the CLI speaks to this relay on loopback, as if it were the model's API.

It looks up where the hub is today, trusts nobody but it, and shows it the pod's token in place of whatever
the CLI has sent. Bytes are passed on as they come, both ways. Whoever does not know the word in the relay's
address gets nothing: on a machine without containers, loopback is everybody's.
"""

import asyncio
import secrets
import ssl
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kagents_runner.gateway import messages
from kagents_runner.gateway.connections import Connection, GoneError
from kagents_runner.gateway.messages import MessageError
from kagents_runner.gateway.pod_token import PodToken
from kagents_runner.hub_address import read_address
from kagents_runner.hub_certificate import HOST
from kagents_runner.output import say

PATIENCE: Final = 10.0
"""Seconds for which the hub is looked for, before the CLI is asked to come again."""
_AGAIN: Final = 0.2
_CONNECT_SECONDS: Final = 5.0
_KEPT_SECONDS: Final = 15.0
"""A connection to the hub that was idle for longer is not used again: the hub may be about to end it."""
_IDLE_SECONDS: Final = 900.0
_REQUEST_SECONDS: Final = 2 * 3600.0
_OWN: Final = (
    *(b"authorization", b"x-api-key", b"cookie", b"host"),
    *(
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authorization",
        b"te",
        b"upgrade",
        b"expect",
    ),
)
"""Fields of the CLI's that are not the hub's business."""


_LATER: Final = b"retry-after: 2\r\n"


class _NothingCameError(Exception):
    """The hub has ended before it answered."""


class AwayError(Exception):
    """The hub cannot be reached; the text says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Hub:
    """How the hub's gateway is found and known."""

    folder: Path
    """Where it says its address."""
    certificate: Path
    token: Path


class Relay:
    """One agent's."""

    def __init__(self, hub: Hub, *, patience: float = PATIENCE) -> None:
        """Nothing is looked up before it is needed."""
        self._hub = hub
        self._patience = patience
        self._prefix = f"/{secrets.token_hex(16)}".encode()
        self.url = ""
        """Where the CLI finds it, once it has started."""
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._context: ssl.SSLContext | None = None
        self._token = PodToken(hub.token)
        self._away = False

    async def start(self) -> None:
        """Listens on loopback. Raises ``OSError``."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=messages.HEAD_LIMIT)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{self._prefix.decode()}"

    async def close(self) -> None:
        """Ends everything that is under way."""
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        exchanges = _Exchanges(self, Connection(reader, writer))
        try:
            await exchanges.run()
        except asyncio.CancelledError:
            pass  # the relay ends
        finally:
            exchanges.close()
            self._serving.discard(task)

    def path(self, target: bytes) -> bytes | None:
        """The hub's path of a path of ours; None for whoever does not know our word."""
        word, rest = target[: len(self._prefix)], target[len(self._prefix) :]
        known = secrets.compare_digest(word, self._prefix)
        return rest if known and rest.startswith(b"/") else None

    async def reach(self, kept: Connection | None) -> tuple[Connection, bytes]:
        """A connection to the hub, and the token of now. Raises ``AwayError``."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._patience
        while True:
            try:
                found = await self._connected(kept)
                token = self._token.bytes()
            except (OSError, ValueError, TimeoutError) as error:
                self._say(f"the team's gateway is not there yet ({_why(error)})", away=True)
                if clock() + _AGAIN > deadline:
                    raise AwayError(_why(error)) from error
                await asyncio.sleep(_AGAIN)
            else:
                self._say("the team's gateway is there again", away=False)
                return found, token

    async def _connected(self, kept: Connection | None) -> Connection:
        place = read_address(self._hub.folder)
        if kept is not None and kept.usable(place, _KEPT_SECONDS):
            return kept
        if kept is not None:
            kept.abort()
        if self._context is None:
            self._context = ssl.create_default_context(cafile=str(self._hub.certificate))
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                *place, ssl=self._context, server_hostname=HOST, limit=messages.HEAD_LIMIT
            )
        return Connection(reader, writer, place)

    def _say(self, text: str, *, away: bool) -> None:
        if away != self._away:
            say(text, "warn" if away else "info")
        self._away = away


class _Exchanges:
    """The requests of one connection of the CLI's, one after the other."""

    def __init__(self, relay: Relay, client: Connection) -> None:
        self._relay = relay
        self._client = client
        self._hub: Connection | None = None

    async def run(self) -> None:
        """Serves until one of both has had enough."""
        with suppress(GoneError, TimeoutError):
            while True:
                async with asyncio.timeout(_IDLE_SECONDS):
                    data = await self._client.head()
                if data is None or not await self._exchange(data):
                    return

    def close(self) -> None:
        """Ends both connections."""
        self._client.close()
        if self._hub is not None:
            self._hub.abort()

    async def _exchange(self, data: bytes) -> bool:
        """One request and its answer; whether another one may follow. Raises ``GoneError``."""
        try:
            asked = messages.request(data)
            begun = self._client.at_hand(asked.body)
        except MessageError as error:
            return await self._client.refuse(400, "invalid_request_error", f"{error}.")
        path = self._relay.path(asked.target)
        if path is None:
            return await self._client.refuse(404, "not_found_error", "there is nothing here.")
        try:
            self._hub, token = await self._relay.reach(self._hub)
        except AwayError as error:
            sentence = f"the team's gateway cannot be reached ({error}); try again."
            return await self._client.refuse(503, "overloaded_error", sentence, _LATER)
        if asked.head.has(b"expect", b"100-continue"):
            self._client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        start = b" ".join((asked.method, path, b"HTTP/1.1"))
        head = messages.Head(start, asked.head.without(_OWN).fields)
        told = head.bytes((b"Host", HOST.encode()), (b"Authorization", b"Bearer " + token))
        self._hub.write(told + begun)
        return await self._both_ways(self._hub, asked)

    async def _both_ways(self, hub: Connection, asked: messages.Request) -> bool:
        """The rest of the request and, at the same time, the answer, which may come before its end."""
        sending = asyncio.create_task(self._send(hub, asked.body))
        receiving = asyncio.create_task(self._receive(hub, asked))
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
                if not receiving.done() and isinstance(sending.exception(), GoneError):
                    return False  # nobody listens any more
                stays = await receiving
        except _NothingCameError:
            await _ended(sending)
            sentence = "the team's gateway broke off; try again."
            return await self._client.refuse(503, "overloaded_error", sentence, _LATER)
        finally:
            await _ended(sending, receiving)
        if not asked.body.done:
            await self._client.linger()
        return stays and asked.body.done

    async def _send(self, hub: Connection, body: messages.Body) -> None:
        """The body; then stays until the client says something more. Raises ``GoneError`` when it goes."""
        heard = True
        try:
            async for data in self._client.body(body):
                if heard:
                    heard = await _sent(hub, data)  # if not, its answer says why
        except MessageError as error:
            raise GoneError from error
        await self._client.more_or_gone()

    async def _receive(self, hub: Connection, asked: messages.Request) -> bool:
        """Passes the answer on; whether both connections can be used again. Raises ``GoneError``."""
        told = await _answer(hub, asked.method)
        stays = told.stays and asked.stays
        head = told.head.without((b"connection", b"keep-alive"))
        try:
            more = hub.at_hand(told.body)
            self._client.write(head.bytes(*(() if stays else ((b"Connection", b"close"),))) + more)
            await self._client.drain()
            async for data in hub.body(told.body):
                self._client.write(data)
                await self._client.drain()
        except (GoneError, MessageError):
            self._client.abort()  # half an answer is not to look like a whole one
            return False
        return stays


async def _answer(hub: Connection, method: bytes) -> messages.Answer:
    """The head of the answer. Raises ``_NothingCameError``."""
    try:
        while (data := await hub.head()) is not None:
            told = messages.answer(data, method)
            if not told.interim:
                return told
    except (GoneError, MessageError) as error:
        raise _NothingCameError from error
    raise _NothingCameError


async def _sent(hub: Connection, data: bytes) -> bool:
    """Whether it was taken."""
    try:
        hub.write(data)
        await hub.drain()
    except GoneError:
        return False
    return True


async def _ended(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _why(error: BaseException) -> str:
    """A few words that hold nothing of a file's content."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "another server answers at its address"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
