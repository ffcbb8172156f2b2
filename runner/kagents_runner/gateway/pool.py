"""Several credentials at once: the one with the least to do is taken, one that had too much of it rests.

One that is refused is not used while another is taken; when all are, they are tried all the same, so that a
person sees the API's own words.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from kagents_runner.gateway.credentials import Credential

REFUSED_SECONDS: Final = 300.0
"""After which a refused one may be tried again: a key can be switched off and on."""


@dataclass
class Pool:
    """How the credentials are doing."""

    clock: Callable[[], float] = time.monotonic
    _busy: Counter[str] = field(default_factory=Counter)
    _last: dict[str, int] = field(default_factory=dict)
    _resting: dict[str, float] = field(default_factory=dict)
    _refused: dict[str, float] = field(default_factory=dict)
    _known: tuple[Credential, ...] = ()
    _taken: int = 0

    def update(self, credentials: Sequence[Credential]) -> None:
        """Those that there are today; what is known of one that has changed is forgotten."""
        if credentials == self._known:
            return
        changed = {each.name for each in credentials if each not in self._known}
        for name in changed:
            self._resting.pop(name, None)
            self._refused.pop(name, None)
        self._known = tuple(credentials)

    def choose(self) -> Credential:
        """The best of them now; there must be one."""
        self._taken += 1
        best = min(self._known, key=self._rank)
        self._last[best.name] = self._taken
        return best

    def _rank(self, credential: Credential) -> tuple[bool, float, int, int]:
        name, now = credential.name, self.clock()
        rest = max(0.0, self._resting.get(name, 0.0) - now)
        return self._is_refused(name), rest, self._busy[name], self._last.get(name, 0)

    @contextmanager
    def used(self, credential: Credential) -> Iterator[None]:
        """While a request goes by it."""
        self._busy[credential.name] += 1
        try:
            yield
        finally:
            self._busy[credential.name] -= 1

    def rest(self, credential: Credential, seconds: float) -> None:
        """It has reached its rate limit."""
        self._resting[credential.name] = self.clock() + seconds

    def refuse(self, credential: Credential) -> None:
        """It was not taken."""
        self._refused[credential.name] = self.clock() + REFUSED_SECONDS

    def works(self, credential: Credential) -> None:
        """It was taken."""
        self._refused.pop(credential.name, None)

    def another(self) -> bool:
        """Whether one is neither refused nor resting."""
        now = self.clock()
        return any(
            not self._is_refused(each.name) and self._resting.get(each.name, 0.0) <= now
            for each in self._known
        )

    def soonest(self) -> float:
        """Seconds until one of them has rested."""
        now = self.clock()
        return max(0.0, min(self._resting.get(each.name, 0.0) for each in self._known) - now)

    def _is_refused(self, name: str) -> bool:
        return self._refused.get(name, 0.0) > self.clock()
