"""The keeper's one connection: JSON lines to and from the daemon. Standard library only."""

import json
import os
import selectors
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

SOCKET: Final = "keeper.sock"
BACKLOG_LIMIT: Final = 4 * 1024 * 1024
"""Bytes kept for a client that does not read; it is cut off then and finds everything on disk."""


class ClientSocket:
    """One client after the other on ``SOCKET`` in the working directory, whose relative name always fits."""

    def __init__(self, selector: selectors.BaseSelector, handle: Callable[[dict[str, Any]], None]) -> None:
        self._selector = selector
        self._handle = handle
        self._client: socket.socket | None = None
        self._incoming = b""
        self._outgoing = b""
        self.left_at = time.monotonic()

    @property
    def connected(self) -> bool:
        return self._client is not None

    def listen(self) -> None:
        Path(SOCKET).unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        self._listener.bind(SOCKET)
        os.umask(before)
        self._listener.listen(8)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def send(self, event: dict[str, Any]) -> None:
        """Queue an event; without a client it is dropped, because its facts are on disk."""
        if self._client is not None:
            self._outgoing += json.dumps(event).encode() + b"\n"
            self._flush()

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        if self._client is not None:
            # Only one daemon holds the data directory: the older one is dead, and its requests come first.
            self._read()
            self._drop()
        client.setblocking(False)
        self._client = client
        self._selector.register(client, selectors.EVENT_READ, self._talk)

    def _talk(self) -> None:
        if self._outgoing:
            self._flush()
        self._read()

    def _read(self) -> None:
        while self._client is not None:
            try:
                data = self._client.recv(1 << 20)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._drop()
                return
            *lines, self._incoming = (self._incoming + data).split(b"\n")
            for line in lines:
                self._handle(json.loads(line))

    def _flush(self) -> None:
        if self._client is None:
            return
        try:
            sent = self._client.send(self._outgoing)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop()
            return
        self._outgoing = self._outgoing[sent:]
        if len(self._outgoing) > BACKLOG_LIMIT:
            self._drop()
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0)
        self._selector.modify(self._client, wanted, self._talk)

    def _drop(self) -> None:
        if self._client is not None:
            self._selector.unregister(self._client)
            self._client.close()
        self._client, self._incoming, self._outgoing = None, b"", b""
        self.left_at = time.monotonic()
