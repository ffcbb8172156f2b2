"""The ledger: every answer of the model is one entry in a file that only grows, and survives any end.

A line is written at once, in one piece, and an answer's end is on the disk before anybody is told of it. What
is there at the start is held against its own sums: a ledger that does not add up is not gone on with.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from kagents_core.api.quantities import format_money
from kagents_core.teamfiles.files import open_regular, sync_directory
from kagents_core.teamfiles.nativejson import timestamp
from kagents_runner.gateway.entries import LOST, OPEN, Entry, EntryError, Reading
from kagents_runner.output import say
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

FILE: Final = "ledger.jsonl"
LARGEST: Final = 1024**3
"""Bytes of a ledger that is read at the start: millions of answers."""


class Ledger:
    """One team's. Not for use by two processes at once."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file, and closes what was open. Raises ``RunnerError`` and ``OSError``."""
        self._path = path
        self._books = Reading()
        self._repeated: dict[str, int] = {}
        self._syncing = asyncio.Lock()
        self.failed = asyncio.Event()
        """Set once something could not be written: what comes now would not be counted."""
        self.failure: OSError | None = None
        """Why."""
        fresh = not path.exists()
        self._size = 0 if fresh else self._read()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        try:
            os.ftruncate(self._descriptor, self._size)
            if fresh:
                sync_directory(path.parent)
            for entry in tuple(self._books.open.values()):
                self.write(replace(entry, state=LOST, at=timestamp()))
                say(f"the end of answer {entry.id} of {entry.agent} is lost: it counts as far as it is known")
            os.fdatasync(self._descriptor)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._synced = self._books.seq

    def close(self) -> None:
        """Ends the use of the file."""
        os.close(self._descriptor)

    @property
    def total(self) -> int:
        """Micro-dollars of all entries that are closed."""
        return self._books.total

    @property
    def spent(self) -> int:
        """The same, and what is known of those that are open."""
        return self._books.total + sum(entry.micros for entry in self._books.open.values())

    def spent_by(self, agent: str) -> int:
        """The same of one agent."""
        begun = (entry.micros for entry in self._books.open.values() if entry.agent == agent)
        return self._books.spent.get(agent, 0) + sum(begun)

    @property
    def by_agent(self) -> Mapping[str, int]:
        """Micro-dollars of closed entries by agent."""
        return self._books.spent

    def free_id(self, wanted: str) -> str:
        """An id that no other answer has: of two answers with the same one, both were paid for."""
        found, number = wanted, self._repeated.get(wanted, 1)
        while found in self._books.closed or found in self._books.open:
            number += 1
            found = f"{wanted}~{number}"
            self._repeated[wanted] = number
        return found

    def write(self, entry: Entry) -> None:
        """Writes a line, without waiting for the disk. Raises ``OSError``; nothing is written then."""
        closing = entry.micros if entry.state != OPEN else 0
        line = entry.line(self._books.seq + 1, self._books.total + closing)
        try:
            written = os.write(self._descriptor, line)
            if written != len(line):
                raise OSError(f"only {written} of {len(line)} bytes of the ledger could be written")
        except OSError as error:
            self._fail(error)
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(line)
        self._books.seq += 1
        self._books.learn(entry)

    async def durable(self) -> None:
        """Returns once all that was written before is on the disk; who waits at the same time shares it."""
        wanted = self._books.seq
        async with self._syncing:
            if self._synced < wanted:
                reached = self._books.seq
                try:
                    await asyncio.to_thread(os.fdatasync, self._descriptor)
                except OSError as error:
                    self._fail(error)  # the system says it once: nobody knows what is on the disk
                    raise
                self._synced = reached

    def _fail(self, error: OSError) -> None:
        self.failure = self.failure or error
        self.failed.set()

    def _read(self) -> int:
        """Learns the file; how many bytes of it are good."""
        with open(open_regular(self._path), "rb") as file:
            if os.fstat(file.fileno()).st_size > LARGEST:
                raise _wrong(self._path, f"it has more than {LARGEST} bytes")
            size = 0
            for data in file:
                try:
                    if not data.endswith(b"\n"):
                        raise EntryError("it ends in the middle of a line")
                    self._books.line(data)
                except EntryError as error:
                    if data.endswith(b"\n"):
                        raise _wrong(self._path, f"line {self._books.seq + 1}: {error}") from error
                    say(f"the last line of the ledger is torn: {len(data)} bytes of it are cut off", "warn")
                    break
                size += len(data)
        books = self._books
        say(f"ledger: {len(books.closed)} answers, ${format_money(books.total)}")
        return size


def _wrong(path: Path, why: str) -> RunnerError:
    return RunnerError(
        f"The ledger {path.name} cannot be gone on with: {why}. Nothing is served until it is mended or "
        "moved away from the team's volume; what was spent is in it.",
        code=EXIT_NEEDS_A_PERSON,
    )
