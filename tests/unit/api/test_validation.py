"""Refusals with field, value and reason; and what must be accepted."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.api.crosschecks import find_circle
from kagents_core.api.manifests import read_manifest_file
from kagents_core.api.team import AgentTeam
from kagents_core.api.validation import validate

SEEDS = sorted((Path(__file__).parents[2] / "fixtures" / "seed-manifests").glob("*.yaml"))


def test_the_base_is_accepted(change):
    assert validate(change({})) == []


def test_refused(refused_case, change):
    errors = validate(change(refused_case["set"]))
    blamed = {error.field: error for error in errors}
    assert refused_case["field"] in blamed, [str(error) for error in errors]
    line = str(blamed[refused_case["field"]])
    assert refused_case["says"] in line
    assert "\n" not in line
    assert len(line) < 400


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_manifests_of_the_described_system_are_accepted(path):
    objects = read_manifest_file(path)
    assert objects
    assert [str(error) for each in objects for error in validate(each)] == []


def test_a_large_team_in_a_circle_is_refused_with_the_circle(change):
    names = [f"t{index}" for index in range(50)]
    teammates = [
        {"name": name, "prompt": "x", "dependsOn": [names[(index + 1) % 50]]}
        for index, name in enumerate(names)
    ]
    errors = validate(change({"spec.teammates": teammates}))
    assert [error.field for error in errors] == ["spec.teammates[0].dependsOn"]
    assert str(errors[0].value).split(" -> ") == [*names, "t0"]


def test_every_error_is_listed_at_once(change):
    errors = validate(change({"spec.lifecycle": {"timeout": "x", "budgetLimit": "y"}, "metadata.name": "A"}))
    assert {error.field for error in errors} == {
        "metadata.name",
        "spec.lifecycle.timeout",
        "spec.lifecycle.budgetLimit",
    }


def test_a_password_in_a_refused_address_is_not_repeated(change):
    changes = {"spec.workspace": None, "spec.repository": {"url": "https://me:hunter2@example.com/x"}}
    errors = validate(change(changes))
    assert errors
    assert "hunter2" not in "".join(map(str, errors))


def test_null_means_absent(change):
    obj = change({})
    obj["spec"]["auth"] = None
    obj["spec"]["lifecycle"] = {"timeout": None}
    assert validate(obj) == []


def test_a_token_from_a_secret_in_the_environment_is_a_credential(change):
    token = {"name": "ANTHROPIC_AUTH_TOKEN", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}
    changes = {
        "spec.harness": "claude-code",
        "spec.teammates": [],
        "spec.lead": {"prompt": "x", "env": [token]},
    }
    assert validate(change(changes)) == []
    token.pop("valueFrom")
    assert [
        error.field for error in validate(change(changes | {"spec.lead": {"prompt": "x", "env": [token]}}))
    ] == ["spec.auth"]


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/backend.git",
        "http://127.0.0.1:8080/x",
        "ssh://git@example.com:2222/acme/x.git",
        "git@github.com:acme/backend.git",
        "file:///srv/git/x.git",
    ],
)
def test_ordinary_repositories_are_accepted(url, change):
    assert (
        validate(change({"spec.workspace": None, "spec.repository": {"url": url, "branch": "release/4.0"}}))
        == []
    )


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ({"kind": "Pod"}, "kind"),
        ({"kind": None}, "kind"),
        ({"apiVersion": "claude.amcheste.io/v2"}, "apiVersion"),
        ({"metadata": None}, "metadata"),
        ({"metadata": {}}, "metadata.name"),
        ({"metadata": {"name": "x", "labls": {}}}, "metadata.labls"),
        ({"metadata": {"name": "x", "annotations": {"a": True}}}, "metadata.annotations['a']"),
    ],
)
def test_headers(header, field, change):
    assert field in [error.field for error in validate(change({}) | header)]


def test_a_run_needs_a_place_and_a_credential():
    run = {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeamRun",
        "metadata": {"name": "run"},
        "spec": {"templateRef": {"name": "pattern"}, "lead": {"prompt": "x"}},
    }
    assert [error.field for error in validate(run)] == ["spec", "spec.auth"]


def test_a_template_is_checked_like_a_team():
    template = {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeamTemplate",
        "metadata": {"name": "pattern"},
        "spec": {"teammates": [{"name": "a", "prompt": "x", "dependsOn": ["b"]}]},
    }
    assert [error.field for error in validate(template)] == ["spec.teammates[0].dependsOn[0]"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["spec", "lead", "teammates", "name", "env"]) | st.text(max_size=5),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_spec_is_judged_without_an_exception(spec):
    errors = validate({"apiVersion": "x", "kind": "AgentTeam", "metadata": spec, "spec": spec})
    assert errors
    assert all(str(error).isprintable() for error in errors)


@given(st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=4), max_size=13))
def test_circles_are_found_exactly_when_no_order_exists(graph):
    needs = {f"n{key}": [f"n{value}" for value in values if value != key] for key, values in graph.items()}
    circle = find_circle(needs)
    waiting = {name: {other for other in others if other in needs} for name, others in needs.items()}
    while free := {name for name, others in waiting.items() if not others}:
        waiting = {name: others - free for name, others in waiting.items() if name not in free}
    assert bool(circle) == bool(waiting)
    for index, name in enumerate(circle):
        assert circle[(index + 1) % len(circle)] in needs[name]


def test_the_model_refuses_what_it_can_alone(change):
    with pytest.raises(ValueError, match="such as 2h"):
        AgentTeam.model_validate(change({"spec.lifecycle": {"timeout": "2 hours"}}))


def test_prompts_that_would_not_fit_an_environment_variable_are_refused(change):
    teammates = [{"name": f"t{index}", "prompt": "\u20ac" * (9_000 + index)} for index in range(4)]
    errors = validate(change({"spec.teammates": teammates}))
    assert [error.field for error in errors] == ["spec.teammates[3].prompt"]
    assert "96 KiB" in str(errors[0])
    assert validate(change({"spec.teammates": teammates[:3]})) == []


def test_instructions_that_would_not_fit_an_environment_variable_are_refused(change):
    teammate = {"name": "t", "prompt": "\u20ac" * 12_000}
    both = {"spec.instructions": "\u20ac" * 16_000, "spec.teammates": [teammate]}
    assert validate(change(both)) == []
    own = {"spec.teammates": [teammate | {"instructions": "\u20ac" * 9_000}]}
    [error] = validate(change(both | own))
    assert error.field == "spec.teammates[0].instructions"
    assert "96 KiB" in str(error)


def test_commands_too_long_for_a_pod_s_environment_are_refused(change):
    server = {"name": "a", "command": "c", "args": ["x" * 8000] * 13}
    errors = validate(change({"spec.lead": {"prompt": "x", "mcpServers": [server]}}))
    assert [error.field for error in errors] == ["spec.lead.mcpServers"]
    assert "96 KiB" in str(errors[0])


def test_what_is_switched_off_is_accepted(change):
    off = {"mailboxBackend": "shared-volume", "beads": {"enabled": False, "doltServerService": "dolt"}}
    assert validate(change({"spec.coordination": off})) == []
