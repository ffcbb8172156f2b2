"""Serves the agent's terminal on a socket of its container. No viewer, however slow, holds the agent up."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

from kagents_runner.terminal import frames
from kagents_runner.terminal.frames import FrameError, Frames, frame
from kagents_runner.terminal.place import refusal
from kagents_runner.terminal.screens import Screen

MOST_VIEWERS: Final = 16
PENDING_BYTES: Final = 1024 * 1024
"""What is kept for a viewer that does not read; beyond it, he gets the whole picture once he reads again."""

HELLO_SECONDS: Final = 10.0
NUDGE_SECONDS: Final = 0.2
"""How long a program has another size, so that it draws itself anew for who has come."""

_PIECE: Final = 64 * 1024
_SMALLEST, _LARGEST = (10, 3), (1000, 500)


class Viewer:
    """One connection. ``pump`` alone writes to it."""

    def __init__(self, writer: asyncio.StreamWriter, *, read_only: bool) -> None:
        self.read_only = read_only
        self.size: tuple[int, int] | None = None
        self.farewell: str | None = None
        self._writer = writer
        self._pending = bytearray()
        self._afresh = True
        self._changed = asyncio.Event()

    def drawn(self, data: bytes) -> None:
        """Something was drawn."""
        if not self._afresh:
            self._pending += data
            if len(self._pending) > PENDING_BYTES:
                self.begin_afresh()
        self._changed.set()

    def begin_afresh(self) -> None:
        """The whole picture instead of what is pending."""
        self._pending.clear()
        self._afresh = True
        self._changed.set()

    def end(self, sentence: str) -> None:
        """Says farewell after what is pending."""
        self.farewell = sentence
        self._changed.set()

    async def pump(self, screen: Callable[[], Screen | None]) -> None:
        """Writes what is due until the end was said. Raises ``ConnectionError`` when the viewer has gone."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if self._afresh:
                now = screen()
                if now is not None:
                    self._afresh = False
                    self._pending += now.picture()
                    await self._send(frames.NEW, b"")
            while self._pending and not self._afresh:
                piece = bytes(self._pending[:_PIECE])
                del self._pending[:_PIECE]
                await self._send(frames.OUTPUT, piece)
            if self._afresh and screen() is not None:
                self._changed.set()
            elif self.farewell is not None:
                await self._send(frames.END, self.farewell.encode("utf-8", "replace"))
                return

    async def _send(self, kind: bytes, content: bytes) -> None:
        self._writer.write(frame(kind, content))
        await self._writer.drain()


class TerminalServer:
    """The terminal of one agent, whatever program it runs in turn."""

    def __init__(
        self, path: Path, about: dict[str, Any], *, refuse: Callable[[socket.socket], str] = refusal
    ) -> None:
        """``about`` is told to viewers: names of agent and team, whether it is simulated.

        ``refuse`` gives the reason why who connects may not attach, or nothing.
        """
        self._refuse = refuse
        self._path = path
        self._about = about
        self._screen: Screen | None = None
        self._given: tuple[int, int] = (0, 0)
        self._viewers: dict[Viewer, asyncio.Task[Any]] = {}
        self._server: asyncio.Server | None = None
        self._nudging: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listens. Raises ``OSError`` when the socket cannot be made."""
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        self._path.parent.chmod(0o700)
        self._path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(str(self._path))
            self._path.chmod(0o600)
            self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=_PIECE)
        except OSError:
            listening.close()
            raise

    def show(self, screen: Screen) -> None:
        """From now on this is what viewers see."""
        if self._screen is not None:
            self._screen.watch(None)
        self._screen, self._given = screen, screen.size
        screen.watch(self._drawn)
        for viewer in self._viewers:
            viewer.begin_afresh()
        self._fit(nudge=False)

    async def close(self, sentence: str, seconds: float = 2.0) -> None:
        """Says ``sentence`` to every viewer and ends; one that does not read has ``seconds``."""
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)
        if self._nudging is not None:
            self._nudging.cancel()
        for viewer in self._viewers:
            viewer.end(sentence)
        tasks = set(self._viewers.values())
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _drawn(self, data: bytes) -> None:
        for viewer in self._viewers:
            viewer.drawn(data)

    # One viewer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, FrameError, TimeoutError):
                why = self._refuse(writer.get_extra_info("socket"))
                if not why and len(self._viewers) >= MOST_VIEWERS:
                    why = f"{MOST_VIEWERS} viewers are attached already"
                if why:
                    writer.write(frame(frames.END, why.encode()))
                    writer.write_eof()
                    async with asyncio.timeout(HELLO_SECONDS):
                        while await reader.read(_PIECE):  # or what was said to it could be lost
                            pass
                else:
                    await self._attended(reader, writer)
        finally:
            writer.close()

    async def _attended(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming = _frames_of(reader)
        async with asyncio.timeout(HELLO_SECONDS):
            kind, content = await anext(incoming, (b"", b""))
        if kind != frames.HELLO:
            raise FrameError("no hello")
        viewer = Viewer(writer, read_only=_hello(content))
        writer.write(frame(frames.WELCOME, json.dumps(self._about).encode()))
        pumping = asyncio.ensure_future(viewer.pump(lambda: self._screen))
        self._viewers[viewer] = pumping
        viewer.begin_afresh()
        reading = asyncio.create_task(self._listen(viewer, incoming))
        try:
            await asyncio.wait({pumping, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._viewers[viewer]
            for task in (pumping, reading):
                task.cancel()
            await asyncio.gather(pumping, reading, return_exceptions=True)
            self._fit(nudge=False)

    async def _listen(self, viewer: Viewer, incoming: AsyncIterator[tuple[bytes, bytes]]) -> None:
        async for kind, content in incoming:
            if kind == frames.RESIZE and len(content) == frames.SIZE.size:
                first = viewer.size is None
                columns, rows = frames.SIZE.unpack(content)
                viewer.size = (_within(columns, 0), _within(rows, 1)) if columns and rows else None
                self._to_the_end(viewer)
                self._fit(nudge=first)
            elif kind == frames.INPUT and not viewer.read_only and self._screen is not None:
                await self._screen.type(content)

    def _to_the_end(self, viewer: Viewer) -> None:
        """Whoever came or changed last counts."""
        self._viewers[viewer] = self._viewers.pop(viewer)

    # The size

    def _fit(self, *, nudge: bool) -> None:
        """Gives the program the size of the latest viewer who may type, else of the latest; else its own."""
        if self._screen is None or self._given == (0, 0):
            return
        sized = [viewer for viewer in self._viewers if viewer.size is not None]
        typing = [viewer for viewer in sized if not viewer.read_only]
        chosen = (typing or sized)[-1].size if sized else self._given
        assert chosen is not None
        if self._nudging is not None:
            self._nudging.cancel()
            self._nudging = None
        if chosen != self._screen.size:
            self._screen.resize(*chosen)
        elif nudge:
            self._screen.resize(chosen[0], chosen[1] - 1)
            self._nudging = asyncio.create_task(self._size_again(self._screen, chosen))

    async def _size_again(self, screen: Screen, size: tuple[int, int]) -> None:
        await asyncio.sleep(NUDGE_SECONDS)
        screen.resize(*size)


def _hello(content: bytes) -> bool:
    """Whether the viewer only looks."""
    try:
        hello = json.loads(content)
    except ValueError as error:
        raise FrameError("an unreadable hello") from error
    return not isinstance(hello, dict) or hello.get("readOnly") is not False


def _within(value: int, axis: int) -> int:
    return max(_SMALLEST[axis], min(value, _LARGEST[axis]))


async def _frames_of(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bytes]]:
    incoming = Frames()
    while data := await reader.read(_PIECE):
        for each in incoming.feed(data):
            yield each
