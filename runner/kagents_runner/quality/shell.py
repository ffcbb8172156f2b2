"""Runs one check: without stdin and without the model's credential, with a time limit, its output kept.

What runs is the agent's own work, so its output is cut to a beginning and an end of limited size, and
whatever it has started ends with it.
"""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HEAD_BYTES: Final = 64 * 1024
TAIL_BYTES: Final = 256 * 1024
_DRAIN_SECONDS: Final = 2.0
"""How long the output of something that the check left running is waited for."""

_NOT_PASSED_ON: Final = ("KAGENTS_", "KUBERNETES_", "ANTHROPIC_", "CLAUDE")
_MARK: Final = "KAGENTS_PROCESS_OF"
"""By this the embedded engine finds what a killed container has left behind."""
_FIXED: Final = {
    "CI": "true",  # test programs that would watch files, or ask, run once instead
    "GIT_TERMINAL_PROMPT": "0",
    "PYTHONDONTWRITEBYTECODE": "1",  # or what was never ignored becomes part of the agent's work
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a check ended."""

    code: int | None
    """Exit status; None when the time limit was over, or the shell could not be started."""
    seconds: float
    output: bytes

    @property
    def passed(self) -> bool:
        """Whether the check is content."""
        return self.code == 0


async def run_check(
    shell: str, folder: Path, home: Path, environment: Mapping[str, str], seconds: float
) -> Outcome:
    """Runs the text of a check by ``sh`` in ``folder``. When cancelled, everything it started ends."""
    began = time.monotonic()
    # A pipe of our own: something that the check leaves running must not keep its end from being seen.
    reading_end, writing_end = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            shell,
            cwd=folder,
            env=variables(environment, home),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing_end,
            stderr=writing_end,
            start_new_session=True,
        )
    except OSError as error:
        os.close(reading_end)
        return Outcome(None, 0.0, f"the check cannot be started: {error.strerror}\n".encode())
    finally:
        os.close(writing_end)
    kept = _Kept()
    reading = asyncio.create_task(kept.read(reading_end))
    code: int | None = None
    try:
        async with asyncio.timeout(seconds):
            code = await process.wait()
        await asyncio.wait({reading}, timeout=_DRAIN_SECONDS)
    except TimeoutError:
        kept.add(f"\nstopped: the time limit of {seconds:g} s is over\n".encode())
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        reading.cancel()
        await asyncio.wait({reading})
        await process.wait()
    return Outcome(code, time.monotonic() - began, kept.bytes())


def variables(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """The agent's own variables, without what belongs to kagents, Kubernetes and the model."""
    own = {
        name: value
        for name, value in environment.items()
        if name == _MARK or not name.startswith(_NOT_PASSED_ON)
    }
    return {"PATH": os.defpath, **own, "HOME": str(home), **_FIXED}


class _Kept:
    """The beginning and the end of an output."""

    def __init__(self) -> None:
        self._head, self._tail, self._dropped = bytearray(), bytearray(), 0

    async def read(self, descriptor: int) -> None:
        stream = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(stream)
        transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(descriptor, "rb"))
        try:
            while chunk := await stream.read(65536):
                self.add(chunk)
        finally:
            transport.close()

    def add(self, chunk: bytes) -> None:
        room = HEAD_BYTES - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > TAIL_BYTES:
            self._dropped += len(self._tail) - TAIL_BYTES
            del self._tail[: len(self._tail) - TAIL_BYTES]

    def bytes(self) -> bytes:
        mark = f"\n[{self._dropped} bytes are left out here]\n".encode() if self._dropped else b""
        return bytes(self._head) + mark + bytes(self._tail)
