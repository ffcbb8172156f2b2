"""Results in prompts: what may be named, and what other braces may stand there."""

import pytest

from kagents_core.api.validation import validate


@pytest.mark.parametrize(
    "prompt",
    [
        "Take {{ results.one.commit }} of {{results.one.some-key_2}}.",
        "A template of another kind: {{ .Values.results }} {{ result.one.commit }} {{ resultsof.x }}",
        "{{ results }}",
    ],
)
def test_results_of_dependencies_and_other_braces_are_accepted(change, prompt):
    assert validate(change({"spec.teammates.1.prompt": prompt})) == []


def test_the_lead_of_a_run_has_no_results_to_name():
    lead = {"prompt": "{{ results.one.commit }}"}
    spec = {"templateRef": {"name": "t"}, "workspace": {}, "harness": "simulated", "lead": lead}
    run = {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeamRun",
        "metadata": {"name": "r"},
        "spec": spec,
    }
    assert [error.field for error in validate(run)] == ["spec.lead.prompt"]


def test_a_template_is_checked_by_the_same_rule(change):
    template = {
        "apiVersion": "claude.amcheste.io/v1alpha1",
        "kind": "AgentTeamTemplate",
        "metadata": {"name": "t"},
        "spec": {"teammates": [{"name": "one", "prompt": "{{ results.two.commit }}"}]},
    }
    assert [error.field for error in validate(template)] == ["spec.teammates[0].prompt"]


def test_results_of_dependencies_of_dependencies_are_there_too(change):
    last = {"name": "last", "prompt": "{{ results.one.commit }}", "dependsOn": ["two"]}
    teammates = [
        {"name": "one", "prompt": "x"},
        {"name": "two", "prompt": "x", "dependsOn": ["one"]},
        last,
    ]
    assert validate(change({"spec.teammates": teammates})) == []
