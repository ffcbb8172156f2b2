"""Waiting longer after each failure, with full jitter so that many clients do not come back together."""

import random
from collections.abc import Callable


class Backoff:
    """Delays between 0 and a ceiling that doubles from ``base`` to ``cap`` seconds."""

    def __init__(self, base: float, cap: float, *, draw: Callable[[], float] = random.random) -> None:
        self._base = base
        self._cap = cap
        self._draw = draw
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        ceiling = min(self._cap, self._base * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return ceiling * self._draw()

    def reset(self) -> None:
        """Start small again: it worked."""
        self._failures = 0
