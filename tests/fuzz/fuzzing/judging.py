"""Feeds inputs to a harness, and judges what comes of it: errors, time, memory."""

import resource
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fuzzing.harness import Harness

SECONDS: Final = 1.0
"""Of the processor, for an input of at most a megabyte."""
_MEMORY: Final = 64 * 1024 * 1024
_MEMORY_A_BYTE: Final = 100
_OWN: Final = str(Path(__file__).parents[1])


@dataclass(slots=True)
class Counts:
    """What one harness came to."""

    executions: int = 0
    slowest_seconds: float = 0.0
    slowest_bytes: int = 0
    failures: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """By what distinguishes them: the sentence, and the smallest input."""


class Judge:
    """Feeds one harness."""

    def __init__(self, harness: Harness, *, timed: bool = True) -> None:
        """``timed``: time and memory are judged too, as they are on a machine that has nothing else to do."""
        self.harness, self._timed = harness, timed
        self.counts = Counts()

    def feed(self, data: bytes) -> None:
        """One input."""
        counts = self.counts
        counts.executions += 1
        before, start = peak_bytes(), time.thread_time()
        try:
            self.harness.feed(data)
        except Exception as error:
            self._fail(_signature(error), _told(error), data)
        spent = time.thread_time() - start
        if spent > counts.slowest_seconds:
            counts.slowest_seconds, counts.slowest_bytes = spent, len(data)
        if self._timed and spent > SECONDS:
            self._fail("slow", f"{spent:.1f} s of the processor for {len(data)} bytes", data)
        grown = peak_bytes() - before
        if self._timed and grown > _MEMORY + _MEMORY_A_BYTE * len(data):
            self._fail("memory", f"{grown // 2**20} MiB more for {len(data)} bytes", data)

    def _fail(self, signature: str, sentence: str, data: bytes) -> None:
        known = self.counts.failures.get(signature)
        if known is None or len(data) < len(known[1]):
            self.counts.failures[signature] = (sentence, data)


def peak_bytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _signature(error: Exception) -> str:
    """Where it comes from: the innermost line of ours, else of anybody's."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if "kagents_" in each.filename or "/fuzz/harnesses/" in each.filename]
    last = (ours or frames)[-1]
    return f"{type(error).__name__} {Path(last.filename).name}:{last.lineno}"


def _told(error: Exception) -> str:
    return f"{_signature(error)}: {str(error)[:300]}"
