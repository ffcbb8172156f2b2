"""What is refused, with which field and reason: by the schema, by CEL or by the engine's rules."""

import pytest

MERGE = "application/merge-patch+json"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lifecycle": {"timeout": "2 hours"}}, "spec.lifecycle.timeout"),
        ({"lifecycle": {"budgetLimit": "1,5"}}, "spec.lifecycle.budgetLimit"),
        ({"lifecycle": {"budgetLimit": "0"}}, "spec.lifecycle.budgetLimit"),
        ({"lifecycle": {"maxRestarts": -1}}, "spec.lifecycle.maxRestarts"),
        ({"lifecycle": {"onComplete": "dance"}}, "spec.lifecycle.onComplete"),
        ({"harness": "magic"}, "spec.harness"),
        ({"teammates": [{"name": "a"}]}, "spec.teammates[0].prompt"),
        ({"teammates": [{"name": "UPPER", "prompt": "x"}]}, "spec.teammates[0].name"),
        ({"teammates": "not a list"}, "spec.teammates"),
    ],
)
async def test_the_schema_names_the_field(server, make_team, change: dict, field: str) -> None:
    refusal = await server.refused("POST", server.path(), make_team(**change))
    assert (refusal.status, refusal.reason) == (422, "Invalid")
    assert field in str(refusal.message)
    assert str(refusal.message).startswith('AgentTeam.claude.amcheste.io "t" is invalid: ')


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"teammates": [{"name": "a", "prompt": "x", "dependsOn": ["nobody"]}]}, "teammate"),
        ({"teammates": [{"name": "a", "prompt": "x", "dependsOn": ["a"]}]}, "depend"),
        ({"teammates": [{"name": "lead", "prompt": "x"}]}, "reserved"),
        ({"lifecycle": {"approvalGates": [{"event": "spawn-nobody"}]}}, "there is no teammate"),
        ({"repository": {"url": "https://example.com/x.git"}}, "workspace"),
    ],
)
async def test_rules_across_fields(server, make_team, change: dict, word: str) -> None:
    refusal = await server.refused("POST", server.path(), make_team(**change))
    assert refusal.status == 422
    assert word in str(refusal.message)


async def test_an_unknown_field_is_refused_when_the_client_is_strict(server, make_team) -> None:
    refusal = await server.refused("POST", server.path(), make_team(lifecicle={}), fieldValidation="Strict")
    assert refusal.status == 400
    assert 'unknown field "spec.lifecicle"' in str(refusal.message)
    made = await server.call("POST", server.path(), make_team(lifecicle={}), fieldValidation="Ignore")
    assert "lifecicle" not in made["spec"]


async def test_what_may_not_change_is_refused_and_what_may_is_not(server, make_team) -> None:
    await server.call("POST", server.path(), make_team())
    refusal = await server.refused(
        "PATCH", server.path("t"), {"spec": {"lead": {"prompt": "another"}}}, MERGE
    )
    assert refusal.status == 422
    changed = await server.call("PATCH", server.path("t"), {"spec": {"lifecycle": {"timeout": "5h"}}}, MERGE)
    assert changed["spec"]["lifecycle"]["timeout"] == "5h"


async def test_cancel_is_one_way(server, make_team) -> None:
    await server.call("POST", server.path(), make_team())
    await server.call("PATCH", server.path("t"), {"spec": {"cancel": True}}, MERGE)
    refusal = await server.refused("PATCH", server.path("t"), {"spec": {"cancel": False}}, MERGE)
    assert refusal.status == 422


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", "x" * 254, "a/b"])
async def test_names_that_are_none(server, make_team, name: str) -> None:
    refusal = await server.refused("POST", server.path(), make_team(name))
    assert refusal.status == 422


async def test_a_body_that_is_no_object(server) -> None:
    assert (await server.refused("POST", server.path(), b"{]")).status == 400
    assert (await server.refused("POST", server.path(), b"x: y", "text/plain")).status == 415


async def test_events_are_found_by_the_object_they_are_about(server, make_team) -> None:
    made = await server.call("POST", server.path(), make_team())
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "t.1"},
        "involvedObject": {
            "kind": "AgentTeam",
            "name": "t",
            "namespace": server.namespace,
            "uid": made["metadata"]["uid"],
            "apiVersion": "claude.amcheste.io/v1alpha1",
        },
        "reason": "Test",
        "message": "hello",
        "type": "Normal",
    }
    await server.call("POST", server.path(plural="events"), event)
    selector = f"involvedObject.uid={made['metadata']['uid']}"
    found = await server.call("GET", server.path(plural="events"), fieldSelector=selector)
    assert [item["message"] for item in found["items"]] == ["hello"]
