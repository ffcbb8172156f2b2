"""Leader election: one leader at a time, handed over at once on exit, taken over when it falls silent."""

import asyncio
import re
from typing import Any

import pytest

from kagents_controller.lease import Election, LeaseLost
from kagents_core.api.resources import LEASES
from kagents_core.kube.client import Client, path_of

PATH = path_of(LEASES, "ns", "kagents")
FAST = {"lease_seconds": 1.0, "renew_seconds": 0.5, "retry_seconds": 0.02}


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def test_one_leads_and_hands_over_on_exit(stopped_world: Any) -> None:
    server = stopped_world.server
    async with Client(server.config) as client:
        first = Election(client, "ns", "kagents", "one", **FAST)
        second = Election(client, "ns", "kagents", "two", **FAST)
        async with first:
            holding = asyncio.create_task(first.hold())
            waiting = asyncio.create_task(second.__aenter__())
            renewed = server.objects[PATH]["spec"]["renewTime"]
            await until(lambda: server.objects[PATH]["spec"]["renewTime"] != renewed)
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", renewed)
            assert first.leading
            assert not second.leading
            holding.cancel()
        assert server.objects[PATH]["spec"]["holderIdentity"] == ""
        await asyncio.wait_for(waiting, 5)
        assert second.leading
        assert server.objects[PATH]["spec"]["leaseTransitions"] == 1


async def test_a_renewal_cut_off_by_the_exit_does_not_keep_the_lease(stopped_world: Any) -> None:
    server = stopped_world.server
    async with Client(server.config) as client:
        async with Election(client, "ns", "kagents", "one", **FAST):
            lease = server.objects[PATH]  # the renewal arrived, its answer did not
            server.put(PATH, lease | {"spec": lease["spec"] | {"renewTime": "2026-01-01T00:00:00.000000Z"}})
        assert server.objects[PATH]["spec"]["holderIdentity"] == ""


async def test_a_silent_leader_is_succeeded_and_learns_of_it(stopped_world: Any) -> None:
    server = stopped_world.server
    async with Client(server.config) as client:
        first = await Election(client, "ns", "kagents", "one", **FAST).__aenter__()
        started = asyncio.get_running_loop().time()
        second = await Election(client, "ns", "kagents", "two", **FAST).__aenter__()
        assert asyncio.get_running_loop().time() - started >= 1.0, "not before the lease has run out"
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(first.hold(), 5)
        assert not first.leading
        assert second.leading


async def test_a_leader_that_cannot_renew_stops_by_its_deadline(stopped_world: Any, model: Any) -> None:
    server = stopped_world.server
    async with Client(server.config) as client:
        leader = await Election(client, "ns", "kagents", "one", **FAST).__aenter__()
        server.faults = [model.refuse(500, "InternalError", "down") for _ in range(1000)]
        with pytest.raises(LeaseLost, match="could not be renewed"):
            await asyncio.wait_for(leader.hold(), 5)


async def test_a_standby_has_warm_caches_and_writes_nothing(stopped_world: Any, simple: Any) -> None:
    world = stopped_world
    async with Client(world.server.config) as client:
        other = await Election(
            client, "ns", "kagents", "other", **{**FAST, "lease_seconds": 600.0}
        ).__aenter__()
        await world.start(lease=Election(client, "ns", "kagents", "mine", **FAST))
        world.apply(simple())
        await world.until(
            lambda: world.controller.synced.is_set() and len(world.controller.caches.teams) == 1
        )
        await asyncio.sleep(0.05)
        assert not world.status()
        await other.__aexit__(None, None, None)
        await world.until(lambda: world.status().get("phase") == "Initializing")
        world.server.objects[PATH]["spec"]["holderIdentity"] = "thief"
        world.server.put(PATH, world.server.objects[PATH])
        await asyncio.wait([world._task], timeout=5)
        assert world._task.done()
        assert isinstance(world._task.exception(), ExceptionGroup)
        assert world._task.exception().subgroup(LeaseLost) is not None
        world._task = None


async def test_a_successor_watches_and_takes_a_lease_that_is_given_back_at_once(stopped_world: Any) -> None:
    server = stopped_world.server
    slow = {"lease_seconds": 600.0, "renew_seconds": 300.0, "retry_seconds": 200.0}
    async with Client(server.config) as client:
        async with Election(client, "ns", "kagents", "one", **slow) as first:
            waiting = asyncio.create_task(Election(client, "ns", "kagents", "two", **slow).__aenter__())
            await until(lambda: server.requests["WATCH"] == 1)
            await first._renew()
            asked = len(server.log)
            await asyncio.sleep(0.05)
            assert len(server.log) == asked, "whoever waits asks for nothing"
            assert not waiting.done()
        assert (await asyncio.wait_for(waiting, 10)).leading, "long before its next retry"


async def test_without_the_right_to_watch_it_asks_again_and_again(stopped_world: Any) -> None:
    server = stopped_world.server
    server.watches_refused = True
    async with Client(server.config) as client:
        async with Election(client, "ns", "kagents", "one", **FAST) as first:
            waiting = asyncio.create_task(Election(client, "ns", "kagents", "two", **FAST).__aenter__())
            holding = asyncio.create_task(first.hold())
            await asyncio.sleep(0.1)
            assert not waiting.done()
            holding.cancel()
        assert (await asyncio.wait_for(waiting, 10)).leading


async def test_an_unreachable_server_is_not_hammered(stopped_world: Any, model: Any) -> None:
    server = stopped_world.server
    quick = {"lease_seconds": 0.01, "renew_seconds": 0.01, "retry_seconds": 0.2}
    async with Client(server.config) as client, Election(client, "ns", "kagents", "one", **FAST):
        server.faults = [model.refuse(500, "InternalError", "down") for _ in range(1000)]
        waiting = asyncio.create_task(Election(client, "ns", "kagents", "two", **quick).__aenter__())
        asked = len(server.faults)
        await asyncio.sleep(0.5)
        assert asked - len(server.faults) <= 12
        waiting.cancel()
        server.faults = []


class SlowlyGivenBack(Election):
    """An API server that takes its time for the last write."""

    async def _give_back(self) -> None:
        await asyncio.sleep(0.2)
        await super()._give_back()


async def test_a_controller_that_is_told_to_stop_gives_the_lease_back(
    stopped_world: Any, simple: Any
) -> None:
    world = stopped_world
    async with Client(world.server.config) as client:
        lease = SlowlyGivenBack(client, "ns", "kagents", "mine", **FAST)
        await world.start(lease=lease)
        await world.until(lambda: lease.leading)
        world.server.answer_delay = 0.1
        world.apply(simple())
        await world.until(lambda: world.status().get("phase"))  # and its events are being told
        await world.controller.stop()
        await asyncio.wait([world._task], timeout=10)
        assert world.server.objects[PATH]["spec"]["holderIdentity"] == ""
