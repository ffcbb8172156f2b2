"""Waiting for a condition with a deadline: the only way these tests wait."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(
    condition: Callable[[], T], seconds: float = 60.0, *, explain: Callable[[], object] | None = None
) -> T:
    """The first true value of ``condition``; a failure after ``seconds`` that shows ``explain()``."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            shown = explain() if explain else value
            raise AssertionError(f"not within {seconds:g} s:\n{shown}")
        time.sleep(0.1)
    return value


def always(condition: Callable[[], object], seconds: float) -> None:
    """Fails as soon as ``condition`` does not hold within the next ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition()
        time.sleep(0.1)
