"""Attaching to a real program through the supervisor's socket: its picture, keys, size, end; slow viewers."""

import asyncio
import contextlib
import fcntl
import os
import pty
import socket
import stat
import struct
import sys
import termios
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyte
import pytest

from kagents_core.detachkey import detach_byte
from kagents_runner.pty_process import PtyProcess
from kagents_runner.terminal import frames, server
from kagents_runner.terminal.frames import Frames, frame
from kagents_runner.terminal.place import refusal, socket_path
from kagents_runner.terminal.replay import Replay
from kagents_runner.terminal.screens import LinesScreen
from kagents_runner.terminal.server import TerminalServer

pytestmark = pytest.mark.long

ENVIRONMENT = {"PATH": os.environ["PATH"], "TERM": "xterm-256color"}
ABOUT = {"agent": "lead", "team": "demo", "simulated": False}
ECHO = (
    "import os,signal,sys,tty\n"
    "def size(*_): os.write(1, f'[{os.get_terminal_size()[0]}x{os.get_terminal_size()[1]}]\\r\\n'.encode())\n"
    "signal.signal(signal.SIGWINCH, size)\n"
    "tty.setraw(0)\n"
    "os.write(1, b'\\x1b]0;stolen title\\x07\\x1b[6nREADY\\r\\n')\n"
    "while True:\n"
    "    data = os.read(0, 65536)\n"
    "    if data == b'q': break\n"
    "    os.write(1, b'<%d:%s>\\r\\n' % (len(data), data[:20]))\n"
)


@contextlib.asynccontextmanager
async def serving(
    directory: Path, *argv: str, **options: Any
) -> AsyncIterator[tuple[TerminalServer, PtyProcess]]:
    """A server with a program on its terminal, which lets the children of this process attach."""
    place = TerminalServer(
        socket_path({"TMPDIR": str(directory)}), ABOUT, **({"refuse": lambda _: ""} | options)
    )
    await place.start()
    process = await PtyProcess.start(argv, cwd=directory, environment=ENVIRONMENT, columns=100, rows=30)
    place.show(process)
    try:
        yield place, process
    finally:
        await place.close("lead has ended")
        await process.kill()


class Attached:
    """``kagents-runner attach`` in a pseudo-terminal, and what a person sees there."""

    def __init__(self, directory: Path, *arguments: str, columns: int = 80, rows: int = 24) -> None:
        self.raw = bytearray()
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.resize(columns, rows)
        self._slave = slave
        self._directory = directory
        self._arguments = arguments
        self.process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Attached":
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "kagents_runner", "attach", *self._arguments),
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=ENVIRONMENT | {"TMPDIR": str(self._directory)},
            start_new_session=True,
        )
        os.set_blocking(self.master, False)
        asyncio.get_running_loop().add_reader(self.master, self._read)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        asyncio.get_running_loop().remove_reader(self.master)
        os.close(self.master)
        os.close(self._slave)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            data = os.read(self.master, 65536)
            self.raw += data
            self._stream.feed(data)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if self.screen.columns != columns:
            self.screen.resize(rows, columns)

    def resized(self, columns: int, rows: int) -> None:
        """The window changes; this terminal is nobody's controlling one, so we tell as the kernel would."""
        assert self.process is not None
        self.resize(columns, rows)
        self.process.send_signal(28)

    def keys(self, text: str) -> None:
        os.write(self.master, text.encode())

    def text(self) -> str:
        return "\n".join(self.screen.display)

    async def shows(self, *words: str) -> None:
        async with asyncio.timeout(30):
            while not all(word in self.text() for word in words):
                assert self.process is not None and self.process.returncode is None, self.text()
                await asyncio.sleep(0.01)

    async def ended(self) -> int:
        assert self.process is not None
        async with asyncio.timeout(30):
            code = await self.process.wait()
        self._read()
        return code

    def restored(self) -> bool:
        """Whether the terminal has its modes back."""
        return termios.tcgetattr(self._slave) == self.before


async def until(condition) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_person_sees_types_resizes_and_leaves_and_the_program_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path, sys.executable, "-c", ECHO) as (_, process):
        await until(lambda: b"READY" in process.screen())
        async with Attached(tmp_path) as person:
            await person.shows("attached to lead of demo; ctrl-] detaches", "READY", "[80x24]")
            person.keys("hello")
            await person.shows("<5:hello>")
            person.resized(91, 33)
            await person.shows("[91x33]")
            person.keys("\x1d")
            assert await person.ended() == 0
            assert "detached from lead, which goes on" in person.text()
            assert person.restored()
            assert b"stolen title" not in person.raw and b"\x1b[6n" not in person.raw
        await until(lambda: process.screen().rstrip().endswith(b"[100x30]"))
        await process.type(b"still here")
        await until(lambda: b"<10:still here>" in process.screen())


async def test_who_only_looks_types_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, sys.executable, "-c", ECHO) as (_, process):
        await until(lambda: b"READY" in process.screen())
        async with Attached(tmp_path, "--read-only", "--detach-key", "ctrl-q") as person:
            await person.shows("attached to look only to lead of demo; ctrl-q detaches", "READY")
            person.keys("typed\x1d")
            person.resized(70, 20)
            await person.shows("[70x20]")
            person.keys("\x11")
            assert await person.ended() == 0
        assert b"typed" not in process.screen()


async def test_the_server_itself_takes_no_keys_from_who_only_looks(tmp_path: Path) -> None:
    async with serving(tmp_path, sys.executable, "-c", ECHO) as (_, process):
        await until(lambda: b"READY" in process.screen())
        reader, writer = await asyncio.open_unix_connection(socket_path({"TMPDIR": str(tmp_path)}))
        writer.write(frame(frames.HELLO, b'{"readOnly":true}') + frame(frames.INPUT, b"typed"))
        writer.write(frame(frames.RESIZE, frames.SIZE.pack(61, 17)))
        await until(lambda: b"[61x17]" in process.screen())
        assert b"typed" not in process.screen()
        writer.close()
        del reader


async def test_the_end_of_the_agent_is_told_in_a_sentence(tmp_path: Path) -> None:
    async with serving(tmp_path, sys.executable, "-c", ECHO) as (place, process):
        await until(lambda: b"READY" in process.screen())
        async with Attached(tmp_path) as person, Attached(tmp_path, "--read-only") as other:
            await person.shows("READY")
            await other.shows("READY")
            person.keys("q")
            assert await process.wait() == 0
            await place.close("lead has failed: the disk is full")
            assert (await person.ended(), await other.ended()) == (0, 0)
            assert "lead has failed: the disk is full" in person.text()
            assert "lead has failed: the disk is full" in other.text()
            assert person.restored()


async def test_without_an_agent_there_is_a_plain_sentence(tmp_path: Path) -> None:
    async with Attached(tmp_path) as person:
        assert await person.ended() == 1
        assert "There is no agent's terminal here now" in person.text()
        assert "Traceback" not in person.text()


async def test_a_new_program_replaces_the_picture(tmp_path: Path) -> None:
    async with serving(tmp_path, "/bin/sh", "-c", "echo first; sleep 600") as (place, first):
        await until(lambda: b"first" in first.screen())
        async with Attached(tmp_path) as person:
            await person.shows("first")
            second = await PtyProcess.start(
                ["/bin/sh", "-c", "echo second; sleep 600"], cwd=tmp_path, environment=ENVIRONMENT
            )
            try:
                place.show(second)
                await person.shows("second")
                assert "first" not in person.text()
            finally:
                await second.kill()


async def test_a_viewer_that_does_not_read_holds_nobody_up_and_gets_the_present_picture(
    tmp_path: Path,
) -> None:
    flood = (
        "import sys\nsys.stdin.readline()\nfor i in range(60000): print('line', i, 'x' * 60)\n"
        "print('THE END')\nsys.stdin.readline()\n"
    )
    async with serving(tmp_path, sys.executable, "-c", flood) as (place, process):
        stuck = socket.socket(socket.AF_UNIX)
        stuck.connect(str(socket_path({"TMPDIR": str(tmp_path)})))
        stuck.sendall(frame(frames.HELLO, b'{"readOnly":true}'))
        stuck.setblocking(False)
        await until(lambda: len(place._viewers) == 1)
        async with Attached(tmp_path) as person:
            await person.shows("attached")
            await process.type(b"\n")
            await person.shows("THE END")
        (viewer,) = place._viewers
        assert len(viewer._pending) <= server.PENDING_BYTES
        incoming, seen, new = Frames(), b"", 0

        def take() -> bool:
            nonlocal seen, new
            with contextlib.suppress(BlockingIOError):
                for kind, content in incoming.feed(stuck.recv(65536)):
                    new += kind == frames.NEW
                    seen += content
            return b"THE END" in seen

        await until(take)
        assert new >= 2
        stuck.close()


async def test_who_descends_from_the_supervisor_may_not_attach(tmp_path: Path) -> None:
    script = (
        "import socket,sys\n"
        "s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
        "s.sendall(b'h\\0\\0\\0\\x12{\"readOnly\":false}'); print(s.recv(200))\n"
    )
    path = socket_path({"TMPDIR": str(tmp_path)})
    async with serving(tmp_path, sys.executable, "-c", script, str(path), refuse=refusal) as (place, process):
        await process.wait()
        assert b"an agent may not attach to its own terminal" in process.screen()
        assert not place._viewers
        async with Attached(tmp_path) as person:
            assert await person.ended() == 1
            assert "Nothing is shown: an agent may not attach to its own terminal." in person.text()


async def test_the_socket_is_its_owners_alone_and_goes_with_the_server(tmp_path: Path) -> None:
    path = socket_path({"TMPDIR": str(tmp_path)})
    async with serving(tmp_path, "/bin/sleep", "600"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


async def test_a_server_takes_over_the_socket_that_a_killed_one_left(tmp_path: Path) -> None:
    path = socket_path({"TMPDIR": str(tmp_path)})
    path.parent.mkdir()
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    async with serving(tmp_path, "/bin/sh", "-c", "echo here; sleep 600"), Attached(tmp_path) as person:
        await person.shows("here")


async def test_what_is_no_viewer_is_put_out(tmp_path: Path) -> None:
    path = socket_path({"TMPDIR": str(tmp_path)})
    async with serving(tmp_path, "/bin/sleep", "600") as (place, _):
        for wrong in (
            b"GET / HTTP/1.1\r\n\r\n",
            frame(b"i", b"x"),
            frame(frames.HELLO, b"{"),
            b"h\xff\xff\xff\xff",
        ):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(wrong)
            assert await asyncio.wait_for(reader.read(), 30) == b""
            writer.close()
        assert not place._viewers


async def test_a_simulated_agent_shows_its_lines(tmp_path: Path) -> None:
    place = TerminalServer(
        socket_path({"TMPDIR": str(tmp_path)}), ABOUT | {"simulated": True}, refuse=lambda _: ""
    )
    await place.start()
    lines = LinesScreen()
    lines.add("reading the repository")
    place.show(lines)
    try:
        async with Attached(tmp_path) as person:
            await person.shows("A simulated agent has no screen", "reading the repository")
            person.keys("nobody listens")
            lines.add("writing")
            await person.shows("writing")
    finally:
        await place.close("over")


async def test_a_long_paste_arrives_whole(tmp_path: Path) -> None:
    slow = (
        "import os,tty,time\ntty.setraw(0)\nos.write(1,b'READY')\nn=0\n"
        "while n<50000: n+=len(os.read(0,500))\nos.write(1,b'GOT %d' % n)\nos.read(0,1)\n"
    )
    async with serving(tmp_path, sys.executable, "-c", slow) as (_, process):
        await until(lambda: b"READY" in process.screen())
        await process.type(b"p" * 50000)
        await until(lambda: b"GOT 50000" in process.screen())


def test_the_ring_remembers_the_modes_it_dropped() -> None:
    replay = Replay(1000)
    replay.add(b"\x1b[?1049h\x1b[?25l\x1b[?2004h" + b"x" * 2000 + b"\nlast line")
    picture = replay.picture()
    assert picture.startswith(b"\x1b[?1049h\x1b[?25l\x1b[?2004h")
    assert picture.endswith(b"\nlast line")
    assert len(picture) < 1100
    replay.add(b"\x1b[?1049l\x1b[?25hback")
    assert replay.picture() == b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1049l\x1b[?25hback"


@pytest.mark.parametrize(("name", "byte"), [("ctrl-]", b"\x1d"), ("ctrl-q", b"\x11"), ("^\\", b"\x1c")])
def test_the_key_that_detaches(name: str, byte: bytes) -> None:
    assert detach_byte(name) == byte


@pytest.mark.parametrize("name", ["", "q", "ctrl-", "ctrl-m", "ctrl-[", "ctrl-5", "alt-x"])
def test_what_is_no_such_key_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="key"):
        detach_byte(name)
