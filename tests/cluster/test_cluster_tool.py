"""tools/cluster leaves nothing behind: when a start fails, is interrupted, or all of it is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from testcluster.cluster import BINARIES, TOOL
from testcluster.waiting import until

SUBNET = int(os.environ.get("KAGENTS_CLUSTER_SUBNET", "77")) + 2
NAMESPACE = f"kagents-broken-{SUBNET}"


def _as_from_a_terminal() -> None:
    """A shell lets what it runs in the background ignore SIGINT, these tests perhaps among it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Place:
    """Another cluster of this machine, with programs that can be replaced."""

    root: Path
    programs: Path
    binaries: Path

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "SUBNET": str(SUBNET),
            "NAMESPACE": NAMESPACE,
            "DIR": str(self.root),
            "BIN": str(self.binaries),
        }
        named = {f"KAGENTS_CLUSTER_{name}": value for name, value in own.items()}
        return os.environ | named | {"PATH": f"{self.programs}:{os.environ['PATH']}"}

    def begin(self, verb: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(TOOL), verb]
        return subprocess.Popen(
            command,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_as_from_a_terminal,
        )

    def run(self, verb: str) -> tuple[int, str]:
        """Exit code, and what was said on stderr."""
        process = self.begin(verb)
        _, said = process.communicate(timeout=240)
        assert "Traceback" not in said, said
        return process.returncode, said

    def replace(self, program: str, script: str) -> None:
        """A shell script in the place of a program; ``$REAL`` is the real one."""
        ours = (self.binaries / program).exists()
        target = (self.binaries if ours else self.programs) / program
        real = BINARIES / program if ours else shutil.which(program)
        target.unlink(missing_ok=True)
        target.write_text(f"#!/bin/sh\nREAL={real}\n{script}\n")
        target.chmod(0o755)

    def recorded(self) -> dict[str, dict[str, int]]:
        try:
            found: dict[str, dict[str, int]] = json.loads((self.root / "processes.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def leftovers(self) -> list[str]:
        """Mounts, processes, namespaces, links, cgroups and folders of this cluster; its logs may stay."""
        marks = (f"{self.root}/", f"kagents-cluster-{self.root.name}")
        found = [line for line in Path("/proc/mounts").read_text().splitlines() if f"{self.root}/" in line]
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                group = (entry / "cgroup").read_text()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if state == "Z":  # dead; its new parent, the machine's init, has not looked yet
                continue
            if any(mark in command for mark in marks) or f"/kagents-{SUBNET}" in group:
                found.append(f"{entry.name} {command!r}")
        found += [str(path) for path in (Path("/run/netns") / NAMESPACE,) if path.exists()]
        found += [str(path) for path in Path("/sys/class/net").glob(f"kagents-host{SUBNET}")]
        found += [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/kagents-{SUBNET}")]
        found += [str(path) for path in Path("/dev/shm").glob(f"*{self.root.name}*")]
        if self.root.exists():
            found += [str(path) for path in self.root.iterdir() if path.name != "logs"]
        return found


@pytest.fixture
def place(machine: None) -> Iterator[Place]:
    if os.environ.get("KAGENTS_TEST_KUBECONFIG"):
        pytest.skip("this starts a cluster of its own, and KAGENTS_TEST_KUBECONFIG names another")
    parent = Path(tempfile.mkdtemp(prefix="kagents-broken-", dir="/var/tmp"))  # short, for sockets
    found = Place(parent / f"c{os.getpid()}", parent / "programs", parent / "bin")
    found.programs.mkdir()
    found.binaries.mkdir()
    for path in BINARIES.iterdir():
        (found.binaries / path.name).symlink_to(path)
    try:
        yield found
    finally:
        found.run("down")
        shutil.rmtree(parent, ignore_errors=True)


BROKEN = {
    "etcd": ("exit 3", "etcd ended while waiting for the API server"),
    "kube-apiserver": ('exec "$REAL" --no-such-flag "$@"', "unknown flag: --no-such-flag"),
    "containerd": ("exit 3", "containerd ended while waiting for containerd"),
    "kubelet": ('"$REAL" "$@" & sleep 0.3; kill -9 $! $$', "kubelet ended while waiting for the node"),
}


@pytest.mark.parametrize("program", BROKEN)
def test_a_start_that_fails_leaves_nothing(place: Place, program: str) -> None:
    script, words = BROKEN[program]
    place.replace(program, script)
    code, said = place.run("up")
    assert code == 1, said
    assert words in said
    assert place.leftovers() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_nothing(place: Place, number: signal.Signals) -> None:
    starting = place.begin("up")
    until(lambda: "kubelet" in place.recorded(), 120, explain=place.recorded)
    starting.send_signal(number)
    _, said = starting.communicate(timeout=120)
    assert starting.returncode == 128 + number, said
    assert "Traceback" not in said
    assert place.leftovers() == []


def test_a_program_that_is_not_installed_is_named_and_nothing_is_begun(place: Place) -> None:
    needed = ("ip", "nsenter", "ctr", "runc", "openssl", "nft", "conntrack", "gcc", "go")
    for name in (*needed, "buildah", "debootstrap"):
        (place.programs / name).symlink_to(shutil.which(name) or "/nonexistent")
    environment = place.environment | {"PATH": str(place.programs)}
    command = [sys.executable, str(TOOL), "up"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "missing: containerd" in done.stderr
    assert not place.root.exists()
    assert place.leftovers() == []


def test_down_cleans_up_after_everything_was_killed(place: Place) -> None:
    code, said = place.run("up")
    assert code == 0, said
    kubectl = [str(BINARIES / "kubectl"), f"--kubeconfig={place.root / 'kubeconfig'}"]

    def run(*words: str) -> str:
        command = [*kubectl, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout

    until(lambda: "default" in run("get", "serviceaccounts", "-o", "name"), 30)
    run("run", "pause", "--image=kagents.test/pause:1", "--image-pull-policy=Never")
    until(lambda: run("get", "pod", "pause", "-o", "jsonpath={.status.phase}") == "Running", 60)
    assert any("shim" in each for each in place.leftovers()), "there is something to be left"
    for each in (*_pids(place), *(entry["pid"] for entry in place.recorded().values())):
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            continue
    assert place.run("down")[0] == 0
    assert place.leftovers() == []
    assert not place.root.exists()


def _pids(place: Place) -> list[int]:
    """Everything that names the cluster's folder, shims included; containers' processes do not."""
    return [int(each.split()[0]) for each in place.leftovers() if "shim" in each and each[0].isdigit()]


def test_down_cleans_up_after_a_start_that_was_killed(place: Place) -> None:
    starting = place.begin("up")
    until(lambda: "kube-scheduler" in place.recorded(), 120, explain=place.recorded)
    starting.kill()
    starting.communicate(timeout=20)
    record = place.root / "processes.json"
    entries = place.recorded()
    entries.pop("etcd")  # as if it had been killed between a process and its record
    record.write_text(json.dumps(entries))
    assert place.run("down")[0] == 0
    assert place.leftovers() == []
