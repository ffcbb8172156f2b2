"""The cgroup below which the kubelet puts all pods: made before it starts, removed with everything in it."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from settings import CGROUP

MOUNT = Path("/sys/fs/cgroup")


def create() -> None:
    """Make it in every hierarchy (version 1), or in the one there is (version 2)."""
    for root in _hierarchies():
        (root / CGROUP.lstrip("/")).mkdir(exist_ok=True)


def delete() -> None:
    """End what still runs in it, then remove it with what is below.

    A container whose shim was killed has nobody else who would end it.
    """
    end = time.monotonic() + 10.0
    while (left := _processes()) and time.monotonic() < end:
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.05)
    for root in _hierarchies():
        ours = root / CGROUP.lstrip("/")
        for folder in sorted(
            (path for path in ours.rglob("*") if path.is_dir()),
            key=lambda path: len(path.parts),
            reverse=True,
        ):
            _remove(folder)
        if ours.exists():
            _remove(ours)


def _processes() -> set[int]:
    found: set[int] = set()
    for root in _hierarchies():
        for entry in (root / CGROUP.lstrip("/")).rglob("cgroup.procs"):
            with contextlib.suppress(OSError):  # removed while we looked
                found.update(map(int, entry.read_text().split()))
    return found


def _hierarchies() -> Iterator[Path]:
    if (MOUNT / "cgroup.controllers").exists():
        yield MOUNT
        return
    for folder in MOUNT.iterdir():
        if folder.is_dir() and not folder.is_symlink():
            yield folder


def _remove(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
