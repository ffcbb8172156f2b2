"""What ``/`` accepts: a regular expression, ``!`` in front for the inverse, ``-l`` labels, ``-f`` fuzzy.

``text``, ``a.*b``       rows that match, whatever the case
``!text``                rows that do not match
``-l key=value,key2``    rows whose labels match: ``key=value``, ``key!=value``, ``key``, ``!key``
``-f aprv``              rows that have these characters in this order
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

LABELS: Final = "-l"
FUZZY: Final = "-f"
Labels = Mapping[str, str]


class FilterError(Exception):
    """A filter that cannot be read; its text is one plain sentence."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was understood: a predicate over a row's search text, or over its labels."""

    text: Callable[[str], bool] | None = None
    """Takes the search text in lower case."""
    labels: Callable[[Labels], bool] | None = None


def read_filter(text: str) -> Filter:
    """Reads what was typed. Raises ``FilterError`` with the reason and the way out."""
    inverse = text.startswith("!")
    wanted = text[1:] if inverse else text
    option, _, rest = wanted.partition(" ")
    if option == LABELS:
        return Filter(labels=_unless(inverse, selector(rest.strip()))) if rest.strip() else Filter()
    if option == FUZZY:
        return Filter(text=_unless(inverse, fuzzy(rest.strip()))) if rest.strip() else Filter()
    if not wanted:
        return Filter()
    return Filter(text=_unless(inverse, expression(wanted)))


def expression(wanted: str) -> Callable[[str], bool]:
    """A predicate over lower-case text. Raises ``FilterError`` for a malformed expression."""
    if re.escape(wanted) == wanted:
        lowered = wanted.lower()
        return lambda row: lowered in row
    try:
        search = re.compile(wanted, re.IGNORECASE).search
    except (re.error, OverflowError, RecursionError) as error:
        why = getattr(error, "msg", None) or "too large"
        raise FilterError(
            f"/{wanted[:60]} is no regular expression ({why}); the last good one stays"
        ) from None
    return lambda row: search(row) is not None


def fuzzy(wanted: str) -> Callable[[str], bool]:
    """A predicate over lower-case text: its characters come in this order, anything between them."""
    search = re.compile(".*?".join(re.escape(each) for each in wanted.lower() if each != " ")).search
    return lambda row: search(row) is not None


def selector(text: str) -> Callable[[Labels], bool]:
    """A predicate over labels: ``key=value``, ``key!=value``, ``key``, ``!key``, by commas."""
    terms = [_term(each.strip()) for each in text.split(",") if each.strip()]
    if not terms:
        raise FilterError(f"{text!r} selects no label; write key=value")
    return lambda labels: all(term(labels) for term in terms)


def _term(text: str) -> Callable[[Labels], bool]:
    found = re.fullmatch(
        r"(?P<not>!)?(?P<key>[A-Za-z0-9][A-Za-z0-9./_-]*)((?P<op>!=|==?)(?P<value>[A-Za-z0-9._-]*))?", text
    )
    if found is None or (found["not"] and found["op"]):
        raise FilterError(f"{text[:60]!r} is no label selector; write key=value, key!=value, key or !key")
    key, value = found["key"], found["value"]
    if found["op"] is None:
        return lambda labels: (key in labels) is not bool(found["not"])
    if found["op"] == "!=":
        return lambda labels: labels.get(key) != value
    return lambda labels: labels.get(key) == value


def _unless(inverse: bool, matches: Callable[..., bool]) -> Callable[..., bool]:
    return (lambda row: not matches(row)) if inverse else matches
