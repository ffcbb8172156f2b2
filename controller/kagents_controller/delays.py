"""Keys with a moment each, the earliest first: a heap in which a key's moment can change."""

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class DelayHeap(Generic[K]):
    """Pure bookkeeping; moments are numbers of whatever clock the caller keeps."""

    def __init__(self) -> None:
        self._moments: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._moments)

    def set(self, key: K, moment: float | None) -> None:
        """Give the key this moment instead of any earlier one; None takes it out."""
        if moment is None:
            self._moments.pop(key, None)
        elif self._moments.get(key) != moment:
            self._moments[key] = moment
            self._sequence += 1
            heapq.heappush(self._heap, (moment, self._sequence, key))
        if len(self._heap) > 64 + 2 * len(self._moments):
            self._heap = [entry for entry in self._heap if self._moments.get(entry[2]) == entry[0]]
            heapq.heapify(self._heap)

    def advance(self, key: K, moment: float) -> None:
        """Give the key this moment unless it has an earlier one."""
        self.set(key, min(moment, self._moments.get(key, moment)))

    def next(self) -> float | None:
        """The earliest moment, or None."""
        while self._heap and self._moments.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> list[K]:
        """Take out and return every key whose moment has come, earliest first."""
        due = []
        while (moment := self.next()) is not None and moment <= now:
            key = heapq.heappop(self._heap)[2]
            del self._moments[key]
            due.append(key)
        return due
