# ruff: noqa: ASYNC110
"""The mail of ``KAGENTS_BENCH_TEAMS`` (50) teams in one list, ``KAGENTS_BENCH_MESSAGES`` (100,000) in all.

Gathering them while keys are pressed, a message that comes, a cursor key, filters; and the memory.
"""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from _table import Table, spread

from kagents_tui.app import KagentsApp
from kagents_tui.sample import data
from kagents_tui.sample.cluster import SampleCluster, SampleConnector
from kagents_tui.sample.streams import SampleStream
from kagents_tui.sample.times import stamp
from kagents_tui.session import Options

TEAMS = int(os.environ.get("KAGENTS_BENCH_TEAMS", "50"))
EACH = int(os.environ.get("KAGENTS_BENCH_MESSAGES", "100000")) // TEAMS
ROUNDS = 30
NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


def entries(team: int, first: int, count: int):
    """Messages between agents, each delivered, all but every thousandth seen."""
    for number in range(first, first + count):
        at, key = stamp(NOW - timedelta(seconds=(EACH - number) * 2 + team / TEAMS)), f"m{number}"
        yield {
            "kind": "message", "seq": 3 * number + 1, "at": at, "written": at, "id": key, "type": "message",
            "from": f"agent-{number % 8}", "to": f"agent-{(number * 5 + 1) % 8}", "summary": f"step {number}",
            "text": f"Part {number} is done, and module {number % 97} too.",
        }  # fmt: skip
        yield {"kind": "delivery", "seq": 3 * number + 2, "at": at, "id": key, "delivered": at}
        if number % 1000:
            yield {"kind": "seen", "seq": 3 * number + 3, "at": at, "id": key, "seen": at}


class Hubs(SampleCluster):
    """Journals that lie ready as lines: what it costs to write them is not measured."""

    prepared: dict[str, list[bytes]] = {}

    async def exec(self, namespace, pod, command, **_):
        lines = self.prepared[pod.removesuffix("-hub-0a1b2")]
        return SampleStream([*lines, b'{"kind":"live","seq":1}\n'], hang=True)


def cluster() -> Hubs:
    """The teams, their journals in chunks as a stream has them."""
    for number in range(TEAMS):
        told = [orjson.dumps(each) + b"\n" for each in entries(number, 0, EACH)]
        Hubs.prepared[f"team-{number:02}"] = [
            b"".join(told[at : at + 200]) for at in range(0, len(told), 200)
        ]
    return Hubs(
        [
            data.team(NOW, f"ns-{number % 5}", f"team-{number:02}", "Running", "2/2", age=timedelta(hours=1))
            for number in range(TEAMS)
        ]
    )


def resident() -> float:
    """MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Beat:
    """The longest times in which the event loop had no turn for a key."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.gaps.append(now - last)
            last = now

    def end(self) -> list[float]:
        self._task.cancel()
        return self.gaps or [0.0]


async def main() -> None:
    """Print the table."""
    table = Table(
        f"mail of {TEAMS} teams, {TEAMS * EACH:,} messages in one list", ("what", "measured", "target")
    )
    app = KagentsApp(SampleConnector(cluster()), Options(), now=lambda: NOW)
    async with app.run_test(size=(120, 40)) as pilot:
        while len(app.teams) < TEAMS:
            await pilot.pause()
        before = resident()
        await measure(app, pilot, table)
        table.add("memory of list and journals", f"{resident() - before:.0f} MiB", "-")
    table.show()


async def measure(app, pilot, table) -> None:
    """The list from its opening on."""
    began, beat = time.perf_counter(), Beat()
    await pilot.press("colon", *"mail", "enter")
    while app.screen.kind != "all-mail":
        await pilot.pause()
    screen = app.screen
    while len(screen.letters) < TEAMS * EACH or screen._pending:
        await asyncio.sleep(0.01)
    table.add("gathered and shown", f"{time.perf_counter() - began:.1f} s", "keys work meanwhile")
    table.add("wait of a key meanwhile", spread(beat.end()), "p99 ≤ 150 ms")
    table.add("message journalled → taken in", spread(await coming(screen)), "p99 ≤ 150 ms")
    for key in ("k", "pageup"):
        found = []
        for _ in range(ROUNDS):
            pressed = time.perf_counter()
            await pilot.press(key)
            found.append(time.perf_counter() - pressed)
        table.add(f"{key} → painted", spread(found), "p99 ≤ 30 ms")
    for text in ("from:agent-3", "module 42", "team:team-07", "is:unread", ""):
        began, beat = time.perf_counter(), Beat()
        screen.typed("filter", text, True)
        while screen.late is not None:
            await asyncio.sleep(0)
        took, rows = time.perf_counter() - began, len(screen.table().rows)
        words = f"{1000 * took:.0f} ms, {rows:,} pass; longest block {1000 * max(beat.end()):.0f} ms"
        table.add(f"filter {text or 'cleared'!r} → shown", words, "≤ 500 ms, in slices")


async def coming(screen) -> list[float]:
    """Seconds from a message in a journal until its row is there (100 ms of batching apart)."""
    from kagents_tui.screens import across

    found = []
    source = next(iter(screen.gathering.sources.values()))
    for number in range(EACH, EACH + ROUNDS):
        for entry in entries(0, number, 1):
            source.view.apply(entry)
        began = time.perf_counter()
        screen.gathering._news[source.team.key] = source
        screen._changed()
        while (*source.team.key, f"m{number}") not in screen.letters:
            await asyncio.sleep(0.001)
        found.append(max(0.0, time.perf_counter() - began - across.PAINT_SECONDS))
    return found
