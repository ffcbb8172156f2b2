"""The probes and the metrics of a controller over HTTP: ``/healthz``, ``/readyz``, ``/metrics``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from kagents_controller.controller import Controller


@asynccontextmanager
async def serve(controller: Controller, address: str, port: int) -> AsyncIterator[int]:
    """Answer while the block runs; gives the port (a free one for 0).

    ``/healthz`` answers while the event loop turns. ``/readyz`` is 200 once the caches are filled, also on a
    standby without the lease. Raises OSError when the address is taken.
    """

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        if controller.synced.is_set():
            return web.Response(text="ok\n")
        errors = [each.state.last_error for each in controller.reflectors if each.state.last_error]
        return web.Response(status=503, text=(errors[0] if errors else "caches are being filled") + "\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(
            text=controller.metrics.text(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    app = web.Application()
    app.add_routes([web.get("/healthz", healthy), web.get("/readyz", ready), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
