"""Reading objects that somebody else wrote: a field of the wrong type reads as absent, and never raises."""

from collections.abc import Mapping, Sequence
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any

from kagents_core.safetext import SafeText, clean

LINE_LIMIT = 2000
"""Characters of one cell's text; a table never shows more of it."""


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, (list, tuple)) else ()


def line(value: object, limit: int = LINE_LIMIT) -> SafeText:
    """The value as one harmless line; empty for None."""
    if value is None:
        return clean("")
    return clean(value if isinstance(value, str) else str(value), limit=limit, multiline=False)


def whole(value: object) -> int:
    """The value if it is an integer (and not a boolean), else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def metered(usage: object) -> bool:
    """Whether a gateway has counted what this ``usage`` tells; otherwise it is estimated from transcripts."""
    return mapping(usage).get("estimated") is False


def moment(value: object) -> datetime | None:
    """An RFC 3339 time, or None when it is absent or malformed. Times without a zone count as UTC.

    A time at either end of the years that there are is none: nobody could say what it is in another zone.
    """
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    if not MINYEAR < parsed.year < MAXYEAR:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def micros(value: object) -> int | None:
    """US dollars such as ``"1.42"`` in micro-dollars; None when absent or malformed."""
    if not isinstance(value, str):
        return None
    whole_part, _, fraction = value.partition(".")
    digits = whole_part + (fraction + "000000")[:6]
    return int(digits) if whole_part and digits.isascii() and digits.isdigit() and len(digits) < 19 else None
