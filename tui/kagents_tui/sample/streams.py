"""What ``exec`` gives in a cluster in memory: lines, then the end, silence, or what comes later."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class SampleStream:
    """The journal's lines, then silence; or the answer to a message."""

    lines: Sequence[bytes]
    hang: bool
    exit_code: int | None = None
    received: bytearray = field(default_factory=bytearray)
    can_close_stdin: bool = True
    complaint: bytes = b""
    ends_with: Callable[[bytes], str] | None = None
    """Hears standard input once it has ended; what it complains of is the end with 64."""
    later: asyncio.Queue[bytes] | None = None
    """What comes after the lines, as it comes."""
    leave: Callable[[], None] = lambda: None
    """Called when nobody listens any more."""

    async def __aenter__(self) -> "SampleStream":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()

    async def send(self, data: bytes) -> None:
        """Takes standard input."""
        self.received += data

    async def close_stdin(self) -> None:
        """Ends standard input."""
        if self.ends_with is not None:
            self.complaint = self.ends_with(bytes(self.received)).encode()

    async def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        for each in self.lines:
            yield 1, each
        while self.later is not None:
            yield 1, await self.later.get()
        if self.hang:
            await asyncio.Event().wait()
        if self.complaint:
            yield 2, self.complaint
        self.exit_code = 64 if self.complaint else 0
