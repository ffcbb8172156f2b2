"""Watches a process that fuzzes: one that hangs or dies is a failure, and the next goes on for the rest."""

import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from fuzzing.running import HEADER

_HANGS_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.2


@dataclass(slots=True)
class Result:
    """What one harness came to, in all its processes."""

    executions: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0
    slowest_seconds: float = 0.0
    slowest_bytes: int = 0
    failures: dict[str, tuple[str, bytes]] = field(default_factory=dict)


def watched(name: str, seed: int, seconds: float, *, guided: bool) -> Result:
    """Fuzzes one harness for so long."""
    result, end = Result(), time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0.5:
        before = result.seconds
        _one_process(name, seed, left, result, guided=guided)
        seed += 1
        if result.seconds - before < 0.05 and not result.failures:
            raise SystemExit(f"{name}: its process ends at once")
    return result


def save(folder: Path, name: str, data: bytes) -> Path:
    """Keeps an input that failed."""
    place = folder / name / sha256(data).hexdigest()[:12]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return place


def _one_process(name: str, seed: int, seconds: float, result: Result, *, guided: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="kagents-fuzz-") as place:
        window, told = Path(place) / "window", Path(place) / "told"
        corpus = Path(place) / "corpus"
        corpus.mkdir()
        command = [sys.executable, "-m", "tests.fuzz", "--child", name, "--seed", str(seed)]
        command += ["--minutes", str(seconds / 60), "--window", str(window)]
        if guided:
            command.append("--guided")
        environment = {**os.environ, "KAGENTS_FUZZ_CORPUS": str(corpus), "TMPDIR": place}
        started = time.monotonic()
        with told.open("wb") as out, (Path(place) / "errors").open("wb") as errors:
            process = subprocess.Popen(command, stdout=out, stderr=errors, env=environment)
            try:
                hung = _hangs(process, window)
            finally:
                process.kill()
                process.wait()
        result.seconds += time.monotonic() - started
        lines = told.read_bytes().strip().splitlines()
        if process.returncode == 0 and lines:
            _add(result, lines[-1])
            return
        executions, data = _seen(window)
        result.executions += executions
        words = (Path(place) / "errors").read_text(errors="replace").strip()[-2000:]
        kind = (
            "hang"
            if hung
            else f"died ({signal.strsignal(-process.returncode)})"
            if process.returncode < 0
            else "died"
        )
        if not executions:
            raise SystemExit(f"{name}: {kind} before its first input: {words}")
        result.failures[kind] = (f"{kind}: {words[-300:]}", data)


def _hangs(process: "subprocess.Popen[bytes]", window: Path) -> bool:
    """Waits for its end; True when it does not come on."""
    last, at = -1, time.monotonic()
    while True:
        try:
            process.wait(_LOOK_SECONDS)
            return False
        except subprocess.TimeoutExpired:
            pass
        executions = _seen(window)[0]
        if executions != last:
            last, at = executions, time.monotonic()
        elif executions and time.monotonic() - at > _HANGS_SECONDS:
            return True


def _seen(window: Path) -> tuple[int, bytes]:
    try:
        with window.open("rb") as file:
            executions, length = HEADER.unpack(file.read(HEADER.size))
            return executions, file.read(length)
    except (OSError, struct.error):
        return 0, b""


def _add(result: Result, line: bytes) -> None:
    told = json.loads(line)
    result.executions += told["executions"]
    result.peak_bytes = max(result.peak_bytes, told["peakBytes"])
    if told["slowestSeconds"] > result.slowest_seconds:
        result.slowest_seconds, result.slowest_bytes = told["slowestSeconds"], told["slowestBytes"]
    for name, (sentence, data) in told["failures"].items():
        result.failures[name] = (sentence, bytes.fromhex(data))
