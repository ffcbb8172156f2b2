"""The keys with which the cluster signs tokens, as its API server publishes them; asked for when needed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import jwt

from kagents_runner.gateway.seams import CallersNotKnownYet
from kagents_runner.output import say

PAUSE: Final = 10.0
"""Seconds between two questions at most, whatever is shown to us."""
_MOST: Final = 100
_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256"})
"""What tokens of service accounts are signed with; never a shared secret."""

Ask = Callable[[], Awaitable[Any]]
"""Gets the document ``/openid/v1/jwks``; raises what it likes when the server is away."""


class PublishedKeys:
    """A cache of them."""

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is asked before the first ``find``."""
        self._ask = ask
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] | None = None
        self._asked: float | None = None
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """The key of this name; None when there is none. Raises ``CallersNotKnownYet``."""
        if self._keys is None or kid not in self._keys:
            async with self._lock:  # those that come meanwhile share the question
                if self._keys is None or kid not in self._keys:
                    await self._refresh()
        if self._keys is None:
            raise CallersNotKnownYet
        return self._keys.get(kid)

    async def _refresh(self) -> None:
        if self._asked is not None and self._clock() < self._asked + PAUSE:
            return
        self._asked = self._clock()
        try:
            self._keys = _read(await self._ask())
        except Exception as error:  # whatever it is, the keys that we have are still good
            say(f"the cluster's keys are not known yet: {type(error).__name__}: {error}", "warn")


def _read(document: object) -> dict[str, jwt.PyJWK]:
    """The keys by name; what we cannot use is left out."""
    found: dict[str, jwt.PyJWK] = {}
    keys = document.get("keys") if isinstance(document, Mapping) else None
    for value in keys[:_MOST] if isinstance(keys, list) else ():
        try:
            key = jwt.PyJWK.from_dict(value)
        except (jwt.PyJWTError, AttributeError, TypeError, ValueError):
            continue
        if key.key_id and key.algorithm_name in _ALGORITHMS:
            found[key.key_id] = key
    return found
