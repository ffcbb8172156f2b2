"""An array in a file that others write whole again for each entry: of one that only grew, read what is new.

What was read is remembered as a hash, not as bytes. A file that does not begin with it byte for byte, up to
the end of its last entry, was changed otherwise and has to be read from its start.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from kagents_core.teamfiles.nativejson import NotJsonError, parse

_SPACE: Final = b" \t\n\r"


@dataclass(frozen=True, slots=True)
class Known:
    """The start of a file: its length until behind the last entry, and its hash."""

    length: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Grown:
    """The value of a file; of one that only grew (``appended``) the entries behind those that were known."""

    value: Any
    known: Known | None
    appended: bool


def read_grown(data: bytes, known: Known | None) -> Grown:
    """What a file holds, or what has come. Raises ``NotJsonError``."""
    new = _entries_behind(data, known)
    if new is not None:
        return Grown(new, _known_of(data, new) if new else known, appended=True)
    value = parse(data)
    return Grown(value, _known_of(data, value), appended=False)


def _known_of(data: bytes, value: Any) -> Known | None:
    """What to remember of a file that holds this value; None when nothing can follow from it."""
    if not isinstance(value, list) or not value or not isinstance(value[-1], dict):
        return None
    length = len(data.rstrip(_SPACE).removesuffix(b"]").rstrip(_SPACE))
    return Known(length, hashlib.sha256(memoryview(data)[:length]).digest())


def _entries_behind(data: bytes, known: Known | None) -> list[Any] | None:
    """The entries behind those that are known; None when the file must be read from its start."""
    if known is None or len(data) < known.length:
        return None
    if hashlib.sha256(memoryview(data)[: known.length]).digest() != known.digest:
        return None
    rest = data[known.length :].strip(_SPACE)
    if rest == b"]":
        return []
    behind = rest[1:].lstrip(_SPACE)
    if not rest.startswith(b",") or behind.startswith(b"]"):
        return None
    try:
        value = parse(b"[" + behind)
    except NotJsonError:
        return None
    return value if isinstance(value, list) else None
