"""A Model Context Protocol server over HTTP with one tool, which remembers the headers it was asked with.

At ``url`` it answers each request itself; at ``sse_url`` it opens a stream of events, on which it answers
what is posted to the address that the stream's first event names.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


class McpOverHttp:
    """The server."""

    def __init__(self) -> None:
        self.headers: list[Mapping[str, str]] = []
        self.called: list[dict[str, Any]] = []
        self.url = self.sse_url = ""
        self.streams: dict[str, web.StreamResponse] = {}
        """Open streams by their session."""
        self.open: Callable[[], bool] = lambda: True
        """Whether it answers, or says 503."""
        self.ending = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        """One JSON-RPC message."""
        if not self.open():
            return web.Response(status=503)
        said = await self._heard(request)
        return web.Response(status=202) if said is None else web.json_response(said)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """The stream of one session, as long as its client listens."""
        self.headers.append(request.headers)
        session = f"s{len(self.streams)}"
        answers = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answers.prepare(request)
        self.streams[session] = answers
        await answers.write(f"event: endpoint\ndata: /messages/{session}\n\n".encode())
        await self.ending.wait()
        return answers

    async def post(self, request: web.Request) -> web.Response:
        """One message of a session, answered on its stream."""
        said = await self._heard(request)
        if said is not None:
            stream = self.streams[request.match_info["session"]]
            await stream.write(f"event: message\ndata: {json.dumps(said)}\n\n".encode())
        return web.Response(status=202)

    async def _heard(self, request: web.Request) -> dict[str, Any] | None:
        """The answer to a message; None to one that wants none."""
        self.headers.append(request.headers)
        message = await request.json()
        if "id" not in message:
            return None
        result = self._result(message["method"], message.get("params") or {})
        return {"jsonrpc": "2.0", "id": message["id"], "result": result}

    def _result(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if method == "initialize":
            version = parameters["protocolVersion"]
            about = {"name": "mail", "version": "1"}
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
        if method == "tools/list":
            schema = {"type": "object", "properties": {"to": {"type": "string"}}}
            return {"tools": [{"name": "draft", "description": "Drafts a letter.", "inputSchema": schema}]}
        if method == "tools/call":
            self.called.append(parameters)
            return {"content": [{"type": "text", "text": "drafted"}]}
        return {}


@asynccontextmanager
async def mcp_over_http() -> AsyncIterator[McpOverHttp]:
    """Serves while the context lasts."""
    server = McpOverHttp()
    app = web.Application()
    app.router.add_post("/mcp", server.answer)
    app.router.add_get("/mcp", _no_stream)
    app.router.add_get("/sse", server.stream)
    app.router.add_post("/messages/{session}", server.post)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    place = f"http://127.0.0.1:{runner.addresses[0][1]}"
    server.url, server.sse_url = f"{place}/mcp", f"{place}/sse"
    try:
        yield server
    finally:
        server.ending.set()
        await runner.cleanup()


async def _no_stream(_: web.Request) -> web.Response:
    return web.Response(status=405)
