"""A large repository prepared once: the clone, each further worktree, and ``prepare`` once more.

Run it: ``python -m tests.bench large_repository``. It prints a table beside the targets and asserts nothing.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from _table import Table

FILES = 100_000
FOLDERS = 1_000
AGENTS = ("lead", *(f"worker-{number}" for number in range(1, 3)))


def stream() -> Iterator[bytes]:
    """The repository as ``git fast-import`` reads it: one commit of many small files."""
    yield b"commit refs/heads/main\ncommitter b <b@example.test> 0 +0000\ndata 5\nBegin\n"
    for number in range(FILES):
        content = b"file number %d\n" % number * (1 + number % 20)
        name = b"folder-%d/part-%d/file-%d.txt" % (number % FOLDERS // 32, number % FOLDERS, number)
        yield b"M 100644 inline %s\ndata %d\n%s\n" % (name, len(content), content)


def make_repository(path: Path) -> None:
    """On disk, packed."""
    subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(path)], check=True)
    command = ["git", "fast-import", "--quiet"]
    with subprocess.Popen(command, cwd=path, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for part in stream():
            process.stdin.write(part)


def environment(root: Path, source: Path, **repository: object) -> dict[str, str]:
    """The variables of ``prepare``."""
    agents = [
        {"name": name, "role": "lead" if name == "lead" else "teammate", "model": "sonnet"}
        | {"harness": "simulated", "dependsOn": [], "gate": None, "prompt": "x"}
        for name in AGENTS
    ]
    team = {"name": "bench", "namespace": "default", "uid": "u", "mode": "coding", "agents": agents}
    team |= {"repository": {"url": source.as_uri(), "branch": "main", **repository}}
    team |= {"outputDir": None, "inputs": [], "idleTimeoutSeconds": None}
    parts = {"TEAM_DIR": "team", "HOMES_DIR": "home", "WORK_DIR": "work", "FINISH_DIR": "finish"}
    places = {f"KAGENTS_{name}": str(root / part) for name, part in parts.items()}
    log = {"KAGENTS_TERMINATION_LOG": str(root / "termination-log")}
    return {**os.environ, **places, **log, "KAGENTS_TEAM": json.dumps(team)}


def prepare(variables: dict[str, str]) -> dict[str, float]:
    """Seconds from the start of ``prepare`` to each of its lines."""
    command = [sys.executable, "-m", "kagents_runner", "prepare"]
    started, found = time.perf_counter(), dict[str, float]()
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            found[line.strip()] = time.perf_counter() - started
    assert process.returncode == 0, found
    return found | {"end": time.perf_counter() - started}


def measure(table: Table, source: Path, label: str, **repository: object) -> None:
    """One way to clone it, and ``prepare`` once more."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        variables = environment(root, source, **repository)
        times = prepare(variables)
        at = next(seconds for line, seconds in times.items() if line == "cloned")
        trees = [seconds for line, seconds in times.items() if re.match("worktree of", line)]
        each = [late - early for early, late in zip([at, *trees], trees, strict=False)]
        table.add(f"{label}: clone", f"{at:.1f} s", "once a team")
        worst = f"{max(each):.1f} s, {len(each)} of them"
        table.add(f"{label}: a worktree, the slowest", worst, "seconds")
        table.add(f"{label}: prepare once more", f"{prepare(variables)['end']:.2f} s", "no git, no network")


def main() -> None:
    """Prints the table."""
    table = Table(f"A repository of {FILES:,} files", ("what", "measured", "target"))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.git"
        make_repository(source)
        measure(table, source, "per-teammate")
        measure(table, source, "shared, depth 1", worktreeStrategy="shared", depth=1)
    table.show()


if __name__ == "__main__":
    main()
