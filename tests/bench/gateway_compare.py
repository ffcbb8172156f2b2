"""Measures what the gateways and relays of two checkouts add to a request.

It asks them by turns in one run, so that both have the same machine and the same load.

``KAGENTS_BENCH_OTHER=CHECKOUT python tests/bench gateway_compare``; asserts nothing.
"""

import asyncio
import os
import random
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # also when it is run by itself

import aiohttp
import gateway
from _place import Process
from _table import Table, percentile
from gateway import LARGE, SMALL, Way

from kagents_runner.gateway.certificates import make_certificates

ROUNDS = int(os.environ.get("KAGENTS_BENCH_ROUNDS", "300"))
FIRST = 20
"""Rounds that do not count."""


@contextmanager
def part(checkout: Path, *arguments: str) -> Iterator[tuple[Process, str]]:
    """A process of that checkout's code: it, and where it serves."""
    path = ":".join(str(checkout / name) for name in ("runner", "core"))
    bench = checkout / "tests" / "bench" / "gateway.py"
    word = ["as"] if '"as", *arguments' in bench.read_text() else []  # checkouts of before take none
    command = [sys.executable, str(bench), *word, *arguments]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path})
    try:
        assert started.stdout is not None
        yield Process(started.pid), started.stdout.readline().decode().strip()
    finally:
        started.kill()
        started.wait()


def ways(
    stack: ExitStack, name: str, checkout: Path, folder: Path, model: str
) -> dict[str, tuple[str, Path]]:
    """Addresses of its gateway and of its relay before it, with the folder whose certificate is theirs."""
    (folder / "secret").mkdir(parents=True)
    (folder / "secret" / "ANTHROPIC_API_KEY").write_text("bench")
    (folder / "home" / "lead").mkdir(parents=True)
    (folder / "token").write_text("agent-0")
    make_certificates(folder, folder / "home", ["lead"])
    process, through = stack.enter_context(part(checkout, "gateway", str(folder), model))
    _, relay = stack.enter_context(part(checkout, "relay", str(folder)))
    places = {f"{name}: gateway": (through, folder), f"{name}: relay and gateway": (relay, folder)}
    return places, process


async def measure(folder: Path, other: Path) -> None:
    """Prints the table."""
    columns = ("asked", "way", "p50", "quickest quarter", "tenth", "processor time")
    table = Table("What the gateway adds until the first byte", columns)
    with ExitStack() as stack:
        _, model = stack.enter_context(gateway.role("model"))
        old, its = ways(stack, "other", other, folder / "other", model)
        new, ours = ways(stack, "this", Path(__file__).parents[2], folder / "this", model)
        processes, places = {"other": its, "this": ours}, {**old, **new}
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            asked = {"direct": Way("direct", model, None, session)}
            for name, (url, certified) in places.items():
                trusted = str(certified / "home" / "lead" / "gateway" / "ca.pem")
                tls = ssl.create_default_context(cafile=trusted) if url.startswith("https") else None
                asked[name] = Way(name, url, tls, session)
            for label, body in (("20 KB", SMALL), ("400 KB", LARGE)):
                await _rounds(table, label, body, asked, processes)
    table.show()


async def _rounds(
    table: Table, label: str, body: bytes, asked: dict[str, Way], processes: dict[str, Process]
) -> None:
    found: dict[str, list[float]] = {name: [] for name in asked}
    before: dict[str, float] = {}
    for number in range(ROUNDS + FIRST):
        if number == FIRST:
            before = {name: process.cpu() for name, process in processes.items()}
        order = list(asked.items())
        random.shuffle(order)  # who comes after whom makes a difference
        for name, way in order:
            first, _ = await way.timed(body)
            if number >= FIRST:
                found[name].append(first)
    used = {name: process.cpu() - before[name] for name, process in processes.items()}
    plain = found.pop("direct")
    for name, seconds in found.items():
        added = (f"{1000 * (percentile(seconds, p) - percentile(plain, p)):.2f} ms" for p in (0.5, 0.25, 0.1))
        checkout, _, way = name.partition(": ")
        of_gateway = f"{1000 * used[checkout] / (2 * ROUNDS):.2f} ms a request" if way == "gateway" else ""
        table.add(label, name, *added, of_gateway)


def main() -> None:
    """The bench; nothing without another checkout."""
    other = os.environ.get("KAGENTS_BENCH_OTHER")
    if not other:
        print("nothing to compare with: KAGENTS_BENCH_OTHER=CHECKOUT")
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), Path(other).resolve()))


if __name__ == "__main__":
    main()
