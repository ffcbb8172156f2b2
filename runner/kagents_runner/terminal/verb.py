"""``kagents-runner attach``: the agent's own screen in this terminal, by exec in the agent's container.

Leaving it, by the key or by closing the terminal, never touches the agent. Imports stay light.
"""

import argparse
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import termios
import tty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from kagents_core.detachkey import detach_byte
from kagents_core.safetext import clean
from kagents_core.terminalfilter import TerminalFilter
from kagents_runner.terminal import frames
from kagents_runner.terminal.frames import FrameError, Frames, frame
from kagents_runner.terminal.place import socket_path
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_STDIN, _STDOUT = 0, 1
_PIECE: Final = 64 * 1024
_CLEAR: Final = b"\x1b[2J\x1b[H"
_SEND_SECONDS: Final = 10.0


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Shows the screen until it ends (0), or a person detaches (0). Raises ``RunnerError`` when there is
    none."""
    try:
        detach = detach_byte(arguments.detach_key)
    except ValueError as error:
        raise RunnerError(f"{error}.", code=EXIT_NEEDS_A_PERSON) from None
    if not (os.isatty(_STDIN) and os.isatty(_STDOUT)):
        raise RunnerError(
            "attach needs a terminal: kubectl exec -it POD -- kagents-runner attach.",
            code=EXIT_NEEDS_A_PERSON,
        )
    connection = _connect(environment)
    with connection, _raw(), _woken_by_resize() as resized:
        viewer = _Viewer(connection, detach, arguments.detach_key, read_only=bool(arguments.read_only))
        try:
            sentence = viewer.stay(resized)
        finally:
            if viewer.welcomed:
                _write(viewer.filter.ending())
    if not viewer.welcomed:
        raise RunnerError(f"Nothing is shown: {sentence}.")
    _write(f"{clean(sentence, limit=500, multiline=False)}\r\n".encode())
    return 0


def _connect(environment: Mapping[str, str]) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_SEND_SECONDS)
    try:
        connection.connect(str(socket_path(environment)))
    except OSError:
        connection.close()
        raise RunnerError(
            "There is no agent's terminal here now: the agent has not started yet, or it has ended."
        ) from None
    return connection


@contextmanager
def _raw() -> Iterator[None]:
    before = termios.tcgetattr(_STDIN)
    tty.setraw(_STDIN)
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(_STDIN, termios.TCSADRAIN, before)


@contextmanager
def _woken_by_resize() -> Iterator[int]:
    """A descriptor that can be read after the window changed, or somebody asked us to end."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGWINCH, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(-1)
        os.close(reading)
        os.close(writing)


class _Viewer:
    """The loop between keyboard, window, and socket."""

    def __init__(self, connection: socket.socket, detach: bytes, key: str, *, read_only: bool) -> None:
        self.filter = TerminalFilter()
        self._connection = connection
        self._detach = detach
        self._key = key
        self._read_only = read_only
        self._about: dict[str, Any] = {}
        self._incoming = Frames()
        self._begun = False
        self.welcomed = False
        """The supervisor has answered."""

    def stay(self, resized: int) -> str:
        """Until it is over; the sentence that says why."""
        self._send(frames.HELLO, json.dumps({"readOnly": self._read_only}).encode())
        self._tell_size()
        waiting = select.poll()
        for descriptor in (_STDIN, self._connection.fileno(), resized):
            waiting.register(descriptor, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in waiting.poll()}
            if resized in ready:
                if any(number != signal.SIGWINCH for number in os.read(resized, 64)):
                    return self._detached()
                self._tell_size()
            if self._connection.fileno() in ready:
                sentence = self._drawn()
                if sentence is not None:
                    return sentence
            if _STDIN in ready and not self._typed():
                return self._detached()

    def _detached(self) -> str:
        return f"detached from {self._about.get('agent', 'the agent')}, which goes on"

    def _tell_size(self) -> None:
        rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(_STDIN, termios.TIOCGWINSZ, bytes(8)))
        self._send(frames.RESIZE, frames.SIZE.pack(columns, rows))

    def _typed(self) -> bool:
        """Passes on what was typed; False when the person leaves."""
        try:
            data = os.read(_STDIN, _PIECE)
        except OSError:
            return False
        before, key, _ = data.partition(self._detach)
        if before and not self._read_only:
            self._send(frames.INPUT, before)
        return bool(data) and not key

    def _send(self, kind: bytes, content: bytes) -> None:
        with suppress(OSError):  # its end is read from the other direction
            self._connection.sendall(frame(kind, content))

    def _drawn(self) -> str | None:
        """Draws what came; the sentence when it was the end."""
        try:
            data = self._connection.recv(_PIECE)
            found = self._incoming.feed(data)
        except (OSError, FrameError):
            data, found = b"", []
        for kind, content in found:
            if kind == frames.WELCOME:
                self._welcomed(content)
            elif kind == frames.NEW:
                _write(self.filter.ending() + _CLEAR if self._begun else b"")
                self._begun = True
            elif kind == frames.OUTPUT:
                _write(self.filter.feed(content))
            elif kind == frames.END:
                return content.decode("utf-8", "replace")
        return None if data else "the agent's terminal is gone"

    def _welcomed(self, content: bytes) -> None:
        with suppress(ValueError):
            self.welcomed = True
            about = json.loads(content)
            self._about = about if isinstance(about, dict) else {}
        who = " of ".join(str(self._about[name]) for name in ("agent", "team") if self._about.get(name))
        how = " to look only" if self._read_only else ""
        words = f"attached{how} to {who or 'the agent'}; {self._key} detaches, the agent goes on"
        _write(f"\x1b[0m{clean(words, limit=300, multiline=False)}\r\n".encode())


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(_STDOUT, view) :]
        except BlockingIOError:
            select.select([], [_STDOUT], [])
    sys.stdout.flush()
