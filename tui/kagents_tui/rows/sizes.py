"""Sizes of files in few characters: ``12 B``, ``3.4 KiB``, ``120 MiB``."""

from typing import Final

_UNITS: Final = ("KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024
_SHORT: Final = 10
"""From so many of a unit on the first decimal says nothing."""


def size(count: int) -> str:
    """The size in the largest unit of which there is one."""
    if count < _STEP:
        return f"{count} B"
    amount = float(count)
    for unit in _UNITS:
        amount /= _STEP
        if round(amount) < _STEP or unit == _UNITS[-1]:
            break
    return f"{amount:.1f} {unit}" if amount < _SHORT - 0.05 else f"{amount:.0f} {unit}"
