"""The terminal in a real pseudo-terminal: hostile text in every view, the title, quitting at once."""

import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pyte
import pytest

HERE = Path(__file__).parent
CORPUS = json.loads((HERE.parent / "fixtures" / "hostile-text.json").read_text())
UNWANTED = ("NO_COLOR", "TEXTUAL_DRIVER", "COLUMNS", "LINES")
SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-~])"
)


class Screen:
    """A process in a pseudo-terminal: what it wrote, and what that looks like."""

    def __init__(self, *arguments: str, size: tuple[int, int] = (100, 30), **environment: str) -> None:
        columns, lines = size
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        known = {key: value for key, value in os.environ.items() if key not in UNWANTED}
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=known | {"TERM": "xterm-256color", "TZ": "UTC", **environment},
            start_new_session=True,
        )
        os.close(slave)
        self.raw = bytearray()
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)

    def read(self, seconds: float = 0.05) -> None:
        if not select.select([self.master], [], [], seconds)[0]:
            return
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return
        self.raw += data
        # pyte knows no private sequences with "<", "=" or ">"; they change nothing that is drawn.
        self.stream.feed(re.sub(rb"\x1b\[[<=>][0-9;]*[a-zA-Z]|\x1bP[^\x1b]*\x1b\\", b"", data))

    def text(self) -> str:
        return "\n".join(self.screen.display)

    def until(self, *words: str, seconds: float = 40.0) -> None:
        deadline = time.monotonic() + seconds
        while not all(word in self.text() for word in words):
            assert time.monotonic() < deadline, f"{words} did not appear:\n{self.text()}"
            assert self.process.poll() is None, f"it ended:\n{self.raw[-3000:].decode(errors='replace')}"
            self.read()

    def until_gone(self, word: str, seconds: float = 40.0) -> None:
        deadline = time.monotonic() + seconds
        while word in self.text():
            assert time.monotonic() < deadline, f"{word} did not go:\n{self.text()}"
            self.read()

    def keys(self, text: str) -> None:
        os.write(self.master, text.encode())

    def ended(self, seconds: float) -> int:
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end:\n{self.text()}"
            self.read()
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(5)
        os.close(self.master)


@pytest.fixture
def start():
    opened: list[Screen] = []

    def begin(*arguments: str, **options) -> Screen:
        opened.append(Screen(str(HERE / "pty_child.py"), *arguments, **options))
        return opened[-1]

    yield begin
    for screen in opened:
        screen.close()


TOUR = (
    ("v", "Gates[1]"),
    ("a", "Approve spawn-email-drafter"),
    ("\x1b", "Gates[1]"),
    (":teams\r", "Teams[8]"),
    ("/auth-refactor\r", "Teams[1]"),
    ("\r", "13:59:20"),
    ("2", "[Mail"),
    ("G\r", "written"),
    ("\x1b", "[Mail"),
    ("3\r", "blocked by"),
    ("\x1b", "Tasks"),
    ("4", "[Timeline"),
    ("m", "message in"),
    ("\x1b", "[Timeline"),
    ("l", "Log of lead"),
    ("\x1b", "[Timeline"),
    ("d", "Describe"),
    ("G", "Describe"),
    ("\x1b", "[Timeline"),
    ("y", "YAML"),
    ("\x1b", "[Timeline"),
    ("?", "Keys of this view"),
    ("\x1b", "[Timeline"),
    ("\x04", "delete is off"),
    ("\x0b", "[ Cancel ]"),
    ("\x1b", "[Timeline"),
)
"""Keys, and a word of the view they lead to: every view and every dialog."""


def tour(screen: Screen) -> None:
    screen.until("Teams[8]", "q3-report")
    seen = ""
    for keys, word in TOUR:
        if "delete is off" in word and screen.process.args[-1] != "hostile":
            continue
        before = seen
        screen.keys(keys)
        screen.until(word)
        if keys == "\x1b":
            screen.until_gone(before)
        seen = word
    screen.keys("\x11")
    assert screen.ended(20) == 0


def kinds(raw: bytes) -> set[bytes]:
    """The escape sequences of an output, without their numbers; titles with their words."""
    return {
        re.sub(rb"0;\d+", b"0;#", found)
        if found.startswith(b"\x1b]0;")
        else re.sub(rb"[0-9;:]+", b"#", found)
        for found in SEQUENCE.findall(raw)
    }


def test_hostile_text_emits_nothing_but_what_harmless_text_emits(start):
    plain, hostile = start("plain"), start("hostile")
    tour(plain)
    tour(hostile)
    raw = bytes(hostile.raw)
    assert kinds(raw) - kinds(bytes(plain.raw)) == set()
    left = SEQUENCE.sub(b"", raw)
    assert set(left) & ({*range(0x20)} - set(b"\r\n")) == set()
    assert b"\x7f" not in left
    for code in range(0x80, 0xA0):
        assert chr(code).encode() not in raw
    for character in "\u202e\u2066\u200b\u200d\ufeff\u00ad\u2028\u2029\U000e0041":
        assert character.encode() not in raw
    for marker in (b"\x1b[31337m", b"\x1b[6n", b"\x1b[5i", b"\x1b[c", b"\x1bc", b"\x1b]52;", b"\x1b]8;"):
        assert marker not in raw


def test_markup_is_shown_verbatim(start):
    screen = start("hostile", size=(160, 50))
    screen.until("Teams[8]")
    screen.keys("/auth-refactor\r")
    screen.until("Teams[1]")
    screen.keys("l")
    screen.until("Log of lead", "[/foo][@click=app.quit]click[/]", "[bold red]loud[/bold red]")


def test_the_title_counts_what_needs_a_person(start):
    screen = start("plain")
    screen.until("Teams[8]")
    deadline = time.monotonic() + 10
    while b"\x1b]0;2 need you - kagents\x07" not in screen.raw:
        assert time.monotonic() < deadline
        screen.read()


def test_quitting_is_immediate_while_a_stream_hangs(start):
    screen = start("plain")
    screen.until("Teams[8]", "auth-refactor")
    screen.keys("/auth\r")
    screen.until("Teams[1]", "/auth")
    screen.keys("\r")
    screen.until("live")
    began = time.monotonic()
    screen.keys(":q\r")
    assert screen.ended(20) == 0
    assert time.monotonic() - began < 5
    assert raw_end(screen) == b"h"


def test_quitting_is_immediate_while_a_connection_hangs_in_a_thread(start):
    screen = start("stuck")
    screen.until("resolving a name")
    began = time.monotonic()
    screen.keys("\x11")
    assert screen.ended(20) == 0
    assert time.monotonic() - began < 5
    assert raw_end(screen) == b"h"


def raw_end(screen: Screen) -> bytes:
    """The terminal was given back: the cursor is shown again."""
    return b"h" if b"\x1b[?25h" in screen.raw else b""


def test_no_colour_means_no_colour(start):
    screen = start("plain", NO_COLOR="1")
    screen.until("Teams[8]", "q3-report")
    screen.keys("j")
    screen.read(0.5)
    colours = [
        each
        for each in re.findall(rb"\x1b\[([0-9;]*)m", bytes(screen.raw))
        if re.search(rb"(^|;)(3[0-8]|4[0-8]|9[0-7]|10[0-7])(;|$)", each)
    ]
    assert colours == []
    assert re.search(rb"\x1b\[(?:[0-9;]*;)?7[;m]", bytes(screen.raw)), "the cursor's row is reversed"
