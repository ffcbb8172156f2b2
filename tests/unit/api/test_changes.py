"""What may change after creation, and which accepted fields have no effect yet."""

import pytest

from kagents_core.api.validation import immutable_changes


@pytest.mark.parametrize(
    "changes",
    [
        {"spec.suspend": True},
        {"spec.cancel": True},
        {
            "spec.lifecycle": {
                "timeout": "9h",
                "budgetLimit": "5.00",
                "onBudget": "suspend",
                "maxRestarts": 1,
                "idleTimeout": "1m",
                "ttlSecondsAfterFinished": 5,
            }
        },
        {"metadata.labels": {"a": "b"}},
        {"spec.lead": {"prompt": "Lead.", "budget": "2.00"}, "spec.teammates.1.budget": "0.50"},
        {"spec.harness": "simulated", "spec.storage": {"size": "10Gi"}},
    ],
)
def test_limits_suspend_and_cancel_may_change(change, changes):
    assert immutable_changes(change({}), change(changes)) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"spec.lead": {"prompt": "other"}}, "spec.lead"),
        ({"spec.lead": None}, "spec.lead"),
        ({"spec.lead": {"prompt": "other", "budget": "2.00"}}, "spec.lead"),
        ({"spec.teammates.1": {"name": "four", "prompt": "Second.", "dependsOn": ["one"]}}, "spec.teammates"),
        ({"spec.teammates.0.prompt": "other"}, "spec.teammates"),
        ({"spec.storage": {"size": "11Gi"}}, "spec.storage"),
        ({"spec.auth": {"apiKeySecret": "a"}}, "spec.auth"),
        ({"spec.auth": {"mode": "direct"}}, "spec.auth"),
        ({"spec.lifecycle": {"onComplete": "none"}}, "spec.lifecycle.onComplete"),
        ({"spec.lifecycle": {"approvalGates": [{"event": "finish"}]}}, "spec.lifecycle.approvalGates"),
    ],
)
def test_what_agents_rely_on_may_not_change(change, changes, field):
    assert [error.field for error in immutable_changes(change({}), change(changes))] == [field]


def test_where_a_gate_is_announced_may_change(change):
    def team(url):
        gate = {"event": "finish", "channel": "webhook", "webhookUrl": url}
        return change({"spec.lifecycle": {"approvalGates": [gate]}})

    assert immutable_changes(team("https://a.example"), team("https://b.example")) == []


def test_cancel_is_one_way(change):
    assert [error.field for error in immutable_changes(change({"spec.cancel": True}), change({}))] == [
        "spec.cancel"
    ]


def test_the_lead_of_a_run_keeps_all_but_its_budget():
    def run(**lead):
        spec = {"templateRef": {"name": "t"}, "workspace": {}, "harness": "simulated"}
        return {"kind": "AgentTeamRun", "spec": spec | {"lead": {"prompt": "Lead.", **lead}}}

    assert immutable_changes(run(), run(budget="2.00")) == []
    assert [e.field for e in immutable_changes(run(), run(budget="2.00", effort="low"))] == ["spec.lead"]


def test_a_run_changes_by_the_same_rules():
    def run(lifecycle):
        spec = {"templateRef": {"name": "t"}, "workspace": {}, "harness": "simulated"}
        return {
            "kind": "AgentTeamRun",
            "spec": spec | ({"lifecycle": lifecycle} if lifecycle is not None else {}),
        }

    assert immutable_changes(run({"timeout": "1h"}), run({"timeout": "2h"})) == []
    assert immutable_changes(run(None), run(None)) == []
    assert [e.field for e in immutable_changes(run(None), run({"timeout": "2h"}))] == ["spec.lifecycle"]
    changed = immutable_changes(run({"timeout": "1h"}), run({"onComplete": "none"}))
    assert [e.field for e in changed] == ["spec.lifecycle.onComplete"]


@pytest.mark.parametrize(
    "lifecycle",
    ["1h", {"approvalGates": ["finish"]}, {"approvalGates": 1}, {"approvalGates": [{"event": []}]}],
)
def test_a_stored_object_that_does_not_fit_is_no_error_of_its_own(change, lifecycle):
    """Of an older release, or written past the rules: the next write is judged all the same."""
    broken = change({"spec.lifecycle": lifecycle, "spec.cancel": True})
    fields = {error.field for error in immutable_changes(broken, change({"spec.cancel": False}))}
    assert "spec.cancel" in fields
