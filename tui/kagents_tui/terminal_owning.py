"""Who the terminal belongs to: the application, or for a while something else, as an agent's own screen."""

import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from textual.app import App

HELD: Final = 8
"""So much of what would be written meanwhile is kept."""


class TerminalOwner(App[None], inherit_bindings=False):
    """An application that can give its terminal away and takes it back."""

    crash = ""
    """What is told once the terminal is given back, when the application has failed."""
    given_away: deque[str] | None = None
    """What is held back while the terminal belongs to something else."""

    def _fatal_error(self) -> None:
        """Ends the application after a fault of its own; Textual's way would show the values of variables."""
        from kagents_tui.crashing import crash_report

        error = sys.exception() or self._exception
        if error is not None and not self.crash:
            self.crash = crash_report(error)
        self._close_messages_no_wait()

    def write_to_terminal(self, sequence: str) -> None:
        """Sends a sequence of ours to the terminal itself; nowhere when there is none."""
        if self.given_away is not None:
            self.given_away.append(sequence)
        elif self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    @asynccontextmanager
    async def terminal_given_away(self) -> AsyncIterator[None]:
        """The terminal belongs to something else meanwhile: nothing of ours is painted, written or read.

        What would have been written, the last of it at least, is written afterwards. Whatever goes wrong
        inside, the terminal is taken back. Raises ActError where it cannot be given away.
        """
        from kagents_tui.acts import ActError

        if self._driver is None or not self._driver.can_suspend or self.given_away is not None:
            raise ActError("this terminal cannot be given to an agent")
        failed: BaseException | None = None
        self.given_away = deque(maxlen=HELD)
        with self.batch_update():
            with self.suspend():
                try:
                    yield
                except BaseException as error:  # or Textual would not take the terminal back
                    failed = error
            held, self.given_away = self.given_away, None
        for sequence in held:
            self.write_to_terminal(sequence)
        self.refresh(layout=True)
        if failed is not None:
            raise failed
