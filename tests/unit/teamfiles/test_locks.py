"""The native lock: exclusion between processes, stale locks, locks that were lost."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from kagents_core.teamfiles import locks
from kagents_core.teamfiles.locks import LockLostError, LockTimeoutError, lock
from kagents_core.teamfiles.watch import DirectoryWatcher


async def test_the_lock_is_a_directory_that_goes_away(tmp_path: Path) -> None:
    async with lock(tmp_path / "f.json", budget=0.1):
        assert (tmp_path / "f.json.lock").is_dir()
        with pytest.raises(LockTimeoutError):
            async with lock(tmp_path / "f.json", budget=0.02):
                pass
    assert not list(tmp_path.iterdir())


async def test_a_waiting_task_that_is_cancelled_leaves_no_lock(tmp_path: Path) -> None:
    async def hold() -> None:
        async with lock(tmp_path / "f", budget=5):
            await asyncio.Event().wait()

    first = asyncio.create_task(hold())
    second = asyncio.create_task(hold())
    await asyncio.sleep(0)
    for task in (first, second):
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("age", "broken"), [(9.0, False), (10.5, True), (86400.0, True)])
async def test_only_a_lock_of_ten_seconds_is_stale(tmp_path: Path, age: float, broken: bool) -> None:
    (tmp_path / "f.lock").mkdir()
    os.utime(tmp_path / "f.lock", (time.time() - age,) * 2)
    if broken:
        async with lock(tmp_path / "f", budget=0.02) as held:
            held.verify()
    else:
        with pytest.raises(LockTimeoutError):
            async with lock(tmp_path / "f", budget=0.02):
                pass


async def test_a_lock_held_for_long_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "TOUCH_SECONDS", 0.01)
    async with lock(tmp_path / "f", budget=0.1) as held:
        made = (tmp_path / "f.lock").stat().st_mtime_ns
        async with DirectoryWatcher(
            [tmp_path / "f.lock", tmp_path], poll_seconds=0.01, inotify=False
        ) as watcher:
            assert await watcher.wait(20)
        assert (tmp_path / "f.lock").stat().st_mtime_ns > made
        held.verify()
    assert not (tmp_path / "f.lock").exists()


async def test_a_lock_that_was_broken_is_noticed_and_not_removed(tmp_path: Path) -> None:
    directory = tmp_path / "f.lock"
    async with lock(tmp_path / "f", budget=0.1) as held:
        directory.rmdir()
        directory.mkdir()
        with pytest.raises(LockLostError):
            held.verify()
    assert directory.exists()


async def test_processes_exclude_each_other_also_from_a_stale_start(
    tmp_path: Path, start_writer: Any
) -> None:
    path = tmp_path / "number"
    path.write_text("0")
    (tmp_path / "number.lock").mkdir()
    os.utime(tmp_path / "number.lock", (0, 0))
    writers = [await start_writer("count", path, "w", 60) for _ in range(3)]
    async with asyncio.timeout(90):
        assert await asyncio.gather(*(writer.wait() for writer in writers)) == [0, 0, 0]
    assert path.read_text() == "180"
