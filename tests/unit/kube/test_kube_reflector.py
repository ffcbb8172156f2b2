"""Store and reflector: whatever happens on the way, the store ends up equal to the server."""

import asyncio
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kagents_core.api.resources import PODS
from kagents_core.kube.backoff import Backoff
from kagents_core.kube.client import Client
from kagents_core.kube.reflector import Reflector
from kagents_core.kube.store import Change, Store, whole
from kagents_core.kube.watch import WatchEvent

Object = dict[str, Any]


def pod(name: str, uid: str, version: int, value: int = 0, noise: int = 0) -> Object:
    metadata = {
        "namespace": "ns",
        "name": name,
        "uid": uid,
        "resourceVersion": str(version),
        "managedFields": [],
    }
    return {"metadata": metadata, "value": value, "noise": noise}


def mirror(copy: dict[Any, Any]) -> Any:
    """A subscriber that rebuilds the store from its changes alone."""

    def take(changes: list[Change[Any]]) -> None:
        assert changes
        for change in changes:
            assert copy.get(change.key) == change.old
            assert (change.kind == "added") == (change.old is None)
            if change.new is None:
                assert change.kind == "deleted"
                del copy[change.key]
            else:
                copy[change.key] = change.new

    return take


def test_a_projection_hides_what_it_does_not_show() -> None:
    store: Store[int] = Store(lambda obj: obj["value"], index=lambda value: (str(value % 2),))
    batches: list[list[tuple[str, int | None, int | None]]] = []
    stop = store.subscribe(lambda batch: batches.append([(c.kind, c.old, c.new) for c in batch]))
    store.upsert([pod("a", "1", 1, 5), pod("b", "2", 2, 6)])
    store.apply(
        [WatchEvent("MODIFIED", pod("a", "1", 3, 5, noise=9)), WatchEvent("BOOKMARK", {"metadata": {}})]
    )
    assert batches == [[("added", None, 5), ("added", None, 6)]]
    assert (store.version(("ns", "a")), store.uid(("ns", "a"))) == ("3", "1")
    assert (store.indexed("1"), store.indexed("0")) == ([5], [6])
    store.apply([WatchEvent("MODIFIED", pod("a", "1", 4, 8)), WatchEvent("ADDED", pod("b", "3", 5, 6))])
    assert batches[1] == [("modified", 5, 8), ("replaced", 6, 6)]
    assert (store.indexed("1"), sorted(store.indexed("0"))) == ([], [6, 8])
    store.apply([WatchEvent("DELETED", pod("b", "2", 6, 6))])
    assert ("ns", "b") in store, "an old deletion does not take the new object of that name"
    stop()
    store.retain([])
    assert (len(store), len(batches), store.indexed("0")) == (0, 2, [])


def test_an_object_the_projection_leaves_out_is_gone() -> None:
    store: Store[Object] = Store(lambda obj: obj if obj["value"] else None)
    store.upsert([pod("a", "1", 1, 1), pod("b", "2", 2, 0)])
    assert list(store) == [("ns", "a")]
    store.apply([WatchEvent("MODIFIED", pod("a", "1", 3, 0))])
    assert len(store) == 0


async def test_the_next_page_is_asked_for_before_one_is_taken_in(server: Any, client: Client) -> None:
    for number in range(3000):
        server.put(f"/api/v1/namespaces/ns/pods/p{number:04}", {"metadata": {}})
    asked: dict[str, int] = {}

    def look(obj: Object) -> Object:
        asked[obj["metadata"]["name"]] = server.requests["GET"]
        return obj

    reflector = Reflector(client, PODS, Store(look), namespace="ns", page_size=1500)
    running = asyncio.create_task(reflector.run())
    async with asyncio.timeout(60):
        await reflector.synced.wait()
    running.cancel()
    assert (asked["p0000"], asked["p1499"]) == (1, 2)


NAMES = st.sampled_from(["a", "b", "c", "d"])


@given(st.lists(st.tuples(st.sampled_from(["put", "remove", "list", "stale"]), NAMES, st.integers(0, 3))))
def test_changes_alone_rebuild_the_store(steps: list[tuple[str, str, int]]) -> None:
    """After any mixture of events and lists, store, index and every subscriber agree with the server."""
    store: Store[Object] = Store(whole, index=lambda obj: (str(obj["value"]),))
    copy: dict[Any, Any] = {}
    store.subscribe(mirror(copy))
    truth: dict[str, Object] = {}
    for version, (action, name, value) in enumerate(steps, start=1):
        if action == "put":
            uid = truth[name]["metadata"]["uid"] if name in truth else f"uid-{version}"
            kind: Any = "MODIFIED" if name in truth else "ADDED"
            truth[name] = pod(name, uid, version, value)
            store.apply([WatchEvent(kind, pod(name, uid, version, value))])
        elif action == "remove" and name in truth:
            store.apply([WatchEvent("DELETED", truth.pop(name))])
        elif action == "list":
            if value:  # something happened that no watch told of
                truth.pop(name, None)
            listed = [
                pod(n, o["metadata"]["uid"], int(o["metadata"]["resourceVersion"]), o["value"])
                for n, o in truth.items()
            ]
            store.retain(set(store.upsert(listed)))
        elif action == "stale" and name not in truth:
            store.apply([WatchEvent("DELETED", pod(name, "unknown", version))])
        expected = {("ns", n): o["value"] for n, o in truth.items()}
        assert {key: obj["value"] for key, obj in store.items()} == expected
        assert {key: obj["value"] for key, obj in copy.items()} == expected
        for wanted in range(4):
            found = sorted(obj["metadata"]["name"] for obj in store.indexed(str(wanted)))
            assert found == sorted(n for (_, n), v in expected.items() if v == wanted)


STEP = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(["p0", "p1", "p2", "p3", "p4"]), st.integers(0, 5)),
    st.tuples(st.just("remove"), st.sampled_from(["p0", "p1", "p2", "p3", "p4"]), st.just(0)),
    st.tuples(
        st.sampled_from(["compact", "hang-up", "drop", "error", "expire", "settle"]), st.just(""), st.just(0)
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=25))
def test_the_reflector_converges_whatever_the_connection_does(
    model: ModuleType, until: Any, steps: list[Any]
) -> None:
    asyncio.run(converges(model, until, steps))


async def converges(model: ModuleType, until: Any, steps: list[tuple[str, str, int]]) -> None:
    store: Store[Object] = Store(whole)
    copy: dict[Any, Any] = {}
    store.subscribe(mirror(copy))

    async def quickly(_: float) -> None:
        await asyncio.sleep(0)

    async with model.ModelServer() as server, Client(server.config) as client, asyncio.TaskGroup() as group:
        reflector = Reflector(client, PODS, store, namespace="ns", page_size=2, sleep=quickly)
        running = group.create_task(reflector.run())
        for action, name, value in steps:
            path = f"/api/v1/namespaces/ns/pods/{name}"
            if action == "put":
                server.put(path, {"value": value})
            elif action == "remove" and path in server.objects:
                server.remove(path)
            elif action == "compact":
                server.compact()
            elif action == "hang-up":
                server.hang_up()
            elif action == "drop":
                server.faults.append("drop")
            elif action == "error":
                server.faults.append(model.refuse(500, "InternalError", "oops"))
            elif action == "expire":
                server.continue_expires = True
            else:
                await asyncio.sleep(0.003)
        await until(lambda: settled(server, reflector, copy))
        running.cancel()


def settled(server: Any, reflector: Reflector[Any], copy: dict[Any, Any]) -> bool:
    truth = {
        ("ns", path.rsplit("/", 1)[1]): body["metadata"]["resourceVersion"]
        for path, body in server.objects.items()
    }
    mine = {key: reflector.store.version(key) for key in reflector.store}
    copied = {key: body["metadata"]["resourceVersion"] for key, body in copy.items()}
    return bool(reflector.synced.is_set() and truth == mine == copied)


# ── single behaviours ────────────────────────────────────────────────────────────────────────────


class Running:
    """A reflector in a task, with its waits recorded and skipped."""

    def __init__(self, client: Client, **options: Any) -> None:
        self.waits: list[float] = []
        self.states: list[Any] = []
        self.store: Store[Object] = Store(whole)
        self.reflector = Reflector(
            client,
            PODS,
            self.store,
            namespace="ns",
            sleep=self._sleep,
            on_state=self.states.append,
            **options,
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0.001)

    async def __aenter__(self) -> "Running":
        self.task = asyncio.create_task(self.reflector.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.wait([self.task], timeout=5)
        assert self.task.cancelled()


async def test_the_first_page_is_there_before_the_rest(server: Any, client: Client, until: Any) -> None:
    for number in range(5):
        server.put(f"/api/v1/namespaces/ns/pods/p{number}", {})
    seen: list[tuple[int, int]] = []
    running = Running(client, page_size=2, on_first_page=lambda rest: seen.append((len(running.store), rest)))
    async with running:
        await until(running.reflector.synced.is_set)
    assert seen == [(2, 3)]
    assert len(running.store) == 5
    assert "managedFields" not in next(running.store.values())["metadata"]


async def test_a_broken_watch_goes_on_without_a_list(server: Any, client: Client, until: Any) -> None:
    async with Running(client) as running:
        await until(lambda: server.watchers)
        server.put("/api/v1/namespaces/ns/pods/a", {})
        await until(lambda: len(running.store) == 1)
        server.hang_up()
        server.put("/api/v1/namespaces/ns/pods/b", {})
        await until(lambda: len(running.store) == 2)
        assert running.reflector.lists == 1


async def test_gone_means_one_list_for_each_410(server: Any, client: Client, until: Any) -> None:
    async with Running(client) as running:
        await until(lambda: server.watchers)
        for number in range(3):
            server.put(f"/api/v1/namespaces/ns/pods/x{number}", {})
            server.compact()
            server.hang_up()
            await until(lambda number=number: len(running.store) == number + 1 and server.watchers)
        assert running.reflector.lists <= 4


async def test_refusals_show_as_a_sentence_and_end_by_themselves(
    server: Any, client: Client, model: ModuleType, until: Any
) -> None:
    server.faults = [model.refuse(403, "Forbidden", "pods is forbidden: no rule") for _ in range(4)]
    async with Running(client) as running:
        await until(lambda: running.reflector.state.connected)
    first, *_, last = running.states
    assert (first.connected, first.last_error) == (False, "pods is forbidden: no rule")
    assert (last.connected, last.last_error) == (True, None)
    assert len(running.waits) == 4


async def test_a_server_that_hangs_up_at_once_is_not_hammered(
    server: Any, client: Client, until: Any
) -> None:
    from aiohttp import web

    async with Running(client) as running:
        await until(lambda: server.watchers)
        server.faults = [web.Response(body=b"") for _ in range(30)]
        server.hang_up()
        await until(lambda: not server.faults)
    assert len(running.waits) >= 30
    assert max(running.waits) > 5


def test_backoff_grows_to_its_cap_with_full_jitter_and_starts_again() -> None:
    highest = Backoff(0.8, 30.0, draw=lambda: 1.0)
    assert [highest.next() for _ in range(7)] == [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0]
    highest.reset()
    assert highest.next() == pytest.approx(0.8)
    drawn = Backoff(1.0, 8.0)
    assert all(0 <= drawn.next() <= 8 for _ in range(2000))
