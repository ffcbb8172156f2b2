"""JSON as the native files hold it: indented by two, with the lone surrogates of cut JavaScript texts."""

import json
import math
import re
from datetime import UTC, datetime
from typing import Any, Final, Never

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

DEPTH_LIMIT: Final = 64
"""Levels of arrays and objects that are accepted."""

EXCERPT_LIMIT: Final = 500
"""Characters of a malformed entry that are kept for display."""


class NotJsonError(ValueError):
    """Content that is no JSON; ``str()`` is a plain reason."""


def parse(data: bytes) -> Any:
    """The value of one JSON text. Raises ``NotJsonError``, also for NaN, deep nesting and absurd numbers."""
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise NotJsonError(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise NotJsonError(f"not JSON: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise NotJsonError("nested too deeply") from error
    except ValueError as error:
        raise NotJsonError(f"not JSON: {error}") from error
    _refuse_depth(value)
    return value


def _refuse_depth(value: Any) -> None:
    """Nesting that could not be written again is refused when it is read."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEPTH_LIMIT):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise NotJsonError("nested too deeply")


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    """A number that can be written again: ``1e999`` would come back as no JSON at all."""
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def indented(value: Any) -> bytes:
    """The value as the native CLI writes files: indented by two, no newline at the end."""
    return _encode(json.dumps(value, indent=2, ensure_ascii=False))


def compact(value: Any) -> str:
    """The value on one line without spaces, as inside a message's ``text``."""
    return _encode(json.dumps(value, separators=(",", ":"), ensure_ascii=False)).decode()


def line(value: Any) -> bytes:
    """The value as one line of a JSONL file, with its newline."""
    return (compact(value) + "\n").encode()


def _encode(text: str) -> bytes:
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text).encode()


def excerpt(value: Any) -> str:
    """At most 500 characters that show a malformed value or raw bytes."""
    if isinstance(value, bytes):
        return value[: EXCERPT_LIMIT * 4].decode("utf-8", "replace")[:EXCERPT_LIMIT]
    return repr(value)[:EXCERPT_LIMIT] if not isinstance(value, str) else value[:EXCERPT_LIMIT]


def timestamp(at: datetime | None = None) -> str:
    """RFC 3339 in UTC with milliseconds and ``Z``, as the native files have it; now by default."""
    moment = (at or datetime.now(UTC)).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def milliseconds(at: datetime | None = None) -> int:
    """Milliseconds since 1970, as in ``joinedAt``; now by default."""
    return int((at or datetime.now(UTC)).timestamp() * 1000)
