"""The terminal in a pseudo-terminal: given to an agent, stopped by the shell, left while an exec hangs."""

import signal
import time
from pathlib import Path

import pytest

CHILD = str(Path(__file__).parent / "pty_child.py")


@pytest.fixture
def demonstration(pseudo_terminal, tmp_path):
    """``kagents-tui --demo``, with its list shown."""
    screen = pseudo_terminal("-m", "kagents_tui.launch", "--demo", size=(120, 40), HOME=str(tmp_path))
    screen.until("Teams[10]", "api-audit", "4 need you")
    return screen


def state_of(process) -> str:
    """``S`` sleeps, ``R`` runs, ``T`` is stopped."""
    status = Path(f"/proc/{process.pid}/stat").read_text()
    return status.rpartition(")")[2].split()[0]


def until_state(screen, *states, seconds=20.0):
    deadline = time.monotonic() + seconds
    while state_of(screen.process) not in states:
        assert time.monotonic() < deadline, state_of(screen.process)
        screen.read()


def quits(screen) -> None:
    screen.keys("\x11")
    assert screen.ended(20) == 0
    assert b"\x1b[?25h" in screen.raw


@pytest.mark.long
def test_an_agents_screen_is_shown_typed_into_and_left(demonstration):
    screen = demonstration
    screen.keys(":attach incident-42\r")
    screen.until("lead  (a demonstration: nobody reads what is typed here)", "Do it, but ask first.")
    screen.keys("are you there?\r")
    screen.until("> are you there?")
    screen.keys("\x11")  # the key that quits is the agent's now
    screen.keys("still here\r")
    screen.until("still here")
    screen.keys("\x1d")
    screen.until("detached from lead, which goes on", "Teams[10]", "api-audit")
    screen.keys("j")
    quits(screen)


@pytest.mark.long
def test_the_window_may_change_while_an_agents_screen_is_shown(demonstration):
    screen = demonstration
    screen.keys(":attach incident-42\r")
    screen.until("nobody reads what is typed here")
    screen.resize(80, 24)
    screen.keys("\x1d")
    screen.until("detached from lead", "Teams[10]", "NAMESPACE", "api-audit")
    screen.until(": command  ? help", seconds=15)  # the right end of the last line of the smaller window
    quits(screen)


def test_the_shell_may_stop_it_and_go_on(demonstration):
    screen = demonstration
    before = len(screen.raw)
    screen.process.send_signal(signal.SIGTSTP)
    until_state(screen, "T")
    # It has written them before it stopped; they may still have to be read.
    screen.until_written(b"\x1b[?1049l", since=before)
    screen.until_written(b"\x1b[?25h", since=before)
    before = len(screen.raw)
    screen.process.send_signal(signal.SIGCONT)
    until_state(screen, "S", "R")
    screen.until_written(b"\x1b[?1049h", since=before)
    screen.keys("w")
    screen.until("Attention[9]")
    quits(screen)


def test_quitting_is_immediate_while_a_message_hangs_on_its_way(pseudo_terminal):
    screen = pseudo_terminal(CHILD, "unheard", size=(120, 40))
    screen.until("Teams[8]", "api-audit")
    screen.keys("m")
    screen.until("ctrl-s send")
    screen.keys("Hello\x13")
    screen.until_gone("ctrl-s send")
    began = time.monotonic()
    screen.keys("\x11")
    assert screen.ended(20) == 0
    assert time.monotonic() - began < 5
