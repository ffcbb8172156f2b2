"""What the API server asks of the kubelet: a container's log, and a command beside its process."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class PodAccessError(Exception):
    """The container is not there or does not run; ``status`` is the HTTP status for the one sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class LogQuery:
    """The options of the Kubernetes log subresource."""

    follow: bool = False
    tail_lines: int | None = None
    since: datetime | None = None
    timestamps: bool = False
    limit_bytes: int | None = None
    previous: bool = False


class ProcessStreams(Protocol):
    """A command that runs. Whoever got it must ``close`` it, which ends what still runs."""

    def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """Pairs of channel (1 stdout, 2 stderr; a terminal has only 1) and data; ends when all is read."""

    async def write(self, data: bytes) -> None:
        """Send to its stdin; data for a process that no longer reads is dropped."""

    async def close_stdin(self) -> None: ...

    def resize(self, width: int, height: int) -> None:
        """Set the terminal's size in cells; nothing without a terminal."""

    async def exit_code(self) -> int:
        """Wait for its end; 128 + signal for one that a signal ended, 127 or 126 when it could not be
        started."""

    async def close(self) -> None:
        """End it if it still runs, and free its descriptors."""


class PodAccess(Protocol):
    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str | None,
        command: Sequence[str],
        *,
        stdin: bool,
        tty: bool,
    ) -> ProcessStreams:
        """Start a command beside a container's process. Raises PodAccessError before anything runs."""

    async def logs(
        self, namespace: str, pod: str, container: str | None, query: LogQuery
    ) -> AsyncIterator[bytes]:
        """The log in chunks. Raises PodAccessError before the first one; ends by itself unless it follows."""
