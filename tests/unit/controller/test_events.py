"""Kubernetes events: the same one counts up and is written seldom, many alike are one; never a flood."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kagents_controller import events
from kagents_controller.events import MOST_ALIKE, REPEAT_SECONDS, EventRecorder
from kagents_core.api.resources import EVENTS
from kagents_core.kube.client import Client
from kagents_core.metrics import CONTROLLER, Metrics
from kagents_core.reconcile import Event

TEAM: dict[str, Any] = {
    "apiVersion": "claude.amcheste.io/v1alpha1",
    "kind": "AgentTeam",
    "metadata": {"name": "demo", "namespace": "ns", "uid": "u-1"},
}


class Clock:
    """Moves by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def recording(server: Any, clock: Clock | None = None) -> AsyncIterator[tuple[EventRecorder, Metrics]]:
    metrics = Metrics(CONTROLLER)
    async with Client(server.config) as client:
        recorder = EventRecorder(client, metrics, clock=clock)
        task = asyncio.create_task(recorder.run())
        try:
            yield recorder, metrics
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def server(model: Any) -> AsyncIterator[Any]:
    async with model.ModelServer() as made:
        yield made


def there(server: Any) -> list[dict[str, Any]]:
    return [body for path, body in server.objects.items() if f"/{EVENTS.plural}/" in path]


async def written(recorder: EventRecorder) -> None:
    async with asyncio.timeout(10):
        while recorder.due:  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def test_a_thousand_repeats_are_one_event_with_a_count(server: Any) -> None:
    clock = Clock()
    async with recording(server, clock) as (recorder, metrics):
        for _ in range(1000):
            recorder.tell(TEAM, Event("Warning", "FailedCreate", "exceeded quota"))
            await asyncio.sleep(0)
        await written(recorder)
        clock.now += REPEAT_SECONDS
        recorder.tell(TEAM, Event("Warning", "FailedCreate", "exceeded quota"))
        await recorder.drain(5)
        [event] = there(server)
        assert event["count"] == 1001
        assert event["involvedObject"]["uid"] == "u-1"
        requests = [verb for verb, path, *_ in server.log if "/events" in path]
        assert len(requests) <= 3, "as many writes as there are ten seconds"
        assert metrics.value("events_total", outcome="created") == 1
        assert metrics.value("events_total", outcome="counted") in (1, 2)


async def test_repeats_wait_for_their_time_and_are_written_when_the_process_ends(server: Any) -> None:
    clock = Clock()
    async with recording(server, clock) as (recorder, _):
        recorder.tell(TEAM, Event("Normal", "Running", "the agents have started"))
        await written(recorder)
        recorder.tell(TEAM, Event("Normal", "Running", "the agents have started"))
        await written(recorder)
        assert [event["count"] for event in there(server)] == [1]
        await recorder.drain(5)
        assert [event["count"] for event in there(server)] == [2]


async def test_many_that_differ_only_in_their_words_are_one(server: Any) -> None:
    clock = Clock()
    async with recording(server, clock) as (recorder, _):
        for number in range(500):
            recorder.tell(TEAM, Event("Warning", "FailedCreate", f"Pod demo-{number} was refused"))
        recorder.tell(TEAM, Event("Warning", "AgentRestarted", "a was restarted"))
        await recorder.drain(5)
        found = there(server)
        assert len(found) == MOST_ALIKE + 2
        [combined] = [event for event in found if event["message"].startswith("(combined")]
        assert combined["count"] == 490
        clock.now += events.ALIKE_SECONDS
        recorder.tell(TEAM, Event("Warning", "FailedCreate", "Pod demo-x was refused"))
        await recorder.drain(5)
        assert any(event["message"] == "Pod demo-x was refused" for event in there(server))


async def test_what_was_told_of_objects_that_are_gone_is_forgotten_with_time(server: Any) -> None:
    clock = Clock()
    async with recording(server, clock) as (recorder, _):
        for number in range(20):
            metadata = TEAM["metadata"] | {"name": f"demo-{number}", "uid": f"u-{number}"}
            recorder.tell(TEAM | {"metadata": metadata}, Event("Normal", "Running", "the agents run"))
        await written(recorder)
        assert recorder.remembered == 40
        clock.now += events.ALIKE_SECONDS
        recorder.tell(TEAM, Event("Normal", "Completed", "it is done"))
        await written(recorder)
        assert recorder.remembered == 2


async def test_an_event_that_was_forgotten_still_counts_up(server: Any) -> None:
    clock = Clock()
    async with recording(server, clock) as (recorder, _):
        for _ in range(3):
            recorder.tell(TEAM, Event("Normal", "Running", "the agents run"))
            await written(recorder)
            clock.now += events.ALIKE_SECONDS
        assert [event["count"] for event in there(server)] == [3]


async def test_a_backlog_drops_and_counts_what_is_too_much(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_BACKLOG", 5)
    metrics = Metrics(CONTROLLER)
    async with Client(server.config) as client:
        recorder = EventRecorder(client, metrics, clock=Clock())
        for number in range(9):
            recorder.tell(TEAM, Event("Normal", f"Reason{number}", "x"))
        assert metrics.value("events_total", outcome="dropped") == 4


async def test_a_server_that_refuses_is_survived_and_counted(server: Any, model: Any) -> None:
    server.faults = [model.refuse(403, "Forbidden", "namespace is being terminated")]
    async with recording(server, Clock()) as (recorder, metrics):
        recorder.tell(TEAM, Event("Normal", "Running", "x"))
        await written(recorder)
        recorder.tell(TEAM, Event("Normal", "Completed", "y"))
        await recorder.drain(5)
        assert metrics.value("events_total", outcome="failed") == 1
        assert [event["reason"] for event in there(server)] == ["Completed"]
