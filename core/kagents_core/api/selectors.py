"""Selection of teams by their labels, written and meant as everywhere in Kubernetes."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator

from kagents_core.api.fields import matching, text_schema
from kagents_core.api.model import Spec, refusal, rules

KEY_PATTERN: Final = (
    r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)
VALUE_PATTERN: Final = r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"
KEY_SENTENCE: Final = (
    "a label's key is up to 63 letters, digits, -, _ and ., perhaps after a domain and a slash"
)
VALUE_SENTENCE: Final = (
    "a label's value is up to 63 letters, digits, -, _ and ., with a letter or digit at each end"
)
NEEDS_VALUES: Final = "In and NotIn need values; Exists and DoesNotExist take none"

MOST_LABELS: Final = 64

LabelKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=317),
    AfterValidator(matching(KEY_PATTERN, KEY_SENTENCE)),
    text_schema(pattern=KEY_PATTERN, longest=317),
]
LabelValue = Annotated[
    str,
    StringConstraints(max_length=63),
    AfterValidator(matching(VALUE_PATTERN, VALUE_SENTENCE)),
    WithJsonSchema({"type": "string", "maxLength": 63, "pattern": VALUE_PATTERN}),
]

_KEY = re.compile(KEY_PATTERN.replace("$", r"\Z"))


def _keys(labels: dict[str, str]) -> dict[str, str]:
    if any(_KEY.match(key) is None for key in labels):
        raise ValueError(KEY_SENTENCE)
    return labels


class LabelExpression(Spec):
    """One condition on a label."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
                NEEDS_VALUES,
            )
        )
    )

    key: LabelKey
    """The label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """What has to be true of it."""
    values: Annotated[tuple[LabelValue, ...], Field(max_length=32)] = ()
    """The values of ``In`` and ``NotIn``."""

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        if (self.operator in ("In", "NotIn")) != bool(self.values):
            raise refusal(NEEDS_VALUES, field="values")
        return self

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether it is true of an object with these labels."""
        if self.operator == "In":
            return labels.get(self.key) in self.values
        if self.operator == "NotIn":
            return labels.get(self.key) not in self.values
        return (self.key in labels) == (self.operator == "Exists")


class LabelSelector(Spec):
    """What labels an object must have; an empty selector takes every object of the namespace."""

    match_labels: Annotated[dict[str, LabelValue], Field(max_length=MOST_LABELS), AfterValidator(_keys)] = (
        Field(default_factory=dict)
    )
    """Labels with exactly these values."""
    match_expressions: Annotated[
        tuple[LabelExpression, ...],
        Field(max_length=32, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = ()
    """Conditions that must all hold."""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether it takes an object with these labels."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            each.holds(labels) for each in self.match_expressions
        )
