"""The daemon as a person meets it: up, status, kubeconfig, down, and what a SIGKILL of it costs."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kagents_core.api.resources import PODS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig
from kagents_local.kubelet.processes import marked
from kagents_local.lock import is_held

LIMIT = 30.0


class Daemon:
    """One data directory, and the verbs of ``kagents local`` on it."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, *verb: str, **extra: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kagents_local", *verb, "--data", str(self.data)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **extra}
        )

    def up(self, *options: str, **extra: str) -> str:
        done = self.run("up", *options, **extra)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "-o", "json").stdout)
        return found

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.02)

    async def create_pod(self, script: str) -> None:
        main = {"name": "main", "image": "kagents-runner:local", "command": ["sh", "-c", script]}
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p"},
            "spec": {"restartPolicy": "Never", "containers": [main]},
        }
        async with Client(load_kubeconfig(str(self.data / "kubeconfig"))) as client:
            await client.create(PODS, "default", body)

    async def pod(self) -> dict[str, Any]:
        async with Client(load_kubeconfig(str(self.data / "kubeconfig"))) as client:
            return await client.get(PODS, "default", "p")

    def file_of_pod(self, name: str) -> Path:
        found: list[Path] = []
        self.until(lambda: found.extend(self.data.glob(f"pods/*/home/{name}")) or found)
        return found[0]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path / "data")
    yield daemon
    daemon.run("down", "--purge", "--yes")
    assert not is_held(daemon.data / "engine.lock")
    assert marked(f"{daemon.data}:") == []


LOOP = "echo $$$$ >> $HOME/started; trap 'exit 143' TERM; while :; do sleep 0.05; done"


def test_up_is_idempotent_and_says_who_runs(daemon: Daemon) -> None:
    assert "engine started: pid" in daemon.up()
    first = daemon.status()
    said = daemon.up()
    assert (
        f"engine already runs: pid {first['pid']}, port {first['port']}, version {first['version']}" in said
    )
    assert daemon.status() | {"memoryBytes": 0} == first | {"memoryBytes": 0}
    assert {name: part["state"] for name, part in first["parts"].items()} == {
        "kubelet": "running",
        "controller": "running",
    }
    refused = daemon.run("up", "--port", "1" if first["port"] != 1 else "2")
    assert refused.returncode == 1
    assert f"already runs on port {first['port']}" in refused.stderr


def test_several_at_once_start_one_engine(daemon: Daemon) -> None:
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(lambda _: daemon.up(), range(3)))
    assert sum("engine started" in text for text in said) == 1
    assert len({text.split("pid ")[1].split(",")[0] for text in said}) == 1


def test_files_are_private_and_the_shells_keys_stay_out(daemon: Daemon) -> None:
    daemon.up(ANTHROPIC_API_KEY="sk-canary")
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in daemon.data.rglob("*")}
    assert {mode & 0o077 for mode in modes.values()} == {0}, modes
    pid = daemon.status()["pid"]
    assert b"sk-canary" not in Path(f"/proc/{pid}/environ").read_bytes()
    token = load_kubeconfig(str(daemon.data / "kubeconfig")).token
    assert token
    assert token not in (daemon.data / "engine.log").read_text()
    assert token.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    printed = daemon.run("kubeconfig")
    assert printed.stdout.strip() == str(daemon.data / "kubeconfig")
    assert "current-context: kagents-local" in daemon.run("kubeconfig", "-o", "yaml").stdout


@pytest.mark.long
def test_the_port_stays_the_same_and_a_taken_one_is_named(daemon: Daemon) -> None:
    daemon.up()
    port = daemon.status()["port"]
    daemon.run("down")
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        refused = daemon.run("up", "--port", str(taken))
        assert refused.returncode == 1
        assert f"port {taken} is in use by another program" in refused.stderr
    daemon.up()
    assert daemon.status()["port"] == port


async def test_a_killed_daemon_loses_nothing_and_starts_nothing_twice(daemon: Daemon) -> None:
    daemon.up()
    await daemon.create_pod(LOOP)
    started = daemon.file_of_pod("started")
    daemon.until(started.read_text)
    pid = daemon.status()["pid"]
    os.kill(pid, signal.SIGKILL)
    daemon.until(lambda: not is_held(daemon.data / "engine.lock"))
    assert daemon.status()["running"] is False
    assert "engine started" in daemon.up()
    assert daemon.status()["pid"] != pid
    pod = await daemon.pod()
    container = pod["status"]["containerStatuses"][0]
    assert container["restartCount"] == 0
    assert "running" in container["state"]
    assert len(started.read_text().split()) == 1


async def test_down_ends_the_agents_and_the_next_up_goes_on(daemon: Daemon) -> None:
    daemon.up()
    await daemon.create_pod(LOOP)
    started = daemon.file_of_pod("started")
    daemon.until(started.read_text)
    assert "engine stopped" in daemon.run("down").stdout
    assert marked(f"{daemon.data}:") == []
    daemon.up()
    daemon.until(lambda: len(started.read_text().split()) == 2)
    pod = await daemon.pod()
    assert pod["status"]["phase"] == "Running"


async def test_down_ends_the_agents_of_a_killed_daemon_too(daemon: Daemon) -> None:
    daemon.up()
    await daemon.create_pod(LOOP)
    daemon.until(daemon.file_of_pod("started").read_text)
    os.kill(daemon.status()["pid"], signal.SIGKILL)
    daemon.until(lambda: not is_held(daemon.data / "engine.lock"))
    assert marked(f"{daemon.data}:")
    assert "no engine runs" in daemon.run("down").stdout
    assert marked(f"{daemon.data}:") == []


def test_a_broken_store_is_a_sentence(daemon: Daemon) -> None:
    daemon.data.mkdir(mode=0o700)
    (daemon.data / "state.db").write_bytes(b"this is no database" * 100)
    refused = daemon.run("up")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "engine.log" in refused.stderr
