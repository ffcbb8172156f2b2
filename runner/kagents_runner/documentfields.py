"""Reading the controller's JSON documents field by field: typed, with errors that name the field."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson

Value = TypeVar("Value")


class DocumentError(ValueError):
    """A document that cannot be used; ``str()`` is one plain sentence."""


def document_object(what: str, text: str | bytes) -> Mapping[str, Any]:
    """The JSON object in this text; ``what`` names it. Raises ``DocumentError``."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise DocumentError(f"{what} is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise DocumentError(f"{what} must be a JSON object.")
    return value


class Fields:
    """Typed access to the fields of one JSON object, with errors that name the field."""

    def __init__(self, where: str, value: object) -> None:
        if not isinstance(value, Mapping):
            raise DocumentError(f"{where} must be a JSON object.")
        self._where = where
        self._value = value

    def required(self, name: str, kind: Callable[..., Value]) -> Value:
        """The value; an error when it is missing or null."""
        found = self.optional(name, kind)
        if found is None:
            raise DocumentError(f"{self._where}.{name} is missing.")
        return found

    def optional(self, name: str, kind: Callable[..., Value]) -> Value | None:
        """The value, or None when it is missing or null."""
        found = self._value.get(name)
        if found is None:
            return None
        assert isinstance(kind, type)
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            raise DocumentError(f"{self._where}.{name} must be {kind.__name__}, not {type(found).__name__}.")
        result: Value = found  # type: ignore[assignment]  # just checked against ``kind``
        return result

    def number(self, name: str) -> float | None:
        """A number of seconds, or None."""
        found = self._value.get(name)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float) or found < 0:
            raise DocumentError(f"{self._where}.{name} must be a number of seconds, not {found!r}.")
        return float(found)

    def items(self, name: str) -> list[Any]:
        """A list; empty when it is missing."""
        return self.optional(name, list) or []

    def strings(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty when it is missing."""
        found = self.items(name)
        if not all(isinstance(item, str) for item in found):
            raise DocumentError(f"{self._where}.{name} must be a list of texts.")
        return tuple(found)
