"""A team's numbers in the Prometheus text format, served by its hub where ``observability.metrics`` wants it.

They are those of the status and of the journal: no more can be read here than reading the team shows.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from kagents_core.metrics import Measurements
from kagents_runner.output import say
from kagents_runner.record.numbers import Numbers

_REQUEST_BYTES: Final = 8192
_REQUEST_SECONDS: Final = 5.0
_AT_ONCE: Final = 16
_TOKENS: Final = ("input", "output", "cacheRead", "cacheWrite")
_TASKS: Final = ("total", "completed", "inProgress", "pending")
_DOLLAR: Final = 1_000_000

Status = Mapping[str, Any]


def page_of(
    numbers: Numbers, status: Callable[[], Status], clock: Callable[[], float] = time.time
) -> Callable[[], str]:
    """The page: what was counted, what the status says, and what has an age."""
    now: list[Status] = []

    def page() -> str:
        now[:] = [status()]
        return numbers.metrics.text()

    _expose(numbers, lambda: now[0], clock)
    return page


def _expose(numbers: Numbers, status: Callable[[], Status], clock: Callable[[], float]) -> None:
    place = tuple(numbers.team.values())

    def read(name: str, samples: Callable[[], Iterator[tuple[tuple[str, ...], float]]]) -> None:
        def found() -> Measurements:
            return {(*place, *labels): value for labels, value in samples()}

        numbers.metrics.gauge(name, found)

    def usage(name: str) -> float:
        return float((status().get("usage") or {}).get(name, 0))

    def agents(name: str, value: Callable[[Status], float]) -> None:
        read(name, lambda: iter([((str(each["agent"]),), value(each)) for each in _activity(status())]))

    def one(name: str, value: Callable[[], float | None]) -> None:
        def samples() -> Iterator[tuple[tuple[str, ...], float]]:
            if (number := value()) is not None:
                yield (), number

        read(name, samples)

    def waiting() -> list[float]:
        return list(numbers.gates.values())

    one("team_cost_dollars", lambda: float(status().get("estimatedCost") or 0))
    one("team_model_requests_total", lambda: usage("requests"))
    one("team_messages_total", lambda: float(status().get("messages", 0)))
    one("team_budget_dollars", lambda: _budget(numbers))
    one("team_budget_share", lambda: _share(numbers, status()))
    one("team_gates_waiting", lambda: len(numbers.gates))
    one("team_gate_oldest_seconds", lambda: max((clock() - at for at in waiting()), default=None))
    read("team_phase", lambda: iter([((numbers.phase,), 1.0)] if numbers.phase else []))
    read("team_tokens_total", lambda: iter([((kind,), usage(f"{kind}Tokens")) for kind in _TOKENS]))
    tasks = [(state,) for state in _TASKS]
    read("team_tasks", lambda: iter([(each, (status().get("tasks") or {}).get(*each, 0)) for each in tasks]))
    read("agent_state", lambda: iter([((str(a["agent"]), str(a["state"])), 1) for a in _activity(status())]))
    read("trace_spans_total", lambda: iter([((what,), count) for what, count in numbers.spans.items()]))
    agents("agent_unread_messages", lambda each: each.get("unread", 0))
    agents("agent_open_requests", lambda each: len(each.get("requests") or ()))
    agents("agent_cost_dollars", lambda each: float(each.get("cost") or 0))


def _activity(status: Status) -> list[Status]:
    return list(status.get("activity") or ())


def _budget(numbers: Numbers) -> float | None:
    return None if numbers.budget_micros is None else numbers.budget_micros / _DOLLAR


def _share(numbers: Numbers, status: Status) -> float | None:
    budget = _budget(numbers)
    return None if budget is None else float(status.get("estimatedCost") or 0) / budget


@asynccontextmanager
async def served(
    numbers: Numbers, status: Callable[[], Status], environment: Mapping[str, str]
) -> AsyncIterator[None]:
    """Serves ``/metrics`` meanwhile, if the environment says where. The team goes on also where it cannot."""
    host, port = environment.get("KAGENTS_METRICS_ADDRESS"), environment.get("KAGENTS_METRICS_PORT", "")
    if not host or not port.isdecimal():
        yield
        return
    page = _Page(page_of(numbers, status))
    try:
        server = await asyncio.start_server(page.answer, host, int(port), limit=_REQUEST_BYTES)
    except OSError as error:
        say(f"metrics are not served on port {port}: {error.strerror or error}", "warn")
        yield
        return
    try:
        yield
    finally:
        server.close()


class _Page:
    """Answers one request a connection; no more than a few at once."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._open = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _AT_ONCE:
                async with asyncio.timeout(_REQUEST_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._response(head))
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked has gone, or does not speak HTTP
        finally:
            self._open -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _response(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        if method != b"GET" or rest.split(b" ", 1)[0].partition(b"?")[0] != b"/metrics":
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        body = self._read().encode()
        kind = b"text/plain; version=0.0.4; charset=utf-8"
        return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
            kind,
            len(body),
            body,
        )
