"""A process on a pseudo-terminal of its own: started, pumped, resized, ended and reaped.

The process leads a session whose controlling terminal is the slave side. So when the runner itself is killed,
the master side closes and the kernel hangs the whole session up: no agent outlives its supervisor.
What the process draws goes into a bounded ring; nobody has to read it.
"""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from kagents_runner.terminal.replay import Replay

RING_BYTES = 256 * 1024
_READ_BYTES = 64 * 1024
_TYPE_SECONDS = 5.0
"""How long a program may leave unread what is typed, before the rest of it is dropped."""

_ACQUIRE_TERMINAL = 'exec "$@" <>"$0" >&0 2>&1'
"""Opening the slave makes it the session's controlling terminal (tty_ioctl(4)); ``exec`` keeps the pid."""


def _let_hangups_reach_children() -> None:
    """Under ``nohup`` SIGHUP is ignored, and so it would be by the child: it would outlive its terminal.

    A handler that does nothing serves this process as well, and is not passed on by ``exec``.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        with suppress(ValueError):  # only the main thread may set handlers
            signal.signal(signal.SIGHUP, lambda *_: None)


class PtyProcess:
    """A running process and its terminal. Made by ``start``; ends by ``wait`` or ``terminate``."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self._process = process
        self._master = master
        self._pidfd = os.pidfd_open(process.pid)
        self._ring = Replay(RING_BYTES)
        self._watcher: Callable[[bytes], None] | None = None
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        loop.add_reader(master, self._pump)
        loop.add_reader(self._pidfd, self._reap)

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        columns: int = 200,
        rows: int = 50,
    ) -> "PtyProcess":
        """Starts ``argv`` with exactly this environment. Raises ``OSError`` when it cannot be started."""
        master, slave = pty.openpty()
        try:
            _set_size(master, columns, rows)
            os.set_blocking(master, False)
            _let_hangups_reach_children()
            process = subprocess.Popen(  # noqa: ASYNC220  # returns after the fork; nothing is waited for
                ["/bin/sh", "-c", _ACQUIRE_TERMINAL, os.ttyname(slave), *argv],
                stdin=subprocess.DEVNULL,
                stdout=slave,
                stderr=slave,
                cwd=cwd,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError:
            os.close(master)
            raise
        finally:
            os.close(slave)
        return cls(process, master)

    @property
    def pid(self) -> int:
        """Process id, and the id of its session and process group."""
        return self._process.pid

    def screen(self) -> bytes:
        """The last ``RING_BYTES`` bytes it drew, raw: hostile to any terminal."""
        return self._ring.raw()

    def picture(self) -> bytes:
        """What draws its present picture on an empty terminal, as far as the ring goes. Hostile."""
        return self._ring.picture()

    def watch(self, watcher: Callable[[bytes], None] | None) -> None:
        """Who hears what is drawn from now on; it must not block."""
        self._watcher = watcher

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows; (0, 0) after its end."""
        if self._ended.done():
            return (0, 0)
        rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(self._master, termios.TIOCGWINSZ, bytes(8)))
        return columns, rows

    async def type(self, data: bytes) -> None:
        """Types all of ``data`` as fast as it is read; what is not read within five seconds is dropped."""
        view = memoryview(data)
        loop = asyncio.get_running_loop()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_TYPE_SECONDS):
                while view and not self._ended.done():
                    try:
                        view = view[os.write(self._master, view) :]
                    except BlockingIOError:
                        await self._writable(loop)

    async def _writable(self, loop: asyncio.AbstractEventLoop) -> None:
        ready = asyncio.Event()
        loop.add_writer(self._master, ready.set)
        taken, ended = asyncio.create_task(ready.wait()), asyncio.create_task(self.wait())
        try:
            await asyncio.wait({taken, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_writer(self._master)
            taken.cancel()
            ended.cancel()

    def resize(self, columns: int, rows: int) -> None:
        """Sets the size; the kernel tells the process (SIGWINCH)."""
        if not self._ended.done():
            with suppress(OSError):
                _set_size(self._master, columns, rows)

    async def wait(self) -> int:
        """Waits for the end. Returns the exit status in shell style: a signal N is 128 + N."""
        return await asyncio.shield(self._ended)

    async def terminate(self, grace: float) -> int:
        """SIGTERM to the process, after ``grace`` seconds SIGKILL to its group; reaped when this returns.

        Cancelled meanwhile, it kills at once.
        """
        try:
            self._signal(signal.SIGTERM)
            async with asyncio.timeout(grace):
                return await self.wait()
        except TimeoutError:
            return await self.kill()
        except asyncio.CancelledError:
            self._signal_group(signal.SIGKILL)
            raise

    async def kill(self) -> int:
        """SIGKILL to the whole group, then reaps it."""
        self._signal_group(signal.SIGKILL)
        return await self.wait()

    def _signal(self, number: signal.Signals) -> None:
        if not self._ended.done():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def _signal_group(self, number: signal.Signals) -> None:
        if not self._ended.done():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def _pump(self) -> bool:
        """Takes what the terminal holds, up to one buffer; False when there is nothing more for now."""
        try:
            data = os.read(self._master, _READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:  # EIO: nobody holds the slave side any more
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
            return False
        self._ring.add(data)
        if self._watcher is not None:
            self._watcher(data)
        return True

    def _reap(self) -> None:
        # Its children first, while the unreaped process still keeps the group's number from being used again.
        self._signal_group(signal.SIGKILL)
        status = self._process.wait()
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        while self._pump():
            pass
        loop.remove_reader(self._master)
        loop.remove_writer(self._master)
        os.close(self._master)
        self._ended.set_result(status if status >= 0 else 128 - status)


def _set_size(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
