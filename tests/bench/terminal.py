"""kagents-tui in a real pseudo-terminal: first row, memory, a change and a key until they are painted.

The API server is the embedded engine's, alone in a process of its own, and holds all teams already. Sizes:
``KAGENTS_BENCH_TERMINAL_TEAMS=10,1000,10000``.
"""

import asyncio
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig

HERE = Path(__file__).parent
SIZES = [int(each) for each in os.environ.get("KAGENTS_BENCH_TERMINAL_TEAMS", "10,1000,10000").split(",")]
LINES, COLUMNS = 40, 120
STARTS = 3
CHANGES = 30
KEYS = 40
IDLE_SECONDS = 5.0
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

    def drain(self, quiet: float = 0.4) -> None:
        """Reads until nothing comes for a while."""
        while select.select([self.terminal], [], [], quiet)[0]:
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


def terminal(kubeconfig: Path) -> list[str]:
    """The command that opens kagents-tui."""
    return [str(Path(sys.executable).with_name("kagents-tui")), "--kubeconfig", str(kubeconfig)]


@contextmanager
def served(count: int) -> Iterator[Path]:
    """An API server with that many teams; its kubeconfig."""
    with tempfile.TemporaryDirectory() as directory:
        kubeconfig = Path(directory) / "kubeconfig"
        server = subprocess.Popen(
            [sys.executable, str(HERE / "_served_teams.py"), str(count), str(kubeconfig)]
        )
        try:
            deadline = time.monotonic() + 120
            while not kubeconfig.exists():
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the API server with {count} teams did not start")
                time.sleep(0.02)
            yield kubeconfig
        finally:
            server.kill()
            server.wait()


@dataclass
class Figures:
    """What one size gave."""

    first_row: list[float]
    all_rows: list[float]
    resident: float
    idle: float
    change: list[float]
    key: list[float]
    filtered: float


def measure(count: int) -> Figures:
    """All figures of one size."""
    total = f"{count} teams".encode()
    first_row, all_rows = [], []
    with served(count) as kubeconfig:
        for _ in range(STARTS):
            with screen(terminal(kubeconfig)) as shown:
                first_row.append(shown.until(b"team-0") - shown.started)
                if count > 500:
                    all_rows.append(shown.until(total) - shown.started)
        with screen(terminal(kubeconfig)) as shown:
            shown.until(total)
            shown.drain()
            resident, idle = shown.resident(), idle_share(shown)
            change = asyncio.run(changes(shown, kubeconfig))
            key = [press_down(shown, number) for number in range(KEYS)]
            shown.press(b"g/team-0000")
            shown.drain()
            began = shown.press(b"3")
            filtered = shown.until(b"Teams\x1b") - began
    return Figures(first_row, all_rows, resident, idle, change, key, filtered)


def idle_share(shown: Screen) -> float:
    """Per cent of one core while nothing happens."""
    before, began = shown.cpu(), time.perf_counter()
    while time.perf_counter() - began < IDLE_SECONDS:
        shown.drain(0.2)
        time.sleep(0.1)
    return 100 * (shown.cpu() - before) / (time.perf_counter() - began)


async def changes(shown: Screen, kubeconfig: Path) -> list[float]:
    """A team's cost changes; seconds from the request until the new figure is painted."""
    taken = []
    async with Client(load_kubeconfig(str(kubeconfig))) as client:
        for number in range(CHANGES):
            cost = f"{10 + number // 60}.{number % 60 + 10}"
            began = time.perf_counter()
            await client.patch_merge(
                AGENT_TEAMS, "ns-00", "team-00000", {"status": {"estimatedCost": cost}}, subresource="status"
            )
            painted = await asyncio.to_thread(shown.until, f"${cost}/30".encode())
            taken.append(painted - began)
            await asyncio.to_thread(shown.drain, 0.15)
    return taken


def press_down(shown: Screen, number: int) -> float:
    """The cursor goes down and up again; seconds from the key to the first paint of it."""
    shown.drain(0.05)
    began = shown.press(b"j" if number % 2 == 0 else b"k")
    return shown.until(b"team-0") - began


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
    ordered = sorted(1000 * each for each in seconds)
    last = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"p50 {statistics.median(ordered):.0f}, p99 {last:.0f} ms"


ROWS: tuple[tuple[str, Callable[[Figures], str], str], ...] = (
    ("spawn → first row (best of 3)", lambda f: f"{min(f.first_row):.2f} s", "≤ 0.6 s at every size"),
    ("spawn → all teams counted", lambda f: f"{min(f.all_rows):.2f} s" if f.all_rows else "-", "-"),
    ("memory", lambda f: f"{f.resident:.0f} MiB", "≤ 90 / 95 / 150 MiB for 100 / 1,000 / 10,000"),
    ("idle CPU", lambda f: f"{f.idle:.1f} %", "≤ 1 %"),
    ("status change → painted", lambda f: spread(f.change), "p99 ≤ 150 ms"),
    ("key → painted (cursor)", lambda f: spread(f.key), "p50 ≤ 5, p99 ≤ 30 ms"),
    (
        "last filter key → filtered",
        lambda f: f"{1000 * f.filtered:.0f} ms" if f.filtered else "-",
        "≤ 100 ms",
    ),
)


def main() -> None:
    """Print the table."""
    print(f"kagents-tui on a pseudo-terminal of {COLUMNS} by {LINES}")
    print(f"  a bare Textual table of 100 rows, same moment: spawn → first row {bare():.2f} s")
    found = {}
    for count in SIZES:
        found[count] = measure(count)
    heading = "".join(f"{f'{count:,} teams':<22}" for count in found)
    print(f"  {'':<32}{heading}target")
    for name, shown, target in ROWS:
        cells = "".join(f"{shown(figures):<22}" for figures in found.values())
        print(f"  {name:<32}{cells}{target}")


if __name__ == "__main__":
    main()
