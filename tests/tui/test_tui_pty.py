"""The terminal in a real pseudo-terminal: hostile text in every view, the title, quitting at once."""

import json
import re
import time
from functools import partial
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
CORPUS = json.loads((HERE.parent / "fixtures" / "hostile-text.json").read_text())
SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-~])"
)


@pytest.fixture
def start(pseudo_terminal):
    """Starts ``pty_child.py`` in a pseudo-terminal."""
    return partial(pseudo_terminal, str(HERE / "pty_child.py"))


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


def tour(screen) -> None:
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


def test_a_fault_of_its_own_shows_no_value_and_obeys_nothing(start):
    screen = start("failing")
    screen.until("Teams[8]", "q3-report")
    screen.keys("j")
    assert screen.ended(20) == 1
    screen.read()
    told = bytes(screen.raw).partition(b"kagents-tui failed.")[2]
    assert b"Teams run on" in told and b"RuntimeError" in told and b"in on_key" in told
    assert b"canary" not in told.replace(b'token = "canary-of-a-variable"', b"").replace(b"'canary'", b"")
    assert raw_end(screen) == b"h"
    assert b"\x1b" not in told and b"\x07" not in told
    for code in range(0x80, 0xA0):
        assert chr(code).encode() not in told
    assert not set(told.decode()) & set("\u202e\u2066\u200b\ufeff")


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


def raw_end(screen) -> bytes:
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
