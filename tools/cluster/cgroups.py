"""The cgroup below which the kubelet puts all pods: made before it starts, removed with everything in it."""

from collections.abc import Iterator
from pathlib import Path

from settings import CGROUP

MOUNT = Path("/sys/fs/cgroup")


def create() -> None:
    """Make it in every hierarchy (version 1), or in the one there is (version 2)."""
    for root in _hierarchies():
        (root / CGROUP.lstrip("/")).mkdir(exist_ok=True)


def delete() -> None:
    """Remove it with what is below; one that still holds a process stays."""
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
