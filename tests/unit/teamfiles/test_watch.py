"""Signals that something changed, with and without inotify."""

import asyncio
from pathlib import Path

import pytest

from kagents_core.teamfiles.watch import DirectoryWatcher

WAYS = pytest.mark.parametrize("inotify", [True, False], ids=["inotify", "polling"])


@WAYS
async def test_every_kind_of_change_gives_a_signal(tmp_path: Path, inotify: bool) -> None:
    watcher = DirectoryWatcher([tmp_path], poll_seconds=0.01, inotify=inotify)
    async with watcher, asyncio.timeout(20):
        assert watcher.uses_inotify == inotify
        (tmp_path / "a").write_text("1")
        assert await watcher.wait() == {tmp_path}
        with (tmp_path / "a").open("a") as file:
            file.write("2")
        assert await watcher.wait() == {tmp_path}
        (tmp_path / "a").rename(tmp_path / "b")
        assert await anext(watcher) == {tmp_path}
        while await watcher.wait(0.05):
            pass
        (tmp_path / "b").unlink()
        assert await watcher.wait() == {tmp_path}


@WAYS
async def test_many_changes_are_one_signal_and_silence_ends(tmp_path: Path, inotify: bool) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    async with (
        DirectoryWatcher([one, two], poll_seconds=0.01, inotify=inotify) as watcher,
        asyncio.timeout(20),
    ):
        for number in range(50):
            (one / str(number)).write_text("")
            (two / str(number)).write_text("")
        seen: set[Path] = set()
        signals = 0
        while changed := await watcher.wait(0.2):
            seen |= changed
            signals += 1
        assert seen == {one, two} and signals < 50
        assert await watcher.wait(0.02) == frozenset()


@WAYS
async def test_a_directory_that_comes_later_is_watched(tmp_path: Path, inotify: bool) -> None:
    later = tmp_path / "later"
    watcher = DirectoryWatcher([], poll_seconds=0.01, safety_seconds=0.01, inotify=inotify)
    async with watcher, asyncio.timeout(20):
        watcher.add(later)
        later.mkdir()
        assert await watcher.wait() == {later}
        while await watcher.wait(0.05):
            pass
        (later / "x").write_text("")
        assert await watcher.wait() == {later}


async def test_what_inotify_cannot_see_is_found_by_the_poll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DirectoryWatcher, "_watch", lambda *_: None)
    async with DirectoryWatcher([tmp_path], safety_seconds=0.01) as watcher, asyncio.timeout(20):
        assert watcher.uses_inotify
        (tmp_path / "x").write_text("")
        assert await watcher.wait() == {tmp_path}
