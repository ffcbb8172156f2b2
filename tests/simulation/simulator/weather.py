"""What the network and the API server are like, and which request a fault befalls."""

import random
from collections import Counter
from collections.abc import Mapping

from simulator.addresses import Address
from simulator.server import Server

UNCOUNTED = ("events", "leases")
"""Requests that have no number: events may be lost, and renewals never end."""

RENEWALS = 12
"""Of the requests about leases the first few are kept, so that faults can be placed at them."""


class Weather:
    """What the network and the server are like just now, for everybody."""

    def __init__(self, server: Server, faults: Mapping[int | str, str], seed: int) -> None:
        self.server = server
        self.calls: list[str] = []
        """Every request that counts so far, by verb and object and how often it was made before."""
        self.elections: list[str] = []
        """The first requests about leases, in the same words."""
        self.refusing_until = 0.0
        self.down_until = 0.0
        self.lagging: dict[str, tuple[float, float]] = {}
        """By plural, or ``""`` for all: until when, and how far behind."""
        self.twice = False
        self.writes = 0
        """Requests of controllers that changed something."""
        self._made = Counter[str]()
        self._faults = faults
        self._seed = seed
        self._random = random.Random(seed)

    def next_fault(self, method: str, address: Address, name: str = "") -> str:
        """Of the request that is about to be made; counts it. ``name``: of what is created."""
        if address.plural == "events":
            return ""
        parts = (address.plural, address.name or name, address.subresource)
        words = f"{method} {'/'.join(part for part in parts if part)}"
        self._made[words] += 1
        words += f"#{self._made[words]}"
        if address.plural in UNCOUNTED:
            if len(self.elections) < RENEWALS:
                self.elections.append(words)
            return self._faults.get(words, "")
        self.calls.append(words)
        return self._faults.get(len(self.calls) - 1) or self._faults.get(words, "")

    def travel(self) -> float:
        """Seconds from one side to the other."""
        return 0.002 if not self._seed else self._random.choice((0.0005, 0.002, 0.004, 0.03))

    def lag(self, plural: str, now: float) -> float:
        """Seconds that an event of this kind is told late."""
        for kind in (plural, ""):
            until, seconds = self.lagging.get(kind, (0.0, 0.0))
            if now < until:
                return seconds
        return 0.001 if not self._seed else self._random.choice((0.0, 0.001, 0.001, 0.01, 0.2, 1.5))
