"""Builds Kubernetes, etcd and Helm as Go tools, and the pause program; only what is missing or outdated."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from processes import ClusterError, run
from settings import BINARIES, ETCD_VERSION, HELM_VERSION, HERE, KUBERNETES_VERSION

COMPONENTS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)

PAUSE_SOURCE = """
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void down(int number) { _exit(number == SIGINT ? 1 : 0); }
static void reap(int number) { (void)number; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) {
    signal(SIGINT, down); signal(SIGTERM, down); signal(SIGCHLD, reap);
    for (;;) pause();
}
"""


def build_all() -> None:
    """Make every binary; quick when they are there."""
    BINARIES.mkdir(parents=True, exist_ok=True)
    for name in COMPONENTS:
        _go_tool(HERE, name, f"k8s.io/kubernetes/cmd/{name}", KUBERNETES_VERSION, _kubernetes_stamp())
    _go_tool(HERE / "etcd", "etcd", "go.etcd.io/etcd/server/v3", ETCD_VERSION, "")
    _go_tool(
        HERE / "helm",
        "helm",
        "helm.sh/helm/v4/cmd/helm",
        HELM_VERSION,
        f"-X helm.sh/helm/v4/internal/version.version=v{HELM_VERSION}",
    )
    _pause()


def _kubernetes_stamp() -> str:
    package = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES_VERSION.split(".")
    values = {
        "gitVersion": f"v{KUBERNETES_VERSION}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
    }
    return " ".join(f"-X {package}.{name}={value}" for name, value in values.items())


def _go_tool(module: Path, name: str, package: str, version: str, stamp: str) -> None:
    target = BINARIES / name
    marker = BINARIES / f"{name}.version"
    if target.exists() and marker.exists() and marker.read_text() == version:
        return
    if not shutil.which("go"):
        raise ClusterError(
            "Go is not installed, and the test cluster is built with it; install Go 1.26 or newer"
        )
    print(f"cluster: building {name} {version}", file=sys.stderr, flush=True)
    new = target.with_suffix(".new")
    command = ["go", "build", "-p", "2", "-trimpath", "-ldflags", f"-s -w {stamp}", "-o", str(new), package]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
    done = subprocess.run(command, cwd=module, env=environment, capture_output=True, text=True, timeout=3000)
    if done.returncode != 0:
        raise ClusterError(f"building {name} failed: {done.stderr.strip()[-1500:]}")
    new.replace(target)
    marker.write_text(version)


def _pause() -> None:
    target = BINARIES / "pause"
    if target.exists():
        return
    if not shutil.which("gcc"):
        raise ClusterError("gcc is not installed, and the pause program is built with it; install gcc")
    source = BINARIES / "pause.c"
    source.write_text(PAUSE_SOURCE)
    run(["gcc", "-static", "-Os", "-o", str(target), str(source)])
