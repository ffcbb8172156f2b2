"""What an agent draws reaches a terminal only as far as it draws, however it is cut into pieces."""

import json
import re
from pathlib import Path

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.terminalfilter import TerminalFilter

CORPUS = json.loads((Path(__file__).parents[2] / "fixtures" / "hostile-text.json").read_text())
ALLOWED = re.compile(
    rb"\x1b\[[0-9:;]*[@ABCDEFGHIJKLMPSTXZ`abdefgmr]|\x1b\[[su]|\x1b\[4[hl]|\x1b\[[0-6]? q|\x1b\[!p"
    rb"|\x1b\[\?(?:(?:1|6|7|12|25|47|1047|1048|1049|2004|2026)(?:;(?=[0-9]))?)+[hl]|\x1b[()][B0]|\x1b[78DEHM=>]"
)
PIECES = st.sampled_from(
    [b"\x1b", b"[", b"]", b"52;c;", b"?", b"1049", b"h", b"6n", b"c", b"P", b"X", b"^", b"_", b"\\", b"\x07",
     b"\x9b", b"\xc2\x9b", b"\x9d", b"\xc2\x9d", b"0;title", b">4;2m", b"=1u", b"31m", b"3J", b"text", b" q",
     b"\x05", b"\x0e", b"\x18", b"\x1a", b"(0", b"#8", b"5i", b"$p", b"\n", "é\u202e".encode(), b"\xff"]
)  # fmt: skip


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x1b]52;c;cm0gLXJmIH4=\x07",
        b"\x1b]0;title\x07",
        b"\x1b]2;title\x1b\\",
        b"\x1b]8;;http://evil.example\x1b\\",
        b"\x1b]10;?\x07",
        b"\x1b[c",
        b"\x1b[>c",
        b"\x1b[6n",
        b"\x1b[?6n",
        b"\x1b[14t",
        b"\x1b[22;0t",
        b"\x1b[x",
        b"\x1b[5i",
        b"\x1b[?2004$p",
        b"\x1b[>1u",
        b"\x1b[=5u",
        b"\x1b[>4;2m",
        b"\x1b[?1000h",
        b"\x1b[?1003;1006h",
        b"\x1b[?1004h",
        b"\x1b[?3h",
        b"\x1bP$q q\x1b\\",
        b"\x1bPq#0;2;0;0;0\x1b\\",
        b"\x1b_Ga=T;AAAA\x1b\\",
        b"\x1b^private\x1b\\",
        b"\x1bXstring\x1b\\",
        b"\x1bc",
        b"\x1b#8",
        b"\x1bZ",
        b"\x1b[21t",
        b"\x05",
        b"\x07",
        b"\xc2\x9b6n",
        b"\x1b[99999999b",
    ],
)
def test_what_does_more_than_draw_is_dropped(hostile: bytes) -> None:
    shown = TerminalFilter().feed(b"before" + hostile + b"after")
    assert shown in (b"beforeafter", b"before6nafter")


def test_what_draws_is_kept() -> None:
    drawn = (
        b"\x1b[?1049h\x1b[2J\x1b[H\x1b[1;38;5;208mtitle\x1b[0m\x1b[2;3Hx\x1b[K\x1b[?25l\r\n\t\xe2\x94\x8c\x1b(0q\x1b(B"
        b"\x1b[4:3munder\x1b[m\x1b[1;10r\x1bM\x1b7\x1b8\x1b[5 q\x1b[?2004h\x1b[?2026h\x1b[?2026l"
    )
    assert TerminalFilter().feed(drawn) == drawn


def test_only_the_kept_modes_of_a_list_remain() -> None:
    assert TerminalFilter().feed(b"\x1b[?1000;25;1049;9001h") == b"\x1b[?25;1049h"


def test_what_was_scrolled_off_is_the_persons() -> None:
    assert TerminalFilter().feed(b"\x1b[2J\x1b[3J\x1b[H") == b"\x1b[2J\x1b[2J\x1b[H"


def test_text_that_turns_around_is_shown_as_such() -> None:
    assert TerminalFilter().feed("a\u202eb".encode()).decode() == "a\ufffdb"


def test_an_unfinished_string_swallows_nothing_that_follows_it_properly() -> None:
    assert TerminalFilter().feed(b"a\x1b]0;never ended\x1b[1mb") == b"a\x1b[1mb"


def test_a_string_without_end_takes_no_memory() -> None:
    stream = TerminalFilter()
    assert stream.feed(b"\x1b]52;c;") == b""
    for _ in range(1000):
        assert stream.feed(b"A" * 10_000) == b""
    assert len(stream._rest) <= 4096
    assert stream.feed(b"AAA\x07shown") == b"shown"


@given(st.lists(PIECES, max_size=40), st.integers(1, 7))
def test_pieces_of_any_size_give_the_same_and_only_what_is_allowed(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)
    whole = TerminalFilter().feed(data)
    stream = TerminalFilter()
    assert b"".join(stream.feed(data[at : at + size]) for at in range(0, len(data), size)) == whole
    left = ALLOWED.sub(b"", whole)
    assert b"\x1b" not in left
    assert set(left) & {*range(0x20), 0x7F} <= set(b"\b\t\n\r\x0e\x0f")
    assert not any(0x80 <= ord(character) < 0xA0 for character in left.decode())


@pytest.mark.parametrize("text", CORPUS)
def test_the_corpus(text: str) -> None:
    shown = TerminalFilter().feed(text.encode("utf-8", "surrogatepass"))
    assert b"\x1b" not in ALLOWED.sub(b"", shown)


def test_the_ending_leaves_the_other_screen_and_shows_the_cursor() -> None:
    screen = pyte.Screen(40, 10)
    stream = pyte.ByteStream(screen)
    terminal = TerminalFilter()
    stream.feed(terminal.feed(b"\x1b[?25l\x1b[31m\x1b[2;5r\x1b[4hred"))
    ending = terminal.ending()
    assert b"\x1b[?1049l" not in ending
    stream.feed(ending + b"$")
    assert not screen.cursor.hidden
    assert screen.display[9].startswith("$")
    assert screen.buffer[9][0].fg == "default"
    terminal.feed(b"\x1b[?1049h")
    assert b"\x1b[?1049l" in terminal.ending()
