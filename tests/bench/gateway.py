"""Measures the model gateway against a direct connection, in one run: what it adds, and what it costs.

Run it: ``python tests/bench/gateway.py``. A scripted model, the gateway with its real ledger and meter behind
TLS, an agent's relay to it, and the clients are processes of their own; it prints a table beside the targets
and asserts nothing.
"""

import asyncio
import json
import logging
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # also when it is run by itself

import aiohttp
from _place import Process
from _table import Table, percentile
from aiohttp import web

from kagents_core.pricing import PUBLISHED
from kagents_runner.gateway.certificates import make_certificates
from kagents_runner.gateway.ledger import Ledger
from kagents_runner.gateway.meter import Limits, Meter
from kagents_runner.gateway.relay import Hub, Relay
from kagents_runner.gateway.secret import ModelSecret
from kagents_runner.gateway.server import Gateway
from kagents_runner.gateway.upstream import Provider, Upstream
from kagents_runner.hub_address import write_address
from kagents_runner.hub_certificate import HOST, serving_context

AGENTS = 50
ASKED = 300
"""Requests of each kind, one after the other, for the latencies."""
PACED_SECONDS = 10.0
PACED_STREAMS = 40
PACE = 0.01
"""Seconds between two pieces of one stream."""
BODY = b'{"model":"claude-sonnet-4-6","messages":["%s"],"max_tokens":32000,"stream":true}'
SMALL, LARGE = BODY % (b"x" * 20_000), BODY % (b"x" * 400_000)


def event(kind: str, **fields: object) -> bytes:
    """One server-sent event."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


USAGE = {"input_tokens": 900, "cache_read_input_tokens": 20_000, "output_tokens": 1}
START = event("message_start", message={"id": "m", "model": "claude-sonnet-4-6", "usage": USAGE})
DELTA = event("content_block_delta", index=0, delta={"type": "text_delta", "text": " a few words of text"})
END = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 321})
END += event("message_stop")


async def model(request: web.BaseRequest) -> web.StreamResponse:
    """As many pieces as the query says, with as many seconds between them."""
    await request.read()
    pieces, pace = int(request.query.get("pieces", "20")), float(request.query.get("pace", "0"))
    out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await out.prepare(request)
    await out.write(START)
    for _ in range(pieces):
        if pace:
            await asyncio.sleep(pace)
        await out.write(DELTA)
    await out.write(END)
    await out.write_eof()
    return out


class Everybody:
    """Agents by their names: a token is checked once, so it is no part of what a request costs."""

    async def agent_of(self, authorization: str) -> str:
        """The name."""
        return authorization.removeprefix("Bearer ")


async def serve_model() -> None:
    """The process of the scripted model."""
    logging.disable()  # of clients that go away
    runner = web.ServerRunner(web.Server(model, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


async def serve_gateway(folder: Path, url: str) -> None:
    """The process of the gateway."""
    agents = [f"agent-{number}" for number in range(AGENTS)]
    meter = Meter(Ledger(folder / "ledger.jsonl"), PUBLISHED, Limits(10**12))
    async with Upstream(Provider(base_url=url), ModelSecret(folder / "secret", "anthropic")) as upstream:
        runner = Gateway(upstream, Everybody(), meter, agents).runner()
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=serving_context(folder)).start()
        write_address(folder, "127.0.0.1", runner.addresses[0][1])
        print(f"https://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        await asyncio.Event().wait()


async def serve_relay(folder: Path) -> None:
    """The process of an agent's relay."""
    relay = Relay(Hub(folder, folder / "home" / "lead" / "gateway" / "ca.pem", folder / "token"))
    await relay.start()
    print(relay.url, flush=True)
    await asyncio.Event().wait()


@contextmanager
def role(*arguments: str) -> Iterator[tuple[Process, str]]:
    """This file as another process: it, and where it serves."""
    started = subprocess.Popen([sys.executable, __file__, "as", *arguments], stdout=subprocess.PIPE)
    try:
        assert started.stdout is not None
        yield Process(started.pid), started.stdout.readline().decode().strip()
    finally:
        started.kill()
        started.wait()


@dataclass
class Way:
    """How the model is reached."""

    name: str
    url: str
    tls: ssl.SSLContext | None
    session: aiohttp.ClientSession

    @asynccontextmanager
    async def ask(self, body: bytes, agent: int = 0, **query: float) -> AsyncIterator[aiohttp.ClientResponse]:
        """One answer."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        async with self.session.post(
            f"{self.url}/v1/messages?{asked}",
            data=body,
            headers={"Authorization": f"Bearer agent-{agent}", "Content-Type": "application/json"},
            ssl=self.tls if self.tls is not None else True,
            server_hostname=HOST if self.tls is not None else None,
        ) as answer:
            assert answer.status == 200, answer.status
            yield answer

    async def timed(self, body: bytes) -> tuple[float, float]:
        """Seconds to the first and to the last byte."""
        started = time.perf_counter()
        async with self.ask(body, pieces=20) as answer:
            await answer.content.readany()
            first = time.perf_counter() - started
            while await answer.content.readany():
                pass
        return first, time.perf_counter() - started

    async def pieces(self, agent: int, **query: float) -> int:
        """How many pieces of a whole answer came."""
        found = 0
        async with self.ask(SMALL, agent, **query) as answer:
            async for data in answer.content.iter_any():
                found += data.count(b"\n\n")
        return found


async def latencies(table: Table, direct: Way, *others: Way) -> None:
    """First and last byte, one request after the other, the ways by turns."""
    for label, body in (("20 KB asked", SMALL), ("400 KB asked", LARGE)):
        found: dict[str, list[tuple[float, float]]] = {way.name: [] for way in (direct, *others)}
        for number in range(ASKED + 20):
            for way in (direct, *others):
                times = await way.timed(body)
                if number >= 20:
                    found[way.name].append(times)
        for which, what in enumerate(("first", "last")):
            plain, *through = ([times[which] for times in found[name]] for name in found)
            for way, seconds in zip(others, through, strict=True):
                added = [1000 * (percentile(seconds, p) - percentile(plain, p)) for p in (0.1, 0.5)]
                table.add(
                    f"{what} byte, {label}, {way.name}",
                    _milliseconds(plain),
                    _milliseconds(seconds),
                    f"adds {added[1]:.1f} ms (p50; the quickest tenth: {added[0]:.1f})",
                    "≤ 2 ms" if way is others[0] else "",
                )


def _milliseconds(seconds: Sequence[float]) -> str:
    return f"p50 {1000 * percentile(seconds, 0.5):.2f}, p99 {1000 * percentile(seconds, 0.99):.2f} ms"


async def many_at_once(table: Table, process: Process, gateway: Way, direct: Way) -> None:
    """Pieces that come one by one, and the processor's time for each."""
    pieces = int(PACED_SECONDS / PACE)
    for label, pace in (("paced: 100 a second and stream", PACE), ("as fast as they come", 0.0)):
        rates = []
        for way in (direct, gateway):
            before, started = process.cpu(), time.perf_counter()
            async with asyncio.TaskGroup() as group:
                streams = [
                    group.create_task(way.pieces(number, pieces=pieces, pace=pace))
                    for number in range(PACED_STREAMS)
                ]
            seconds, used = time.perf_counter() - started, process.cpu() - before
            count = sum(stream.result() for stream in streams)
            rates.append((count / seconds, count / used if used else 0.0))
        table.add(
            f"pieces, {PACED_STREAMS} streams, {label}",
            f"{rates[0][0]:,.0f} a second",
            f"{rates[1][0]:,.0f} a second",
            f"{rates[1][1]:,.0f} for a second of one core",
            "thousands a second on one core",
        )


async def short_ones(table: Table, process: Process, gateway: Way, direct: Way) -> None:
    """Whole streams of twenty pieces, from eight agents at once."""
    rates = []
    for way in (direct, gateway):
        before, started = process.cpu(), time.perf_counter()

        async def one(number: int, way: Way = way) -> None:
            for _ in range(100):
                await way.pieces(number, pieces=20)

        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(one(number))
        rates.append((800 / (time.perf_counter() - started), 800 / max(process.cpu() - before, 1e-9)))
    table.add(
        "streams of 20 pieces, 8 agents",
        f"{rates[0][0]:,.0f} a second",
        f"{rates[1][0]:,.0f} a second",
        f"{rates[1][1]:,.0f} for a second of one core",
        "",
    )


async def memory(table: Table, process: Process, gateway: Way) -> None:
    """With a stream of each of fifty agents under way, each asked with 400 KB."""
    async with AsyncExitStack() as stack:
        answers = [
            await stack.enter_async_context(gateway.ask(LARGE, number, pieces=100, pace=0.05))
            for number in range(AGENTS)
        ]
        for answer in answers:
            await answer.content.readany()
        table.add(f"memory, {AGENTS} agents, a stream each", "-", f"{process.memory():.0f} MiB", "", "")
    table.add("memory, the most of this run", "-", f"{process.memory('VmHWM'):.0f} MiB", "", "")


async def measure(folder: Path) -> None:
    """Prints the table."""
    (folder / "secret").mkdir()
    (folder / "secret" / "ANTHROPIC_API_KEY").write_text("bench")
    (folder / "home" / "lead").mkdir(parents=True)
    make_certificates(folder, folder / "home", ["lead"])
    tls = ssl.create_default_context(cafile=str(folder / "home" / "lead" / "gateway" / "ca.pem"))
    table = Table("The model gateway", ("what", "direct", "through the gateway", "", "target"))
    (folder / "token").write_text("agent-0")
    with ExitStack() as stack:
        _, model_url = stack.enter_context(role("model"))
        process, gateway_url = stack.enter_context(role("gateway", str(folder), model_url))
        _, relay_url = stack.enter_context(role("relay", str(folder)))
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            direct = Way("direct", model_url, None, session)
            gateway = Way("gateway", gateway_url, tls, session)
            relay = Way("relay and gateway", relay_url, None, session)
            table.add("memory, at rest", "-", f"{process.memory():.0f} MiB", "", "")
            await latencies(table, direct, gateway, relay)
            await short_ones(table, process, gateway, direct)
            await memory(table, process, gateway)
            await many_at_once(table, process, gateway, direct)
    table.show()


def main() -> None:
    """The bench, or one of its processes."""
    if sys.argv[1:3] == ["as", "model"]:
        asyncio.run(serve_model())
    elif sys.argv[1:3] == ["as", "gateway"]:
        asyncio.run(serve_gateway(Path(sys.argv[3]), sys.argv[4]))
    elif sys.argv[1:3] == ["as", "relay"]:
        asyncio.run(serve_relay(Path(sys.argv[3])))
    else:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
