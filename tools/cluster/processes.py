"""Processes of the cluster: started in its network namespace, recorded, and stopped by what was recorded."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from settings import NAMESPACE, Places


class ClusterError(RuntimeError):
    """The cluster cannot be started; ``str()`` is one plain sentence."""


def inside(command: Sequence[str]) -> list[str]:
    """The command as it runs in the network namespace. Not ``ip netns exec``, which hides the cgroups."""
    return ["nsenter", f"--net=/run/netns/{NAMESPACE}", "--", *command]


def _start_time(pid: int) -> str | None:
    """Field 22 of /proc/PID/stat tells a process from a later one with its number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return None


def recorded(places: Places) -> dict[str, dict]:
    """What was started and not yet stopped."""
    try:
        return json.loads(places.processes.read_text())
    except (OSError, ValueError):
        return {}


def _write(places: Places, entries: dict[str, dict]) -> None:
    temporary = places.processes.with_suffix(".new")
    temporary.write_text(json.dumps(entries, indent=1))
    temporary.replace(places.processes)


def alive(entry: dict) -> bool:
    """Whether the recorded process still runs."""
    return _start_time(entry["pid"]) == entry["started"]


def start(
    places: Places, name: str, command: Sequence[str], environment: dict[str, str] | None = None
) -> None:
    """Start a process of the cluster, detached from this one."""
    places.logs.mkdir(parents=True, exist_ok=True)
    with (places.logs / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            inside(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": str(places.root), **(environment or {})},
        )
    entries = recorded(places)
    entries[name] = {"pid": process.pid, "started": _start_time(process.pid), "command": list(command)}
    _write(places, entries)


def kill(places: Places, name: str) -> None:
    """SIGKILL to a component, as a fault; ``start_again`` brings it back."""
    entry = recorded(places).get(name)
    if entry is None or not alive(entry):
        raise ClusterError(f"{name} is not running")
    os.kill(entry["pid"], signal.SIGKILL)
    end = time.monotonic() + 5.0
    while alive(entry) and time.monotonic() < end:
        _reap(entry["pid"])
        time.sleep(0.02)


def start_again(places: Places, name: str) -> None:
    """Start a killed component with the command it had."""
    entry = recorded(places).get(name)
    if entry is None:
        raise ClusterError(f"{name} was never started")
    if not alive(entry):
        start(places, name, entry["command"])


def stop(places: Places, name: str, grace: float = 10.0) -> None:
    """End a recorded process: TERM, a bounded wait, KILL."""
    entries = recorded(places)
    entry = entries.pop(name, None)
    if entry is None:
        return
    for number, wait in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        if not alive(entry):
            break
        os.kill(entry["pid"], number)
        end = time.monotonic() + wait
        while alive(entry) and time.monotonic() < end:
            _reap(entry["pid"])
            time.sleep(0.05)
    _write(places, entries)


def kill_strays(marks: Sequence[str]) -> None:
    """End what runs in the network namespace with one of ``marks`` in its command line, recorded or not.

    A start that is killed between a process and its record leaves such a one; shims outlive containerd.
    """
    listed = subprocess.run(["ip", "netns", "pids", NAMESPACE], capture_output=True, text=True, timeout=10)
    for pid in map(int, listed.stdout.split()):
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            if any(mark in command for mark in marks):
                os.kill(pid, signal.SIGKILL)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def wait_until(
    places: Places, what: str, ready: Callable[[], bool], *names: str, limit: float = 60.0
) -> None:
    """Wait for a condition; one of these processes that ended meanwhile ends it, with the end of its log."""
    end = time.monotonic() + limit
    while not ready():
        for name in names:
            entry = recorded(places).get(name)
            _reap(entry["pid"]) if entry else None
            if entry is None or not alive(entry):
                raise ClusterError(f"{name} ended while waiting for {what}:\n{tail(places, name)}")
        if time.monotonic() > end:
            last = tail(places, names[-1])
            raise ClusterError(
                f"{what} took longer than {limit:.0f} s; the log of {names[-1]} ends with:\n{last}"
            )
        time.sleep(0.1)


def tail(places: Places, name: str, lines: int = 15) -> str:
    """The end of a process's log."""
    try:
        return "\n".join((places.logs / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"


def run(command: Sequence[str], *, check: bool = True, **options: object) -> subprocess.CompletedProcess:
    """Run a short command to its end; its complaint becomes the error."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)  # type: ignore[call-overload]
    if check and done.returncode != 0:
        raise ClusterError(f"{' '.join(command[:4])} … failed: {done.stderr.strip()[-600:]}")
    return done
