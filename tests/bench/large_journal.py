"""A journal of a gigabyte: opened to write, followed from an offset, recorded on, folded, exported.

``python tests/bench large_journal``; ``KAGENTS_BENCH_JOURNAL_MIB=1024`` is its size, ``KAGENTS_BENCH_AGENTS``
(100) the agents of its team. The files lie on the disk of the temporary directory, read once before: cached.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _many_agents import environment, peak, recorder_works, wait_until
from _place import Process
from _table import Table

from kagents_core.journal import Journal, JournalReader, entries
from kagents_core.teamfiles.layout import TeamLayout
from kagents_tui.journal_view import JournalView

SIZE = int(os.environ.get("KAGENTS_BENCH_JOURNAL_MIB", "1024")) * 2**20
AGENTS = int(os.environ.get("KAGENTS_BENCH_AGENTS", "100"))
TEXT = "Part 17 is done; what is left of it is in module 42, which waits for its review. " * 10
BATCH = 3000
STARTS = 5
SECOND = "2026-11-21T00:00:00.000Z"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        layout = TeamLayout(root / "team", "bench")
        for directory in (*layout.directories(), root / "home"):
            directory.mkdir(parents=True, exist_ok=True)
        last = write(layout.journal)
        size = layout.journal.stat().st_size
        table = Table(
            f"A journal of {size / 2**20:.0f} MiB, {last:,} entries, {AGENTS} agents",
            ("", "measured", "target"),
        )
        opened = statistics.median(timed_open(layout.journal) for _ in range(STARTS))
        table.add("opened to write (repair, last number)", f"{1000 * opened:.1f} ms", "whatever its size")
        follow(table, root, last)
        record(table, root, layout)
        fold(table, layout.journal)
        export(table, root)
        table.show()


def write(path: Path) -> int:
    """Messages, their deliveries and what the agents do; the number of the last entry."""
    number = 0
    with Journal(path) as journal:
        while path.stat().st_size < SIZE:
            journal.append(list(some(number)), at=SECOND)
            number += BATCH // 3
        return journal.last


def some(first: int) -> Iterator[dict[str, Any]]:
    """Entries as a recorder writes them."""
    for number in range(first, first + BATCH // 3):
        key, sender = f"m{number}", f"agent-{number % AGENTS}"
        receiver = f"agent-{(number * 7 + 1) % AGENTS}"
        yield {
            "kind": "message", "id": key, "from": sender, "to": receiver, "type": "message",
            "written": SECOND, "summary": f"step {number}", "text": f"{number}. {TEXT}",
        }  # fmt: skip
        yield {"kind": "delivery", "id": key, "delivered": SECOND}
        yield {"kind": "seen", "id": key, "seen": SECOND}


def timed_open(path: Path) -> float:
    """Seconds until a writer knows where it goes on."""
    began = time.perf_counter()
    with Journal(path):
        return time.perf_counter() - began


def follow(table: Table, root: Path, last: int) -> None:
    """``tail`` from an offset until it is live, its memory, and the search within it alone."""
    for what, after in (("the last 10", last - 10), ("the last tenth", last - last // 10)):
        taken, resident = [], 0.0
        for _ in range(STARTS):
            command = [sys.executable, "-m", "kagents_runner", "tail", "--follow", "--after", str(after)]
            began = time.perf_counter()
            with subprocess.Popen(command, env=environment(root, AGENTS), stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                while not process.stdout.readline().startswith(b'{"kind":"live"'):
                    pass
                taken.append(time.perf_counter() - began)
                resident = max(resident, peak(process.pid))
                process.kill()
        table.add(
            f"tail, {what} entries: start → live",
            f"{1000 * statistics.median(taken):.0f} ms, {resident:.0f} MiB",
            "≤ 150 ms" if after > last - 100 else "",
        )
    began = time.perf_counter()
    reader = JournalReader(root / "team" / "journal.jsonl", after=last - 10)
    assert len(list(reader.read())) == 10
    table.add("  of which finding the place", f"{1000 * (time.perf_counter() - began):.1f} ms", "")


def record(table: Table, root: Path, layout: TeamLayout) -> None:
    """A recorder that starts on it: what it knows it learns from all of the journal; then, killed and
    started again, from its digest and what came behind."""
    for what in ("from the journal alone", "killed and started again"):
        began = time.perf_counter()
        with recorder_works(root, layout, AGENTS) as process:
            took, used = time.perf_counter() - began, Process(process.pid).cpu()
            wait_until(layout.digest.exists)
            table.add(
                f"recorder, {what}: start → first message journalled",
                f"{took:.1f} s ({used:.1f} s of a core), peak {peak(process.pid):.0f} MiB",
                "≤ 30 s, memory not with its size",
            )
    table.add("  its digest", f"{layout.digest.stat().st_size / 2**20:.0f} MiB", "")


def fold(table: Table, path: Path) -> None:
    """What a view of the terminal does with all of it; the stream between apart."""
    child = os.fork()
    if child == 0:  # alone, so that its peak is its own
        view = JournalView()
        began = time.perf_counter()
        for entry in entries(path):
            view.apply(entry)
        print(
            f"{time.perf_counter() - began:.1f} s, peak {peak(os.getpid()):.0f} MiB, "
            f"{len(view.mail):,} messages kept",
            file=(path.parent / "fold").open("w"),
            flush=True,
        )
        os._exit(0)
    os.waitpid(child, 0)
    table.add("folded for the mail view", (path.parent / "fold").read_text().strip(), "memory bounded")
    (path.parent / "fold").unlink()


def export(table: Table, root: Path) -> None:
    """``kagents-runner export``: masked and compressed, to nowhere."""
    command = [sys.executable, "-m", "kagents_runner", "export", "--limit", str(2 * SIZE)]
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment(root, AGENTS), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        size, resident = 0, 0.0
        while piece := process.stdout.read(2**20):
            size += len(piece)
            resident = max(resident, peak(process.pid))
    assert process.returncode == 0
    table.add(
        "exported (masked, compressed)",
        f"{time.perf_counter() - began:.0f} s, {size / 2**20:.0f} MiB, peak {resident:.0f} MiB",
        "memory bounded",
    )


if __name__ == "__main__":
    main()
