"""A Model Context Protocol server over HTTP with one tool, which remembers the headers it was asked with."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


class McpOverHttp:
    """The server."""

    def __init__(self) -> None:
        self.headers: list[Mapping[str, str]] = []
        self.called: list[dict[str, Any]] = []
        self.url = ""
        self.open: Callable[[], bool] = lambda: True
        """Whether it answers, or says 503."""

    async def answer(self, request: web.Request) -> web.Response:
        """One JSON-RPC message."""
        if not self.open():
            return web.Response(status=503)
        self.headers.append(request.headers)
        message = await request.json()
        if "id" not in message:
            return web.Response(status=202)
        result = self._result(message["method"], message.get("params") or {})
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})

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
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    try:
        yield server
    finally:
        await runner.cleanup()


async def _no_stream(_: web.Request) -> web.Response:
    return web.Response(status=405)
