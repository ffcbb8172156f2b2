"""A team of many agents in a temporary folder, without any of them, and a recorder on it."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kagents_core.teamfiles import mailbox
from kagents_core.teamfiles.layout import TeamLayout

LIMIT = 600.0


def team_document(count: int) -> str:
    """``KAGENTS_TEAM`` of a lead and its teammates, ``agent-0`` and so on."""
    agents = [
        {"name": f"agent-{number}", "role": "lead" if number == 0 else "teammate", "model": "sonnet"}
        | {"harness": "claude-code", "dependsOn": [], "gate": None, "prompt": "x"}
        for number in range(count)
    ]
    fields = {"name": "bench", "namespace": "default", "uid": "u", "mode": "cowork", "repository": None}
    return json.dumps(
        fields | {"outputDir": None, "inputs": [], "idleTimeoutSeconds": None, "agents": agents}
    )


def environment(root: Path, count: int) -> dict[str, str]:
    """The hub's variables, without a cluster."""
    found = {**os.environ, "KAGENTS_TEAM": team_document(count), "KAGENTS_TEAM_DIR": str(root / "team")}
    found["KAGENTS_HOMES_DIR"] = str(root / "home")
    found["KAGENTS_WORK_DIR"] = str(root / "work")
    found.pop("KUBERNETES_SERVICE_HOST", None)
    return found


def peak(pid: int, line: str = "VmHWM") -> float:
    """The most memory of a process so far (or ``VmRSS``, now), in MiB; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next(
        (int(row.split()[1]) / 1024 for row in status.splitlines() if row.startswith(f"{line}:")), 0.0
    )


def start_recorder(root: Path, count: int) -> subprocess.Popen[bytes]:
    """``kagents-runner record`` as a program."""
    command = [sys.executable, "-m", "kagents_runner", "record"]
    return subprocess.Popen(command, env=environment(root, count), stdout=subprocess.DEVNULL)


@contextmanager
def recorder_works(root: Path, layout: TeamLayout, count: int) -> Iterator[subprocess.Popen[bytes]]:
    """A recorder that has journalled a message which came while it started."""
    message = mailbox.new_message("agent-0", "are you there?")
    asyncio.run(mailbox.deliver(layout, "agent-1", message))
    process = start_recorder(root, count)
    try:
        wait_for(layout.journal, str(message.id).encode())
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for something."""
    deadline = time.monotonic() + LIMIT
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {LIMIT:.0f} s")
        time.sleep(0.02)


def wait_for(journal: Path, wanted: bytes) -> None:
    """Wait until these bytes stand in what comes at the end of a journal."""
    offset = max(0, journal.stat().st_size - 4096) if journal.exists() else 0
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if journal.exists():
            with journal.open("rb") as file:
                file.seek(offset)
                if wanted in file.read():
                    return
        time.sleep(0.02)
    raise TimeoutError(f"{wanted!r} was not journalled within {LIMIT:.0f} s")
