"""The line to the API server: what is written when, and that no failure of the server ends anything."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from kagents_core.kube.client import Client
from kagents_core.kube.errors import ApiError, Gone, NotFound, Unreachable
from kagents_core.kube.paging import ObjectList
from kagents_core.kube.watch import WatchEvent
from kagents_runner.record.status import NUMBER_SECONDS, STATE_SECONDS, Throttle
from kagents_runner.record.teamlink import TeamLink

UID = "uid-1"


def team(phase: str, uid: str = UID, version: str = "1") -> dict[str, Any]:
    return {"metadata": {"name": "demo", "uid": uid, "resourceVersion": version}, "status": {"phase": phase}}


def status(state: str = "idle", *, total: int = 0, cost: str = "0.00") -> dict[str, Any]:
    return {
        "tasks": {"total": total},
        "estimatedCost": cost,
        "activity": [{"agent": "lead", "state": state, "unread": total}],
    }


class FakeClient:
    """Answers as told: an object for each list, events or an error for each watch, errors for applies."""

    def __init__(self) -> None:
        self.lists: list[list[dict[str, Any]]] = []
        self.watches: list[list[WatchEvent | ApiError]] = []
        self.failures: list[ApiError] = []
        self.applied: list[Mapping[str, Any]] = []
        self.versions: list[str] = []

    async def list(self, resource: object, namespace: str, *, fields: str) -> ObjectList:
        assert fields == "metadata.name=demo"
        return ObjectList(self.lists.pop(0), "10")

    async def watch(
        self, resource: object, namespace: str, *, resource_version: str, fields: str
    ) -> AsyncIterator[WatchEvent]:
        self.versions.append(resource_version)
        for event in self.watches.pop(0) if self.watches else []:
            if isinstance(event, ApiError):
                raise event
            yield event
        if not self.watches:
            await asyncio.Event().wait()

    async def apply(
        self,
        resource: object,
        namespace: str,
        name: str,
        body: Mapping[str, Any],
        *,
        manager: str,
        subresource: str,
    ) -> dict[str, Any]:
        assert (namespace, name, manager, subresource) == ("default", "demo", "kagents-recorder", "status")
        if self.failures:
            raise self.failures.pop(0)
        self.applied.append(body)
        return {}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    """Waits between attempts take no time here."""
    monkeypatch.setattr("kagents_core.kube.backoff.Backoff.next", lambda self: 0.001)
    return FakeClient()


def link(client: FakeClient) -> TeamLink:
    return TeamLink(cast("Client", client), "demo", "default", UID)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the fake has no event
            await asyncio.sleep(0.005)


@asynccontextmanager
async def publishing(client: FakeClient, now: list[dict[str, Any]]) -> AsyncIterator[asyncio.Event]:
    changed = asyncio.Event()
    task = asyncio.create_task(link(client).publish(lambda: now[0], changed))
    try:
        yield changed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_team_is_followed_through_breaks_and_a_lost_history(client: FakeClient) -> None:
    client.lists = [[team("Pending")], [team("Running")], [team("Completed")]]
    client.watches = [
        [WatchEvent("MODIFIED", team("Initializing", version="11")), Unreachable("broken")],
        [WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": "30"}}), Gone(410, "Expired", "too old")],
        [WatchEvent("DELETED", team("Completed"))],
    ]
    phases: list[str] = []
    deleted: list[bool] = []
    async with asyncio.timeout(10):
        await link(client).watch(
            lambda found: phases.append(found["status"]["phase"]), lambda: deleted.append(True)
        )
    assert phases == ["Pending", "Initializing", "Running", "Completed"]
    assert deleted == [True]


async def test_a_team_of_the_same_name_that_came_later_is_not_ours(client: FakeClient) -> None:
    client.lists = [[team("Running", uid="another")]]
    seen: list[Any] = []
    deleted: list[bool] = []
    async with asyncio.timeout(10):
        await link(client).watch(seen.append, lambda: deleted.append(True))
    assert (seen, deleted) == ([], [True])


async def test_a_status_is_written_with_the_uid_once_and_again_when_it_changes(client: FakeClient) -> None:
    now = [status()]
    async with publishing(client, now) as changed:
        await until(lambda: len(client.applied) == 1)
        changed.set()
        await asyncio.sleep(0.05)
        assert len(client.applied) == 1
        now[0] = status("working")
        changed.set()
        await until(lambda: len(client.applied) == 2)
    assert client.applied[0]["metadata"] == {"name": "demo", "namespace": "default", "uid": UID}
    assert client.applied[1]["status"] == status("working")


async def test_a_server_that_is_away_is_tried_again(client: FakeClient) -> None:
    client.failures = [Unreachable("away"), Unreachable("away")]
    async with publishing(client, [status()]):
        await until(lambda: client.applied)


async def test_the_last_status_is_tried_until_it_is_written_or_the_team_is_gone(client: FakeClient) -> None:
    client.failures = [Unreachable("away")]
    await link(client).write_last(status())
    assert len(client.applied) == 1
    client.failures = [NotFound(404, "NotFound", "gone")]
    await link(client).write_last(status())
    assert len(client.applied) == 1


async def test_the_last_status_has_the_last_messages(client: FakeClient) -> None:
    hub, now = link(client), [status() | {"messages": 1}]
    writing = asyncio.create_task(hub.publish(lambda: now[0], asyncio.Event()))
    await until(lambda: client.applied)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await hub.write_last(status() | {"messages": 1})
    assert len(client.applied) == 1, "nothing was new"
    await hub.write_last(status() | {"messages": 2})
    assert [body["status"]["messages"] for body in client.applied] == [1, 2]


def test_states_may_be_written_after_a_second_and_numbers_after_ten() -> None:
    throttle = Throttle()
    due = throttle.due(status())
    assert due is not None
    assert due < 0
    throttle.written(status(), 100.0)
    assert throttle.due(status()) is None
    assert throttle.due(status(total=3, cost="1.42")) == 100.0 + NUMBER_SECONDS
    assert throttle.due(status("working", total=3)) == 100.0 + STATE_SECONDS
    assert throttle.due(status() | {"result": "done"}) == 100.0 + STATE_SECONDS


def test_messages_alone_are_no_reason_for_a_write_but_the_last() -> None:
    throttle = Throttle()
    throttle.written(status() | {"messages": 1}, 100.0)
    more = status() | {"messages": 2}
    assert throttle.due(more) is None
    assert not throttle.complete(more)
    assert throttle.due(status(cost="1.42") | {"messages": 2}) == 100.0 + NUMBER_SECONDS
    throttle.written(more, 200.0)
    assert throttle.complete(more)


async def test_a_server_that_keeps_no_version_is_asked_less_and_less(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def waited(self: object) -> float:
        waits.append(0.001)
        return 0.001

    monkeypatch.setattr("kagents_core.kube.backoff.Backoff.next", waited)
    client = FakeClient()
    client.lists = [[team("Running")] for _ in range(5)] + [[]]
    client.watches = [[Gone(410, "Expired", "too old")] for _ in range(5)]
    async with asyncio.timeout(10):
        await link(client).watch(lambda found: None, lambda: None)
    assert len(waits) == 5, "one wait before each further list"
