"""Where the controller is measured: on the API server of ``tools/cluster``, a given one, or the engine.

On the cluster the controller runs as a process beside it, with the account, the roles and the arguments of
the chart: it is the real one, and what it uses can be read. The node's parts are stopped meanwhile, because a
bench plays the kubelet; ``--cluster`` starts the cluster when it is not running, and ends what it started.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TOOL = REPOSITORY / "tools" / "cluster" / "main.py"
SYSTEM = "kagents-system"
ACCOUNT = "kagents-controller"
IDENTITY = f"system:serviceaccount:{SYSTEM}:{ACCOUNT}"
STOPPED = ("kubelet", "kube-scheduler", "kube-controller-manager", "kube-proxy")
HEALTH_PORT = 18081


@dataclass
class Process:
    """A running process and what it has used."""

    pid: int
    gone: float = 0.0
    """Seconds of processor time of its predecessors."""

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        times = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, line: str = "VmRSS") -> float:
        """Resident memory now (``VmRSS``) or at its peak (``VmHWM``), in MiB."""
        for row in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if row.startswith(f"{line}:"):
                return int(row.split()[1]) / 1024
        return 0.0


class Controller(Process):
    """A controller in a process of its own."""

    def writes(self) -> int:
        """What it says it has written: children, deletions and status, without events and its lease."""
        return sum(map(int, re.findall(r"^kagents_writes_total\S* (\d+)$", _ask("/metrics"), re.M)))


@dataclass
class Place:
    """An API server: as its administrator, and as the controller sees it."""

    name: str
    kubeconfig: str
    controller_kubeconfig: str
    controller_arguments: Sequence[str] = ()
    audit: Path | None = None
    server: Process | None = None
    python: Sequence[str] = field(default_factory=lambda: (sys.executable,))

    @asynccontextmanager
    async def controller(
        self, *, log_level: str = "error", health_port: int = HEALTH_PORT
    ) -> AsyncIterator[Controller]:
        """A controller in a process of its own; ended in good order (its lease is given back)."""
        command = [*self.python, "-m", "kagents_controller.main", "--kubeconfig", self.controller_kubeconfig]
        command += ["--runner-image", "bench", "--log-level", log_level, *self.controller_arguments]
        command += ["--health-address", "127.0.0.1", "--health-port", str(health_port)]
        process = subprocess.Popen(command)  # noqa: ASYNC220
        try:
            yield Controller(process.pid)
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 20)


async def works(seconds: float = 60.0, *, health_port: int = HEALTH_PORT) -> None:
    """Wait until the controller has filled its caches."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                if "kagents_caches_synced 1" in await asyncio.to_thread(_ask, "/metrics", health_port):
                    return
            except OSError:
                pass
            await asyncio.sleep(0.02)


def _ask(path: str, health_port: int = HEALTH_PORT) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{health_port}{path}", timeout=5) as answer:
        return str(answer.read().decode())


@contextmanager
def api_server() -> Iterator[Place | None]:
    """The given API server or the cluster's; None when neither is asked for."""
    given = os.environ.get("KAGENTS_BENCH_KUBECONFIG")
    if given:
        yield Place("the given API server", given, given)
    elif os.environ.get("KAGENTS_BENCH_CLUSTER"):
        with _cluster() as place:
            yield place
    else:
        yield None


def needs_cluster(name: str) -> None:
    """Say how a bench that measures only against a real API server is run."""
    print(f"  skipped: needs a real API server: python tests/bench --cluster {name} (root), or")
    print("  KAGENTS_BENCH_KUBECONFIG=FILE (the CRDs must be there, no other controller and no node)")


@contextmanager
def _cluster() -> Iterator[Place]:
    was_up = _tool("status").strip() == "running"
    _tool("up")
    root = Path(os.environ.get("KAGENTS_CLUSTER_DIR", "/var/tmp/kagents-cluster"))
    try:
        with tempfile.TemporaryDirectory() as folder:
            _install_chart(root, Path(folder))
            kubeconfig = _account_kubeconfig(root, Path(folder))
            for component in STOPPED:
                _tool("kill", component)
            try:
                yield _place(root, kubeconfig)
            finally:
                for component in STOPPED if was_up else ():
                    _tool("start", component)
    finally:
        if not was_up:
            _tool("down")


def _place(root: Path, kubeconfig: str) -> Place:
    arguments = ("--hub-cluster-role=kagents-hub", f"--lease-name={ACCOUNT}", f"--lease-namespace={SYSTEM}")
    processes = json.loads((root / "processes.json").read_text())
    server = Process(processes["kube-apiserver"]["pid"])
    audit = root / "logs" / "audit.log"
    return Place(
        f"Kubernetes {_version(root)}, etcd in memory, same machine",
        str(root / "kubeconfig"),
        kubeconfig,
        arguments,
        audit,
        server,
    )


def _version(root: Path) -> str:
    shown = json.loads(
        _run([_binary("kubectl"), f"--kubeconfig={root / 'kubeconfig'}", "version", "-o", "json"])
    )
    return str(shown["serverVersion"]["gitVersion"])


def _install_chart(root: Path, folder: Path) -> None:
    """Definitions, accounts and roles as shipped; the controller itself runs beside the cluster."""
    helm = [_binary("helm"), "upgrade", "--install", "kagents", str(REPOSITORY / "charts" / "kagents")]
    helm += ["--namespace", SYSTEM, "--create-namespace", "--set", "controller.replicas=0"]
    helm += [f"--kubeconfig={root / 'kubeconfig'}"]
    homes = {f"HELM_{name}_HOME": str(folder / name) for name in ("CACHE", "CONFIG", "DATA")}
    _run(helm, {**os.environ, **homes})


def _account_kubeconfig(root: Path, folder: Path) -> str:
    """A kubeconfig of the controller's service account."""
    admin = json.loads(
        _run(
            [
                _binary("kubectl"),
                f"--kubeconfig={root / 'kubeconfig'}",
                "config",
                "view",
                "--raw",
                "-o",
                "json",
            ]
        )
    )
    token = _run(
        [
            *(_binary("kubectl"), f"--kubeconfig={root / 'kubeconfig'}", "--namespace", SYSTEM),
            *("create", "token", ACCOUNT, "--duration=12h"),
        ]
    ).strip()
    for user in admin["users"]:
        user["user"] = {"token": token}
    for cluster in admin["clusters"]:
        cluster["cluster"]["disable-compression"] = True  # as it is for the controller in its pod
    path = folder / "controller.kubeconfig"
    path.write_text(json.dumps(admin))
    return str(path)


def _binary(name: str) -> str:
    folder = os.environ.get("KAGENTS_CLUSTER_BIN", str(Path.home() / ".cache" / "kagents-cluster" / "bin"))
    return str(Path(folder) / name)


def _tool(*arguments: str) -> str:
    return _run([sys.executable, str(TOOL), *arguments])


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, env=environment, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:6])} … failed: {(done.stderr + done.stdout).strip()[-800:]}")
    return done.stdout


@contextmanager
def engine() -> Iterator[Place]:
    """An embedded engine on a directory of its own, which runs the controller inside."""
    with tempfile.TemporaryDirectory() as directory:
        data = str(Path(directory) / "data")
        verb = [sys.executable, "-m", "kagents_local"]
        subprocess.run([*verb, "up", "--data", data], check=True, stdout=subprocess.DEVNULL)
        kubeconfig = str(Path(data) / "kubeconfig")
        try:
            yield Place("the embedded engine (its kubelet runs the agents meanwhile)", kubeconfig, kubeconfig)
        finally:
            down = [*verb, "down", "--data", data, "--purge", "--yes"]
            subprocess.run(down, check=False, stdout=subprocess.DEVNULL)


async def quiet(process: Process, seconds: float = 60.0) -> None:
    """Wait until a process has hardly worked for a second: it has digested what came."""
    deadline = time.monotonic() + seconds
    before = process.cpu()
    while time.monotonic() < deadline:
        await asyncio.sleep(1.0)
        now = process.cpu()
        if now - before <= 0.02:
            return
        before = now
