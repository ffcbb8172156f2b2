"""Reads the configuration file of the terminal: finds it, checks it, says what is wrong.

The file is YAML: ``$KAGENTS_CONFIG``, else ``$XDG_CONFIG_HOME/kagents/config.yaml``. Without a file nothing
of this is loaded but the search for it.
"""

import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kagents_core.safetext import clean
from kagents_tui.settings import ContextSettings, Settings, Thresholds, camel

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SIZE_LIMIT: Final = 64 * 1024


class ConfigurationError(Exception):
    """A configuration that is not used; its text is one plain sentence with field, value and way out."""


def usual_file() -> Path:
    """Where the file is looked for when none is named."""
    named = os.environ.get("KAGENTS_CONFIG")
    if named:
        return Path(named).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "kagents" / "config.yaml"


def load(given: str | None = None) -> Settings:
    """The settings of a file, or the defaults when there is none and none was named.

    Raises ConfigurationError for a file that was named and is not there, that cannot be read, or that says
    what cannot be.
    """
    path = Path(given).expanduser() if given else usual_file()
    text = _read(path, named=bool(given or os.environ.get("KAGENTS_CONFIG")))
    return Settings() if text is None else parse(text, str(path))


def _read(path: Path, *, named: bool) -> bytes | None:
    try:
        with path.open("rb") as stream:
            text = stream.read(SIZE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        if named:
            raise ConfigurationError(
                f"{path}: there is no such file; `kagents-tui --print-config` writes one to start from"
            ) from None
        return None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from None
    if len(text) > SIZE_LIMIT:
        raise ConfigurationError(f"{path}: is larger than {SIZE_LIMIT // 1024} KiB")
    return text


def parse(text: bytes, name: str) -> Settings:
    """The settings that a file's text says; ``name`` is the file's, for the sentence of an error."""
    import orjson
    import yaml
    from pydantic import TypeAdapter, ValidationError

    from kagents_core.detachkey import detach_byte
    from kagents_tui.actions.keymap import ImpossibleKeyError, keymap_of
    from kagents_tui.plain_yaml import load

    try:
        document = load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        why = clean(str(getattr(error, "problem", None) or error), limit=200, multiline=False)
        raise ConfigurationError(f"{name}: is not YAML that can be used: {why}{place}") from None
    if not isinstance(document, dict):
        raise ConfigurationError(f"{name}: must be fields with values, as `kagents-tui --print-config` shows")
    try:
        # By way of JSON, which lets lists become tuples.
        settings: Settings = TypeAdapter(Settings).validate_json(orjson.dumps(_tidy(document)))
        keymap_of(settings.keys)
    except ValidationError as error:
        raise ConfigurationError(f"{name}: {sentence(error.errors()[0])}") from None
    except ImpossibleKeyError as error:
        raise ConfigurationError(f"{name}: {clean(str(error), limit=2000, multiline=False)}") from None
    try:
        detach_byte(settings.detach_key)
    except ValueError as error:
        raise ConfigurationError(f"{name}: detachKey: {clean(str(error), multiline=False)}") from None
    return settings


def _tidy(document: dict[str, Any]) -> dict[str, Any]:
    """Fields without a value are left out; one key may stand without a list."""
    found = {name: value for name, value in document.items() if value != ""}
    keys = found.get("keys")
    if isinstance(keys, dict):
        found["keys"] = {
            name: [value] if isinstance(value, str) else value for name, value in keys.items() if value != ""
        }
    return {
        name: _tidy(value) if isinstance(value, dict) and name != "keys" else value
        for name, value in found.items()
    }


def sentence(error: "ErrorDetails") -> str:
    """What is wrong with one field: its place, its value, and what it may be."""
    place = ".".join(str(part) for part in error["loc"]) or "the file"
    value = clean(repr(error["input"]), limit=80, multiline=False)
    if error["type"] == "unexpected_keyword_argument":
        *parents, name = error["loc"]
        known = ", ".join(known_fields(parents))
        return f"{place}: there is no field {name!r}; known are {known}"
    expected = (error.get("ctx") or {}).get("expected")
    if expected:
        return f"{place}: {value} is not possible; it is one of {expected.replace(' or ', ', ')}"
    what = {
        "bool_parsing": "true or false",
        "bool_type": "true or false",
        "int_parsing": "a whole number",
        "int_type": "a whole number",
        "tuple_type": "a list",
        "dataclass_type": "fields with values",
        "dict_type": "fields with values",
        "mapping_type": "fields with values",
    }.get(error["type"])
    problem = f"must be {what}" if what else error["msg"].removeprefix("Input should be ")
    if what is None:
        problem = f"must be {problem}"
    return f"{place}: {problem}, not {value}"


def known_fields(place: Sequence[str | int]) -> list[str]:
    """The names of the fields that stand at a place of the file."""
    owner: Any = Settings
    if place and place[0] == "attention":
        owner = Thresholds
    elif place and place[0] == "contexts":
        owner = ContextSettings
    return [camel(each.name) for each in fields(owner)]
