"""kagents-tui on an engine, in this process: keys are pressed in it, and what it shows is read."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from simulated_team import until
from textual.pilot import Pilot

from kagents_tui.app import KagentsApp
from kagents_tui.connection import Choice
from kagents_tui.launch import Connector
from kagents_tui.session import Options


class Terminal:
    """A running terminal and what it shows."""

    def __init__(self, app: KagentsApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    async def shows(self, *words: str) -> None:
        """Waits until all the words are there; shows the screen when they do not come."""

        async def there() -> bool:
            return all(word in self.text() for word in words)

        try:
            await until(there)
        except TimeoutError:
            raise AssertionError(f"{words} did not appear\n{self.text()}") from None

    async def press_until(self, key: str, *words: str) -> None:
        """Presses a key that is refused for a moment after the list has moved, until it has its effect."""
        deadline = time.monotonic() + 60
        while not all(word in self.text() for word in words):
            assert time.monotonic() < deadline, self.text()
            await self.pilot.press(key)
            await self.pilot.pause(0.2)


@asynccontextmanager
async def terminal(data: Path) -> AsyncIterator[Terminal]:
    """A terminal on the engine of this data directory."""
    app = KagentsApp(Connector(Choice(kubeconfig=str(data / "kubeconfig"))), Options())
    async with app.run_test(size=(140, 30)) as pilot:
        yield Terminal(app, pilot)
