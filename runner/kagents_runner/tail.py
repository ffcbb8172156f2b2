"""``kagents-runner tail``: prints journal entries as JSON lines, and with ``--follow`` new ones as they come.

Lines are printed as they stand in the journal. ``{"kind":"live"}`` says that the past has been printed,
``{"kind":"alive"}`` that nothing has happened for a while. Imports stay light: a viewer waits for the first
line.
"""

import argparse
import os
import select
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final

from kagents_core.journal import JournalReader
from kagents_runner.file_signal import FileSignal

ALIVE_SECONDS: Final = 15.0
"""Silence after which a follower is told that the tail still lives."""
_STDOUT: Final = 1
_BATCH: Final = 256 * 1024


class _Stopped(Exception):  # noqa: N818 - not an error
    """SIGTERM or SIGINT: a tail ends by being stopped."""


async def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Prints until the end, or with ``--follow`` until SIGTERM or a reader that went away; returns 0.

    Raises RunnerError when KAGENTS_TEAM_DIR is not set.
    """
    path = _journal(environment)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        _tail(path, arguments.after, frozenset(arguments.kind), follow=arguments.follow)
    except (_Stopped, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)  # nothing is left to complain at exit
    return 0


def _journal(environment: Mapping[str, str]) -> Path:
    root = environment.get("KAGENTS_TEAM_DIR", "")
    if not root:
        from kagents_runner.termination import RunnerError

        raise RunnerError("The environment variable KAGENTS_TEAM_DIR is not set.", code=64)
    return Path(root) / "journal.jsonl"


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped


def _tail(path: Path, after: int, kinds: frozenset[str], *, follow: bool) -> None:
    sys.stdout.flush()
    reader = JournalReader(path, after=after)
    if not follow:
        _print_new(reader, kinds)
        return
    changes = FileSignal(path)
    reader_gone = select.poll()
    reader_gone.register(_STDOUT, 0)
    _print_new(reader, kinds)
    _write(_mark("live", reader.last))
    silent_since = time.monotonic()
    while not reader_gone.poll(0):
        if _print_new(reader, kinds):
            silent_since = time.monotonic()
        left = silent_since + ALIVE_SECONDS - time.monotonic()
        if left <= 0:
            _write(_mark("alive", reader.last))
            silent_since, left = time.monotonic(), ALIVE_SECONDS
        changes.wait(left)


def _print_new(reader: JournalReader, kinds: frozenset[str]) -> bool:
    """Prints what is new in large pieces; whether anything was."""
    batch, size, printed = list[bytes](), 0, False
    for line in reader.read():
        if kinds and line.kind not in kinds:
            continue
        batch.append(line.data)
        size += len(line.data)
        printed = True
        if size > _BATCH:
            _write(b"\n".join(batch) + b"\n")
            batch, size = [], 0
    if batch:
        _write(b"\n".join(batch) + b"\n")
    return printed


def _mark(kind: str, last: int) -> bytes:
    return b'{"kind":"%s","seq":%d}\n' % (kind.encode(), last)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(_STDOUT, view) :]
