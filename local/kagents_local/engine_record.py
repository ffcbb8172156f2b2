"""``engine.json``: who runs on a data directory, as the daemon says and everyone else reads."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from kagents_local.lock import is_held
from kagents_local.paths import DataDirectory, write_private


@dataclass(frozen=True, slots=True)
class EngineRecord:
    """A daemon that is ready."""

    pid: int
    port: int
    started_at: str
    version: str
    parts: dict[str, Any]
    """By part (``kubelet``, ``controller``): ``state``, ``restarts``, ``lastError``."""


def program_version() -> str:
    try:
        return version("kagents")
    except PackageNotFoundError:
        return "unknown"


def new_record(port: int, parts: dict[str, Any]) -> EngineRecord:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return EngineRecord(os.getpid(), port, now, program_version(), parts)


def write_record(data: DataDirectory, record: EngineRecord) -> None:
    document = {
        "pid": record.pid,
        "port": record.port,
        "startedAt": record.started_at,
        "version": record.version,
        "parts": record.parts,
    }
    write_private(data.engine, json.dumps(document).encode() + b"\n")


def read_record(data: DataDirectory) -> EngineRecord | None:
    """The daemon that is ready on this directory now; None when none is, whatever an old file says."""
    if not is_held(data.lock):
        return None
    try:
        found = json.loads(data.engine.read_bytes())
        return EngineRecord(
            pid=int(found["pid"]),
            port=int(found["port"]),
            started_at=str(found["startedAt"]),
            version=str(found["version"]),
            parts=dict(found.get("parts") or {}),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
