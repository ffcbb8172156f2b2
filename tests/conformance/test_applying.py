"""Server-side apply: two managers, conflicts, force, and what happens to what is no longer applied."""

import orjson

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


def intent(make_team, **metadata):
    body = make_team()
    body["metadata"] |= metadata
    return body


async def apply(server, body, manager: str, sub: str = "", **query):
    return await server.call(
        "PATCH", server.path("t", sub), orjson.dumps(body), APPLY, fieldManager=manager, **query
    )


async def test_apply_makes_what_is_missing_and_repeats_nothing(server, make_team) -> None:
    first = await apply(server, make_team(), "one")
    again = await apply(server, make_team(), "one")
    assert first["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]
    assert {entry["manager"] for entry in again["metadata"]["managedFields"]} == {"one"}


async def test_a_field_of_another_manager_is_a_conflict_that_names_it(server, make_team) -> None:
    await apply(server, intent(make_team, labels={"tier": "a"}), "one")
    other = {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeam",
        "metadata": {"name": "t", "labels": {"tier": "b"}},
    }
    refusal = await server.refused("PATCH", server.path("t"), orjson.dumps(other), APPLY, fieldManager="two")
    assert (refusal.status, refusal.reason) == (409, "Conflict")
    assert 'conflict with "one"' in str(refusal.message)
    assert ".metadata.labels.tier" in str(refusal.message)
    forced = await apply(server, other, "two", force="true")
    assert forced["metadata"]["labels"]["tier"] == "b"


async def test_what_a_manager_no_longer_applies_goes(server, make_team) -> None:
    await apply(server, intent(make_team, labels={"a": "1", "b": "2"}), "one")
    less = await apply(server, intent(make_team, labels={"a": "1"}), "one")
    assert less["metadata"]["labels"] == {"a": "1"}


async def test_what_two_managers_apply_stays_until_both_let_go(server, make_team) -> None:
    await apply(server, intent(make_team, labels={"a": "1"}), "one")
    shared = {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeam",
        "metadata": {"name": "t", "labels": {"a": "1"}},
    }
    await apply(server, shared, "two")
    kept = await apply(server, make_team(), "one")
    assert kept["metadata"]["labels"] == {"a": "1"}


async def test_two_managers_share_a_status(server, make_team) -> None:
    await apply(server, make_team(), "person")
    head = {"apiVersion": "claude.amcheste.io/v1alpha1", "kind": "AgentTeam", "metadata": {"name": "t"}}
    await apply(
        server, head | {"status": {"phase": "Running", "ready": "1/1"}}, "controller", "status", force="true"
    )
    both = await apply(
        server,
        head | {"status": {"estimatedCost": "1.42", "messages": 41}},
        "recorder",
        "status",
        force="true",
    )
    counted = {"estimatedCost": "1.42", "messages": 41}
    assert ({"phase": "Running", "ready": "1/1"} | counted).items() <= both["status"].items()
    less = await apply(
        server, head | {"status": {"phase": "Completed"}}, "controller", "status", force="true"
    )
    assert "ready" not in less["status"]
    assert counted.items() <= less["status"].items()


async def test_lists_with_keys_are_merged_by_them(server, make_team) -> None:
    await apply(server, make_team(), "person")
    head = {"apiVersion": "claude.amcheste.io/v1alpha1", "kind": "AgentTeam", "metadata": {"name": "t"}}

    def condition(kind: str) -> dict:
        return {
            "type": kind,
            "status": "True",
            "reason": "Test",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }

    await apply(server, head | {"status": {"conditions": [condition("A")]}}, "one", "status", force="true")
    both = await apply(
        server, head | {"status": {"conditions": [condition("B")]}}, "two", "status", force="true"
    )
    assert {entry["type"] for entry in both["status"]["conditions"]} == {"A", "B"}


async def test_an_apply_bound_to_an_old_version_is_refused(server, make_team) -> None:
    made = await apply(server, make_team(), "person")
    await server.call("PATCH", server.path("t"), {"metadata": {"labels": {"x": "1"}}}, MERGE)
    body = {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeam",
        "metadata": {"name": "t", "resourceVersion": made["metadata"]["resourceVersion"]},
        "status": {"phase": "Running"},
    }
    refusal = await server.refused(
        "PATCH",
        server.path("t", "status"),
        orjson.dumps(body),
        APPLY,
        fieldManager="controller",
        force="true",
    )
    assert (refusal.status, refusal.reason) == (409, "Conflict")


async def test_artifacts_and_inputs_are_kept_as_they_were_applied(server, make_team) -> None:
    maker = {"name": "one", "prompt": "x", "artifacts": [{"name": "report", "path": "docs/report.md"}]}
    taker = {"name": "two", "prompt": "x", "inputs": [{"from": "one/report"}]}
    body = make_team()
    body["spec"] |= {"teammates": [taker, maker]}
    made = await apply(server, body, "one")
    by_name = {each["name"]: each for each in made["spec"]["teammates"]}
    assert by_name["two"]["inputs"] == taker["inputs"]
    assert by_name["one"]["artifacts"] == maker["artifacts"]


async def test_artifacts_in_a_status_are_told_apart_by_agent_and_name(server, make_team) -> None:
    """The recorder applies them all each time; one that it tells anew replaces what it said of it."""
    await apply(server, make_team(), "one")
    told = [
        {
            "agent": agent,
            "name": "report",
            "path": "r",
            "problem": "it is not there",
            "at": "2026-11-21T00:00:00Z",
        }
        for agent in ("one", "two")
    ]
    kept = told[0] | {"folder": False, "files": 1, "size": 8, "sha256": "0" * 64}
    del kept["problem"]
    for artifacts in (told, [kept, told[1]]):
        status = {
            "apiVersion": "claude.amcheste.io/v1alpha1",
            "kind": "AgentTeam",
            "metadata": {"name": "t"},
            "status": {"artifacts": artifacts},
        }
        written = await apply(server, status, "kagents-recorder", "status", force="true")
        assert written["status"]["artifacts"] == artifacts
