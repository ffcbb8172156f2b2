"""The keeper of processes: starts containers, keeps their output and exit codes, and outlives the daemon.

``python -m kagents_local.kubelet.keeper DATA`` serves one client at a time on ``DATA/keeper.sock``: JSON
objects, one a line. It is apart from the daemon so that a daemon that is killed or replaced neither ends the
agents nor loses what they print or how they end. Standard library only, one thread, no work while nothing
happens.

A run's id is its directory relative to DATA (``pods/<uid>/containers/<name>/<number>``). Requests:

- ``{"do":"start","id","argv","env","cwd","nice","grace","logBytes","logFiles"}``: starts a run, never twice;
- ``{"do":"stop","id","grace"}``: SIGTERM to the process group, SIGKILL after ``grace`` seconds;
- ``{"do":"list"}``, and ``{"do":"shutdown"}``: stop everything, mark it interrupted, then exit.

Events: ``{"event":"started","id","pid"}``, ``{"event":"exited","id"}`` (details are in the run's
``exit.json``),
``{"event":"list","running":[ids]}``.
"""

import contextlib
import fcntl
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from kagents_local.kubelet.keeper_socket import SOCKET, ClientSocket
from kagents_local.kubelet.log_writer import LogWriter
from kagents_local.kubelet.processes import kill_marked, marked, signal_group
from kagents_local.kubelet.spawn import SpawnError, spawn

LOCK: Final = "keeper.lock"
IDLE_LIMIT: Final = 10.0
"""Seconds without a client and without a process before the keeper ends."""

DRAIN_LIMIT: Final = 2.0
"""Seconds that output is still read after the process has ended, for processes that cannot be killed."""


class Run:
    """One process that runs, or has ended and still prints."""

    def __init__(self, identity: str, pid: int, grace: float, log: LogWriter) -> None:
        self.id = identity
        self.pid = pid
        self.grace = grace
        self.log = log
        self.open_streams = 2
        self.started = now()
        self.status: int | None = None
        self.interrupted = False
        self.kill_at: float | None = None
        self.drain_until: float | None = None


class Keeper:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.runs: dict[str, Run] = {}
        self.selector = selectors.DefaultSelector()
        self.client = ClientSocket(self.selector, self.handle)
        self.send = self.client.send
        self.last_exit = time.monotonic()
        self.ending = False

    # ---- the loop

    def serve(self) -> None:
        """Work until shut down, or until nobody and nothing needs it."""
        self.client.listen()
        wake_reader, wake_writer = socket.socketpair()
        for end in (wake_reader, wake_writer):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: self.shutdown())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.selector.register(wake_reader, selectors.EVENT_READ, lambda: drain(wake_reader))
        while not self.finished():
            for key, _ in self.selector.select(self.timeout()):
                key.data()
            self.reap()
            self.act_on_deadlines()

    def finished(self) -> bool:
        if self.runs:
            return False
        return self.ending or (not self.client.connected and time.monotonic() >= self.idle_until())

    def idle_until(self) -> float:
        return max(self.last_exit, self.client.left_at) + IDLE_LIMIT

    def timeout(self) -> float | None:
        deadlines = [
            at for run in self.runs.values() for at in (run.kill_at, run.drain_until) if at is not None
        ]
        if not self.client.connected and not self.runs:
            deadlines.append(self.idle_until())
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def act_on_deadlines(self) -> None:
        moment = time.monotonic()
        for run in list(self.runs.values()):
            if run.kill_at is not None and moment >= run.kill_at:
                run.kill_at = None
                signal_group(run.pid, signal.SIGKILL)
            if run.drain_until is not None and (run.open_streams == 0 or moment >= run.drain_until):
                self.finish(run)

    # ---- processes

    def start(self, request: dict[str, Any]) -> None:
        identity: str = request["id"]
        directory = self.data / identity
        if identity in self.runs:
            self.send({"event": "started", "id": identity, "pid": self.runs[identity].pid})
            return
        if (directory / "process.json").exists() or (directory / "exit.json").exists() or self.ending:
            self.send({"event": "exited", "id": identity})
            return
        log = LogWriter(directory / "log", file_bytes=request["logBytes"], files=request["logFiles"])
        try:
            pid, output = spawn(
                directory, request["argv"], request["env"], request["cwd"], int(request["nice"])
            )
        except SpawnError as error:
            log.close()
            record = {"exitCode": 128, "reason": "StartError", "message": str(error), "startedAt": None}
            write_exit(directory, {**record, "finishedAt": now()})
            self.send({"event": "exited", "id": identity})
            return
        run = self.runs[identity] = Run(identity, pid, float(request["grace"]), log)
        for stream, descriptor in output.items():
            self.selector.register(descriptor, selectors.EVENT_READ, self.reader(run, stream, descriptor))
        self.send({"event": "started", "id": identity, "pid": pid})

    def reader(self, run: Run, stream: str, descriptor: int) -> Any:
        def read() -> None:
            try:
                data = os.read(descriptor, 65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if data:
                run.log.write(stream, data)
                return
            self.selector.unregister(descriptor)
            os.close(descriptor)
            run.open_streams -= 1

        read.descriptor = descriptor  # type: ignore[attr-defined]
        read.run = run  # type: ignore[attr-defined]
        return read

    def stop(self, run: Run, grace: float) -> None:
        """Ask the process to end; a second request can only shorten the wait."""
        if run.status is not None:
            return
        deadline = time.monotonic() + grace
        first = run.kill_at is None
        run.kill_at = deadline if run.kill_at is None else min(run.kill_at, deadline)
        if first:
            signal_group(run.pid, signal.SIGTERM)

    def shutdown(self) -> None:
        self.ending = True
        for run in self.runs.values():
            run.interrupted = run.status is None
            self.stop(run, run.grace)

    def reap(self) -> None:
        by_pid = {run.pid: run for run in self.runs.values() if run.status is None}
        while by_pid:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            run = by_pid.pop(pid, None)
            if run is not None:
                run.status = status
                run.kill_at = None
                run.drain_until = time.monotonic() + DRAIN_LIMIT
                # Nothing of a container outlives its first process.
                signal_group(run.pid, signal.SIGKILL)
                kill_marked(f"{self.data}:{run.id}\0")

    def finish(self, run: Run) -> None:
        for key in list(self.selector.get_map().values()):
            if getattr(key.data, "run", None) is run:
                self.selector.unregister(key.fd)
                os.close(key.fd)
        run.log.close()
        code = os.waitstatus_to_exitcode(run.status or 0)
        record: dict[str, Any] = {
            "startedAt": run.started,
            "finishedAt": now(),
            "interrupted": run.interrupted,
        }
        record["exitCode"] = 128 - code if code < 0 else code
        if code < 0:
            record["signal"] = -code
        write_exit(self.data / run.id, record)
        del self.runs[run.id]
        self.last_exit = time.monotonic()
        self.send({"event": "exited", "id": run.id})

    # ---- requests

    def handle(self, request: dict[str, Any]) -> None:
        match request["do"]:
            case "start":
                self.start(request)
            case "stop":
                if run := self.runs.get(request["id"]):
                    self.stop(run, float(request["grace"]))
                else:
                    self.send({"event": "exited", "id": request["id"]})
            case "list":
                self.send({"event": "list", "running": list(self.runs)})
            case "shutdown":
                self.shutdown()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def write_exit(directory: Path, record: dict[str, Any]) -> None:
    """Put down how a run ended, whole or not at all. A pod that was removed meanwhile needs no record."""
    with contextlib.suppress(OSError):
        fresh = directory / "exit.json.new"
        fresh.write_text(json.dumps(record), encoding="utf-8")
        fresh.replace(directory / "exit.json")


def drain(reader: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while reader.recv(4096):
            pass


def main() -> int:
    data = Path(sys.argv[1])
    os.chdir(data)
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.environ["KAGENTS_OPEN_FILES"] = str(soft)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65536, hard))
    if marked(f"{data}:"):
        # Their keeper is gone, and with it the other end of their output.
        kill_marked(f"{data}:")
    Keeper(data).serve()
    Path(SOCKET).unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
