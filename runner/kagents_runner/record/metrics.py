"""A team's numbers in the Prometheus text format, served by its hub where ``observability.metrics`` wants it.

They are those of the status, so what can be read here is no more than reading the team shows.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from kagents_runner.documents import TeamDocument
from kagents_runner.output import say

_REQUEST_BYTES: Final = 8192
_REQUEST_SECONDS: Final = 5.0
_AT_ONCE: Final = 16
_TOKENS: Final = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")
_TASKS: Final = ("total", "completed", "inProgress", "pending")

Status = Mapping[str, Any]


def text_of(team: TeamDocument, status: Status) -> str:
    """Everything as one page."""
    whole = {"namespace": team.namespace, "team": team.name}
    families: dict[str, list[str]] = {}
    for name, kind, labels, value in _samples(status):
        lines = families.setdefault(name, [f"# TYPE kagents_{name} {kind}"])
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in (whole | labels).items())
        lines.append(f"kagents_{name}{{{shown}}} {value}")
    return "".join(f"{line}\n" for lines in families.values() for line in lines)


def _samples(status: Status) -> Iterator[tuple[str, str, dict[str, str], Any]]:
    usage, tasks = status.get("usage") or {}, status.get("tasks") or {}
    yield "team_cost_dollars", "gauge", {}, status.get("estimatedCost") or "0"
    yield "team_model_requests_total", "counter", {}, usage.get("requests", 0)
    yield "team_messages_total", "counter", {}, status.get("messages", 0)
    for name in _TOKENS:
        yield "team_tokens_total", "counter", {"kind": name.removesuffix("Tokens")}, usage.get(name, 0)
    for name in _TASKS:
        yield "team_tasks", "gauge", {"state": name}, tasks.get(name, 0)
    for each in status.get("activity") or ():
        agent = {"agent": str(each["agent"])}
        yield "agent_state", "gauge", agent | {"state": str(each["state"])}, 1
        yield "agent_unread_messages", "gauge", agent, each.get("unread", 0)
        yield "agent_open_requests", "gauge", agent, len(each.get("requests") or ())
        yield "agent_cost_dollars", "gauge", agent, each.get("cost") or "0"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@asynccontextmanager
async def served(
    team: TeamDocument, status: Callable[[], Status], environment: Mapping[str, str]
) -> AsyncIterator[None]:
    """Serves ``/metrics`` meanwhile, if the environment says where. The team goes on also where it cannot."""
    host, port = environment.get("KAGENTS_METRICS_ADDRESS"), environment.get("KAGENTS_METRICS_PORT", "")
    if not host or not port.isdecimal():
        yield
        return
    page = _Page(lambda: text_of(team, status()))
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
