"""A gateway between a client and a scripted API, all of them on loopback, in one process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from model_answers import MODEL, events, server_sent
from yarl import URL

from kagents_runner.gateway.bodies import Room
from kagents_runner.gateway.seams import BudgetExhausted, Meter, UnknownCaller
from kagents_runner.gateway.secret import ModelSecret
from kagents_runner.gateway.server import Gateway
from kagents_runner.gateway.tokens import Counts
from kagents_runner.gateway.turns import Turns
from kagents_runner.gateway.upstream import Provider, Upstream

KEY = "sk-ant-real-key-0123456789"
AGENTS = ("lead", "scout", "writer", "tester", "critic", "designer", "porter", "keeper")
ASKED: dict[str, Any] = {"model": MODEL, "max_tokens": 500, "messages": [], "stream": True}


@dataclass
class Seen:
    """One request that reached the API."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[[web.BaseRequest, bytes], Awaitable[web.StreamResponse]]


async def streamed(
    request: web.BaseRequest, pieces: Sequence[bytes], kind: str = "text/event-stream", **headers: str
) -> web.StreamResponse:
    """An answer in pieces."""
    out = web.StreamResponse(headers={"Content-Type": kind, **headers})
    await out.prepare(request)
    for piece in pieces:
        await out.write(piece)
    await out.write_eof()
    return out


async def whole_stream(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
    """The usual answer."""
    return await streamed(request, [server_sent([event]) for event in events()])


@dataclass
class ScriptedApi:
    """The model's API: does what the test says and remembers what it was asked."""

    behave: Behaviour = whole_stream
    seen: list[Seen] = field(default_factory=list)
    broken_off: int = 0
    """Requests whose client went away before the end."""
    url: str = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            body = await request.content.read()
            found = {name: ", ".join(request.headers.getall(name)) for name in request.headers}
            self.seen.append(Seen(request.method, request.raw_path, found, body))
            return await self.behave(request, body)
        except (asyncio.CancelledError, ConnectionError):
            self.broken_off += 1
            raise

    async def start(self, stack: AsyncExitStack) -> None:
        self.url = await listening(stack, web.Server(self.handle, handler_cancellation=True))


async def listening(stack: AsyncExitStack, server: web.Server | web.BaseRunner) -> str:
    """Serves on a free port of loopback until the stack is closed."""
    runner = web.ServerRunner(server, shutdown_timeout=0.2) if isinstance(server, web.Server) else server
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


class Everybody:
    """Knows agents by tokens that are their names."""

    async def agent_of(self, authorization: str) -> str:
        kind, _, token = authorization.partition(" ")
        if kind != "Bearer" or token not in (*AGENTS, "stranger"):
            raise UnknownCaller
        return token


@dataclass
class Tickets:
    """Admits everybody, or nobody once ``refused`` is set; remembers what was closed."""

    refused: str = ""
    admitted: list[tuple[str, str, int]] = field(default_factory=list)
    opened: list[tuple[str, Counts]] = field(default_factory=list)
    closed: list[tuple[str, Counts | None]] = field(default_factory=list)

    async def admit(self, agent: str, *, model: str, estimate_micros: int) -> "OneTicket":
        if self.refused:
            raise BudgetExhausted(self.refused)
        self.admitted.append((agent, model, estimate_micros))
        return OneTicket(self)

    @property
    def open(self) -> int:
        """Requests that are under way."""
        return len(self.admitted) - len(self.closed)


@dataclass
class OneTicket:
    """Of one request."""

    tickets: Tickets
    done: bool = False

    def opened(self, response_id: str, counts: Counts) -> None:
        self.tickets.opened.append((response_id, counts))

    async def closed(self, state: str, counts: Counts | None) -> None:
        assert not self.done, "closed twice"
        self.done = True
        self.tickets.closed.append((state, counts))
        await asyncio.sleep(0)


@dataclass
class Place:
    """Everything, running."""

    api: ScriptedApi
    tickets: Tickets
    upstream: Upstream
    url: str
    secret: Path
    client: aiohttp.ClientSession
    runner: web.BaseRunner

    def request(
        self, path: str = "/v1/messages?beta=true", *, agent: str = "lead", **more: Any
    ) -> "aiohttp.client._RequestContextManager":
        """What the CLI asks, as an agent."""
        headers = {"Authorization": f"Bearer {agent}", "content-type": "application/json"}
        method = more.pop("method", "POST")
        if method == "POST":
            more.setdefault("data", orjson.dumps(ASKED))
        headers |= more.pop("headers", {})
        return self.client.request(method, URL(self.url + path, encoded=True), headers=headers, **more)

    async def ask(self, path: str = "/v1/messages?beta=true", **more: Any) -> tuple[int, Any, bytes]:
        """Status, headers and body."""
        async with self.request(path, **more) as answer:
            return answer.status, answer.headers, await answer.read()


@asynccontextmanager
async def place(
    folder: Path,
    *,
    keys: Sequence[str] = (KEY,),
    provider: Provider | None = None,
    secret: dict[str, str] | None = None,
    meter: Meter | None = None,
    turns: Turns | None = None,
    room: Room | None = None,
    oauth: bool = False,
    request_seconds: float = 30.0,
    **limits: float,
) -> AsyncIterator[Place]:
    """A gateway with these keys, or this Secret."""
    names = ["ANTHROPIC_API_KEY", *(f"ANTHROPIC_API_KEY_{number}" for number in range(2, 20))]
    directory = folder / "secret"
    directory.mkdir(exist_ok=True)
    for name, value in (secret or dict(zip(names, keys, strict=False))).items():
        (directory / name).write_text(value)
    async with AsyncExitStack() as stack:
        api, tickets = ScriptedApi(), Tickets()
        await api.start(stack)
        found = provider or Provider()
        found = Provider(found.name, api.url, found.region, found.project)
        reader = ModelSecret(directory, found.name, found.region or "", oauth=oauth)
        upstream = Upstream(found, reader, turns=turns or Turns(first_pause=0.02), **limits)
        await stack.enter_async_context(upstream)
        gateway = Gateway(
            upstream, Everybody(), meter or tickets, AGENTS, room=room, request_seconds=request_seconds
        )
        runner = gateway.runner(shutdown_seconds=0.2)
        url = await listening(stack, runner)
        client = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
        yield Place(api, tickets, upstream, url, directory, client, runner)


async def until(condition: Callable[[], object]) -> None:
    """Waits for a condition, at most ten seconds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - conditions of many kinds
            await asyncio.sleep(0.002)


def told(body: bytes) -> tuple[str, str]:
    """Kind and message of an error."""
    found = orjson.loads(body)
    assert found["type"] == "error"
    return found["error"]["type"], found["error"]["message"]
