"""What the operating system says of processes: identity, and which of them descend from a container.

Standard library only: the keeper of processes imports it.
"""

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import Final

MARK: Final = "KAGENTS_PROCESS_OF"
"""Variable of every process of a container: ``<data directory>:<run>``. It finds those that left the
group."""

_PROC = Path("/proc")


def start_time(pid: int) -> str | None:
    """A text that tells two processes of the same number apart; None when there is no such process."""
    if _PROC.joinpath("self/stat").exists():
        try:
            stat = _PROC.joinpath(str(pid), "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    shown = subprocess.run(
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5, check=False
    )
    return shown.stdout.strip() or None


def is_running(pid: int, started: str | None) -> bool:
    """Whether this very process still runs; without a start time, whether one of that number does."""
    current = start_time(pid)
    return current is not None and (started is None or current == started)


def marked(prefix: str) -> list[int]:
    """Processes whose mark begins with ``prefix``; always empty where the system shows no environments."""
    wanted = f"{MARK}={prefix}".encode()
    found = []
    try:
        names = [entry.name for entry in os.scandir(_PROC)]
    except OSError:
        return []
    for name in names:
        if not name.isdecimal() or int(name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            environment = _PROC.joinpath(name, "environ").read_bytes()
            if environment.startswith(wanted) or b"\0" + wanted in environment:
                found.append(int(name))
    return found


def kill_marked(prefix: str) -> None:
    """SIGKILL to every process whose mark begins with ``prefix``, until none is left or they do not die."""
    for _ in range(3):
        left = marked(prefix)
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def signal_group(group: int, number: int) -> None:
    """A signal to a process group that may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
