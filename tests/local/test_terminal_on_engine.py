"""``make run`` on a terminal: kagents-tui in a pseudo-terminal on an engine that it starts itself."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pyte
import pytest

BIN = Path(sys.executable).parent
LINES, COLUMNS = 40, 130

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


class Terminal:
    """kagents-tui in a pseudo-terminal, and what a person sees there."""

    def __init__(self, *arguments, environment):
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [BIN / "kagents-tui", *arguments],
            stdin=child,
            stdout=child,
            stderr=child,
            env=environment | {"TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(child)

    def _read(self, seconds):
        if select.select([self._parent], [], [], seconds)[0]:
            try:
                self._stream.feed(os.read(self._parent, 65536))
            except OSError:
                time.sleep(seconds)  # the other end is closed: the process is about to be gone

    def text(self):
        return "\n".join(line.rstrip() for line in self._screen.display)

    def shows(self, *words, seconds=60.0):
        """Reads until all the words are on the screen."""
        deadline = time.monotonic() + seconds
        while not all(word in self.text() for word in words):
            assert time.monotonic() < deadline, f"{words} did not appear; the screen shows\n{self.text()}"
            assert self.process.poll() is None, f"it has ended\n{self.text()}"
            self._read(0.1)

    def press(self, keys):
        os.write(self._parent, keys.encode())

    def answers(self, question, *, seconds=60.0):
        """Takes the choice of a dialog; one that has just been painted may drop the key.

        It is pressed again only after long: a second one that comes late would go to what is behind.
        """
        deadline = time.monotonic() + seconds
        while question in self.text():
            assert time.monotonic() < deadline, f"it still asks\n{self.text()}"
            self.press("\r")
            again = time.monotonic() + 10.0
            while question in self.text() and time.monotonic() < again:
                self._read(0.1)

    def ends(self, seconds):
        """Its exit code, within so many seconds."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(0.02)
        return self.process.poll()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._parent)


@pytest.fixture
def environment(tmp_path):
    unwanted = ("KUBECONFIG", "KAGENTS_DATA", "NO_COLOR", "COLUMNS", "LINES")
    kept = {key: value for key, value in os.environ.items() if key not in unwanted}
    kept |= {"KAGENTS_DATA": str(tmp_path / "data"), "HOME": str(tmp_path)}
    yield kept
    subprocess.run([BIN / "kagents", "local", "down", "--purge", "--yes"], env=kept, timeout=60, check=False)


@pytest.fixture
def open_terminal(environment):
    opened = []

    def start(*arguments):
        opened.append(Terminal(*arguments, environment=environment))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def test_a_person_sees_the_demonstration_work_approves_its_gate_and_reads_it_after_its_end(open_terminal):
    t = open_terminal("--demo-team")
    t.shows("default / demonstration", "[simulated]", "● live")
    t.shows("lead → researcher", "researcher → lead")
    t.shows("approve?", "spawn-writer", "1 needs you")
    t.press("a")
    t.shows("Approve spawn-writer of default/demonstration?", "Write one page from the findings", "Cancel")
    t.answers("Approve spawn-writer of")
    t.shows("gate spawn-writer approved", "writer → lead")
    t.shows("Completed", "■ ended")

    t.press("\x1b")
    t.shows("Teams[1]", "Completed", "2/2")
    t.press("\r")
    t.shows("■ ended", "writer → lead", "lead finishes", "gate spawn-writer approved")
    t.press("d")
    t.shows("Describe", "UID:", "Conditions:")
    t.press("\x1b")
    t.shows("■ ended")
    t.press("l")
    t.shows("Log of lead", "finished")

    t.press("\x11")
    assert t.ends(5.0) == 0


def test_read_only_binds_no_act_and_the_second_start_finds_the_engine_running(open_terminal, environment):
    def run(*command):
        return subprocess.run(
            [BIN / "kagents", *command], env=environment, timeout=60, check=True, capture_output=True
        )

    example = Path(__file__).parents[2] / "examples" / "02-gate.yaml"
    run("apply", "-f", str(example))
    t = open_terminal("--read-only")
    t.shows("[read-only]", "demonstration", "kagents-local")
    t.press("\x04")
    t.press("?")
    t.shows("This session is read-only")
    assert "Delete demonstration" not in t.text()
    t.press("\x1b")
    t.press(":")
    t.press("kill\r")
    t.shows("this session is read-only")
    t.press("\x11")
    assert t.ends(5.0) == 0


def test_quitting_is_immediate_while_the_server_hangs(open_terminal, environment):
    t = open_terminal("--demo-team")
    t.shows("default / demonstration", "● live")
    engine = json.loads((Path(environment["KAGENTS_DATA"]) / "engine.json").read_text())["pid"]
    os.kill(engine, signal.SIGSTOP)
    try:
        began = time.monotonic()
        t.press("\x11")
        assert t.ends(20.0) == 0
        assert time.monotonic() - began < 4.0
    finally:
        os.kill(engine, signal.SIGCONT)
