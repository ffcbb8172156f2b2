"""The daemon's side of the keeper: starts it when it is not there, and turns its lines into calls and
callbacks."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from kagents_local.kubelet.keeper_socket import SOCKET

START_LIMIT: Final = 10.0
"""Seconds for a fresh keeper to listen."""

LINE_LIMIT: Final = 16 * 1024 * 1024


class KeeperUnreachableError(Exception):
    """The keeper does not answer; the sentence says why. The kubelet starts another one and tries again."""


class KeeperClient:
    """One connection to the keeper of ``data``. ``on_exit`` is called with the id of every run that has
    ended."""

    def __init__(self, data: Path, on_exit: Callable[[str], None]) -> None:
        self._data = data
        self._on_exit = on_exit
        self._writer: asyncio.StreamWriter | None = None
        self._ready = False
        self._answers: dict[str, asyncio.Future[None]] = {}
        self.gone = asyncio.Event()
        """Set while there is no connection to a keeper."""

        self._running: asyncio.Future[list[str]] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def connect(self) -> list[str]:
        """Connect, starting the keeper when nobody listens, and return the ids of the runs it has."""
        self._reader, self._writer = await self._open()
        self._running = asyncio.get_running_loop().create_future()
        self._write({"do": "list"})
        self.gone.clear()
        try:
            async with asyncio.timeout(START_LIMIT):
                while not self._running.done():
                    await self._receive()
        except TimeoutError as error:
            raise self._lost("the keeper of processes does not answer") from error
        # Only now, in the same step in which the caller learns what runs, may anything be started.
        self._ready = True
        return self._running.result()

    async def listen(self) -> None:
        """Handle events until the connection ends, then raise KeeperUnreachableError."""
        while True:
            await self._receive()

    def start(
        self,
        identity: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: str,
        *,
        niceness: int,
        grace: float,
        log_bytes: int,
        log_files: int,
    ) -> None:
        request = {"do": "start", "id": identity, "argv": list(argv), "env": dict(env), "cwd": cwd}
        self._send(
            {**request, "nice": niceness, "grace": grace, "logBytes": log_bytes, "logFiles": log_files}
        )

    async def confirmed(self, identity: str) -> None:
        """Wait until the keeper has started a run, or knows how it ended. Raises KeeperUnreachableError."""
        answer = self._answers[identity] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(answer, START_LIMIT)
        except TimeoutError as error:
            raise KeeperUnreachableError("the keeper of processes does not answer") from error
        finally:
            self._answers.pop(identity, None)

    def stop(self, identity: str, grace: float) -> None:
        self._send({"do": "stop", "id": identity, "grace": grace})

    def shutdown(self) -> None:
        """Every process is asked to end and is resumed at the next start; the keeper exits after the last
        one."""
        self._send({"do": "shutdown"})

    async def close(self) -> None:
        self._ready = False
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
            self._writer = None

    def _send(self, request: Mapping[str, Any]) -> None:
        if not self._ready:
            raise KeeperUnreachableError("the keeper of processes is not connected")
        self._write(request)

    def _write(self, request: Mapping[str, Any]) -> None:
        assert self._writer is not None
        self._writer.write(json.dumps(request).encode() + b"\n")

    def _lost(self, sentence: str) -> KeeperUnreachableError:
        self._ready = False
        self.gone.set()
        if self._writer is not None:
            self._writer.close()
        error = KeeperUnreachableError(sentence)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(error)
        return error

    async def _receive(self) -> None:
        try:
            line = await self._reader.readline()
        except (OSError, ValueError) as error:
            raise self._lost(f"the connection to the keeper of processes broke: {error}") from error
        if not line:
            raise self._lost("the keeper of processes has gone")
        event = json.loads(line)
        answer = self._answers.get(event.get("id", ""))
        if answer is not None and not answer.done():
            answer.set_result(None)
        if event["event"] == "exited":
            self._on_exit(event["id"])
        elif event["event"] == "list" and self._running is not None and not self._running.done():
            self._running.set_result(event["running"])

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        deadline = asyncio.get_running_loop().time() + START_LIMIT
        while True:
            with contextlib.suppress(OSError):
                async with short_socket(self._data) as path:
                    return await asyncio.open_unix_connection(path, limit=LINE_LIMIT)
            if asyncio.get_running_loop().time() > deadline:
                raise KeeperUnreachableError(
                    f"the keeper of processes did not start; see {self._data}/keeper.log"
                )
            if self._process is None or self._process.poll() is not None:
                self._process = start_keeper(self._data)
            await asyncio.sleep(0.01)


def start_keeper(data: Path) -> "subprocess.Popen[bytes]":
    """A keeper of its own session, with nothing of the daemon's environment but how to find programs."""
    kept = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    with open(data / "keeper.log", "ab", opener=_private) as log:
        return subprocess.Popen(  # the keeper outlives us on purpose
            [sys.executable, "-P", "-m", "kagents_local.kubelet.keeper", str(data)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=data,
            start_new_session=True,
        )


@contextlib.asynccontextmanager
async def short_socket(data: Path) -> AsyncIterator[str]:
    """A path to the keeper's socket that is short enough for the system, wherever the data directory lies."""
    with tempfile.TemporaryDirectory(prefix="kagents-", dir="/tmp") as directory:
        link = Path(directory) / "data"
        link.symlink_to(data)
        yield str(link / SOCKET)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
