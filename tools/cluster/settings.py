"""Where the test cluster lives, and the numbers of its network; environment variables move it."""

import os
from dataclasses import dataclass
from pathlib import Path

KUBERNETES_VERSION = "1.36.3"
HELM_VERSION = "4.3.1"
ETCD_VERSION = "3.6.8"
"""What this Kubernetes is made for. Debian's 3.4 cannot tell how far a watch has come, without which the API
server reads every list from etcd instead of its own memory, and streams none."""

HERE = Path(__file__).resolve().parent
NAMESPACE = os.environ.get("KAGENTS_CLUSTER_NAMESPACE", "kagents-cluster")
"""Name of the network namespace that the whole node lives in."""

BINARIES = Path(os.environ.get("KAGENTS_CLUSTER_BIN", Path.home() / ".cache" / "kagents-cluster" / "bin"))
"""Outside the checkout, so that a fresh clone starts warm."""

SUBNET = int(os.environ.get("KAGENTS_CLUSTER_SUBNET", "77"))
"""A number from 1 to 253, the next one left free: in every address, so that clusters share a machine."""

NODE_NAME = "kagents-node"
NODE_IP = f"198.18.{SUBNET}.2"
HOST_IP = f"198.18.{SUBNET}.1"
PREFIX = 30
POD_CIDR = f"10.{SUBNET}.0.0/16"
SERVICE_CIDR = f"10.{SUBNET + 1}.0.0/16"
API_SERVICE_IP = f"10.{SUBNET + 1}.0.1"
API_PORT = 6443
CGROUP = f"/kagents-{SUBNET}"
"""Of all pods; a kubelet ends whatever it does not know below its own."""


@dataclass(frozen=True)
class Places:
    """Folders of one running cluster; all of it may be removed once it is down."""

    root: Path

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def processes(self) -> Path:
        """One JSON file: name -> process id and start time."""
        return self.root / "processes.json"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"


def places() -> Places:
    """The one cluster of this machine."""
    return Places(Path(os.environ.get("KAGENTS_CLUSTER_DIR", "/var/tmp/kagents-cluster")))
