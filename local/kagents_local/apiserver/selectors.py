"""Label and field selectors, as query strings of list, watch and delete-collection."""

import re
from collections.abc import Callable, Mapping

from kagents_local.apiserver.errors import bad_request

Labels = Mapping[str, str]
Match = Callable[[Labels], bool]

_SET = re.compile(r"^(?P<key>[^\s!=,()]+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^\s!=,()<>]+)\s*(?P<operator>==|!=|=)\s*(?P<value>[^\s!=,()]*)$")
_ORDER = re.compile(r"^(?P<key>[^\s!=,()<>]+)\s*(?P<operator><|>)\s*(?P<value>-?\d+)$")
_EXISTS = re.compile(r"^(?P<negation>!?)\s*(?P<key>[^\s!=,()<>]+)$")


def parse_labels(text: str) -> Match | None:
    """A predicate over labels, or None when everything matches.

    Knows ``a``, ``!a``, ``a=b``, ``a==b``, ``a!=b``, ``a in (x,y)``, ``a notin (x,y)``, ``a>1``, ``a<1``,
    joined by commas. Raises a 400 refusal for anything else.
    """
    matches = [_requirement(part) for part in _split(text)]
    if not matches:
        return None
    return lambda labels: all(match(labels) for match in matches)


def _split(text: str) -> list[str]:
    """Parts between commas that stand outside parentheses."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(text):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def _requirement(part: str) -> Match:
    if found := _SET.match(part):
        return _set_requirement(found["key"], found["operator"], found["values"])
    if found := _EQUAL.match(part):
        key, value = found["key"], found["value"]
        if found["operator"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _ORDER.match(part):
        return _order_requirement(found["key"], found["operator"], int(found["value"]))
    if found := _EXISTS.match(part):
        key = found["key"]
        if found["negation"]:
            return lambda labels: key not in labels
        return lambda labels: key in labels
    raise bad_request(f"unable to parse requirement: found {part!r}")


def _set_requirement(key: str, operator: str, text: str) -> Match:
    values = frozenset(value.strip() for value in text.split(","))
    if operator == "in":
        return lambda labels: key in labels and labels[key] in values
    return lambda labels: labels.get(key) not in values


def _order_requirement(key: str, operator: str, bound: int) -> Match:
    def matches(labels: Labels) -> bool:
        try:
            value = int(labels[key])
        except (KeyError, ValueError):
            return False
        return value > bound if operator == ">" else value < bound

    return matches


def parse_fields(text: str, known: frozenset[str]) -> list[tuple[str, str, bool]]:
    """Requirements (field, value, equal) of a field selector; a field outside ``known`` is a 400 refusal."""
    requirements = []
    for part in _split(text):
        found = _EQUAL.match(part)
        if found is None:
            raise bad_request(f"invalid field selector: {part!r}")
        if found["key"] not in known:
            raise bad_request(f'field label not supported: "{found["key"]}"')
        requirements.append((found["key"], found["value"], found["operator"] != "!="))
    return requirements


def match_fields(requirements: list[tuple[str, str, bool]]) -> Match | None:
    """A predicate over an object's selectable fields, or None when everything matches."""
    if not requirements:
        return None
    return lambda fields: all((fields.get(f, "") == value) is equal for f, value, equal in requirements)
