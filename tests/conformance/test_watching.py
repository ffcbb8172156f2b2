"""List and watch: pages, selectors, versions, bookmarks, the end of history."""

import asyncio
import contextlib

import pytest

from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.kube.errors import Gone

MERGE = "application/merge-patch+json"


async def first(events, count: int) -> list:
    found = []
    async with asyncio.timeout(20), contextlib.aclosing(events):
        async for event in events:
            found.append((event.type, event.object["metadata"].get("name")))
            if len(found) == count:
                break
    return found


async def test_pages_hold_everything_once(server, make_team) -> None:
    for number in range(5):
        await server.call("POST", server.path(), make_team(f"t{number}"))
    seen, token = [], ""
    while True:
        page = await server.call("GET", server.path(), limit="2", **({"continue": token} if token else {}))
        assert len(page["items"]) <= 2
        seen += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert seen == [f"t{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("tier=a", ["one"]),
        ("tier!=a", ["three", "two"]),
        ("tier in (a,b)", ["one", "two"]),
        ("tier notin (a)", ["three", "two"]),
        ("tier", ["one", "two"]),
        ("!tier", ["three"]),
        ("tier=b,extra=yes", ["two"]),
    ],
)
async def test_label_selectors(server, make_team, selector: str, names: list[str]) -> None:
    for name, labels in (("one", {"tier": "a"}), ("two", {"tier": "b", "extra": "yes"}), ("three", {})):
        body = make_team(name)
        body["metadata"]["labels"] = labels
        await server.call("POST", server.path(), body)
    found = await server.call("GET", server.path(), labelSelector=selector)
    assert sorted(item["metadata"]["name"] for item in found["items"]) == names


async def test_a_field_selector_finds_one_name(server, make_team) -> None:
    for name in ("one", "two"):
        await server.call("POST", server.path(), make_team(name))
    found = await server.call("GET", server.path(), fieldSelector="metadata.name=two")
    assert [item["metadata"]["name"] for item in found["items"]] == ["two"]
    refusal = await server.refused("GET", server.path(), fieldSelector="spec.harness=simulated")
    assert refusal.status == 400


async def test_a_watch_goes_on_where_a_list_ended(server, make_team) -> None:
    await server.call("POST", server.path(), make_team("before"))
    listed = await server.client.list(AGENT_TEAMS, server.namespace)
    await server.call("POST", server.path(), make_team("after"))
    await server.call("PATCH", server.path("after"), {"spec": {"suspend": True}}, MERGE)
    await server.client.delete(AGENT_TEAMS, server.namespace, "after")
    events = server.client.watch(
        AGENT_TEAMS,
        server.namespace,
        resource_version=listed.resource_version,
        fields="metadata.name=after",  # a controller on a cluster may write to the other meanwhile
    )
    assert await first(events, 3) == [("ADDED", "after"), ("MODIFIED", "after"), ("DELETED", "after")]


async def test_a_selector_turns_changes_into_comings_and_goings(server, make_team) -> None:
    listed = await server.client.list(AGENT_TEAMS, server.namespace)
    await server.call("POST", server.path(), make_team())
    await server.call("PATCH", server.path("t"), {"metadata": {"labels": {"tier": "a"}}}, MERGE)
    await server.call("PATCH", server.path("t"), {"metadata": {"labels": {"tier": "b"}}}, MERGE)
    events = server.client.watch(
        AGENT_TEAMS, server.namespace, resource_version=listed.resource_version, labels="tier=a"
    )
    assert await first(events, 2) == [("ADDED", "t"), ("DELETED", "t")]


async def test_a_version_older_than_history_is_gone(server, make_team, monkeypatch) -> None:
    monkeypatch.setattr("kagents_local.apiserver.watch.HISTORY", 2)
    for number in range(4):
        await server.call("POST", server.path(), make_team(f"t{number}"))
    with pytest.raises(Gone):
        await first(server.client.watch(AGENT_TEAMS, server.namespace, resource_version="1"), 1)


async def test_initial_events_end_with_a_bookmark(server, make_team) -> None:
    await server.call("POST", server.path(), make_team())
    query = {
        "watch": "true",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "10",
    }
    lines = []
    async with asyncio.timeout(20), server.session.get(server.path(), params=query) as response:
        while len(lines) < 2:
            lines.append(await response.content.readline())
            if b"RequestWatchProgress is disabled" in lines[0]:
                pytest.skip("this API server's etcd is older than 3.4.25 and cannot do it")
    assert b'"ADDED"' in lines[0]
    assert b'"BOOKMARK"' in lines[1]
    assert b"k8s.io/initial-events-end" in lines[1]


async def test_a_watch_ends_when_its_time_is_over(server) -> None:
    query = {"watch": "true", "timeoutSeconds": "1"}
    async with asyncio.timeout(20), server.session.get(server.path(), params=query) as response:
        assert await response.read() == b""
