"""Configuration files of containerd, its network and the kubelet."""

import json

import pki
from images import PAUSE_IMAGE
from settings import CGROUP, POD_CIDR, Places

CONTAINERD = """
version = 2
root = "{root}/containerd"
state = "{run}/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{root}/cni"
[plugins."io.containerd.internal.v1.opt"]
  path = "{root}/opt"
"""


def write(places: Places) -> None:
    """Write every configuration file of the node."""
    for folder in (places.root, places.run, places.root / "cni", places.root / "manifests"):
        folder.mkdir(parents=True, exist_ok=True)
    text = CONTAINERD.format(
        root=places.root, run=places.run, socket=places.containerd_socket, pause=PAUSE_IMAGE
    )
    (places.root / "containerd.toml").write_text(text)
    (places.root / "cni" / "10-kagents.conflist").write_text(json.dumps(_network(places), indent=1))
    (places.root / "kubelet.json").write_text(json.dumps(_kubelet(places), indent=1))


def _network(places: Places) -> dict:
    ipam = {
        "type": "host-local",
        "dataDir": str(places.run / "ipam"),
        "ranges": [[{"subnet": POD_CIDR}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": "kagents0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": ipam,
    }
    return {"cniVersion": "1.0.0", "name": "kagents", "plugins": [bridge]}


def _kubelet(places: Places) -> dict:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,
        "enforceNodeAllocatable": [],
        "cgroupsPerQOS": True,
        "cgroupRoot": CGROUP,
        "podLogsDir": str(places.root / "pod-logs"),
        "containerRuntimeEndpoint": f"unix://{places.containerd_socket}",
        "evictionHard": {"memory.available": "10Mi", "nodefs.available": "0.1%", "imagefs.available": "0.1%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "resolvConf": "",
        "staticPodPath": str(places.root / "manifests"),
        "tlsCertFile": str(places.pki / "apiserver.crt"),
        "tlsPrivateKeyFile": str(places.pki / "apiserver.key"),
        "nodeStatusUpdateFrequency": "5s",
        "maxPods": 250,
        "serializeImagePulls": False,
    }


def kubelet_kubeconfig(places: Places) -> str:
    """Kubeconfig of the node's user."""
    return str(pki.user_kubeconfig(places, "kubelet"))
