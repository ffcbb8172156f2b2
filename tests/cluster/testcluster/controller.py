"""The shipped controller as a process beside the cluster: it can be killed at any moment and starts at once.

It has the arguments, the account and so the roles of the chart's, but elects no leader: a killed one would
keep its lease for longer than a test of kills has.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testcluster.cluster import SYSTEM, Cluster
from testcluster.commands import Kubectl
from testcluster.waiting import until

NAME = "kagents-controller"
DROPPED = ("--lease-name", "--lease-namespace", "--webhook-keys", "--health-port", "--health-address")


class OutsideController:
    """One process at a time."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(20)
            self._process = None

    def log(self) -> str:
        """The end of what it has said."""
        return self._log.read_text(errors="replace")[-4000:]


@contextmanager
def outside(cluster: Cluster, folder: Path, server: str | None = None) -> Iterator[OutsideController]:
    """Instead of the chart's controllers, which come back afterwards; ``server`` is spoken to when given."""
    system = cluster.kubectl.within(SYSTEM)
    [container] = system.get("deployment", NAME)["spec"]["template"]["spec"]["containers"]  # type: ignore[index]
    arguments = [each for each in container["args"] if not each.startswith(DROPPED)]
    kubeconfig = _kubeconfig(cluster.kubectl, folder, server)
    command = [sys.executable, "-m", "kagents_controller.main", f"--kubeconfig={kubeconfig}"]
    running = OutsideController([*command, "--health-port=0", *arguments], folder / "controller.log")
    replicas = _scale(system, 0)
    until(lambda: not system.list("pods", "-l", f"app.kubernetes.io/name={NAME}"), 90)
    try:
        running.start()
        yield running
    finally:
        running.kill()
        _scale(system, replicas)
        system("rollout", "status", f"deployment/{NAME}", "--timeout=90s")


def _scale(system: Kubectl, replicas: int) -> int:
    before = int(system("get", "deployment", NAME, "-o", "jsonpath={.spec.replicas}"))
    system("scale", f"deployment/{NAME}", f"--replicas={replicas}")
    return before


def _kubeconfig(admin: Kubectl, folder: Path, server: str | None) -> Path:
    """Of the controller's service account."""
    config = json.loads(admin("config", "view", "--raw", "-o", "json"))
    token = admin.within(SYSTEM)("create", "token", NAME, "--duration=1h").strip()
    for user in config["users"]:
        user["user"] = {"token": token}
    if server is not None:
        for each in config["clusters"]:
            each["cluster"] = {"server": server}
    path = folder / "controller.kubeconfig"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    return path
