"""An OTLP/HTTP endpoint on loopback that decodes what arrives, and can be away, slow or unwilling."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass
class Told:
    """A span as it arrived."""

    name: str
    id: bytes
    parent: bytes
    trace: bytes
    start: int
    end: int
    attributes: dict[str, Any]
    events: list[str]
    failed: bool
    why: str


@dataclass
class Collector:
    """What arrived, in its order."""

    url: str = ""
    spans: list[Told] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers; 0 hangs."""
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def named(self, start: str) -> list[Told]:
        return [span for span in self.spans if span.name.startswith(start)]

    def tree(self) -> dict[str, list[str]]:
        """Names below each name."""
        names = {span.id: span.name for span in self.spans}
        found: dict[str, list[str]] = {}
        for span in sorted(self.spans, key=lambda span: (span.start, span.name)):
            found.setdefault(names.get(span.parent, "" if not span.parent else "?"), []).append(span.name)
        return found

    def check(self) -> None:
        """What any trace keeps to: one id a thing, one trace, every parent there, no end before its start."""
        ids = [span.id for span in self.spans]
        assert len(ids) == len(set(ids)), "something was told twice"
        assert len({span.trace for span in self.spans}) <= 1
        assert all(not span.parent or span.parent in ids for span in self.spans)
        assert all(span.end >= span.start > 0 for span in self.spans)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        status = self.answers.pop(0) if self.answers else 200
        if status == 0:
            await self.released.wait()
            status = 200
        if status >= 300:
            return web.Response(status=status, headers={"Location": "/elsewhere"})
        assert request.headers["Content-Type"] == "application/x-protobuf"
        self.bodies.append(body)
        self.headers.append(request.headers)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(values(resource.resource.attributes))
            self.spans += [told(span) for scope in resource.scope_spans for span in scope.spans]
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf"
        )


def told(span: Any) -> Told:
    return Told(
        span.name,
        span.span_id,
        span.parent_span_id,
        span.trace_id,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        values(span.attributes),
        [event.name for event in span.events],
        span.status.code == 2,
        span.status.message,
    )


def values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector that listens."""
    collector = Collector()
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield collector
    finally:
        collector.released.set()
        await runner.cleanup()
