"""Starting and stopping the daemon from outside: what ``up``, ``down`` and ``status`` do."""

import asyncio
import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kagents_local.engine_record import EngineRecord, read_record
from kagents_local.kubelet.keeper_client import KeeperClient, KeeperUnreachableError
from kagents_local.kubelet.keeper_socket import SOCKET
from kagents_local.kubelet.layout import KubeletLayout
from kagents_local.lock import is_held
from kagents_local.paths import OWN_NAMES, DataDirectory

START_LIMIT: Final = 30.0
"""Seconds until a daemon has to be ready."""

STOP_LIMIT: Final = 150.0
"""Seconds for the agents to end, and the daemon after them."""

_PASSED_PREFIXES: Final = ("LC_", "XDG_", "KAGENTS_", "PYTHON")
_PASSED: Final = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"),
    }
)
"""What the daemon gets of the shell's environment: a key that happens to lie there is not kept for days."""


ALLOCATOR: Final = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "131072",
}
"""glibc gives the buffers of a burst back to the system; without it a busy minute is kept for days."""


class EngineError(Exception):
    """The engine cannot do what was asked; one sentence with the way out."""


def up(data: DataDirectory, port: int | None) -> tuple[EngineRecord, bool]:
    """Make sure that a daemon is ready. Returns who runs, and whether it was started now. Raises
    EngineError."""
    data.create()
    if not is_held(data.lock):
        reader, writer = os.pipe()
        process = _spawn(data, port, writer)
        os.close(writer)
        said = _await_word(reader)
        if said == "ready":
            record = read_record(data)
            if record is not None:
                return record, True
        if said != "locked":
            _end(process)
            raise EngineError(said or f"the engine did not start; see {data.log}")
    record = _await_other(data)
    if port is not None and record.port != port:
        raise EngineError(
            f"the engine of {data.root} already runs on port {record.port} (pid {record.pid}); "
            f"stop it with `kagents local down` to start it on port {port}"
        )
    return record, False


def down(data: DataDirectory) -> int | None:
    """Stop the daemon and every agent orderly. Returns its pid, None when nothing ran. Raises EngineError."""
    record = read_record(data)
    if record is None:
        if is_held(data.lock):
            raise EngineError(f"an engine is just starting on {data.root}; try again in a moment")
        asyncio.run(_stop_left_processes(data))
        return None
    with contextlib.suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_LIMIT
    while is_held(data.lock):
        if time.monotonic() > deadline:
            raise EngineError(
                f"the engine (pid {record.pid}) did not stop within {STOP_LIMIT:.0f} s; see {data.log}, "
                f"then `kill -9 {record.pid}`: nothing is lost by it"
            )
        time.sleep(0.02)
    return record.pid


def purge(data: DataDirectory) -> None:
    """Remove everything that an engine made in its data directory, and the directory once it is empty."""
    for name in OWN_NAMES:
        path = data.root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    shutil.rmtree(KubeletLayout(data.root.resolve()).short_links, ignore_errors=True)
    with contextlib.suppress(OSError):
        data.root.rmdir()


def status(data: DataDirectory) -> dict[str, Any]:
    """How the engine is, as a document: the shape of ``status -o json``."""
    record = read_record(data)
    document: dict[str, Any] = {"running": record is not None, "data": str(data.root)}
    if record is None:
        return document
    return document | {
        "pid": record.pid,
        "port": record.port,
        "server": f"https://127.0.0.1:{record.port}",
        "version": record.version,
        "startedAt": record.started_at,
        "kubeconfig": str(data.kubeconfig),
        "log": str(data.log),
        "memoryBytes": resident_bytes(record.pid),
        "parts": record.parts,
    }


def resident_bytes(pid: int) -> int | None:
    """Memory of a process; None where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _spawn(data: DataDirectory, port: int | None, ready: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-P", "-m", "kagents_local", "serve", "--data", str(data.root)]
    command += ["--ready-fd", str(ready)]
    if port is not None:
        command += ["--port", str(port)]
    with open(data.log, "ab", opener=_private) as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=daemon_environment(os.environ),
            cwd=data.root,
            pass_fds=(ready,),
            start_new_session=True,
        )


def daemon_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of a shell's environment that the daemon gets."""
    passed = {
        name: value for name, value in environ.items() if name in _PASSED or name.startswith(_PASSED_PREFIXES)
    }
    return {**ALLOCATOR, **passed}


def _await_word(reader: int) -> str:
    """What the daemon says: ``ready``, ``locked``, or a sentence; empty when it died or says nothing."""
    said = b""
    deadline = time.monotonic() + START_LIMIT
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while b"\n" not in said:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                break
            data = pipe.read(4096)
            if not data:
                break
            said += data
    return said.decode("utf-8", "replace").partition("\n")[0].strip()


def _await_other(data: DataDirectory) -> EngineRecord:
    """The daemon that someone else has started, once it is ready."""
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        record = read_record(data)
        if record is not None:
            return record
        time.sleep(0.02)
    raise EngineError(f"another engine holds {data.root} but is not ready; see {data.log}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.terminate()
        process.wait(10)
        return
    process.kill()


async def _stop_left_processes(data: DataDirectory) -> None:
    """Agents of a daemon that was killed: their keeper ends them."""
    if not (data.root / SOCKET).exists():
        return
    keeper = KeeperClient(data.root.resolve(), lambda _: None)
    with contextlib.suppress(KeeperUnreachableError, TimeoutError):
        async with asyncio.timeout(STOP_LIMIT):
            await keeper.connect()
            keeper.shutdown()
            await keeper.listen()
    await keeper.close()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
