"""What is on disk about the runs of containers: what was intended, what ran, how it ended.

The daemon writes ``intent.json`` before it asks for a start; the keeper and its children write the rest. So a
daemon that starts again knows every run, whatever happened to its predecessor.
"""

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kagents_local.kubelet.layout import AttemptLayout, PodLayout
from kagents_local.kubelet.processes import is_running, kill_marked, signal_group

RECORD_LIMIT = 64 * 1024
"""Bytes read of a record; each is far smaller."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended. ``code`` is 128 + ``signal`` for one that a signal ended; times are RFC 3339."""

    code: int
    signal: int | None = None
    reason: str = ""
    message: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    interrupted: bool = False
    """The engine or the machine ended it, so that it goes on when the engine does, whatever its restart
    policy."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of one container; it runs while ``ending`` is None."""

    number: int
    failures: int
    """Restarts in a row before this run, of which the wait before the next one follows."""

    started_at: str
    ending: Ending | None = None


def timestamp(moment: datetime | None = None) -> str:
    """RFC 3339 in UTC with whole seconds, as Kubernetes writes times."""
    return (moment or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def write_intent(layout: AttemptLayout, identity: str, failures: int) -> Attempt:
    """Record that this run will be started; its directory exists afterwards."""
    layout.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    attempt = Attempt(layout.number, failures, timestamp())
    record = {"id": identity, "failures": failures, "at": attempt.started_at}
    write_record(layout.intent, record)
    return attempt


def write_ending(layout: AttemptLayout, ending: Ending) -> None:
    record: dict[str, Any] = {"exitCode": ending.code, "reason": ending.reason, "message": ending.message}
    record |= {"startedAt": ending.started_at, "finishedAt": ending.finished_at}
    write_record(layout.exit, {**record, "interrupted": ending.interrupted})


def read_attempt(layout: AttemptLayout) -> Attempt | None:
    """The run as it is recorded; None when it was never asked for."""
    intent = read_record(layout.intent)
    if intent is None:
        return None
    attempt = Attempt(layout.number, int(intent["failures"]), intent["at"])
    ended = read_record(layout.exit)
    if ended is None:
        return attempt
    ending = Ending(
        code=int(ended["exitCode"]),
        signal=ended.get("signal"),
        reason=ended.get("reason") or "",
        message=ended.get("message") or "",
        started_at=ended.get("startedAt") or attempt.started_at,
        finished_at=ended.get("finishedAt"),
        interrupted=bool(ended.get("interrupted")),
    )
    return Attempt(attempt.number, attempt.failures, attempt.started_at, ending)


def settle_lost(layout: AttemptLayout, data: Path, identity: str) -> None:
    """Close the record of a run that the keeper does not know.

    A run that never became a process is forgotten, so that it can be started. One that did has lost its
    keeper (the machine was restarted, or the keeper was killed): what is left of it is killed, and it counts
    as interrupted.
    """
    if layout.exit.exists():
        return
    process = read_record(layout.process)
    if process is None:
        layout.intent.unlink(missing_ok=True)
        return
    if is_running(process["pid"], process.get("started")):
        signal_group(process["pid"], signal.SIGKILL)
    kill_marked(f"{data}:{identity}\0")
    message = "its output could no longer be kept: the machine or the keeper of its processes had stopped"
    write_ending(
        layout, Ending(137, reason="Interrupted", message=message, finished_at=timestamp(), interrupted=True)
    )


def remove_older_attempts(pod: PodLayout, container: str, keep: int = 2) -> None:
    """Leave the newest ``keep`` runs: the current one and the one before it, as Kubernetes keeps their
    logs."""
    for layout in pod.attempts(container)[:-keep]:
        shutil.rmtree(layout.root, ignore_errors=True)


def known_uids(pods: Path) -> Collection[str]:
    """UIDs of the pods that have a directory."""
    with contextlib.suppress(FileNotFoundError):
        return [entry.name for entry in pods.iterdir() if entry.is_dir()]
    return []


def read_record(path: Path) -> dict[str, Any] | None:
    """A JSON object from a file of ours; None when there is none or it is no whole object."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        try:
            record = json.loads(file.read(RECORD_LIMIT))
        except ValueError:
            return None
    return record if isinstance(record, dict) else None


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Replace a JSON file whole."""
    fresh = path.with_name(f"{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(record, file)
    fresh.replace(path)
