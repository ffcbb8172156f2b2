# ruff: noqa: ASYNC110
"""The mail view with ``KAGENTS_BENCH_MESSAGES`` (100,000) messages, in a terminal without a screen.

Folding the journal, opening the view, a message that comes, a cursor key, a filter, threads; and the memory.
"""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from _table import Table, spread

from kagents_tui.app import KagentsApp
from kagents_tui.journal_view import JournalView
from kagents_tui.sample import data
from kagents_tui.sample.cluster import SampleCluster, SampleConnector
from kagents_tui.sample.times import stamp
from kagents_tui.session import Options

MESSAGES = int(os.environ.get("KAGENTS_BENCH_MESSAGES", "100000"))
AGENTS = 8
ROUNDS = 30
NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


def entries(first: int, count: int, sequence: int):
    """Messages between agents, each delivered, all but every thousandth seen."""
    for number in range(first, first + count):
        at = stamp(NOW - timedelta(seconds=(MESSAGES - number) / 10))
        key = f"m{number}"
        yield {
            "kind": "message", "seq": sequence + 1, "at": at, "written": at, "id": key,
            "from": f"agent-{number % AGENTS}", "to": f"agent-{(number * 5 + 1) % AGENTS}", "type": "message",
            "summary": f"step {number}", "text": f"Part {number} is done, and module {number % 97} too.",
        }  # fmt: skip
        yield {"kind": "delivery", "seq": sequence + 2, "at": at, "id": key, "delivered": at}
        if number % 1000:
            yield {"kind": "seen", "seq": sequence + 3, "at": at, "id": key, "seen": at}
        sequence += 3


def resident() -> float:
    """MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def until(pilot, condition) -> None:
    """Waits for something, and until it is painted."""
    while not condition():
        await asyncio.sleep(0)
    await pilot.pause()


async def main() -> None:
    """Print the table."""
    table = Table(f"mail view, {MESSAGES:,} messages of one team", ("what", "measured", "target"))
    before, view = resident(), JournalView()
    began = time.perf_counter()
    for entry in entries(0, MESSAGES, 0):
        view.apply(entry)
    table.add("fold the journal, in slices", f"{time.perf_counter() - began:.2f} s", "keys work meanwhile")
    table.add(
        "memory of the fold", f"{resident() - before:.0f} MiB", "bounded: 100,000 messages, 64 Mi characters"
    )
    cluster = SampleCluster(data.teams(NOW))
    app = KagentsApp(SampleConnector(cluster), Options(), now=lambda: NOW)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: len(app.teams) == len(cluster.teams))
        await measure(app, pilot, view, table)
    table.show()


async def measure(app, pilot, view, table) -> None:
    """The view on a journal that is there already."""
    from kagents_tui.navigation import drill
    from kagents_tui.screens.mail import MailScreen

    before = resident()
    screen = MailScreen(("dev-agents", "auth-refactor"))
    await drill(app, screen)
    await until(pilot, lambda: screen.ready and screen.following.tail.view.live)
    tail = screen.following.tail
    began = time.perf_counter()
    tail.view.unwatch(screen.changes)
    tail.view, screen.changes = view, view.watch()
    screen.journal_changed()
    await until(pilot, lambda: len(screen.messages.rows) == MESSAGES)
    table.add(
        "open the view, painted", f"{1000 * (time.perf_counter() - began):.0f} ms (100 ms of it waiting)", "-"
    )
    table.add("memory of the view", f"{resident() - before:.0f} MiB", "-")
    table.add("message journalled → taken in", spread(await coming(screen, pilot, view)), "p99 ≤ 150 ms")
    table.add("key → painted (cursor)", spread(await keys(pilot, "k")), "p99 ≤ 30 ms")
    table.add("page key → painted", spread(await keys(pilot, "pageup")), "p99 ≤ 30 ms")
    for text in ("from:agent-3", "module 42", "is:unread", ""):
        table.add(
            f"filter {text or 'cleared'!r} → shown",
            await filtered(screen, pilot, text),
            "≤ 500 ms, in slices",
        )
    began = time.perf_counter()
    screen.do_toggle_view(())
    await pilot.pause()
    table.add("threads → painted", f"{1000 * (time.perf_counter() - began):.0f} ms", "≤ 500 ms")


async def coming(screen, pilot, view) -> list[float]:
    """Seconds from a message in the journal until its row is there (100 ms of batching apart)."""
    from kagents_tui.screens import followed

    found = []
    for number in range(ROUNDS):
        count = len(view.mail)
        for entry in entries(MESSAGES + number, 1, view.sequence):
            view.apply(entry)
        began = time.perf_counter()
        screen.journal_changed()
        await until(pilot, lambda count=count: screen.messages.items and len(view.mail) >= count)
        newest = f"m{MESSAGES + number}"
        await until(pilot, lambda newest=newest: newest in screen.messages.items)
        found.append(max(0.0, time.perf_counter() - began - followed.PAINT_SECONDS))
    return found


async def keys(pilot, key: str) -> list[float]:
    """Seconds of a key until it is painted."""
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await pilot.press(key)
        found.append(time.perf_counter() - began)
    return found


async def filtered(screen, pilot, text: str) -> str:
    """How long a filter took, how many messages pass, the longest time in which nothing else ran."""
    gaps, done = [0.0], asyncio.Event()

    async def beat() -> None:
        last = time.perf_counter()
        while not done.is_set():
            await asyncio.sleep(0)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    beating = asyncio.create_task(beat())
    began = time.perf_counter()
    screen.typed("filter", text, True)
    await until(pilot, lambda: screen.late is None)
    took = time.perf_counter() - began
    done.set()
    await beating
    return (
        f"{1000 * took:.0f} ms, {len(screen.messages.rows):,} pass; longest block {1000 * max(gaps):.0f} ms"
    )
