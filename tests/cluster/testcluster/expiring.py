"""An API server in front of the real one whose watches have all expired, for as long as it is told so.

A real server answers so after its history was compacted: with the status 410 at once, or within the stream.
Everything else is passed on unchanged, with the requester's own credential.
"""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from kagents_core.kube.config import load_kubeconfig

LOOK_SECONDS = 0.2
KEPT = ("Authorization", "Accept", "Content-Type")
GONE = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "reason": "Expired",
    "message": "too old resource version",
    "code": 410,
}


@dataclass
class ExpiringServer:
    """What it is told and has counted."""

    url: str = ""
    expired: bool = False
    """Whether every watch that is asked for has expired; one that runs ends."""
    watches: int = 0
    """Watches that were answered so."""
    lists: int = 0
    """Lists that were asked for meanwhile."""


@contextmanager
def expiring(kubeconfig: str) -> Iterator[ExpiringServer]:
    """Serve on loopback while the context lasts."""
    server, loop = ExpiringServer(), asyncio.new_event_loop()
    ready, ended = threading.Event(), asyncio.Event()

    async def serve() -> None:
        session = ClientSession(
            connector=TCPConnector(ssl=False, limit=0),
            timeout=ClientTimeout(total=None),
            auto_decompress=False,
        )
        async with session:
            app = web.Application(client_max_size=16 * 1024**2)
            target = str(load_kubeconfig(kubeconfig).server)
            app.router.add_route("*", "/{path:.*}", _passing(server, session, target))
            runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1.0)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            ready.set()
            await ended.wait()
            await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(20)


def _passing(
    server: ExpiringServer, session: ClientSession, target: str
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def passed(request: web.Request) -> web.StreamResponse:
        watch = request.query.get("watch") in ("1", "true")
        if server.expired and watch:
            return await _refuse(server, request)
        named = request.path.rstrip("/").rpartition("/")[2]
        server.lists += server.expired and request.method == "GET" and named in ("pods", "agentteams")
        headers = {name: request.headers[name] for name in KEPT if name in request.headers}
        async with session.request(
            request.method, target + request.raw_path, headers=headers, data=await request.read()
        ) as answer:
            response = web.StreamResponse(
                status=answer.status, headers={"Content-Type": answer.headers.get("Content-Type", "")}
            )
            await response.prepare(request)
            while True:
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        piece = await answer.content.readany()
                except TimeoutError:
                    if not (server.expired and watch):
                        continue
                    await response.write(_event())
                    return response
                if not piece:
                    return response
                await response.write(piece)

    return passed


async def _refuse(server: ExpiringServer, request: web.Request) -> web.StreamResponse:
    """By turns with the status, and as an event of the stream."""
    server.watches += 1
    if server.watches % 2:
        return web.json_response(GONE, status=410)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(_event())
    return response


def _event() -> bytes:
    return json.dumps({"type": "ERROR", "object": GONE}).encode() + b"\n"
