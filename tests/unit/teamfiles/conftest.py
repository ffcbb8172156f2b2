"""A team directory as ``prepare`` leaves it, and processes that write into it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kagents_core.teamfiles.layout import TeamLayout

Start = Callable[[str, Path, str, int], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
def layout(tmp_path: Path) -> TeamLayout:
    """The files of the team ``demo``, all empty."""
    made = TeamLayout(tmp_path / "team", "demo")
    for directory in made.directories():
        directory.mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture
def start_writer() -> Start:
    """Starts ``concurrent_writer.py`` with its arguments."""

    async def start(act: str, path: Path, name: str, rounds: int) -> asyncio.subprocess.Process:
        script = Path(__file__).with_name("concurrent_writer.py")
        return await asyncio.create_subprocess_exec(
            sys.executable, str(script), act, str(path), name, str(rounds), stdout=asyncio.subprocess.PIPE
        )

    return start
