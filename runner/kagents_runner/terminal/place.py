"""Where the socket of an agent's terminal is, and who may connect to it."""

import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_CREDENTIALS: Final = struct.Struct("3i")
_MOST_ANCESTORS: Final = 256


def socket_path(environment: Mapping[str, str]) -> Path:
    """In the container's own temporary directory, which no other container sees."""
    return Path(environment.get("TMPDIR") or "/tmp") / "kagents-terminal" / "socket"  # noqa: S108


def refusal(connection: socket.socket) -> str:
    """Why the process at the other end may not attach; empty when it may.

    An agent must not type into its own terminal, where it could answer what only a person may answer: who
    descends from this process is refused. As a container's first process it also adopts what is orphaned.
    """
    pid, uid, _ = _CREDENTIALS.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    if uid not in (os.geteuid(), 0):
        return "another user may not attach"
    if pid == os.getpid():
        return ""
    for _ in range(_MOST_ANCESTORS):
        if pid <= 1 and pid != os.getpid():
            return ""
        if pid == os.getpid():
            return "an agent may not attach to its own terminal"
        parent = _parent(pid)
        if parent is None:
            return "the process that attached is gone"
        pid = parent
    return "too many ancestors"


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None
