"""A working directory with an agent's home beside it, for the tests of the checks."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kagents_runner.quality.inspection import Inspector, Place
from kagents_runner.quality.wanted import Quality

Inspect = Callable[..., Inspector]


def git(folder: Path, *arguments: str) -> str:
    """Git as a person would run it."""
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.test", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    """A repository as an agent finds it: on its branch, which stands where ``origin/main`` does."""
    folder = tmp_path / "worktree"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "kagents/demo/worker")
    (folder / "README.md").write_text("hello\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Begin")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


@pytest.fixture
def inspector(tmp_path: Path, worktree: Path) -> Inspect:
    """Makes what inspects the work in ``worktree``."""

    def make(
        *,
        base: str | None = "main",
        variables: dict[str, str] | None = None,
        agent: str = "home",
        lock: Path | None = None,
        **gates: object,
    ) -> Inspector:
        home = tmp_path / agent
        home.mkdir(exist_ok=True)
        environment = {"PATH": os.environ["PATH"], **(variables or {})}
        return Inspector(Quality(**gates), Place(worktree, home, base, lock), environment)  # type: ignore[arg-type]

    return make
