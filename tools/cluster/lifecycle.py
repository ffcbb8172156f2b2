"""Up and down: the components in their order, and nothing left behind, also after a failed start."""

import json
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path

import cgroups
import images
import network
import node
import pki
from processes import ClusterError, alive, inside, kill_strays, recorded, run, start, stop, wait_until
from settings import (
    API_PORT,
    BINARIES,
    HOST_IP,
    NODE_IP,
    NODE_NAME,
    POD_CIDR,
    SERVICE_CIDR,
    Places,
)

ORDER = (
    "etcd",
    "kube-apiserver",
    "containerd",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
)
NEEDED = (
    *("ip", "nsenter", "containerd", "ctr", "runc", "openssl", "nft", "conntrack"),
    *("gcc", "go", "buildah", "debootstrap"),
)


def missing() -> list[str]:
    """Programs that the cluster and its images need and this machine has not."""
    return [name for name in NEEDED if not shutil.which(name)]


def running(places: Places) -> bool:
    """Whether every component recorded is alive."""
    entries = recorded(places)
    return all(name in entries and alive(entries[name]) for name in ORDER)


def up(places: Places) -> None:
    """Start the cluster and return when its node is Ready; a failed start leaves nothing behind."""
    if absent := missing():
        raise ClusterError(f"missing: {', '.join(absent)}; on Debian: tools/cluster/install-packages")
    if running(places):
        return
    down(places)
    try:
        _start(places)
    except BaseException:
        for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C must not leave half of it
            signal.signal(number, signal.SIG_IGN)
        down(places, keep_logs=True)
        raise


def _start(places: Places) -> None:
    places.root.mkdir(parents=True, exist_ok=True)
    network.create()
    cgroups.create()
    pki.create(places)
    node.write(places)
    _start_control_plane(places)
    _start_node(places)
    wait_until(places, "the node", lambda: _node_ready(places), "kube-apiserver", "kubelet", limit=90)
    pki.kubeconfig(places, places.kubeconfig, {"token": pki.token(places, "admin")})
    for user in ("viewer", "operator", "member"):
        pki.user_kubeconfig(places, user)
    _storage(places)


def _start_control_plane(places: Places) -> None:
    data = _etcd_data(places)
    shutil.rmtree(data, ignore_errors=True)
    start(
        places,
        "etcd",
        [
            str(BINARIES / "etcd"),
            f"--data-dir={data}",
            "--unsafe-no-fsync",
            "--listen-client-urls=http://127.0.0.1:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--quota-backend-bytes=6442450944",
        ],
    )
    start(places, "kube-apiserver", _api_server(places))
    wait_until(
        places, "the API server", lambda: _answers(places, "/readyz"), "etcd", "kube-apiserver", limit=90
    )
    config = pki.component_kubeconfig(places, "controller-manager")
    start(
        places,
        "kube-controller-manager",
        [
            str(BINARIES / "kube-controller-manager"),
            f"--kubeconfig={config}",
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--root-ca-file={places.pki / 'ca.crt'}",
            f"--service-account-private-key-file={places.pki / 'service-accounts.key'}",
            f"--cluster-cidr={POD_CIDR}",
            "--node-monitor-grace-period=20s",
            "--kube-api-qps=300",
            "--kube-api-burst=500",
        ],
    )
    config = pki.component_kubeconfig(places, "scheduler")
    start(
        places,
        "kube-scheduler",
        [
            str(BINARIES / "kube-scheduler"),
            f"--kubeconfig={config}",
            "--leader-elect=false",
            "--kube-api-qps=300",
            "--kube-api-burst=500",
        ],
    )


def _api_server(places: Places) -> list[str]:
    folder = places.pki
    return [
        str(BINARIES / "kube-apiserver"),
        "--etcd-servers=http://127.0.0.1:2379",
        f"--secure-port={API_PORT}",
        f"--advertise-address={NODE_IP}",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        "--authorization-mode=Node,RBAC",
        f"--token-auth-file={folder / 'tokens.csv'}",
        f"--client-ca-file={folder / 'ca.crt'}",
        f"--tls-cert-file={folder / 'apiserver.crt'}",
        f"--tls-private-key-file={folder / 'apiserver.key'}",
        f"--service-account-key-file={folder / 'service-accounts.pub'}",
        f"--service-account-signing-key-file={folder / 'service-accounts.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--kubelet-preferred-address-types=InternalIP",
        f"--audit-policy-file={_audit_policy(places)}",
        f"--audit-log-path={places.logs / 'audit.log'}",
        "--audit-log-maxsize=500",
    ]


def _audit_policy(places: Places) -> Path:
    """Requests of kagents' own identities, counted by the measurements; nothing else is written."""
    path = places.root / "audit-policy.json"
    rule = {
        "level": "Metadata",
        "userGroups": ["system:serviceaccounts:kagents-system"],
        "omitStages": ["RequestReceived"],
    }
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [rule, {"level": "None"}]}
    path.write_text(json.dumps(policy))
    return path


def _start_node(places: Places) -> None:
    start(places, "containerd", ["containerd", "--config", str(places.root / "containerd.toml")])
    wait_until(places, "containerd", places.containerd_socket.exists, "containerd", limit=30)
    archive = places.root / "pause.tar"
    images.pause_archive(archive)
    images.load(places, archive)
    start(
        places,
        "kubelet",
        [
            str(BINARIES / "kubelet"),
            f"--config={places.root / 'kubelet.json'}",
            f"--node-ip={NODE_IP}",
            f"--hostname-override={NODE_NAME}",
            f"--root-dir={places.root / 'kubelet'}",
            f"--kubeconfig={node.kubelet_kubeconfig(places)}",
            f"--cert-dir={places.root / 'kubelet-pki'}",
        ],
    )
    config = pki.component_kubeconfig(places, "proxy")
    start(
        places,
        "kube-proxy",
        [
            str(BINARIES / "kube-proxy"),
            f"--kubeconfig={config}",
            "--proxy-mode=nftables",
            f"--hostname-override={NODE_NAME}",
            "--conntrack-max-per-core=0",
            "--conntrack-min=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
            f"--cluster-cidr={POD_CIDR}",
        ],
    )


def _answers(places: Places, path: str) -> bool:
    """Ask the API server from the host; the veth pair reaches the node's address."""
    context = ssl.create_default_context(cafile=str(places.pki / "ca.crt"))
    request = urllib.request.Request(f"https://{NODE_IP}:{API_PORT}{path}")
    request.add_header("Authorization", f"Bearer {pki.token(places, 'admin')}")
    try:
        with urllib.request.urlopen(request, context=context, timeout=3) as answer:
            return answer.status == 200
    except OSError:
        return False


def kubectl(places: Places, *arguments: str, text: str | None = None, check: bool = True) -> str:
    """Run kubectl as the administrator."""
    config = pki.user_kubeconfig(places, "admin")
    command = [str(BINARIES / "kubectl"), f"--kubeconfig={config}", *arguments]
    return run(command, check=check, input=text).stdout


def _node_ready(places: Places) -> bool:
    path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    return kubectl(places, "get", "node", NODE_NAME, "-o", path, check=False) == "True"


def _storage(places: Places) -> None:
    """One node's disk stands for RWX storage: a class without provisioner, and volumes made ahead."""
    kubectl(places, "apply", "-f", "-", text=json.dumps(_storage_class()))


def _storage_class() -> dict:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "kagents-test",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "Immediate",
    }


def down(places: Places, *, keep_logs: bool = False) -> None:
    """Stop everything that was recorded, then remove mounts, namespace and folders."""
    entries = recorded(places)
    stop(places, "kubelet")
    stop(places, "kube-proxy")
    if "containerd" in entries and alive(entries["containerd"]):
        _end_containers(places)
    for name in ("kube-controller-manager", "kube-scheduler", "containerd", "kube-apiserver", "etcd"):
        stop(places, name, grace=3.0)
    kill_strays([f"{places.root}/", str(_etcd_data(places))])
    cgroups.delete()
    _unmount(places)
    network.delete()
    shutil.rmtree(_etcd_data(places), ignore_errors=True)
    if places.root.exists():
        for entry in places.root.iterdir():
            if keep_logs and entry.name == "logs":
                continue
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if not keep_logs:
            places.root.rmdir()


def _end_containers(places: Places) -> None:
    base = ["ctr", "--address", str(places.containerd_socket), "--namespace", "k8s.io"]
    listed = subprocess.run([*base, "tasks", "list", "-q"], capture_output=True, text=True, timeout=30)
    for task in listed.stdout.split():
        subprocess.run(
            [*base, "tasks", "kill", "--all", "--signal", "SIGKILL", task], capture_output=True, timeout=30
        )
    end = time.monotonic() + 10
    while listed.stdout.split() and time.monotonic() < end:
        for task in listed.stdout.split():
            subprocess.run([*base, "tasks", "delete", task], capture_output=True, timeout=30)
        listed = subprocess.run([*base, "tasks", "list", "-q"], capture_output=True, text=True, timeout=30)


def _etcd_data(places: Places) -> Path:
    """In memory: the store of a test cluster needs no disk."""
    return Path("/dev/shm") / f"kagents-cluster-{places.root.name}"


def _unmount(places: Places) -> None:
    """Unmount whatever is left below the cluster's folder, deepest first."""
    for _ in range(5):
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        ours = sorted((path for path in mounts if path.startswith(f"{places.root}/")), key=len, reverse=True)
        if not ours:
            return
        for path in ours:
            subprocess.run(["umount", "-l", path], capture_output=True, timeout=10)


def enter(command: list[str]) -> list[str]:
    """A command as it runs beside the cluster, in its network namespace."""
    return inside(command)


__all__ = ["HOST_IP", "down", "enter", "kubectl", "running", "up"]
