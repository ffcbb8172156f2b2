"""``kagents-runner transcript``: an agent's turns as JSON lines; in the hub, or in the agent's own pod.

Each line says where it stands in the file (``begin``, ``end``), so that a reader goes on after a broken
stream and turns pages back. Memory is bounded by the number of entries asked for.
"""

import argparse
import json
import os
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final

from kagents_core.teamfiles.conversation import Turn, turns_of
from kagents_core.teamfiles.files import read_bounded
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.lines import read_lines
from kagents_runner.file_signal import FileSignal
from kagents_runner.locations import Locations
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

ALIVE_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 1.0
"""How often it is looked whether there is a transcript already."""

MOST_LAST: Final = 5000
LAST_BYTES: Final = 64 * 1024 * 1024
"""How far back the last entries are looked for."""

_STDOUT: Final = 1
_STATE_BYTES: Final = 1024 * 1024


class _Stopped(Exception):  # noqa: N818 - not an error
    """SIGTERM or SIGINT: it ends by being stopped."""


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Prints turns, then ``{"kind": "live"}`` or, without ``--follow``, ``{"kind": "end"}``; returns 0.

    Raises ``RunnerError`` for an agent that the team has not.
    """
    places = Locations(environment)
    team = places.team()
    names = [each.name for each in team.agents]
    agent = arguments.agent or (places.agent().name if environment.get("KAGENTS_AGENT") else "lead")
    if agent not in names:
        raise RunnerError(
            f"{team.name} has no agent {agent[:80]!r}; its agents: {', '.join(names)}.",
            code=EXIT_NEEDS_A_PERSON,
        )
    home = places.homes_dir / agent if environment.get("KAGENTS_HOMES_DIR") else places.home_dir
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        _print(places.layout(team.name), agent, home, arguments)
    except (_Stopped, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)  # nothing is left to complain at exit
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped


def find(layout: TeamLayout, agent: str, home: Path) -> Path | None:
    """The transcript that the agent's supervisor names, if it lies inside the agent's home."""
    try:
        state = json.loads(read_bounded(layout.agent_state(agent), _STATE_BYTES))
    except (OSError, ValueError):
        return None
    relative = state.get("transcript") if isinstance(state, dict) else None
    if not isinstance(relative, str) or not relative:
        return None
    root = home.resolve()
    path = (root / relative).resolve()
    return path if path.is_relative_to(root) and path.suffix == ".jsonl" else None


def _print(layout: TeamLayout, agent: str, home: Path, arguments: argparse.Namespace) -> None:
    gone = select.poll()
    gone.register(_STDOUT, 0)
    path = find(layout, agent, home)
    while path is None and arguments.follow and not gone.poll(0):
        time.sleep(LOOK_SECONDS)
        path = find(layout, agent, home)
    if path is None:
        _write([{"kind": "end", "offset": 0}])
        return
    end = arguments.before
    offset = _begin(path, arguments.after, end, arguments.last)
    if arguments.last is not None:
        kept: deque[dict[str, Any]] = deque(maxlen=max(1, min(arguments.last, MOST_LAST)))
        for entries, at in _batches(path, offset, end):
            kept.extend(entries)
            offset = at
        _write(kept)
    else:
        for entries, at in _batches(path, offset, end):
            _write(entries)
            offset = at
    if not arguments.follow:
        _write([{"kind": "end", "offset": offset}])
        return
    _follow(path, offset, gone)


def _follow(path: Path, offset: int, gone: "select.poll") -> None:
    changes = FileSignal(path)
    _write([{"kind": "live", "offset": offset}])
    silent_since = time.monotonic()
    while not gone.poll(0):
        for entries, at in _batches(path, offset, None):
            _write(entries)
            offset, silent_since = at, time.monotonic()
        left = silent_since + ALIVE_SECONDS - time.monotonic()
        if left <= 0:
            _write([{"kind": "alive", "offset": offset}])
            silent_since, left = time.monotonic(), ALIVE_SECONDS
        changes.wait(left)


def _begin(path: Path, after: int, before: int | None, last: int | None) -> int:
    """Where reading begins: of a long file, the last entries are looked for near its end only."""
    if last is None:
        return max(0, after)
    try:
        size = path.stat().st_size if before is None else before
    except OSError:
        return max(0, after)
    return max(0, after, size - LAST_BYTES)


def _batches(path: Path, offset: int, before: int | None) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Entries, and where they end; a line that begins at or after ``before`` is not read."""
    while True:
        try:
            found = read_lines(path, offset)
        except OSError:
            return
        if not found.lines:
            return
        entries: list[dict[str, Any]] = []
        at = found.offset - sum(len(line) + 1 for line in found.lines)
        for line in found.lines:
            end = at + len(line) + 1
            if before is not None and at >= before:
                yield entries, at
                return
            entries += [_entry(turn, at, end) for turn in turns_of(line)]
            at = end
        offset = found.offset
        yield entries, offset


def _entry(turn: Turn, begin: int, end: int) -> dict[str, Any]:
    return {
        "kind": "turn",
        "what": turn.what,
        "at": turn.at,
        "text": turn.text,
        "name": turn.name,
        "call": turn.call,
        "failed": turn.failed,
        "cut": turn.cut,
        "begin": begin,
        "end": end,
    }


def _write(entries: "list[dict[str, Any]] | deque[dict[str, Any]]") -> None:
    sys.stdout.write("".join(json.dumps(entry) + "\n" for entry in entries))
    sys.stdout.flush()
