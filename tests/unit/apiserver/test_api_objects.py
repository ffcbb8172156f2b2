"""Creates, updates, patches and deletes over HTTP: versions, status, generation, finalizers, owners,
refusals."""

import asyncio
from typing import Any

import pytest


async def test_create_fills_in_what_the_server_decides(api: Any) -> None:
    made = await api.post(api.TEAMS, api.team())
    assert made.status == 201
    metadata = made["metadata"]
    assert metadata["namespace"] == "default"
    assert metadata["generation"] == 1
    assert len(metadata["uid"]) == 36
    assert int(metadata["resourceVersion"]) > 0
    assert made["spec"]["lifecycle"]["timeout"] == "4h"
    again = await api.post(api.TEAMS, api.team())
    assert (again.status, again["reason"]) == (409, "AlreadyExists")


async def test_a_generated_name(api: Any) -> None:
    body = api.config()
    body["metadata"] = {"generateName": "run-"}
    names = {(await api.post(api.CONFIGS, body))["metadata"]["name"] for _ in range(5)}
    assert len(names) == 5
    assert all(name.startswith("run-") and len(name) == 9 for name in names)


async def test_status_and_spec_have_separate_ways(api: Any) -> None:
    made = await api.post(api.TEAMS, {**api.team(), "status": {"phase": "Running"}})
    assert "status" not in made.body
    path = f"{api.TEAMS}/demo"
    changed = await api.patch(f"{path}/status", {"status": {"phase": "Running"}, "spec": {"suspend": True}})
    assert (changed["status"]["phase"], changed["spec"]["suspend"]) == ("Running", False)
    assert changed["metadata"]["generation"] == 1
    changed = await api.patch(path, {"status": {"phase": "Failed"}, "spec": {"suspend": True}})
    assert (changed["status"]["phase"], changed["spec"]["suspend"]) == ("Running", True)
    assert changed["metadata"]["generation"] == 2
    labelled = await api.patch(path, {"metadata": {"labels": {"a": "b"}}})
    assert labelled["metadata"]["generation"] == 2


async def test_a_write_that_changes_nothing_makes_no_version(api: Any) -> None:
    made = await api.post(api.CONFIGS, api.config(a="1"))
    same = await api.patch(f"{api.CONFIGS}/c", {"data": {"a": "1"}})
    assert same.body == made.body
    assert (await api.put(f"{api.CONFIGS}/c", made.body)).body == made.body


async def test_a_stale_writer_is_refused(api: Any) -> None:
    made = await api.post(api.CONFIGS, api.config(a="1"))
    await api.patch(f"{api.CONFIGS}/c", {"data": {"a": "2"}})
    stale = await api.put(f"{api.CONFIGS}/c", made.body)
    assert (stale.status, stale["reason"]) == (409, "Conflict")
    old = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"a": "3"}}
    assert (await api.patch(f"{api.CONFIGS}/c", old)).status == 409
    other = {"metadata": {"uid": "11111111-1111-1111-1111-111111111111"}, "data": {"a": "3"}}
    assert (await api.patch(f"{api.CONFIGS}/c", other)).status == 409
    assert (await api.get(f"{api.CONFIGS}/c"))["data"] == {"a": "2"}


async def test_what_no_update_may_change(api: Any) -> None:
    made = await api.post(api.CONFIGS, api.config())
    forged = {"uid": made["metadata"]["uid"], "creationTimestamp": "1999-01-01T00:00:00Z", "generation": 99}
    changed = await api.patch(f"{api.CONFIGS}/c", {"metadata": forged, "data": {"x": "y"}})
    for field in ("uid", "creationTimestamp"):
        assert changed["metadata"][field] == made["metadata"][field]
    assert "generation" not in changed["metadata"]
    renamed = await api.patch(f"{api.CONFIGS}/c", {"metadata": {"name": "d"}})
    assert renamed.status == 422


async def test_delete_with_preconditions(api: Any) -> None:
    made = await api.post(api.CONFIGS, api.config())
    path = f"{api.CONFIGS}/c"
    assert (await api.delete(path, {"preconditions": {"uid": "other"}})).status == 409
    assert (await api.delete(path, {"preconditions": {"resourceVersion": "1"}})).status == 409
    gone = await api.delete(path, {"preconditions": {"uid": made["metadata"]["uid"]}})
    assert (gone.status, gone["status"]) == (200, "Success")
    assert (await api.get(path)).status == 404
    assert (await api.delete(path)).status == 404


async def test_a_finalizer_holds_until_it_is_removed(api: Any) -> None:
    body = api.team()
    body["metadata"]["finalizers"] = ["example.com/hold"]
    await api.post(api.TEAMS, body)
    path = f"{api.TEAMS}/demo"
    held = await api.delete(path)
    assert held["metadata"]["deletionTimestamp"]
    assert held["metadata"]["generation"] == 2
    added = await api.patch(path, {"metadata": {"finalizers": ["example.com/hold", "example.com/new"]}})
    assert added.status == 422
    assert (await api.patch(path, {"metadata": {"finalizers": None}})).status == 200
    assert (await api.get(path)).status == 404


def child(api: Any, owner: dict[str, Any], name: str, **extra: Any) -> dict[str, Any]:
    body = api.config(name)
    reference = {key: owner[key] for key in ("apiVersion", "kind")}
    reference |= {"name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"], **extra}
    body["metadata"]["ownerReferences"] = [reference]
    return body


async def names(api: Any, path: str) -> list[str]:
    return [item["metadata"]["name"] for item in (await api.get(path))["items"]]


async def test_owners_take_what_they_own_with_them(api: Any) -> None:
    owner = (await api.post(api.TEAMS, api.team())).body
    first = (await api.post(api.CONFIGS, child(api, owner, "first"))).body
    await api.post(api.CONFIGS, child(api, first, "second"))
    await api.post(api.CONFIGS, api.config("bystander"))
    await api.delete(f"{api.TEAMS}/demo")
    assert await names(api, api.CONFIGS) == ["bystander"]


async def test_a_second_owner_keeps_an_object(api: Any) -> None:
    one, two = [(await api.post(api.TEAMS, api.team(name))).body for name in ("one", "two")]
    body = child(api, one, "shared")
    body["metadata"]["ownerReferences"] += child(api, two, "x")["metadata"]["ownerReferences"]
    await api.post(api.CONFIGS, body)
    await api.delete(f"{api.TEAMS}/one")
    left = await api.get(f"{api.CONFIGS}/shared")
    assert [reference["name"] for reference in left["metadata"]["ownerReferences"]] == ["two"]
    await api.delete(f"{api.TEAMS}/two")
    assert await names(api, api.CONFIGS) == []


async def test_a_child_of_a_gone_owner_does_not_stay(api: Any) -> None:
    owner = (await api.post(api.TEAMS, api.team())).body
    await api.delete(f"{api.TEAMS}/demo")
    await api.post(api.CONFIGS, child(api, owner, "late"))
    assert await names(api, api.CONFIGS) == []


async def test_foreground_deletion_waits_for_blocking_children(api: Any) -> None:
    owner = (await api.post(api.TEAMS, api.team())).body
    body = child(api, owner, "held", blockOwnerDeletion=True)
    body["metadata"]["finalizers"] = ["example.com/hold"]
    await api.post(api.CONFIGS, body)
    await api.delete(f"{api.TEAMS}/demo", {"propagationPolicy": "Foreground"})
    waiting = await api.get(f"{api.TEAMS}/demo")
    assert waiting["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert (await api.get(f"{api.CONFIGS}/held"))["metadata"]["deletionTimestamp"]
    await api.patch(f"{api.CONFIGS}/held", {"metadata": {"finalizers": None}})
    assert (await api.get(f"{api.TEAMS}/demo")).status == 404


async def test_orphans_stay(api: Any) -> None:
    owner = (await api.post(api.TEAMS, api.team())).body
    await api.post(api.CONFIGS, child(api, owner, "kept"))
    await api.delete(f"{api.TEAMS}/demo", {"propagationPolicy": "Orphan"})
    assert "ownerReferences" not in (await api.get(f"{api.CONFIGS}/kept"))["metadata"]


async def test_a_pod_gets_its_grace_once(api: Any) -> None:
    await api.post(api.PODS, api.pod())
    path = f"{api.PODS}/p"
    marked = await api.delete(path)
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert (await api.delete(path)).body == marked.body
    sooner = await api.delete(path, {"gracePeriodSeconds": 3})
    assert sooner["metadata"]["deletionGracePeriodSeconds"] == 3
    await api.delete(path, {"gracePeriodSeconds": 0})
    assert (await api.get(path)).status == 404
    await api.post(api.PODS, api.pod())
    await api.patch(f"{path}/status", {"status": {"phase": "Succeeded"}})
    await api.delete(path)
    assert (await api.get(path)).status == 404


async def test_namespaces(api: Any) -> None:
    elsewhere = api.CONFIGS.replace("default", "extra")
    missing = await api.post(elsewhere, api.config())
    assert (missing.status, missing["message"]) == (404, 'namespaces "extra" not found')
    await api.post("/api/v1/namespaces", {"metadata": {"name": "extra"}})
    body = api.config()
    body["metadata"]["finalizers"] = ["example.com/hold"]
    await api.post(elsewhere, body)
    await api.delete("/api/v1/namespaces/extra")
    assert (await api.get("/api/v1/namespaces/extra"))["status"]["phase"] == "Terminating"
    assert (await api.post(elsewhere, api.config("late"))).status == 403
    await api.patch(f"{elsewhere}/c", {"metadata": {"finalizers": None}})
    assert (await api.get("/api/v1/namespaces/extra")).status == 404
    assert (await api.delete("/api/v1/namespaces/default")).status == 403
    wrong = api.config()
    wrong["metadata"]["namespace"] = "extra"
    assert (await api.post(api.CONFIGS, wrong)).status == 400


async def test_dry_run_writes_nothing(api: Any) -> None:
    made = await api.post(api.TEAMS, api.team(), dryRun="All")
    assert (made.status, made["spec"]["lifecycle"]["timeout"]) == (201, "4h")
    assert await names(api, api.TEAMS) == []
    await api.post(api.TEAMS, api.team())
    changed = await api.patch(f"{api.TEAMS}/demo", {"spec": {"suspend": True}}, dryRun="All")
    assert changed["spec"]["suspend"] is True
    assert (await api.delete(f"{api.TEAMS}/demo", dryRun="All")).status == 200
    assert (await api.get(f"{api.TEAMS}/demo"))["spec"]["suspend"] is False


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"spec": {"harness": "abacus"}}, "spec.harness"),
        ({"spec": {"suspend": "yes"}}, "spec.suspend"),
        ({"spec": {"lifecycle": {"maxRestarts": -1}}}, "spec.lifecycle.maxRestarts"),
        ({"spec": {"lifecycle": {"timeout": "2 hours"}}}, "spec.lifecycle.timeout"),
        ({"spec": {"lifecycle": {"budgetLimit": "1,5"}}}, "spec.lifecycle.budgetLimit"),
        ({"metadata": {"labels": {"a": "not a label"}}}, "metadata.labels"),
        ({"metadata": {"annotations": {"/": "x"}}}, "metadata.annotations"),
    ],
)
async def test_wrong_fields_are_named(api: Any, change: dict[str, Any], field: str) -> None:
    await api.post(api.TEAMS, api.team())
    refused = await api.patch(f"{api.TEAMS}/demo", change)
    assert (refused.status, refused["reason"]) == (422, "Invalid")
    assert f"{field}: " in refused["message"]
    assert field in {cause["field"] for cause in refused["details"]["causes"]}
    assert refused["message"].startswith('AgentTeam.claude.amcheste.io "demo" is invalid: ')


async def test_unknown_and_duplicate_fields(api: Any) -> None:
    body = api.team(colour="red")
    strict = await api.post(api.TEAMS, body, fieldValidation="Strict")
    assert strict.status == 400
    assert 'strict decoding error: unknown field "spec.colour"' in strict["message"]
    warned = await api.post(api.TEAMS, body)
    assert 'unknown field \\"spec.colour\\"' in warned.headers["Warning"]
    assert "colour" not in warned["spec"]
    quiet = await api.patch(f"{api.TEAMS}/demo", {"spec": {"colour": "red"}}, fieldValidation="Ignore")
    assert "Warning" not in quiet.headers
    twice = b'{"metadata": {"name": "x"}, "data": {"a": "1", "a": "2"}}'
    strict = await api.request("POST", api.CONFIGS, twice, fieldValidation="Strict")
    assert 'duplicate field "data.a"' in strict["message"]
    assert (await api.request("POST", api.CONFIGS, twice))["data"] == {"a": "2"}


async def test_bodies_are_limited(api: Any) -> None:
    large = b'{"data": {"a": "' + b"x" * (3 * 1024 * 1024) + b'"}}'
    assert (await api.request("POST", api.CONFIGS, large)).status == 413
    deep = b"[" * 500 + b"]" * 500
    assert (await api.request("POST", api.CONFIGS, b'{"data": ' + deep + b"}")).status == 400
    assert (await api.request("POST", api.CONFIGS, b"{")).status == 400
    assert (await api.request("POST", api.CONFIGS, b"[]")).status == 400
    assert (await api.request("POST", api.CONFIGS, b"x", content="text/plain")).status == 415
    named = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\ndata: {a: b}\n"
    assert (await api.request("POST", api.CONFIGS, named, content="application/yaml")).status == 201


async def test_json_patch(api: Any) -> None:
    await api.post(api.CONFIGS, api.config(a="1"))
    path = f"{api.CONFIGS}/c"
    operations = [
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "copy", "from": "/data/a", "path": "/data/b"},
        {"op": "move", "from": "/data/b", "path": "/data/x~1y"},
        {"op": "remove", "path": "/data/a"},
    ]
    refused = await api.patch(path, operations, api.JSON_PATCH)
    assert refused.status == 200
    assert refused["data"] == {"x/y": "1"}
    assert (await api.patch(path, operations, api.JSON_PATCH)).status == 422
    assert (await api.patch(path, [{"op": "jump", "path": "/"}], api.JSON_PATCH)).status == 400


async def test_immutable_config(api: Any) -> None:
    await api.post(api.CONFIGS, {**api.config(a="1"), "immutable": True})
    refused = await api.patch(f"{api.CONFIGS}/c", {"data": {"a": "2"}})
    assert (refused.status, refused["reason"]) == (422, "Invalid")


async def test_a_new_definition_is_served_and_leaves(api: Any) -> None:
    schema = {"type": "object", "properties": {"size": {"type": "integer", "default": 3}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names_ = {"plural": "things", "kind": "Thing"}
    definition = {
        "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": names_, "versions": [version]},
    }
    root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert (await api.post(root, definition)).status == 201
    things = "/apis/example.com/v1/namespaces/default/things"
    assert (await api.post(things, {"metadata": {"name": "t"}}))["size"] == 3
    assert (await api.delete(f"{root}/things.example.com")).status == 200
    assert (await api.get(things)).status == 404


async def test_many_writers_lose_nothing(api: Any) -> None:
    await api.post(api.CONFIGS, api.config())
    path = f"{api.CONFIGS}/c"
    await asyncio.gather(*(api.patch(path, {"data": {f"k{n}": str(n)}}) for n in range(50)))
    assert len((await api.get(path))["data"]) == 50
