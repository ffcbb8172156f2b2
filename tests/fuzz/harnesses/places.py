"""Samples and files that several harnesses need."""

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

from kagents_core.teamfiles.layout import TeamLayout

ROOT: Final = Path(__file__).parents[3]
_SAMPLES: Final = ROOT / "tests" / "fixtures" / "protocol-samples"

TEAM: Final[dict[str, Any]] = {
    "name": "demo",
    "namespace": "agents",
    "uid": "11111111-2222-3333-4444-555555555555",
    "mode": "coding",
    "repository": {"url": "https://example.com/r.git", "branch": "main", "worktreeStrategy": "per-teammate"},
    "outputDir": None,
    "inputs": [],
    "idleTimeoutSeconds": 60,
    "gateway": {"provider": "anthropic", "baseUrl": None, "region": None, "project": None},
    "budgetMicros": 1_000_000,
    "agents": [
        {
            "name": name,
            "role": role,
            "model": "sonnet",
            "harness": "claude-code",
            "dependsOn": [],
            "gate": None,
            "budgetMicros": None,
            "prompt": "Do it.",
        }
        for name, role in (("lead", "lead"), ("worker", "teammate"))
    ],
}


def samples(pattern: str) -> list[bytes]:
    """Recorded files of the real CLI, of all versions."""
    found = [path.read_bytes() for path in sorted(_SAMPLES.rglob(pattern)) if path.is_file()]
    if not found:
        raise FileNotFoundError(pattern)
    return found


def on_one_line(data: bytes) -> bytes:
    """The same JSON as a line."""
    return json.dumps(json.loads(data), ensure_ascii=False).encode("utf-8", "surrogatepass")


@cache
def scratch() -> Path:
    """A folder of this process, in memory where there is such a place."""
    memory = Path("/dev/shm")
    found = Path(tempfile.mkdtemp(prefix="kagents-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, found, ignore_errors=True)
    return found


def scratch_file(name: str, data: bytes) -> Path:
    """A file in it, with this content."""
    path = scratch() / name
    path.write_bytes(data)
    return path


@cache
def layout(team: str = "demo") -> TeamLayout:
    """A team's directory."""
    found = TeamLayout(scratch() / "team", team)
    for folder in (found.inboxes, found.tasks, found.config.parent):
        folder.mkdir(parents=True, exist_ok=True)
    return found
