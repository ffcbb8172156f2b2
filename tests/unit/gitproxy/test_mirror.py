"""The hub's copy is fetched once for all who wait, and never older than when they asked."""

import asyncio
from pathlib import Path

import pytest

from kagents_runner.documents import Repository
from kagents_runner.gitproxy.mirror import Mirror
from kagents_runner.termination import RunnerError


class Counted(Mirror):
    """Fetches when the test lets it, and fails when the test says so."""

    fetches = 0
    wrong = False

    async def _fetch(self) -> None:
        self.fetches += 1
        await self.gate.acquire()
        if self.wrong:
            raise RunnerError("out of reach")

    def prepared(self) -> "Counted":
        self.gate = asyncio.Semaphore(0)
        return self


@pytest.fixture
def mirror(tmp_path: Path) -> Counted:
    return Counted(Repository("https://h/x", "main", ""), tmp_path / "x.git", None, tmp_path / "hosts", {})


async def settled() -> None:
    """Everything that can go on now has gone on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_those_who_come_during_a_fetch_share_the_next(mirror: Counted) -> None:
    mirror.prepared()
    first = asyncio.create_task(mirror.refresh())
    await settled()
    later = [asyncio.create_task(mirror.refresh()) for _ in range(5)]
    await settled()
    assert (mirror.fetches, first.done()) == (1, False)
    mirror.gate.release()
    mirror.gate.release()
    await asyncio.gather(first, *later)
    assert mirror.fetches == 2


async def test_a_failure_is_told_to_all_who_waited_for_it_and_forgotten_by_the_next(mirror: Counted) -> None:
    mirror.prepared().wrong = True
    waiting = [asyncio.create_task(mirror.refresh()) for _ in range(3)]
    await settled()
    for _ in range(3):
        mirror.gate.release()
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(each) for each in told] == ["out of reach"] * 3
    assert mirror.fetches <= 2
    mirror.wrong = False
    await mirror.refresh()


async def test_one_who_gives_up_waiting_stops_nobody(mirror: Counted) -> None:
    mirror.prepared()
    first = asyncio.create_task(mirror.refresh())
    await settled()
    second, third = (asyncio.create_task(mirror.refresh()) for _ in range(2))
    await settled()
    mirror.gate.release()
    await first
    await settled()
    assert (mirror.fetches, second.done()) == (2, False)
    second.cancel()
    await settled()
    mirror.gate.release()
    await third
    assert mirror.fetches == 3, "what was broken off is no fetch that anybody may rely on"
