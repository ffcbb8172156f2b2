"""The refusal of one field, and pydantic's errors in plain words."""

import difflib
import json
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

Path = tuple[str | int, ...]

_SHOWN: Final = 80
_PASSWORD = re.compile(r"(://)[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One refusal. ``field`` is a path such as ``spec.teammates[1].dependsOn[0]``."""

    field: str
    value: object
    message: str

    def __str__(self) -> str:
        """The line a person sees: field, value when there is one, reason."""
        shown = show_value(self.value)
        return f"{self.field}: {shown}: {self.message}" if shown else f"{self.field}: {self.message}"


def show_value(value: object) -> str:
    """A value on one line of at most 80 printable ASCII characters, without passwords; empty for none."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "{…}" if value else "{}"
    if isinstance(value, (list, tuple)):
        return "[…]" if value else "[]"
    if isinstance(value, str):
        shortened = _PASSWORD.sub(r"\1***@", value[: 4 * _SHOWN])
        text = json.dumps(shortened)
    else:
        text = json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def plain_error(error: Mapping[str, Any], model: type[BaseModel]) -> FieldError:
    """A pydantic error (an entry of ``ValidationError.errors()``) of this model in plain words."""
    path: Path = tuple(error["loc"])
    context = error.get("ctx") or {}
    kind, value = error["type"], error.get("input")
    if kind == "kagents_rule":
        blamed = ".".join(each for each in (render_path(path), context["field"]) if each)
        return FieldError(blamed, context["value"], context["sentence"])
    if kind == "extra_forbidden":
        sentence = unknown_field_sentence(str(path[-1]), _known_fields(model, path[:-1]))
        return FieldError(render_path(path), None, sentence)
    if kind == "missing":
        return FieldError(render_path(path), None, "this field is required")
    if kind == "value_error":
        return FieldError(render_path(path), value, str(context["error"]))
    sentence = _SENTENCES.get(kind, "").format_map(_Context(context)) or str(error["msg"])
    return FieldError(render_path(path), value, sentence)


class _Context(dict[str, Any]):
    """Values for a sentence; one that pydantic did not give shows as its own name."""

    def __missing__(self, key: str) -> str:
        return key


_SENTENCES: Final = {
    "string_type": "this must be text; write it in quotes",
    "bool_type": "this must be true or false",
    "int_type": "this must be a whole number",
    "dict_type": "this must be a mapping",
    "model_type": "this must be a mapping",
    "model_attributes_type": "this must be a mapping",
    "tuple_type": "this must be a list",
    "literal_error": "this must be one of {expected}",
    "string_too_long": "this text is longer than {max_length} characters",
    "string_too_short": "this text must not be empty",
    "string_pattern_mismatch": "this text must match {pattern}",
    "too_long": "this has more than {max_length} entries",
    "too_short": "this needs at least {min_length} entry",
    "greater_than_equal": "this must be at least {ge}",
    "less_than_equal": "this must be at most {le}",
}


def render_path(path: Iterable[str | int]) -> str:
    """A location as people write it: ``spec.teammates[1].name``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[\w-]+", part):
            text += f".{part}" if text else part
        else:
            text += f"[{show_value(part)}]"
    return text


def unknown_field_sentence(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name[:64], known, n=1, cutoff=0.7)
    return f"there is no such field; did you mean {close[0]}?" if close else "there is no such field"


def _known_fields(model: type[BaseModel], path: Path) -> list[str]:
    """The field names that the (nested) model at this location has, as people write them."""
    current: type[BaseModel] | None = model
    for part in path:
        if current is None or isinstance(part, int):
            continue
        annotation = next(
            (info.annotation for name, info in current.model_fields.items() if part in (name, info.alias)),
            None,
        )
        current = _model_in(annotation)
    return [info.alias or name for name, info in current.model_fields.items()] if current else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as ``tuple[Annotated[Model, …], ...] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, typing.get_args(annotation))), None)
