"""Teams that nobody has prepared yet, for this folder's tests."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # runner_places lies beside these tests

from runner_places import Place, make_repository


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A cowork team of ``lead`` and ``scout`` that nobody has prepared."""
    return Place(tmp_path)


@pytest.fixture
def coding(place: Place, tmp_path: Path) -> Place:
    """The same as a coding team on a local repository."""
    source = make_repository(tmp_path / "source")
    place.repository = {"url": source.as_uri(), "branch": "main", "worktreeStrategy": "per-teammate"}
    return place


@pytest.fixture
def running() -> Iterator[Callable[[subprocess.Popen[str]], subprocess.Popen[str]]]:
    """Keeps processes that a test starts, and ends them with it."""
    kept: list[subprocess.Popen[str]] = []

    def keep(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
        kept.append(process)
        return process

    yield keep
    for process in kept:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
