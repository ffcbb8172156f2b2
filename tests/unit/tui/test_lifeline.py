"""The life of the connection without a screen: what comes late of an old list reaches nobody."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from kagents_tui.lifeline import Lifeline
from kagents_tui.sample import data
from kagents_tui.sample.cluster import SampleCluster, SampleConnector

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def without_waits(monkeypatch):
    monkeypatch.setattr("kagents_tui.feed.FLUSH_SECONDS", 0.0)


@asynccontextmanager
async def running(cluster, heard):
    """A lifeline that has listed the cluster; ``heard`` gets its batches."""

    async def everywhere(_):
        return ()

    lifeline = Lifeline(SampleConnector(cluster), lambda: None, heard.append, everywhere)
    task = asyncio.create_task(lifeline.run())
    try:
        await until(lambda: heard)
        yield lifeline
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the next turn of the loop is what it waits for
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    "leave",
    [
        lambda lifeline: lifeline.show_namespaces(("ops-agents",)),
        lambda lifeline: lifeline.change("kind-other"),
    ],
    ids=["other namespaces", "another context"],
)
async def test_what_was_about_to_be_told_is_not_told_of_what_was_left(leave):
    cluster, heard = SampleCluster(data.teams(NOW)), []
    async with running(cluster, heard) as lifeline:
        cluster.remove("dev-agents", "docs-sweep")
        feed = lifeline.feed
        await until(lambda: feed.painting_soon)
        heard.clear()
        leave(lifeline)
        await until(lambda: heard and lifeline.link is not None and lifeline.link.synced)
    assert ("dev-agents", "docs-sweep") not in heard[0]
