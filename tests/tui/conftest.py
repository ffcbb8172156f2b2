"""A terminal on a cluster in memory, with a fixed clock, and ways to look at what it shows."""

import asyncio
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fcntl import ioctl
from typing import Any

import pyte
import pytest
from textual.pilot import Pilot

from kagents_tui.actions import ACTIONS
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

    async def do(self, pressed: str) -> None:
        """Presses a key, types a command line after ``:``, a line up to ``\r``, or a text."""
        if pressed.startswith(":"):
            await self.press("colon", *map(named, pressed[1:]), "enter")
        elif pressed.endswith("\r"):
            await self.press(*map(named, pressed[:-1]), "enter")
            await self.until(lambda: not self.app.screen.query("#prompt"))
        elif pressed in KEYS:
            await self.press(pressed)
        elif pressed:
            await self.press(*map(named, pressed))

    async def comes(self, effect: str | Callable[["Terminal"], Any], after: str) -> None:
        """Waits for a condition, for words that are shown or, behind ``-``, for words that go."""

        def come() -> Any:
            if callable(effect):
                return effect(self)
            return effect[1:] not in self.text() if effect.startswith("-") else effect in self.text()

        try:
            await self.until(come)
        except AssertionError as error:
            raise AssertionError(f"{after}, then {effect!r}: {error}") from None


KEYS = {key for action in ACTIONS for key in action.keys}


def named(character: str) -> str:
    """Textual's name of a character's key."""
    return {" ": "space", "-": "minus"}.get(character, character)


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
    async def start(
        *,
        size: tuple[int, int] = (120, 40),
        connector: Any = None,
        listed: Callable[[], None] = lambda: None,
        **options: Any,
    ):
        connector = connector or SampleConnector(cluster)
        app = KagentsApp(connector, Options(**options), now=lambda: NOW, listed=listed)
        async with app.run_test(size=size) as pilot:
            yield Terminal(app, pilot, cluster)

    return start


# A real pseudo-terminal

UNWANTED = ("NO_COLOR", "TEXTUAL_DRIVER", "COLUMNS", "LINES", "TMUX", "STY", "KAGENTS_CONFIG")


class Screen:
    """A process in a pseudo-terminal: what it wrote, and what that looks like."""

    def __init__(self, *arguments: str, size: tuple[int, int] = (100, 30), **environment: str) -> None:
        columns, lines = size
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        known = {key: value for key, value in os.environ.items() if key not in UNWANTED}
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=known | {"TERM": "xterm-256color", "TZ": "UTC", **environment},
            start_new_session=True,
        )
        os.close(slave)
        self.raw = bytearray()
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)

    def read(self, seconds: float = 0.05) -> None:
        if not select.select([self.master], [], [], seconds)[0]:
            return
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return
        self.raw += data
        # pyte knows no private sequences with "<", "=" or ">"; they change nothing that is drawn.
        self.stream.feed(re.sub(rb"\x1b\[[<=>][0-9;]*[a-zA-Z]|\x1bP[^\x1b]*\x1b\\", b"", data))

    def resize(self, columns: int, lines: int) -> None:
        """The window gets another size."""
        self.screen.resize(lines, columns)
        ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    def until_written(self, sequence: bytes, seconds: float = 40.0, *, since: int = 0) -> None:
        """Waits until the process has written these bytes, behind so many others."""
        deadline = time.monotonic() + seconds
        while sequence not in self.raw[since:]:
            assert time.monotonic() < deadline, f"{sequence!r} was not written:\n{self.text()}"
            self.read()

    def text(self) -> str:
        # Not ``display``: it fails where half of a wide character has been overwritten.
        columns, buffer = range(self.screen.columns), self.screen.buffer
        return "\n".join("".join(buffer[y][x].data for x in columns) for y in range(self.screen.lines))

    def until(self, *words: str, seconds: float = 40.0) -> None:
        deadline = time.monotonic() + seconds
        while not all(word in self.text() for word in words):
            assert time.monotonic() < deadline, f"{words} did not appear:\n{self.text()}"
            assert self.process.poll() is None, f"it ended:\n{self.raw[-3000:].decode(errors='replace')}"
            self.read()

    def until_gone(self, word: str, seconds: float = 40.0) -> None:
        deadline = time.monotonic() + seconds
        while word in self.text():
            assert time.monotonic() < deadline, f"{word} did not go:\n{self.text()}"
            self.read()

    def keys(self, text: str) -> None:
        os.write(self.master, text.encode())

    def ended(self, seconds: float) -> int:
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end:\n{self.text()}"
            self.read()
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(5)
        os.close(self.master)


@pytest.fixture
def pseudo_terminal():
    """Starts Python programs, each in a pseudo-terminal of its own; none outlives the test."""
    opened: list[Screen] = []

    def begin(*arguments: str, **options: Any) -> Screen:
        opened.append(Screen(*arguments, **options))
        return opened[-1]

    yield begin
    for screen in opened:
        screen.close()
