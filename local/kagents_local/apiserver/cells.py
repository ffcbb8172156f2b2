"""Cells of tables: ages in short form, and the values at simple JSONPaths."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any


def age(timestamp: object, now: datetime) -> str:
    """The time since a timestamp as kubectl writes it: ``45s``, ``3m20s``, ``5h``, ``2d3h``; ``<unknown>``
    for none."""
    try:
        seconds = int((now - datetime.fromisoformat(str(timestamp).replace("Z", "+00:00"))).total_seconds())
    except (ValueError, TypeError):
        return "<unknown>"
    if seconds < 0:
        return "<invalid>" if seconds < -1 else "0s"
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return _pair(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _pair(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _pair(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    years = days // 365
    return _pair(years, "y", days % 365, "d") if years < 8 else f"{years}y"


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"


_STEP = re.compile(
    r"""\.([^.\[\]]+)|\[['"]([^'"]+)['"]\]|\[(\d+)\]|\[\?\(@\.([^=\s]+)\s*==\s*['"]([^'"]*)['"]\)\]"""
)


@lru_cache(maxsize=512)
def _steps(path: str) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(group or "" for group in found.groups()) for found in _STEP.finditer(path.replace("\\.", "\0"))
    )


def find(obj: Any, path: str) -> Any:
    """The value at a simple JSONPath (fields, indexes, ``[?(@.type=="X")]``), or None."""
    value = obj
    for name, quoted, index, field, wanted in _steps(path):
        key = (name or quoted).replace("\0", ".")
        if key:
            value = value.get(key) if isinstance(value, Mapping) else None
        elif not isinstance(value, list):
            return None
        elif field:
            value = next(
                (v for v in value if isinstance(v, Mapping) and str(find(v, "." + field)) == wanted), None
            )
        else:
            value = value[int(index)] if int(index) < len(value) else None
        if value is None:
            return None
    return value
