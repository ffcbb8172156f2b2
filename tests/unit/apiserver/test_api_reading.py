"""Lists, pages, watches, tables, discovery, tokens and rights over HTTP."""

import asyncio
from typing import Any

import pytest

from kagents_local.apiserver import watch


def names(answer: Any) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


async def test_pages_hold_every_object_once(api: Any) -> None:
    for number in range(7):
        await api.post(api.CONFIGS, api.config(f"c{number}"))
    first = await api.get(api.CONFIGS, limit="3")
    assert (len(first["items"]), first["metadata"]["remainingItemCount"]) == (3, 4)
    await api.delete(f"{api.CONFIGS}/c1")
    second = await api.get(api.CONFIGS, limit="3", **{"continue": first["metadata"]["continue"]})
    third = await api.get(api.CONFIGS, limit="3", **{"continue": second["metadata"]["continue"]})
    assert names(first) + names(second) + names(third) == [f"c{number}" for number in range(7)]
    # A watch from the list's version then tells of the deletion between the pages.
    version = third["metadata"]["resourceVersion"]
    assert version == first["metadata"]["resourceVersion"]
    async with api.watch(api.CONFIGS, resourceVersion=version) as answer:
        event = await api.next_event(answer)
    assert (event["type"], event["object"]["metadata"]["name"]) == ("DELETED", "c1")
    assert (await api.get(api.CONFIGS, limit="3", **{"continue": "nonsense"})).status == 400
    assert (await api.get(api.CONFIGS, limit="many")).status == 400


async def test_selectors_of_lists(api: Any) -> None:
    for name, phase in (("a", "Running"), ("b", "Failed")):
        await api.post(api.PODS, api.pod(name, labels={"team": name}))
        await api.patch(f"{api.PODS}/{name}/status", {"status": {"phase": phase}})
    assert names(await api.get(api.PODS, fieldSelector="status.phase=Running")) == ["a"]
    assert names(await api.get(api.PODS, fieldSelector="status.phase!=Running,metadata.name=b")) == ["b"]
    assert names(await api.get(api.PODS, fieldSelector="spec.nodeName=local")) == ["a", "b"]
    assert names(await api.get(api.PODS, labelSelector="team in (a, c)")) == ["a"]
    assert (await api.get(api.PODS, fieldSelector="spec.colour=red")).status == 400
    assert (await api.get(api.PODS, labelSelector="a in b")).status == 400
    assert names(await api.get("/api/v1/pods")) == ["a", "b"]


async def test_a_watch_tells_everything_in_order(api: Any) -> None:
    start = (await api.get(api.CONFIGS))["metadata"]["resourceVersion"]
    await api.post(api.CONFIGS, api.config("early"))
    async with api.watch(api.CONFIGS, resourceVersion=start) as answer:
        seen = [await api.next_event(answer)]
        await api.post(api.CONFIGS, api.config("c", a="1"))
        await api.patch(f"{api.CONFIGS}/c", {"data": {"a": "2"}})
        await api.delete(f"{api.CONFIGS}/c")
        seen += [await api.next_event(answer) for _ in range(3)]
    assert [(e["type"], e["object"]["metadata"]["name"]) for e in seen] == [
        ("ADDED", "early"),
        ("ADDED", "c"),
        ("MODIFIED", "c"),
        ("DELETED", "c"),
    ]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
    assert versions == sorted(set(versions))


async def test_a_watch_by_label_sees_objects_come_and_go(api: Any) -> None:
    async with api.watch(api.CONFIGS, labelSelector="on=yes") as answer:
        await api.post(api.CONFIGS, api.config())
        for value in ("yes", "no"):
            await api.patch(f"{api.CONFIGS}/c", {"metadata": {"labels": {"on": value}}})
        assert [(await api.next_event(answer))["type"] for _ in range(2)] == ["ADDED", "DELETED"]


async def test_a_watch_of_one_name(api: Any) -> None:
    async with api.watch(api.TEAMS, fieldSelector="metadata.name=b") as answer:
        for name in ("a", "b", "c"):
            await api.post(api.TEAMS, api.team(name))
        await api.patch(f"{api.TEAMS}/a/status", {"status": {"phase": "Running"}})
        await api.patch(f"{api.TEAMS}/b/status", {"status": {"phase": "Running"}})
        events = [await api.next_event(answer) for _ in range(2)]
    assert [e["object"]["metadata"]["name"] for e in events] == ["b", "b"]


async def test_initial_events_end_with_a_bookmark(api: Any) -> None:
    await api.post(api.CONFIGS, api.config())
    query = {
        "sendInitialEvents": "true",
        "allowWatchBookmarks": "true",
        "resourceVersionMatch": "NotOlderThan",
    }
    async with api.watch(api.CONFIGS, **query) as answer:
        added, bookmark = [await api.next_event(answer) for _ in range(2)]
    assert added["type"] == "ADDED"
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_bookmarks_come_in_silence(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kagents_local.apiserver.reading.BOOKMARK_SECONDS", 0.05)
    version = (await api.get(api.CONFIGS))["metadata"]["resourceVersion"]
    async with api.watch(api.CONFIGS, resourceVersion=version, allowWatchBookmarks="true") as answer:
        await api.post(api.TEAMS, api.team())
        event = await api.next_event(answer)
        while event["object"]["metadata"]["resourceVersion"] == version:
            event = await api.next_event(answer)
    assert event["type"] == "BOOKMARK"


async def test_a_version_that_is_forgotten_is_gone(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "HISTORY", 3)
    start = (await api.get(api.CONFIGS))["metadata"]["resourceVersion"]
    for number in range(5):
        await api.post(api.CONFIGS, api.config(f"c{number}"))
    gone = await api.get(api.CONFIGS, watch="1", resourceVersion=start)
    assert (gone.status, gone["reason"]) == (410, "Expired")


async def test_old_changes_are_forgotten_by_age_of_all_kinds(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = (await api.get(api.CONFIGS))["metadata"]["resourceVersion"]
    await api.post(api.CONFIGS, api.config("old"))
    seen = (await api.get(api.CONFIGS))["metadata"]["resourceVersion"]
    monkeypatch.setattr(watch, "HISTORY_SECONDS", -1.0)
    await api.post(api.TEAMS, api.team())
    gone = await api.get(api.CONFIGS, watch="1", resourceVersion=start)
    assert (gone.status, gone["reason"]) == (410, "Expired")
    async with api.watch(api.CONFIGS, resourceVersion=seen, timeoutSeconds="1") as answer:
        assert await api.next_event(answer) == {}  # who had seen the last change has missed nothing


async def test_a_watch_ends_in_time(api: Any) -> None:
    async with api.watch(api.CONFIGS, timeoutSeconds="1") as answer:
        assert await api.next_event(answer) == {}


async def test_a_watcher_that_does_not_read_is_dropped(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "BACKLOG", 2)
    hub = api.server._store.hub
    subscription = hub.subscribe("configmaps", "", "")
    for number in range(4):
        await api.post(api.CONFIGS, api.config(f"c{number}"))
    assert subscription.dropped
    assert await subscription.take(1.0) == []
    hub.unsubscribe(subscription)


async def test_a_client_that_left_is_forgotten(api: Any) -> None:
    hub = api.server._store.hub
    async with api.watch(api.CONFIGS):
        assert hub._subscriptions
    async with asyncio.timeout(10):
        while hub._subscriptions:
            await api.post(api.CONFIGS, api.config(f"c{id(object())}"))


TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


async def test_tables_and_metadata(api: Any) -> None:
    await api.post(api.TEAMS, api.team())
    status = {"phase": "Running", "ready": "1/2", "tasks": {"completed": 5}, "estimatedCost": "1.42"}
    await api.patch(f"{api.TEAMS}/demo/status", {"status": status})
    table = await api.get(api.TEAMS, headers={"Accept": TABLE})
    shown = [column["name"] for column in table["columnDefinitions"] if column["priority"] == 0]
    assert shown == ["Name", "Phase", "Ready", "Tasks Done", "Cost", "Age"]
    assert table["rows"][0]["cells"][:5] == ["demo", "Running", "1/2", 5, "1.42"]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    listed = await api.get(api.TEAMS, headers={"Accept": partial})
    assert set(listed["items"][0]) == {"kind", "apiVersion", "metadata"}
    assert (await api.get(api.TEAMS, headers={"Accept": "text/html"})).status == 406


async def test_discovery(api: Any) -> None:
    groups = {group["name"] for group in (await api.get("/apis"))["groups"]}
    assert {"claude.amcheste.io", "coordination.k8s.io", "rbac.authorization.k8s.io"} <= groups
    resources = await api.get("/apis/claude.amcheste.io/v1alpha1")
    assert {"agentteams", "agentteams/status"} <= {resource["name"] for resource in resources["resources"]}
    aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    found = await api.get("/apis", headers={"Accept": aggregated})
    assert found["kind"] == "APIGroupDiscoveryList"
    assert (await api.get("/apis/nobody.example/v1")).status == 404
    assert (await api.get("/api/v1/namespaces/default/nonsense")).status == 404
    assert (await api.get("/api/v1/../../etc/passwd")).status == 404
    document = await api.get("/openapi/v3/apis/claude.amcheste.io/v1alpha1")
    assert any(name.endswith("AgentTeam") for name in document["components"]["schemas"])
    tag = document.headers["ETag"]
    again = await api.get("/openapi/v3/apis/claude.amcheste.io/v1alpha1", headers={"If-None-Match": tag})
    assert again.status == 304


async def test_an_old_kubectl_gets_a_document_that_it_can_read(api: Any) -> None:
    accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    document = await api.get("/openapi/v2", headers={"Accept": accept})
    assert document.headers["Content-Type"] == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    assert document.body.startswith(b"\x0a\x032.0")
    assert (await api.get("/openapi/v2"))["swagger"] == "2.0"


async def test_tokens(api: Any) -> None:
    for path in ("/livez", "/readyz", "/healthz", "/version"):
        assert (await api.get(path, token="")).status == 200
    for path in ("/api", "/apis", api.TEAMS, "/openapi/v2", "/nothing"):
        refused = await api.get(path, token="wrong")
        assert (refused.status, refused["reason"]) == (401, "Unauthorized")
    assert (await api.get(api.TEAMS, headers={"Host": "evil.example:443"})).status == 403
    assert (await api.get(api.TEAMS, headers={"Host": "localhost:1"})).status == 200
    assert (await api.get(api.TEAMS, headers={"Impersonate-User": "x"})).status == 403


async def test_a_viewer_reads_and_no_more(api: Any) -> None:
    await api.post(api.TEAMS, api.team())
    viewer = {"token": "viewer"}
    assert (await api.get(api.TEAMS, **viewer)).status == 200
    refused = await api.delete(f"{api.TEAMS}/demo", **viewer)
    assert refused.status == 403
    assert 'User "kagents-viewer" cannot delete resource "agentteams"' in refused["message"]
    assert (await api.get("/api/v1/namespaces/default/secrets", **viewer)).status == 403
    assert (await api.get(f"{api.PODS}/p/exec", **viewer)).status == 403


async def test_the_hubs_token_reaches_its_team_alone(api: Any) -> None:
    await api.post(api.TEAMS, api.team())
    pod = (await api.post(api.PODS, api.pod("hub"))).body
    token = {"token": api.server.issue_token("default", "kagents-hub", pod["metadata"]["uid"])}
    assert (await api.get(api.TEAMS, **token)).status == 200
    status = await api.apply(
        f"{api.TEAMS}/demo/status", {"status": {"result": "done"}}, "kagents-recorder", **token
    )
    assert status["status"]["result"] == "done"
    for refused in (
        await api.patch(f"{api.TEAMS}/demo", {"spec": {"suspend": True}}, **token),
        await api.delete(f"{api.TEAMS}/demo", **token),
        await api.get(api.TEAMS.replace("default", "kube-system"), **token),
        await api.get("/apis/claude.amcheste.io/v1alpha1/agentteams", **token),
        await api.get("/api/v1/namespaces/default/secrets", **token),
        await api.get(api.PODS, **token),
    ):
        assert refused.status == 403
    other = {"token": api.server.issue_token("default", "other", pod["metadata"]["uid"])}
    assert (await api.get(api.TEAMS, **other)).status == 403
    foreign = {"token": api.server.issue_token("default", "kagents-hub", pod["metadata"]["uid"], "vault")}
    assert (await api.get(api.TEAMS, **foreign)).status == 401
    forged = {"token": token["token"][:-4] + "AAAA"}
    assert (await api.get(api.TEAMS, **forged)).status == 401
    await api.delete(f"{api.PODS}/hub", {"gracePeriodSeconds": 0})
    assert (await api.get(api.TEAMS, **token)).status == 401


@pytest.mark.parametrize(
    ("token", "verb", "expected"),
    [("admin", "delete", True), ("viewer", "delete", False), ("viewer", "get", True)],
)
async def test_may_i(api: Any, token: str, verb: str, expected: bool) -> None:
    attributes = {
        "verb": verb,
        "group": "claude.amcheste.io",
        "resource": "agentteams",
        "namespace": "default",
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = await api.post(path, {"spec": {"resourceAttributes": attributes}}, token=token)
    assert (answer.status, answer["status"]["allowed"]) == (201, expected)
