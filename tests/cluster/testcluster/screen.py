"""kagents-tui in a real pseudo-terminal."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from fcntl import ioctl

import pyte

from kagents_tui.actions import ACTIONS

_UNKNOWN = re.compile(rb"\x1b\[[<=>][0-9;]*[a-zA-Z]|\x1bP[^\x1b]*\x1b\\")
"""Private sequences that pyte does not know; they draw nothing."""


def key_of(action: str) -> str:
    """What a terminal sends for the first key of an action, by its id in the registry."""
    [key] = [each.keys[0] for each in ACTIONS if each.id == action]
    if key.startswith("ctrl+") and len(key) == 6:
        return chr(ord(key[-1]) & 0x1F)
    return {"enter": "\r", "escape": "\x1b", "tab": "\t"}.get(key, key)


def title_of(action: str) -> str:
    """What the terminal calls an action when it says that it is off."""
    [title] = [each.title for each in ACTIONS if each.id == action]
    return title


class Screen:
    """A process with a terminal of 120 x 40 characters; close it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", **environment},
            start_new_session=True,
        )
        os.close(slave)
        self._screen = pyte.Screen(120, 40)
        self._stream = pyte.ByteStream(self._screen)

    def text(self) -> str:
        """What is to be seen."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def until(self, *words: str, seconds: float = 40.0) -> None:
        """Wait until all words are to be seen."""
        end = time.monotonic() + seconds
        while not all(word in self.text() for word in words):
            assert time.monotonic() < end, f"{words} did not appear:\n{self.text()}"
            assert self._process.poll() is None, f"it ended:\n{self.text()}"
            self._read()

    def answer(self, key: str, before: str, after: str = "", *, tries: int = 5) -> None:
        """Press a key in a dialog that shows ``before`` until it does not, and shows ``after``.

        A dialog drops keys typed before it could be seen, and a slow machine paints before that moment.
        """
        for _ in range(tries):
            self.until(before)
            self.keys(key)
            end = time.monotonic() + 6.0
            while time.monotonic() < end:
                self._read()
                if before not in self.text() and after in self.text():
                    return
        raise AssertionError(f"{key!r} changed nothing:\n{self.text()}")

    def _read(self) -> None:
        if select.select([self._master], [], [], 0.1)[0]:
            self._stream.feed(_UNKNOWN.sub(b"", os.read(self._master, 1 << 16)))

    def keys(self, text: str) -> None:
        """Type."""
        os.write(self._master, text.encode())

    def close(self) -> None:
        """End it."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(5)
        os.close(self._master)
