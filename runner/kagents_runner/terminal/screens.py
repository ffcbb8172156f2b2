"""What can be attached to: a program on a pseudo-terminal, or the lines of an agent that has no screen."""

from collections.abc import Callable
from typing import Final, Protocol

from kagents_runner.terminal.replay import Replay

LINES_BYTES: Final = 64 * 1024
_NO_SCREEN: Final = (
    b"A simulated agent has no screen of its own; these are its lines.\r\n"
    b"It does not hear what is typed here: write it a message instead.\r\n\r\n"
)


class Screen(Protocol):
    """One program's picture, and the way to its keyboard."""

    def picture(self) -> bytes:
        """What draws the present picture on an empty terminal. Hostile."""
        ...

    def watch(self, watcher: Callable[[bytes], None] | None) -> None:
        """Who hears what is drawn from now on; must not block."""
        ...

    async def type(self, data: bytes) -> None:
        """Types; waits while the program does not take it, then drops the rest."""
        ...

    def resize(self, columns: int, rows: int) -> None:
        """Tells the program another size."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows; (0, 0) when it has none."""
        ...


class LinesScreen:
    """The log lines of a simulated agent in the place of a screen."""

    size = (0, 0)

    def __init__(self) -> None:
        self._replay = Replay(LINES_BYTES)
        self._watcher: Callable[[bytes], None] | None = None

    def add(self, line: str) -> None:
        """One more line."""
        data = line.encode("utf-8", "replace") + b"\r\n"
        self._replay.add(data)
        if self._watcher is not None:
            self._watcher(data)

    def picture(self) -> bytes:
        """A remark, then the last lines."""
        return _NO_SCREEN + self._replay.picture()

    def watch(self, watcher: Callable[[bytes], None] | None) -> None:
        """Who hears of new lines."""
        self._watcher = watcher

    async def type(self, data: bytes) -> None:
        """Nobody listens."""

    def resize(self, columns: int, rows: int) -> None:
        """Lines have no size."""
