"""A terminal on a cluster in memory, with a fixed clock, and ways to look at what it shows."""

import asyncio
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from textual.pilot import Pilot

from kagents_tui.app import KagentsApp
from kagents_tui.sample import data
from kagents_tui.sample.cluster import SampleCluster, SampleConnector
from kagents_tui.session import Options

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


@dataclass
class Terminal:
    """A running application and the keys to press in it."""

    app: KagentsApp
    pilot: Pilot[None]
    cluster: SampleCluster

    def lines(self) -> list[str]:
        """What the screen shows, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(self.lines())

    def line(self, word: str) -> str:
        """The first line with a word."""
        return next((line for line in self.lines() if word in line), "")

    async def press(self, *keys: str) -> None:
        """Presses keys one after the other."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, condition: Callable[[], Any], seconds: float = 30.0) -> Any:
        """Waits until something is so; shows the screen when it does not come about."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, "it did not come about; the screen shows\n" + self.text()
            await self.pilot.pause()
            await asyncio.sleep(0.01)
        return found

    async def shows(self, *words: str) -> None:
        """Waits until the screen shows all the words."""
        await self.until(lambda: all(word in self.text() for word in words))


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of day are shown in the terminal's zone."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()


@pytest.fixture
def cluster() -> SampleCluster:
    """The sample cluster, fresh for every test."""
    return SampleCluster(data.teams(NOW), {"auth-refactor": data.journal(NOW)}, data.LOG.encode())


@pytest.fixture
def terminal(cluster):
    """Starts a terminal: ``async with terminal(size=…, read_only=…) as t``."""

    @asynccontextmanager
    async def start(*, size: tuple[int, int] = (120, 40), connector: Any = None, **options: Any):
        app = KagentsApp(connector or SampleConnector(cluster), Options(**options), now=lambda: NOW)
        async with app.run_test(size=size) as pilot:
            yield Terminal(app, pilot, cluster)

    return start
