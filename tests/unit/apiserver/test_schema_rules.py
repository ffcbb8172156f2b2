"""Structural schemas: pruning, defaults, and every rule's refusal in words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_local.apiserver.structural import drop_nulls, fill_defaults, prune, validate

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 5},
        "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 4},
        "mode": {"type": "string", "enum": ["fast", "slow"], "default": "fast"},
        "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "amount": {"x-kubernetes-int-or-string": True},
        "part": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string"}, "on": {"type": "boolean", "default": True}},
        },
        "items": {
            "type": "array",
            "maxItems": 3,
            "items": {"type": "object", "properties": {"key": {"type": "string"}, "n": {"type": "integer"}}},
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["key"],
        },
        "free": {"type": "object", "additionalProperties": {"type": "string"}},
        "maybe": {"type": "string", "nullable": True},
    },
}


@pytest.mark.parametrize(
    ("value", "field", "says"),
    [
        ({"size": 0}, "size", "should be greater than or equal to 1"),
        ({"size": 6}, "size", "should be less than or equal to 5"),
        ({"size": "3"}, "size", 'must be of type integer: "string"'),
        ({"size": True}, "size", 'must be of type integer: "boolean"'),
        ({"name": "A1"}, "name", "should match '^[a-z]+$'"),
        ({"name": "a"}, "name", "at least 2 chars"),
        ({"name": "abcde"}, "name", "Too long"),
        ({"mode": "odd"}, "mode", 'Unsupported value: "odd": supported values: "fast", "slow"'),
        ({"amount": []}, "amount", "integer,string"),
        ({"part": {}}, "part.id", "Required value"),
        ({"items": [{"key": "a"}, {"key": "a"}]}, "items[1]", 'Duplicate value: {"key":"a"}'),
        ({"items": [{}] * 4}, "items", "must have at most 3 items"),
        ({"items": [{"key": "a", "n": "x"}]}, "items[0].n", "must be of type integer"),
        ({"free": {"x": 1}}, "free.x", "must be of type string"),
    ],
)
def test_a_broken_rule_is_named(value: dict[str, Any], field: str, says: str) -> None:
    causes = validate(value, SCHEMA)
    assert [cause.field for cause in causes] == [field]
    assert says in causes[0].detail


@pytest.mark.parametrize(
    "value",
    [
        {"size": 3, "name": "ab", "mode": "slow", "amount": "5Gi", "part": {"id": "x"}, "maybe": None},
        {"amount": 5, "any": {"deep": [1, {"x": None}]}, "items": [{"key": "a"}, {"key": "b"}]},
        {},
    ],
)
def test_what_fits_is_accepted(value: dict[str, Any]) -> None:
    assert validate(value, SCHEMA) == []


def test_pruning_names_what_it_removes() -> None:
    value = {"size": 1, "x": 1, "part": {"id": "a", "y": 2}, "items": [{"key": "k", "z": 3}], "any": {"q": 4}}
    assert prune(value, SCHEMA) == ["x", "part.y", "items[0].z"]
    assert value == {"size": 1, "part": {"id": "a"}, "items": [{"key": "k"}], "any": {"q": 4}}


def test_defaults_fill_what_is_absent() -> None:
    value: dict[str, Any] = {"part": {"id": "a"}, "mode": None}
    fill_defaults(value, SCHEMA)
    assert value == {"part": {"id": "a", "on": True}, "mode": "fast"}


def test_nulls_mean_not_set() -> None:
    value: dict[str, Any] = {"size": None, "maybe": None, "items": [{"key": None}]}
    drop_nulls(value, SCHEMA)
    assert value == {"maybe": None, "items": [{}]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["size", "name", "mode", "part", "items", "key", "zz"]), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "zz"]), JSON))
def test_any_input_is_judged_and_cleaned_once(value: dict[str, Any]) -> None:
    prune(value, SCHEMA)
    drop_nulls(value, SCHEMA)
    fill_defaults(value, SCHEMA)
    first = validate(value, SCHEMA)
    assert prune(value, SCHEMA) == []
    assert validate(value, SCHEMA) == first
