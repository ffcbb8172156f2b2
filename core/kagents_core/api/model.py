"""The pydantic foundation of every API model: camelCase on the wire, unknown fields refused."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError


class Spec(BaseModel):
    """Part of a ``spec``: a person wrote it, so an unknown field is an error that names the field."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )


class Status(BaseModel):
    """Part of a ``status``: a newer release may have written it, so unknown fields are dropped."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )


def wire_names(model: type[BaseModel]) -> tuple[str, ...]:
    """The names of a model's fields as manifests write them."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """``json_schema_extra`` that holds CEL rules: pairs of (expression, sentence shown when it is false)."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}


def map_list(*keys: str) -> dict[str, Any]:
    """``json_schema_extra`` of a list whose entries the API server tells apart by these fields."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


SET_LIST: dict[str, Any] = {"x-kubernetes-list-type": "set"}
"""``json_schema_extra`` of a list of texts that must differ."""


def refusal(message: str, *, field: str = "", value: object = None) -> PydanticCustomError:
    """The error of a rule between fields: ``field`` (camelCase) is to blame, ``value`` is shown."""
    context = {"sentence": message, "field": field, "value": value}
    return PydanticCustomError("kagents_rule", "{sentence}", context)
