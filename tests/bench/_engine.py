"""An engine of its own for a bench, and what the processes below its daemon take."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fifty_teams import engine


@contextmanager
def running_engine() -> Iterator[tuple[Path, int]]:
    """Its data directory and the process id of its daemon; it is ended afterwards, with all that it runs."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / "data"
        engine(data, "up")
        try:
            yield data, json.loads((data / "engine.json").read_text())["pid"]
        finally:
            engine(data, "down")


def descendants(pid: int) -> set[int]:
    """Every process below this one."""
    found: set[int] = set()
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found |= {child} | descendants(child)
    return found


def share_mib(pid: int) -> float:
    """The memory of a process, with its share of what it shares; 0 when it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
