"""Create, read, update, delete: versions, generations, preconditions, finalizers, owners."""

import pytest

from kagents_core.api.resources import AGENT_TEAMS, CONFIG_MAPS
from kagents_core.kube.errors import Conflict, NotFound

MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"


async def test_what_a_server_adds_to_a_new_object(server, make_team) -> None:
    made = await server.call("POST", server.path(), make_team())
    metadata = made["metadata"]
    assert metadata["uid"] and metadata["resourceVersion"] and metadata["creationTimestamp"]
    assert metadata["generation"] == 1
    assert metadata["namespace"] == server.namespace
    assert made["spec"]["lifecycle"]["timeout"] == "4h", "defaults are filled in"
    assert made["spec"]["teammates"][0]["model"] == "sonnet"


async def test_a_name_is_taken_once(server, make_team) -> None:
    await server.call("POST", server.path(), make_team())
    refusal = await server.refused("POST", server.path(), make_team())
    assert (refusal.status, refusal.reason) == (409, "AlreadyExists")


async def test_what_is_not_there_is_not_found(server) -> None:
    refusal = await server.refused("GET", server.path("nobody"))
    assert (refusal.status, refusal.reason) == (404, "NotFound")
    assert 'agentteams.claude.amcheste.io "nobody" not found' in str(refusal.message)


async def test_generate_name(server, make_team) -> None:
    body = make_team()
    body["metadata"] = {"generateName": "team-"}
    first = await server.call("POST", server.path(), body)
    second = await server.call("POST", server.path(), body)
    assert first["metadata"]["name"].startswith("team-")
    assert first["metadata"]["name"] != second["metadata"]["name"]


async def test_an_update_of_an_old_version_is_refused(server, make_team) -> None:
    made = await server.call("POST", server.path(), make_team())
    made["metadata"]["labels"] = {"a": "1"}
    await server.call("PUT", server.path("t"), made)
    made["metadata"]["labels"] = {"a": "2"}
    refusal = await server.refused("PUT", server.path("t"), made)
    assert (refusal.status, refusal.reason) == (409, "Conflict")
    assert "the object has been modified" in str(refusal.message)


async def test_the_generation_counts_changes_of_the_spec_only(server, make_team) -> None:
    await server.call("POST", server.path(), make_team())
    labelled = await server.call("PATCH", server.path("t"), {"metadata": {"labels": {"a": "1"}}}, MERGE)
    assert labelled["metadata"]["generation"] == 1
    suspended = await server.call("PATCH", server.path("t"), {"spec": {"suspend": True}}, MERGE)
    assert suspended["metadata"]["generation"] == 2


async def test_a_change_of_nothing_keeps_the_version(server, make_team) -> None:
    made = await server.call("POST", server.path(), make_team())
    again = await server.call("PATCH", server.path("t"), {"spec": {"suspend": False}}, MERGE)
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_status_and_spec_are_written_apart(server, make_team) -> None:
    body = make_team() | {"status": {"phase": "Completed"}}
    made = await server.call("POST", server.path(), body)
    assert "phase" not in made.get("status", {})
    patch = {"status": {"phase": "Running"}, "spec": {"suspend": True}}
    written = await server.call("PATCH", server.path("t", "status"), patch, MERGE)
    assert written["status"]["phase"] == "Running"
    assert written["spec"].get("suspend", False) is False
    assert written["metadata"]["generation"] == 1
    unchanged = await server.call("PATCH", server.path("t"), {"status": {"phase": "Failed"}}, MERGE)
    assert unchanged["status"]["phase"] == "Running"


async def test_merge_patch_removes_by_null(server, make_team) -> None:
    body = make_team()
    body["metadata"]["annotations"] = {"a": "1", "b": "2"}
    await server.call("POST", server.path(), body)
    patched = await server.call("PATCH", server.path("t"), {"metadata": {"annotations": {"a": None}}}, MERGE)
    assert patched["metadata"]["annotations"] == {"b": "2"}


async def test_json_patch_tests_before_it_changes(server, make_team) -> None:
    await server.call("POST", server.path(), make_team())
    wrong = [
        {"op": "test", "path": "/spec/harness", "value": "claude-code"},
        {"op": "replace", "path": "/spec/suspend", "value": True},
    ]
    refusal = await server.refused("PATCH", server.path("t"), wrong, JSON)
    assert refusal.status == 422
    right = [
        {"op": "test", "path": "/spec/harness", "value": "simulated"},
        {"op": "add", "path": "/metadata/labels", "value": {"x": "y"}},
    ]
    patched = await server.call("PATCH", server.path("t"), right, JSON)
    assert patched["metadata"]["labels"] == {"x": "y"}


async def test_deletion_bound_to_a_uid(server, make_team) -> None:
    made = await server.call("POST", server.path(), make_team())
    with pytest.raises(Conflict):
        await server.client.delete(AGENT_TEAMS, server.namespace, "t", uid="another-uid")
    await server.client.delete(AGENT_TEAMS, server.namespace, "t", uid=made["metadata"]["uid"])
    with pytest.raises(NotFound):
        await server.client.get(AGENT_TEAMS, server.namespace, "t")


async def test_a_finalizer_holds_an_object_until_it_is_taken_off(server, make_team) -> None:
    body = make_team()
    body["metadata"]["finalizers"] = ["example.com/wait"]
    await server.call("POST", server.path(), body)
    await server.client.delete(AGENT_TEAMS, server.namespace, "t")
    held = await server.client.get(AGENT_TEAMS, server.namespace, "t")
    assert held["metadata"]["deletionTimestamp"]
    refusal = await server.refused(
        "PATCH",
        server.path("t"),
        {"metadata": {"finalizers": ["example.com/wait", "example.com/more"]}},
        MERGE,
    )
    assert refusal.status == 422, "no finalizer may be added to what is being deleted"
    await server.call("PATCH", server.path("t"), {"metadata": {"finalizers": None}}, MERGE)
    with pytest.raises(NotFound):
        await server.client.get(AGENT_TEAMS, server.namespace, "t")


@pytest.mark.parametrize("policy", ["Background", "Foreground", "Orphan"])
async def test_what_a_deleted_owner_leaves(server, make_team, wait_until, policy: str) -> None:
    owner = await server.call("POST", server.path(), make_team())
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": "AgentTeam",
        "name": "t",
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    child = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "child", "ownerReferences": [reference]},
    }
    await server.client.create(CONFIG_MAPS, server.namespace, child)
    await server.client.delete(AGENT_TEAMS, server.namespace, "t", propagation=policy)

    async def owner_gone() -> bool:
        try:
            await server.client.get(AGENT_TEAMS, server.namespace, "t")
        except NotFound:
            return True
        return False

    await wait_until(owner_gone)

    async def as_promised() -> bool:
        try:
            left = await server.client.get(CONFIG_MAPS, server.namespace, "child")
        except NotFound:
            return policy != "Orphan"
        return policy == "Orphan" and not left["metadata"].get("ownerReferences")

    await wait_until(as_promised)


async def test_a_namespace_that_is_missing_takes_no_object(server, make_team) -> None:
    refusal = await server.refused(
        "POST", "/apis/claude.amcheste.io/v1alpha1/namespaces/not-there/agentteams", make_team()
    )
    assert (refusal.status, refusal.reason) == (404, "NotFound")
    assert 'namespaces "not-there" not found' in str(refusal.message)


async def test_dry_run_changes_nothing(server, make_team) -> None:
    made = await server.call("POST", server.path(), make_team(), dryRun="All")
    assert made["metadata"]["uid"]
    assert (await server.refused("GET", server.path("t"))).status == 404
