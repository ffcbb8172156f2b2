"""``make run`` without a terminal: the demonstration in plain lines, on an engine that it starts itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def environment(tmp_path):
    unwanted = ("KUBECONFIG", "KAGENTS_DATA")
    kept = {key: value for key, value in os.environ.items() if key not in unwanted}
    kept |= {"KAGENTS_DATA": str(tmp_path / "data"), "HOME": str(tmp_path)}
    yield kept
    subprocess.run([BIN / "kagents", "local", "down", "--purge", "--yes"], env=kept, timeout=60, check=False)


def test_the_demonstration_plays_to_its_end_in_plain_lines(environment):
    ran = subprocess.run(
        [BIN / "kagents-tui", "--demo-team"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=270,
        env=environment,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = [
        "starting the embedded engine",
        "team default/demonstration is applied; its agents are simulated",
        "lead -> researcher",
        "researcher -> lead",
        "gate spawn-writer waits: writer starts only when a person approves it",
        "gate spawn-writer is approved by this demonstration",
        "writer -> lead",
        "lead asks to finish",
        "team default/demonstration has completed",
    ]
    at = -1
    for words in told:
        found = ran.stdout.find(words, at + 1)
        assert found > at, f"{words!r} is not told in its place:\n{ran.stdout}"
        at = found
    assert "\x1b" not in ran.stdout
    assert ran.stderr == ""
