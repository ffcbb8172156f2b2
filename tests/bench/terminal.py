"""kagents-tui in a real pseudo-terminal: first row, memory, load, changes and keys until they are painted.

The API server is the embedded engine's, alone in a process of its own, or with ``--cluster`` a real one; it
holds all teams already. Sizes: ``KAGENTS_BENCH_TERMINAL_TEAMS=100,1000,10000``. The bench makes the changes
itself, on the same machine: at 200 a second a good part of the two cores is the server's and the bench's.
``KAGENTS_BENCH_WATCHERS=49`` other clients watch all teams meanwhile.
"""

import asyncio
import itertools
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from _place import api_server
from _screen import COLUMNS, LINES, Screen, screen
from _table import Table, percentile
from _team_servers import engine_server, filled
from _watchers import watchers

from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

SIZES = [int(each) for each in os.environ.get("KAGENTS_BENCH_TERMINAL_TEAMS", "100,1000,10000").split(",")]
WATCHERS = int(os.environ.get("KAGENTS_BENCH_WATCHERS", "0"))
STARTS = 3
CHANGES = 30
KEYS = 60
FILTERS = 5
IDLE_SECONDS = 10.0
LOAD_SECONDS = 10.0
RATES = (20, 200)
OBSERVED = "team-00000"


@dataclass
class Busy:
    """What a rate of changes gave."""

    reached: float
    """Changes a second that the server took."""
    share: float
    """Per cent of one core."""
    change: list[float]
    key: list[float]


@dataclass
class Figures:
    """What one size gave."""

    first_row: list[float]
    all_rows: list[float]
    resident: float
    idle: float
    change: list[float]
    key: list[float]
    filtered: list[float]
    busy: dict[int, Busy] = field(default_factory=dict)


def terminal(kubeconfig: Path) -> list[str]:
    """The command that opens kagents-tui."""
    return [str(Path(sys.executable).with_name("kagents-tui")), "--kubeconfig", str(kubeconfig), "-A"]


def measure(count: int, kubeconfig: Path) -> Figures:
    """All figures of one size."""
    total = f"{count} teams".encode()
    first_row, all_rows = [], []
    for _ in range(STARTS):
        with screen(terminal(kubeconfig)) as shown:
            first_row.append(shown.until(b"team-0") - shown.started)
            if count > 500:
                all_rows.append(shown.until(total) - shown.started)
    with screen(terminal(kubeconfig)) as shown:
        shown.until(total)
        shown.drain()
        resident, idle = shown.resident(), share(shown, IDLE_SECONDS)
        change = asyncio.run(changes(shown, kubeconfig))
        key = [press_down(shown, number) for number in range(KEYS)]
        figures = Figures(first_row, all_rows, resident, idle, change, key, [])
        for rate in RATES:
            figures.busy[rate] = asyncio.run(busy(shown, kubeconfig, count, rate))
        figures.resident = max(resident, shown.resident())
        figures.filtered = [last_filter_key(shown) for _ in range(FILTERS)]
    return figures


def share(shown: Screen, seconds: float) -> float:
    """Per cent of one core that is used while its output is read and dropped."""
    before, began = shown.cpu(), time.perf_counter()
    while time.perf_counter() - began < seconds:
        shown.drain(0.2, 0.5)
        time.sleep(0.1)
    return 100 * (shown.cpu() - before) / (time.perf_counter() - began)


async def changes(shown: Screen, kubeconfig: Path, *, quiet: bool = True, first: int = 10) -> list[float]:
    """A team's cost changes; seconds from the request until the new figure is painted."""
    taken = []
    async with Client(load_kubeconfig(str(kubeconfig))) as client:
        for number in range(CHANGES):
            cost = f"{first + number // 60}.{number % 60 + 10}"
            began = time.perf_counter()
            await _set_cost(client, 0, cost)
            taken.append(await asyncio.to_thread(shown.until, f"${cost}/30".encode()) - began)
            if quiet:
                await asyncio.to_thread(shown.drain, 0.15)
    return taken


async def busy(shown: Screen, kubeconfig: Path, count: int, rate: int) -> Busy:
    """Teams drawn by lot change, so many times a second; meanwhile one is watched and keys pressed."""
    draw, made = random.Random(rate), itertools.count()

    async def pour(client: Client, every: float) -> None:
        slots = asyncio.Semaphore(32)

        async def one(number: int) -> None:
            async with slots:
                await _set_cost(client, number, f"2.{next(made) % 90 + 10}")

        async with asyncio.TaskGroup() as group:
            due = time.perf_counter()
            while True:
                group.create_task(one(draw.randrange(1, count)))
                due += every
                await asyncio.sleep(max(0.0, due - time.perf_counter()))

    async with Client(load_kubeconfig(str(kubeconfig))) as client:
        pouring = asyncio.create_task(pour(client, 1 / rate))
        try:
            await asyncio.sleep(1.0)
            began, before = time.perf_counter(), next(made)
            used = await asyncio.to_thread(share, shown, LOAD_SECONDS)
            reached = (next(made) - before) / (time.perf_counter() - began)
            change = await changes(shown, kubeconfig, quiet=False, first=20 if rate == RATES[0] else 22)
            key = [await asyncio.to_thread(press_down, shown, number) for number in range(KEYS)]
        finally:
            pouring.cancel()
            await asyncio.wait([pouring])
    await asyncio.to_thread(shown.drain)
    return Busy(reached, used, change, key)


async def _set_cost(client: Client, number: int, cost: str) -> None:
    status = {"status": {"estimatedCost": cost}}
    name = f"team-{number:05d}"
    await client.patch_merge(AGENT_TEAMS, f"ns-{number % 20:02d}", name, status, subresource="status")


def press_down(shown: Screen, number: int) -> float:
    """The cursor goes down and up again; seconds from the key to the first paint of it."""
    shown.drain(0.03, 0.3)
    began = shown.press(b"j" if number % 2 == 0 else b"k")
    return shown.until(b"team-0") - began


def last_filter_key(shown: Screen) -> float:
    """A filter is typed; seconds from its last key until only what matches is counted. Then it is cleared."""
    shown.press(b"g/team-0000")
    shown.drain()
    began = shown.press(b"3")
    taken = shown.until(b"Teams\x1b") - began
    shown.press(b"\x1b\x1b")
    shown.drain()
    return taken


BARE = """
from textual.app import App
from textual.widgets import DataTable
class Bare(App):
    def compose(self):
        yield DataTable()
    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("NAME", "PHASE")
        table.add_rows((f"team-{number:05d}", "Running") for number in range(100))
Bare().run()
"""


def bare() -> float:
    """Spawn → first row of a bare Textual table of 100 rows now, on this machine, in seconds."""
    taken = []
    for _ in range(STARTS):
        with screen([sys.executable, "-c", BARE]) as shown:
            taken.append(shown.until(b"team-0") - shown.started)
    return min(taken)


def spread(seconds: list[float]) -> str:
    """Median and the 99th per cent."""
    return f"p50 {1000 * percentile(seconds, 0.5):.0f}, p99 {1000 * percentile(seconds, 0.99):.0f} ms"


Shown = Callable[[Figures], str]


def _loaded(rate: int) -> Iterator[tuple[str, Shown, str, str]]:
    target = "≤ 8 %" if rate == 20 else "-"
    peer = "1.8 / 3.9 / 12 %" if rate == 20 else "-"
    yield f"{rate} changes/s: CPU", lambda f: f"{f.busy[rate].share:.1f} %", target, peer
    yield f"{rate} changes/s: taken", lambda f: f"{f.busy[rate].reached:.0f}/s", "-", "-"
    yield f"{rate} changes/s: change → painted", lambda f: spread(f.busy[rate].change), "p99 ≤ 150 ms", "-"
    yield f"{rate} changes/s: key → painted", lambda f: spread(f.busy[rate].key), "p99 ≤ 30 ms", "-"


ROWS: tuple[tuple[str, Shown, str, str], ...] = (
    (
        "spawn → first row (best of 3)",
        lambda f: f"{min(f.first_row):.2f} s",
        "≤ 0.6 s",
        "0.6-0.7 / 1.2 / 7.1-7.3 s",
    ),
    ("spawn → all teams counted", lambda f: f"{min(f.all_rows):.2f} s" if f.all_rows else "-", "-", "-"),
    ("memory", lambda f: f"{f.resident:.0f} MiB", "≤ 90 / 95 / 150 MiB", "107 / 157 / 478-630 MiB"),
    ("idle CPU", lambda f: f"{f.idle:.1f} %", "≤ 1 %", "0.8 / 2.7 / 10.6 %"),
    (
        "status change → painted",
        lambda f: spread(f.change),
        "p99 ≤ 150 ms",
        "p50 0.4-1.3 / 1.0-1.3 / 3.5-4.5 s",
    ),
    ("key → painted (cursor)", lambda f: spread(f.key), "p50 ≤ 5, p99 ≤ 30 ms", "p50 2, p95 4 / 5 / 9 ms"),
    (
        "last filter key → filtered",
        lambda f: f"p50 {1000 * percentile(f.filtered, 0.5):.0f} ms",
        "≤ 100 ms",
        "p50 1.4 / 1.4 / 2.0 s",
    ),
    *_loaded(20),
    *_loaded(200),
)


@contextmanager
def each_size() -> Iterator[tuple[str, Callable[[int], AbstractContextManager[Path]]]]:
    """The name of the API server, and what fills it with teams."""
    with api_server() as place:
        if place is None:
            yield "the engine's API server", engine_server
        else:
            yield place.name, lambda count: filled(place.kubeconfig, count)


def main() -> None:
    """Print the table."""
    with each_size() as (name, holding):
        plain = bare()
        table = Table(
            f"kagents-tui on a pseudo-terminal of {COLUMNS} by {LINES}, {name}"
            + (f", beside {WATCHERS} other watchers" if WATCHERS else ""),
            ("", *(f"{count:,} teams" for count in SIZES), "target", "k9s, elsewhere"),
        )
        found, others = [], []
        for count in SIZES:
            with holding(count) as kubeconfig, watchers(kubeconfig, WATCHERS) as told:
                found.append(measure(count, kubeconfig))
            others += told
        for what, shown, target, peer in ROWS:
            table.add(what, *(shown(figures) for figures in found), target, peer)
        table.show()
        for each in others:
            print(f"  {each}")
        print(f"  a bare Textual table of 100 rows, same moment: spawn → first row {plain:.2f} s")


if __name__ == "__main__":
    main()
