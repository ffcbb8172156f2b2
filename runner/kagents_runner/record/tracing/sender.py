"""Spans over OTLP/HTTP (protobuf): a bounded queue, a time limit, and nobody waits for it.

What does not fit into the queue, or is refused for good, is dropped and counted. A server that is away, slow
or overloaded is tried again while the queue holds. The messages are those of the ``opentelemetry-proto``
package; imported only where an endpoint is set.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as otlp

from kagents_core.kube.backoff import Backoff
from kagents_core.teamfiles.files import read_bounded
from kagents_runner.output import say
from kagents_runner.record.tracing.spans import Span, Value

MOST_WAITING: Final = 2048
BATCH: Final = 256
GATHER_SECONDS: Final = 1.0
"""How long the first of a batch waits for others."""
REQUEST_SECONDS: Final = 10.0
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
_HEADER_BYTES: Final = 8192
_LONGEST_PAUSE: Final = 60.0
_PATH: Final = "/v1/traces"
_MOST_NANOSECONDS: Final = 2**64 - 1
"""In the year 2554; times in transcripts are the agents' to choose."""


class Sender:
    """Sends spans of one trace. Use ``put`` from the loop that runs ``run``."""

    def __init__(
        self, endpoint: str, trace: bytes, resource: Mapping[str, Value], headers: Path | None = None
    ) -> None:
        """``headers``: a folder with a file for each header of a request, read anew each time."""
        self._url = address(endpoint)
        self._trace, self._resource, self._folder = trace, resource, headers
        self._waiting: deque[Span] = deque()
        self._changed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._told = ""
        self.outcomes: Counter[str] = Counter()
        """Spans by what became of them: ``sent``, ``dropped``, ``failed``."""

    def put(self, span: Span) -> None:
        """Queue a span; never waits."""
        if len(self._waiting) >= MOST_WAITING:
            self.outcomes["dropped"] += 1
            return
        self._waiting.append(span)
        self._empty.clear()
        self._changed.set()

    async def run(self) -> None:
        """Send what is queued until cancelled."""
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        backoff = Backoff(1.0, _LONGEST_PAUSE)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
            while True:
                self._changed.clear()
                if not self._waiting:
                    await self._changed.wait()
                await self._pause(GATHER_SECONDS)
                batch = [self._waiting[at] for at in range(min(BATCH, len(self._waiting)))]
                if not await self._send(session, batch):
                    await self._pause(backoff.next())
                    continue
                backoff.reset()
                for _ in batch:
                    self._waiting.popleft()
                if not self._waiting:
                    self._empty.set()

    async def flush(self, seconds: float) -> None:
        """Send what waits, but no longer than that."""
        self._hurry.set()
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            self.outcomes["dropped"] += len(self._waiting)
            say(f"{len(self._waiting)} spans of the trace were not sent", "warn")

    async def _pause(self, seconds: float) -> None:
        """A pause that the end makes short."""
        if self._hurry.is_set():
            await asyncio.sleep(min(seconds, 0.2))
            return
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return

    async def _send(self, session: aiohttp.ClientSession, batch: Sequence[Span]) -> bool:
        """Whether these spans are settled: taken, or refused for good."""
        body = encode(self._trace, self._resource, batch)
        try:
            headers = {"Content-Type": "application/x-protobuf", "User-Agent": "kagents", **self._headers()}
            # A redirect would carry the headers to an address nobody wrote down.
            async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            self._tell(f"the trace cannot be sent: {type(error).__name__}")
            return False
        if 200 <= status < 300:
            self.outcomes["sent"] += len(batch)
            self._told = ""
            return True
        self._tell(f"the trace cannot be sent: the endpoint answered HTTP {status}")
        if status in _AGAIN:
            return False
        self.outcomes["failed"] += len(batch)
        return True

    def _tell(self, sentence: str) -> None:
        """Once, until something else is to be said: without the address, which may hold a secret."""
        if sentence != self._told:
            self._told = sentence
            say(sentence, "warn")

    def _headers(self) -> dict[str, str]:
        """Those of the Secret. Raises OSError, or ValueError for what is no header."""
        found = {}
        for path in sorted(self._folder.iterdir()) if self._folder and self._folder.is_dir() else ():
            if (
                not path.name.startswith(".") and path.is_file()
            ):  # a Secret's own bookkeeping begins with dots
                text = read_bounded(path.resolve(), _HEADER_BYTES).decode("ascii").strip()
                if not text.isprintable():
                    raise ValueError("a header has characters that none may have")
                found[path.name] = text
        return found


def address(endpoint: str) -> str:
    """Where traces go: an endpoint without a path is the whole collector's."""
    return endpoint.rstrip("/") + _PATH if urlsplit(endpoint).path in ("", "/") else endpoint


def encode(trace: bytes, resource: Mapping[str, Value], spans: Sequence[Span]) -> bytes:
    """The body of a request."""
    scope = otlp.ScopeSpans(spans=[_span(trace, span) for span in spans])
    scope.scope.name = "kagents"
    told = otlp.ResourceSpans(resource=Resource(attributes=_attributes(resource)), scope_spans=[scope])
    body: bytes = ExportTraceServiceRequest(resource_spans=[told]).SerializeToString()
    return body


def _span(trace: bytes, span: Span) -> otlp.Span:
    made = otlp.Span(
        trace_id=trace,
        span_id=span.id,
        parent_span_id=span.parent or b"",
        name=span.name,
        kind=otlp.Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=_nanoseconds(span.start),
        end_time_unix_nano=_nanoseconds(span.end),
        attributes=_attributes(span.attributes),
        events=[
            otlp.Span.Event(time_unix_nano=_nanoseconds(at), name=name, attributes=_attributes(more))
            for at, name, more in span.moments
        ],
    )
    if span.failed is not None:
        made.status.code = otlp.Status.STATUS_CODE_ERROR
        made.status.message = span.failed
    return made


def _attributes(values: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=min(value, 2**63 - 1))
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)


def _nanoseconds(seconds: float) -> int:
    return min(max(0, round(seconds * 1_000_000)) * 1000, _MOST_NANOSECONDS)
