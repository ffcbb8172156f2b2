"""The terminal in a pseudo-terminal when its size, connection or focus changes."""

import base64
import os
import re
import signal
import time
from functools import partial
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

CHILD = str(Path(__file__).parent / "pty_trouble.py")
MOUSE = b"\x1b[?1000h"


@pytest.fixture
def start(pseudo_terminal):
    """Starts ``pty_trouble.py`` in a pseudo-terminal."""
    return partial(pseudo_terminal, CHILD)


def test_the_screen_follows_the_window(start):
    screen = start("plain", size=(120, 40))
    screen.until("Teams[8]", "NAMESPACE", "ATTENTION", "api-audit")
    screen.resize(50, 20)
    screen.until("NAME", "q3-report", "PHASE", "api-audit")
    screen.until_gone("NAMESPACE")
    screen.keys("j\r")
    screen.until("auth-refactor" if "auth" in screen.text() else "ops-agents")
    screen.resize(160, 50)
    screen.until("Mail", "Timeline")
    screen.keys("\x1b")
    screen.until("ATTENTION", "api-audit")
    screen.resize(20, 5)
    screen.resize(80, 24)
    screen.until("Teams[8]", "q3-report", "api-audit")
    screen.keys("\x11")
    assert screen.ended(20) == 0


def test_it_ends_when_its_terminal_goes_away(start):
    screen = start("plain")
    screen.until("Teams[8]", "api-audit")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, screen.master)  # the other end is closed; nobody is sent a signal
    os.close(nothing)
    assert screen.process.wait(20) == 129


def test_a_lost_connection_is_shown_acts_wait_and_it_resumes(start):
    screen = start("lost", size=(120, 40))
    screen.until("Teams[8]", "api-audit")
    screen.process.send_signal(signal.SIGUSR1)
    screen.until("lost, data")
    screen.keys("\x0b")
    screen.until("kill: the connection is lost")
    screen.until("api-audit")
    screen.process.send_signal(signal.SIGUSR2)
    screen.until_gone("lost, data")
    screen.keys("\x11")
    assert screen.ended(20) == 0


def test_quitting_is_immediate_while_the_server_does_not_answer(start):
    screen = start("silent")
    screen.until("waiting for the first answer")
    began = time.monotonic()
    screen.keys("\x11")
    assert screen.ended(20) == 0
    assert time.monotonic() - began < 10
    assert b"\x1b[?25h" in screen.raw


def test_ctrl_z_filters_and_does_not_stop_the_process(start):
    screen = start("plain", size=(120, 40))
    screen.until("Teams[8]", "api-audit")
    screen.keys("\x1a")
    screen.until("needs you ─")
    screen.until_gone("api-audit")
    screen.keys("\x1a")
    screen.until("Teams[8]")
    assert screen.process.poll() is None


def test_a_notification_comes_only_while_the_terminal_is_not_focused(start):
    screen = start("asking", size=(120, 40))
    screen.until("Teams[8]", "api-audit")
    screen.until_written(b"\x1b]0;2 need you - kagents\x07")
    screen.keys("\x1b[O")
    screen.process.send_signal(signal.SIGUSR1)
    screen.until_written(b"\x1b]9;dev-agents/docs-sweep: approve spawn-a\x07")
    screen.until_written(b"\x1b]0;3 need you - kagents\x07")
    assert screen.raw.count(b"\x1b]9;") == 1


def test_a_focused_terminal_gets_no_notification(start):
    screen = start("asking", size=(120, 40))
    screen.until("Teams[8]", "api-audit")
    screen.until_written(b"\x1b]0;2 need you - kagents\x07")
    screen.process.send_signal(signal.SIGUSR1)
    screen.until_written(b"\x1b]0;3 need you - kagents\x07")
    screen.keys("j")
    screen.until("Teams[8]")
    assert b"\x1b]9;" not in screen.raw


def test_copying_writes_the_clipboard_sequence(start):
    screen = start("plain", size=(120, 40))
    screen.until("Teams[8]", "api-audit")
    screen.keys("c")
    screen.until("copied q3-report")
    found = re.search(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07", bytes(screen.raw))
    assert base64.b64decode(found.group(1)) == b"q3-report"


def test_copying_inside_tmux_is_handed_on(start):
    screen = start("plain", size=(120, 40), TMUX="/tmp/tmux-0/default,1,0")
    screen.until("Teams[8]", "api-audit")
    screen.keys("c")
    screen.until_written(b"\x1bPtmux;\x1b\x1b]52;c;")


def test_the_mouse_can_be_left_to_the_terminal(start):
    with_mouse, without = start("plain"), start("plain", "no-mouse")
    with_mouse.until("Teams[8]")
    without.until("Teams[8]")
    assert MOUSE in with_mouse.raw
    assert MOUSE not in without.raw
