"""Which rows have just changed: for a moment they show it."""

from collections.abc import Hashable
from time import monotonic
from typing import Final

CUE_SECONDS: Final = 1.5
"""How long a row shows that it changed."""

LIMIT: Final = 1000
"""Rows that are remembered; when everything changes, a mark on every row says nothing."""


class Cues:
    """Keys of rows that have changed, with the moment."""

    def __init__(self) -> None:
        self._since: dict[Hashable, float] = {}

    def changed(self, key: Hashable) -> None:
        """The row of the key has changed now."""
        if len(self._since) >= LIMIT:
            now = monotonic()
            self._since = {key: at for key, at in self._since.items() if now - at < CUE_SECONDS}
        if len(self._since) < LIMIT:
            self._since[key] = monotonic()

    def fresh(self, key: Hashable) -> bool:
        """Whether the row still shows it."""
        since = self._since.get(key)
        if since is None:
            return False
        if monotonic() - since < CUE_SECONDS:
            return True
        del self._since[key]
        return False
