"""Budgets and records of usage: what is refused, what a selector takes, what can never change."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.api.budget import AgentBudget
from kagents_core.api.selectors import LabelSelector
from kagents_core.api.usage import AgentUsage
from kagents_core.api.validation import immutable_changes, validate

REFUSED = Path(__file__).parents[2] / "fixtures" / "api" / "refused-budgets.yaml"
TABLE: dict[str, Any] = yaml.safe_load(REFUSED.read_text())

RECORD = {
    "apiVersion": "claude.amcheste.io/v1alpha1",
    "kind": "AgentUsage",
    "metadata": {"name": "demo-0123456789", "namespace": "default"},
    "spec": {
        "team": "demo",
        "uid": "11111111-aaaa",
        "labels": {"cost-center": "research"},
        "phase": "Completed",
        "endedAt": "2026-11-21T12:00:00Z",
        "cost": "1.42",
        "costMicros": 1_420_000,
        "estimated": False,
        "byModel": [{"agent": "lead", "model": "claude-opus-4-5", "costMicros": 1_420_000}],
        "hours": [{"hour": "2026-11-21T11", "costMicros": 1_420_000, "tokens": 9000}],
    },
}


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy with some dotted paths replaced; null removes."""
    obj = copy.deepcopy(base)
    for path, value in changes.items():
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = obj
        for part in parents:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return obj


def test_the_base_is_accepted() -> None:
    assert validate(TABLE["base"]) == []
    assert validate(RECORD) == []


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["name"])
def test_refused(case: dict[str, Any]) -> None:
    errors = validate(changed(TABLE["base"], case["set"]))
    blamed = {error.field: error for error in errors}
    assert case["field"] in blamed, [str(error) for error in errors]
    line = str(blamed[case["field"]])
    assert case["says"] in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "zone", ["UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Asia/Kolkata"]
)
def test_zones_of_the_database_are_accepted(zone: str) -> None:
    assert validate(changed(TABLE["base"], {"spec.timeZone": zone})) == []


def test_a_budget_of_tokens_alone_for_all_teams() -> None:
    spec = {"period": "day", "tokens": 1000}
    budget = AgentBudget.model_validate({**TABLE["base"], "spec": spec})
    assert budget.spec.selector.matches({})
    assert (budget.spec.time_zone, budget.spec.on_exceeded) == ("UTC", "block")


@pytest.mark.parametrize(
    ("selector", "taken", "left"),
    [
        ({}, [{}, {"a": "b"}], []),
        ({"matchLabels": {"a": "b"}}, [{"a": "b", "c": "d"}], [{}, {"a": "c"}]),
        (
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["x", "y"]}]},
            [{"a": "x"}, {"a": "y"}],
            [{}, {"a": "z"}],
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["x"]}]},
            [{}, {"a": "y"}],
            [{"a": "x"}],
        ),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, [{"a": ""}], [{}]),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, [{}], [{"a": ""}]),
        (
            {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "Exists"}]},
            [{"a": "b", "c": "d"}],
            [{"a": "b"}, {"c": "d"}],
        ),
    ],
)
def test_what_a_selector_takes(
    selector: dict[str, Any], taken: list[dict[str, str]], left: list[dict[str, str]]
) -> None:
    made = LabelSelector.model_validate(selector)
    assert all(made.matches(labels) for labels in taken)
    assert not any(made.matches(labels) for labels in left)


LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"))


@given(
    labels=LABELS,
    values=st.lists(st.sampled_from("xyz"), min_size=1, max_size=32),
    key=st.sampled_from("abc"),
)
def test_not_in_is_the_opposite_of_in(labels: dict[str, str], values: list[str], key: str) -> None:
    def matches(operator: str) -> bool:
        expression = {"key": key, "operator": operator, "values": values}
        return LabelSelector.model_validate({"matchExpressions": [expression]}).matches(labels)

    assert matches("In") != matches("NotIn")


def test_a_record_is_never_changed() -> None:
    for path, value in (("spec.costMicros", 1), ("spec.labels", {}), ("spec.hours", None)):
        errors = immutable_changes(RECORD, changed(RECORD, {path: value}))
        assert [str(error) for error in errors] == ["spec: a record of usage is never changed"]
    assert immutable_changes(RECORD, changed(RECORD, {"metadata.labels": {"a": "b"}})) == []


def test_a_record_reads_back_as_it_was_written() -> None:
    read = AgentUsage.model_validate(RECORD).model_dump(by_alias=True, exclude_unset=True, mode="json")
    assert json.loads(json.dumps(read)) == RECORD


@pytest.mark.parametrize(
    "changes",
    [
        {"spec.costMicros": -1},
        {"spec.hours.0.hour": "2026-11-21T11:30"},
        {"spec.phase": "Gone"},
        {"spec.uid": ""},
        {"spec.more": 1},
    ],
)
def test_a_record_that_is_none_is_refused(changes: dict[str, Any]) -> None:
    assert validate(changed(RECORD, changes)) != []
