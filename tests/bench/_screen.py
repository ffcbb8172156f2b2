"""A program in a real pseudo-terminal: what it paints and when, its memory and its processor time."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

LINES, COLUMNS = 40, 120
LIMIT = 60.0


@dataclass
class Screen:
    """A program in a pseudo-terminal, and the moment each piece of its output came."""

    process: subprocess.Popen[bytes]
    terminal: int
    started: float

    def until(self, wanted: bytes, seconds: float = LIMIT) -> float:
        """Reads until the bytes have come; the moment they came."""
        seen = b""
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            ready, _, _ = select.select([self.terminal], [], [], 0.5)
            if not ready:
                continue
            seen = seen[-len(wanted) :] + os.read(self.terminal, 65536)
            if wanted in seen:
                return time.perf_counter()
        raise TimeoutError(f"{wanted!r} was not painted within {seconds:.0f} s")

    def drain(self, quiet: float = 0.4, limit: float = 30.0) -> None:
        """Reads until nothing comes for a while, or what comes does not end."""
        deadline = time.perf_counter() + limit
        while select.select([self.terminal], [], [], quiet)[0] and time.perf_counter() < deadline:
            os.read(self.terminal, 65536)

    def press(self, keys: bytes) -> float:
        """Types; the moment before."""
        now = time.perf_counter()
        os.write(self.terminal, keys)
        return now

    def resident(self) -> float:
        """Memory in MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        times = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def screen(command: Sequence[str]) -> Iterator[Screen]:
    """A program on a pseudo-terminal of 120 by 40."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    environment.pop("NO_COLOR", None)
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=child, stdout=child, stderr=child, env=environment, start_new_session=True
    )
    os.close(child)
    try:
        yield Screen(process, parent, started)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(parent)
