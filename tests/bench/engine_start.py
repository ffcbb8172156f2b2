"""Embedded engine: time of a cold and of a warm start, and memory. ``python tests/bench/engine_start.py``."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5
COLD_TARGET = 2.0
"""Seconds; docs/design.md."""


def engine(data: Path, *verb: str) -> str:
    """Run one verb of ``kagents local`` and return what it printed."""
    command = [sys.executable, "-m", "kagents_local", *verb, "--data", str(data)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def timed_up(data: Path) -> float:
    began = time.perf_counter()
    engine(data, "up")
    return time.perf_counter() - began


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def keeper_mib(parent: int) -> float:
    """Memory of the keeper, the daemon's only child."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return sum(resident_mib(int(child)) for child in children)


def main() -> None:
    """Print the table."""
    cold, warm, again = [], [], []
    memory = keeper = 0.0
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as directory:
            data = Path(directory) / "data"
            cold.append(timed_up(data))
            again.append(timed_up(data))
            pid = json.loads(engine(data, "status", "-o", "json"))["pid"]
            memory, keeper = resident_mib(pid), keeper_mib(pid)
            engine(data, "down")
            warm.append(timed_up(data))
            engine(data, "down", "--purge", "--yes")
    print(f"{'embedded engine':<44}{'best':>9}{'worst':>9}{'target':>9}")
    for name, times, target in (
        ("up, new data directory", cold, f"{COLD_TARGET:.1f} s"),
        ("up, known data directory", warm, f"{COLD_TARGET:.1f} s"),
        ("up, already running", again, "-"),
    ):
        print(f"{name:<44}{min(times):>7.2f} s{max(times):>7.2f} s{target:>9}")
    print(f"{'memory of the daemon (RSS)':<44}{memory:>5.0f} MiB")
    print(f"{'memory of the keeper of processes (RSS)':<44}{keeper:>5.0f} MiB")


if __name__ == "__main__":
    main()
