"""Commands beside a container's process (``kubectl exec``): with pipes, or on a pseudo-terminal."""

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from kagents_local.kubelet.process_plan import ProcessPlan
from kagents_local.kubelet.processes import signal_group

CHUNK: Final = 32 * 1024
END_GRACE: Final = 2.0
"""Seconds between SIGTERM and SIGKILL for a command whose caller has gone."""

DRAIN_LIMIT: Final = 1.0
"""Seconds that output is still awaited after the command has ended, for what its children print."""

POLL_SECONDS: Final = 0.05
"""How often a child is asked whether it has ended, where the system cannot tell by itself."""

_TAKE_TERMINAL: Final = (
    "import fcntl,os,sys,termios\n"
    "fcntl.ioctl(0,termios.TIOCSCTTY,0)\n"
    "try: os.execvp(sys.argv[1],sys.argv[1:])\n"
    "except OSError as error:\n"
    " sys.stderr.write(f'cannot start {sys.argv[1]!r}: {error.strerror}\\n'); sys.exit(127)"
)
"""Makes the pseudo-terminal the controlling one, which only the new process itself can do, then becomes the
command."""


class CommandError(Exception):
    """The command could not be started; one sentence."""


def run_command(plan: ProcessPlan, argv: Sequence[str], *, stdin: bool, tty: bool) -> "Command":
    """Start ``argv`` with a container's environment and directory. Raises CommandError."""
    there = replace(plan, argv=tuple(argv))
    try:
        return _on_terminal(there) if tty else _with_pipes(there, stdin=stdin)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError) and Path(plan.cwd).is_dir()
        reason = "executable file not found in $PATH" if missing else (error.strerror or str(error))
        raise CommandError(f'cannot start "{argv[0]}": {reason}') from error


def _with_pipes(plan: ProcessPlan, *, stdin: bool) -> "Command":
    process = subprocess.Popen(
        plan.argv,
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=plan.env,
        cwd=plan.cwd,
        start_new_session=True,
        bufsize=0,
    )
    assert process.stdout is not None and process.stderr is not None
    outputs = {process.stdout.fileno(): 1, process.stderr.fileno(): 2}
    return Command(process, outputs, process.stdin.fileno() if process.stdin else None)


def _on_terminal(plan: ProcessPlan) -> "Command":
    ours, theirs = os.openpty()
    try:
        process = subprocess.Popen(
            (sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *plan.argv),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={"TERM": "xterm-256color", **plan.env},
            cwd=plan.cwd,
            start_new_session=True,
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return Command(process, {ours: 1}, ours, terminal=ours)


class Command:
    """A command that runs; its output is read only as fast as somebody asks for it."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        outputs: Mapping[int, int],
        stdin: int | None,
        *,
        terminal: int | None = None,
    ) -> None:
        """``outputs`` gives the channel (1 or 2) of each descriptor; ``terminal`` is the one of a
        terminal."""
        self._process = process
        self._outputs = dict(outputs)
        self._stdin = stdin
        self._terminal = terminal
        self._ended = asyncio.create_task(wait_end(process))
        for descriptor in {*outputs, *([] if stdin is None else [stdin])}:
            os.set_blocking(descriptor, False)

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        """Channel and data until everything is read, or the command has ended and is silent."""
        left = dict(self._outputs)
        while left:
            ready = await self._readable(left)
            if not ready:
                return
            for descriptor in ready:
                try:
                    data = os.read(descriptor, CHUNK)
                except BlockingIOError:
                    continue
                except OSError:
                    # A terminal's word for: nobody has the other side open any more.
                    data = b""
                if data:
                    yield left[descriptor], data
                else:
                    del left[descriptor]

    async def write(self, data: bytes) -> None:
        """Send to its stdin; data for a process that no longer reads is dropped."""
        view = memoryview(data)
        while view and self._stdin is not None and not self._ended.done():
            try:
                view = view[os.write(self._stdin, view) :]
            except BlockingIOError:
                await self._writable(self._stdin)
            except OSError:
                return

    async def close_stdin(self) -> None:
        """End its input; for a terminal that is a character."""
        if self._terminal is not None:
            await self.write(b"\x04")
        elif self._process.stdin is not None:
            self._stdin = None
            self._process.stdin.close()

    def resize(self, width: int, height: int) -> None:
        """Set the terminal's size in cells; nothing without a terminal."""
        # A client without a terminal of its own says 0.
        if self._terminal is not None and width > 0 and height > 0:
            size = struct.pack("HHHH", min(height, 9999), min(width, 9999), 0, 0)
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)

    async def exit_code(self) -> int:
        code = await asyncio.shield(self._ended)
        return 128 - code if code < 0 else code

    async def close(self) -> None:
        """End the command and what it started in its own group, and free its descriptors."""
        if not self._ended.done():
            signal_group(self._process.pid, signal.SIGTERM)
            await asyncio.wait({self._ended}, timeout=END_GRACE)
        signal_group(self._process.pid, signal.SIGKILL)
        await self._ended
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        if self._terminal is not None:
            os.close(self._terminal)
        self._outputs, self._stdin, self._terminal = {}, None, None

    async def _readable(self, descriptors: Iterable[int]) -> list[int]:
        """Descriptors with something to read; none when the command has ended and stayed silent."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[int] = loop.create_future()
        watched = list(descriptors)
        for descriptor in watched:
            loop.add_reader(descriptor, _settle, ready, descriptor)
        try:
            waiting: set[asyncio.Future[int]] = {ready, self._ended}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                await asyncio.wait({ready}, timeout=DRAIN_LIMIT)
        finally:
            for descriptor in watched:
                loop.remove_reader(descriptor)
        return [ready.result()] if ready.done() else []

    async def _writable(self, descriptor: int) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[int] = loop.create_future()
        loop.add_writer(descriptor, _settle, ready, descriptor)
        try:
            waiting: set[asyncio.Future[int]] = {ready, self._ended}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_writer(descriptor)


def _settle(ready: "asyncio.Future[int]", descriptor: int) -> None:
    if not ready.done():
        ready.set_result(descriptor)


async def wait_end(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a child without a thread: the system tells (Linux), or it is asked now and then."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        while (code := process.poll()) is None:  # noqa: ASYNC110  (there is nothing to wait on)
            await asyncio.sleep(POLL_SECONDS)
        return code
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[int] = loop.create_future()
    loop.add_reader(descriptor, _settle, ready, descriptor)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()
