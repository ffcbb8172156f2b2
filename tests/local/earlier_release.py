"""An earlier release of kagents on this machine: its code from the history, its engine on a data directory.

There is no published release yet, so it is a commit; where the history does not reach back (a shallow clone),
whoever asks for it is skipped with a sentence.
"""

import json
import os
import signal
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
REVISION = json.loads((REPOSITORY / "tests/fixtures/upgrade/earlier.jsonl").read_text().partition("\n")[0])[
    "revision"
]
PACKAGES = ("core", "controller", "runner", "local", "tui")
MISSING = (
    f"the history of this checkout does not reach back to {REVISION[:12]}, the release that is upgraded "
    "from: `git fetch --unshallow` brings it"
)


def unpacked(folder: Path) -> Path:
    """The earlier release's files."""
    archive = subprocess.run(
        ["git", "-C", str(REPOSITORY), "archive", REVISION], capture_output=True, check=False
    )
    if archive.returncode:
        pytest.skip(MISSING)
    folder.mkdir()
    subprocess.run(["tar", "x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def installed(folder: Path) -> Path:
    """A Python of its own that has the earlier release, and the libraries of this one."""
    source = unpacked(folder / "source")
    place = folder / "venv"
    venv.create(place, with_pip=False, symlinks=True)
    [packages] = place.glob("lib/python3*/site-packages")
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    lines = [*(str(source / name) for name in PACKAGES), *libraries]
    (packages / "earlier.pth").write_text("\n".join(lines) + "\n")
    return place / "bin" / "python"


class Release:
    """The engine of one release on a data directory."""

    def __init__(self, python: Path | str, data: Path) -> None:
        self.python = str(python)
        self.data = data

    def run(self, *verb: str) -> subprocess.CompletedProcess[str]:
        command = [self.python, "-P", "-m", "kagents_local", *verb, "--data", str(self.data)]
        return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=_plain())

    def up(self) -> None:
        done = self.run("up")
        assert done.returncode == 0, done.stderr + self.log()

    def kill(self) -> None:
        """End the daemon as if the machine had run out of memory; its agents go on."""
        pid = json.loads(self.run("status", "-o", "json").stdout)["pid"]
        os.kill(pid, signal.SIGKILL)

    def log(self) -> str:
        path = self.data / "engine.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""


def _plain() -> dict[str, Any]:
    """What either release is started with: nothing that leads one to the other's modules."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"KAGENTS_SIMULATION_SPEED": "20"}
