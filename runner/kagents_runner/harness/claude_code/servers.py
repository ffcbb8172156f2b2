"""Which MCP servers an agent's CLI cannot reach, from the log that it keeps of each server.

The log (``mcp-logs-<server>/<time>.jsonl`` below the cache folder) is the only place where an interactive CLI
says so. The agent could write there as well: files are read with limits and through no link. A server
that failed counts as unreachable until the CLI says that it has connected; while it tries again, nothing
changes.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kagents_core.teamfiles.files import open_regular

SETTLE_SECONDS: Final = 2.0
"""How long a failure must stand: the CLI says only after it whether it will try again."""

_READ_BYTES: Final = 256 * 1024
_CONNECTED: Final = "Successfully connected"
_FAILED: Final = "Connection failed"
_TRIES: Final = ("Starting connection", "Transient ")
_STDERR: Final = "Server stderr: "
_CLOSED: Final = "Connection closed"


@dataclass(slots=True)
class _Log:
    """What one server's log has said so far."""

    path: Path | None = None
    offset: int = 0
    rest: bytes = b""
    stderr: str = ""
    failed: str | None = None
    """Why the last try failed; None while there is none, or while it is tried again."""
    failed_at: float = 0.0
    told: str | None = None
    """The reason that counts: None for a server that was reached, or not yet tried."""


@dataclass
class ServerLogs:
    """Follows the logs of a process that is about to start."""

    cache: Path
    """The CLI's cache folder: ``$XDG_CACHE_HOME`` or ``.cache`` of its home."""
    servers: Iterable[str]
    plain: Callable[[str], str]
    """Makes a text of the CLI or a server harmless: one clean line, without secrets."""
    clock: Callable[[], float] = time.monotonic
    _logs: dict[str, _Log] = field(default_factory=dict, init=False)
    _old: frozenset[Path] = field(default=frozenset(), init=False)

    def __post_init__(self) -> None:
        self._logs = {server: _Log() for server in self.servers}
        self._old = frozenset(path for server in self._logs for path in self._files(server))

    def unreachable(self) -> tuple[tuple[str, str], ...]:
        """Reads what is new, and tells which servers the agent has to do without now, and why.

        What cannot be read says nothing.
        """
        for server, log in self._logs.items():
            self._follow(server, log)
            if log.failed is not None and self.clock() - log.failed_at >= SETTLE_SECONDS:
                log.told = log.failed
        return tuple((server, log.told) for server, log in self._logs.items() if log.told)

    def _follow(self, server: str, log: _Log) -> None:
        newest = max(set(self._files(server)) - self._old, key=lambda path: path.name, default=None)
        if newest is None:
            return
        if newest != log.path:
            log.path, log.offset, log.rest = newest, 0, b""
        try:
            data = _read(newest, log.offset)
        except OSError:
            return
        log.offset += len(data)
        *lines, log.rest = (log.rest + data).split(b"\n")
        log.rest = log.rest[:_READ_BYTES]
        for line in lines:
            self._take(log, _entry(line))

    def _take(self, log: _Log, entry: Mapping[str, Any]) -> None:
        debug, error = str(entry.get("debug", "")), str(entry.get("error", ""))
        if debug.startswith(_CONNECTED):
            log.failed = log.told = None
        elif debug.startswith(_TRIES):
            log.failed = None
        elif error.startswith(_STDERR):
            log.stderr = error.removeprefix(_STDERR).strip().rpartition("\n")[2]
        elif error.startswith(_FAILED):
            reason = error.removeprefix(_FAILED).partition(": ")[2] or "the connection failed"
            if reason == _CLOSED and log.stderr:
                reason = f"it ended by itself and said: {log.stderr}"
            log.failed, log.failed_at = self.plain(reason), self.clock()

    def _files(self, server: str) -> list[Path]:
        return list(self.cache.glob(f"claude-cli-nodejs/*/mcp-logs-{server}/*.jsonl"))


def _read(path: Path, offset: int) -> bytes:
    with open(open_regular(path), "rb") as file:
        file.seek(offset)
        return file.read(_READ_BYTES)


def _entry(line: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
