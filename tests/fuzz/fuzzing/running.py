"""Runs one harness in this process until its time is over; another process watches (``watching``)."""

import json
import mmap
import os
import resource
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final, TextIO

from fuzzing.harness import Harness
from fuzzing.judging import Judge, peak_bytes
from fuzzing.mutation import LARGEST, Mutator

HEADER: Final = struct.Struct(">QQ")
"""Executions so far, and the length of the input that follows."""
_MEMORY: Final = 6 * 1024**3
_SHRINK_SECONDS: Final = 2.0
_MOST_SHRUNK: Final = 20


class Window:
    """What the watching process sees: how often, and with which input now."""

    def __init__(self, path: Path) -> None:
        """Makes the file."""
        path.write_bytes(bytes(HEADER.size + LARGEST))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def show(self, executions: int, data: bytes) -> None:
        """This input comes now."""
        self._map[: HEADER.size] = HEADER.pack(executions, len(data))
        self._map[HEADER.size : HEADER.size + len(data)] = data[:LARGEST]


def corpus(harness: Harness, regressions: Path) -> list[bytes]:
    """The harness's samples, and what has once been too much for it."""
    kept = sorted((regressions / harness.name).glob("*")) if (regressions / harness.name).is_dir() else []
    return [each[:LARGEST] for each in (*harness.seeds(), *(path.read_bytes() for path in kept))]


def drawn(harness: Harness, seeds: list[bytes], seed: int, count: int) -> Judge:
    """So many inputs from this seed; time is nobody's concern."""
    judge, mutator = Judge(harness, timed=False), Mutator(harness, seeds, Random(seed))
    for data in seeds:
        judge.feed(data)
    for _ in range(count):
        judge.feed(mutator.next())
    return judge


def run(
    harness: Harness, seeds: list[bytes], seed: int, seconds: float, window: Path, *, guided: bool
) -> None:
    """Feeds it until the time is over, and writes what came of it to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    shown, out = Window(window), sys.stdout
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - what the parsers say is no matter of ours
    judge = Judge(harness)
    for data in seeds:  # the first of everything loads modules
        with suppress(Exception):
            harness.feed(data)
    start, end = time.monotonic(), time.monotonic() + seconds

    def feed(data: bytes) -> None:
        shown.show(judge.counts.executions, data)
        judge.feed(data)
        if time.monotonic() >= end:
            _tell(judge, time.monotonic() - start, out)

    if guided:
        _guided(harness, seeds, seed, feed)
    mutator = Mutator(harness, seeds, Random(seed))
    while True:
        feed(mutator.next())


def _guided(harness: Harness, seeds: list[bytes], seed: int, feed: Callable[[bytes], None]) -> None:
    """Never returns. What is new in the parsers' branches is kept, and changed further."""
    import atheris

    folder = Path(os.environ["KAGENTS_FUZZ_CORPUS"])
    for number, data in enumerate(seeds):
        folder.joinpath(f"seed-{number}").write_bytes(data)
    mutator = Mutator(harness, seeds, Random(seed))

    def changed(data: bytes, largest: int, number: int) -> bytes:
        mutator.random.seed(number)
        if number % 3 == 0:
            return atheris.Mutate(data, largest)  # type: ignore[no-any-return]
        return mutator.changed(data)[:largest]

    options = [sys.argv[0], f"-seed={seed or 1}", f"-max_len={LARGEST // 4}", "-rss_limit_mb=0", "-timeout=0"]
    atheris.Setup(
        [*options, "-print_final_stats=0", "-verbosity=0", str(folder)], feed, custom_mutator=changed
    )
    atheris.Fuzz()


def _tell(judge: Judge, seconds: float, out: TextIO) -> None:
    counts = judge.counts
    told: dict[str, Any] = {
        "executions": counts.executions,
        "seconds": seconds,
        "peakBytes": peak_bytes(),
        "slowestSeconds": counts.slowest_seconds,
        "slowestBytes": counts.slowest_bytes,
        "failures": {
            name: [sentence, shrunk(judge.harness, name, data).hex()]
            for name, (sentence, data) in list(counts.failures.items())[:_MOST_SHRUNK]
        },
    }
    out.write(json.dumps(told) + "\n")
    out.flush()
    os._exit(0)  # libFuzzer has no other end


def shrunk(harness: Harness, signature: str, data: bytes) -> bytes:
    """A smaller input with the same failure."""
    if signature in ("slow", "memory"):
        return data
    end, step = time.monotonic() + _SHRINK_SECONDS, max(1, len(data) // 2)
    while step and time.monotonic() < end:
        at = 0
        while at < len(data) and time.monotonic() < end:
            smaller = data[:at] + data[at + step :]
            judge = Judge(harness, timed=False)
            judge.feed(smaller)
            if signature in judge.counts.failures:
                data = smaller
            else:
                at += step
        step //= 2
    return data
