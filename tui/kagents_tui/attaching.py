"""The agent's own screen in this terminal: ``kagents-runner attach`` over exec, with keys and window size.

What the agent draws is filtered here once more, where it meets the terminal; the terminal gets its modes back
whatever happens. Leaving never stops the agent, and waits for no server.
"""

import asyncio
import fcntl
import os
import select
import signal
import struct
import termios
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kagents_core.detachkey import DEFAULT, detach_byte
from kagents_core.safetext import SafeText, clean
from kagents_core.terminalfilter import TerminalFilter
from kagents_tui.acts import ActError
from kagents_tui.hub import PROGRAM

if TYPE_CHECKING:
    from kagents_core.kube.client import Client
    from kagents_core.kube.exec import ExecStream

CONTAINER: Final = "agent"
LEAVE_SECONDS: Final = 2.0
"""How long a server is waited for after the person has left."""

CONNECT_SECONDS: Final = 30.0
_PIECE: Final = 64 * 1024
_TAIL: Final = 2048


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose screen, and how."""

    namespace: str
    pod: str
    agent: str
    read_only: bool = False
    """To look only: no key but the one that detaches is passed on."""
    key: str = DEFAULT


@dataclass(frozen=True, slots=True)
class Descriptors:
    """The terminal that is given to the agent for a while."""

    keys: int = 0
    screen: int = 1


def pod_of(team: Mapping[str, Any], agent: str) -> str:
    """The name of the agent's pod by the team's status. Raises ActError when it has none to attach to."""
    status = team.get("status") or {}
    states = {each.get("name"): each for each in status.get("teammates") or ()}
    states["lead"] = status.get("lead") or {}
    state = states.get(agent) or {}
    phase, pod = state.get("phase"), state.get("podName")
    name = team["metadata"]["name"]
    if phase in ("Completed", "Failed"):
        raise ActError(
            f"{agent} of {name} has ended ({phase}), so it has no terminal; its log is still there"
        )
    if not pod:
        raise ActError(f"{agent} of {name} has no pod yet, so it has no terminal")
    return str(pod)


async def attach(client: "Client", wanted: Wanted, terminal: Descriptors = Descriptors()) -> SafeText:
    """Shows the screen until it ends or the person detaches; one sentence about how it ended.

    Raises ActError with one plain sentence, ApiError when the server refuses or the connection breaks.
    """
    try:
        detach = detach_byte(wanted.key)
    except ValueError as error:
        raise ActError(str(error)) from None
    if not (os.isatty(terminal.keys) and os.isatty(terminal.screen)):
        raise ActError("attach needs a terminal on standard input and output")
    command = [PROGRAM, "attach", "--detach-key", wanted.key, *(["--read-only"] if wanted.read_only else [])]
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            stream = await client.exec(
                wanted.namespace, wanted.pod, command, container=CONTAINER, stdin=True, tty=True
            )
            await stream.__aenter__()
    except TimeoutError:
        raise ActError(f"{wanted.agent} could not be attached to within {CONNECT_SECONDS:.0f} s") from None
    try:
        return await _Session(stream, wanted, detach, terminal).run()
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await stream.__aexit__(None, None, None)


class _Session:
    """One visit."""

    def __init__(self, stream: "ExecStream", wanted: Wanted, detach: bytes, terminal: Descriptors) -> None:
        self._stream = stream
        self._wanted = wanted
        self._detach = detach
        self._terminal = terminal
        self._filter = TerminalFilter()
        self._tail = b""
        self._typed: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=64)
        """What was typed; None is a new size of the window."""
        self._left = asyncio.Event()

    async def run(self) -> SafeText:
        """From the first picture to the last sentence."""
        with _raw(self._terminal.keys), self._listening():
            self._write(b"\r\n" * os.get_terminal_size(self._terminal.screen).lines + b"\x1b[H")
            drawing = asyncio.create_task(self._draw())
            sending = asyncio.create_task(self._send())
            leaving = asyncio.create_task(self._left.wait())
            try:
                await asyncio.wait({drawing, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if self._left.is_set():
                    await asyncio.wait({drawing}, timeout=LEAVE_SECONDS)
                if drawing.done():
                    drawing.result()
            finally:
                for task in (drawing, sending, leaving):
                    task.cancel()
                await asyncio.gather(drawing, sending, leaving, return_exceptions=True)
                self._write(self._filter.ending())
        return self._sentence()

    def _sentence(self) -> SafeText:
        who = clean(self._wanted.agent, limit=100, multiline=False)
        if self._left.is_set():
            return clean(f"detached from {who}, which goes on")
        said = clean(self._last_line(), limit=400, multiline=False)
        if self._stream.exit_code == 2:  # argparse's: it does not know the verb
            raise ActError(f"the pod of {who} runs an older kagents-runner, which cannot be attached to")
        if self._stream.exit_code:
            raise ActError(said or f"attaching to {who} failed (exit code {self._stream.exit_code})")
        return clean(said or f"the terminal of {who} has ended")

    def _last_line(self) -> str:
        text = TerminalFilter().feed(self._tail).decode(errors="replace")
        lines = [each for each in text.replace("\r", "\n").split("\n") if each.strip()]
        return lines[-1].rpartition("\x1b[9999;1H")[2] if lines else ""

    async def _draw(self) -> None:
        async for _, data in self._stream:
            self._tail = (self._tail + data)[-_TAIL:]
            self._write(self._filter.feed(data))

    async def _send(self) -> None:
        """Passes on what was typed, and the window's size."""
        await self._tell_size()
        while True:
            data = await self._typed.get()
            if data is None:
                await self._tell_size()
                continue
            before, key, _ = data.partition(self._detach)
            if before and not self._wanted.read_only:
                await self._stream.send(before)
            if key:
                self._left.set()
                await self._stream.send(self._detach)
                return

    async def _tell_size(self) -> None:
        rows, columns, _, _ = struct.unpack(
            "HHHH", fcntl.ioctl(self._terminal.screen, termios.TIOCGWINSZ, bytes(8))
        )
        await self._stream.resize(columns, rows)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._terminal.keys, self._key)
        loop.add_signal_handler(signal.SIGWINCH, self._put, None)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)
            loop.remove_reader(self._terminal.keys)

    def _key(self) -> None:
        try:
            data = os.read(self._terminal.keys, _PIECE)
        except OSError:
            data = b""
        # A closed terminal leaves, as does the key; also while nothing can be sent any more.
        if not data or self._detach in data:
            self._left.set()
        self._put(data or self._detach)

    def _put(self, data: bytes | None) -> None:
        with suppress(asyncio.QueueFull):  # a server that takes nothing: what is typed into it is lost
            self._typed.put_nowait(data)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        with suppress(OSError):
            while view:
                try:
                    view = view[os.write(self._terminal.screen, view) :]
                except BlockingIOError:
                    select.select([], [self._terminal.screen], [], LEAVE_SECONDS)


@contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
