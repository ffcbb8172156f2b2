"""The cluster under test: this machine's own, or the one that ``KAGENTS_TEST_KUBECONFIG`` names."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from testcluster.commands import REPOSITORY, Helm, Kubectl, Object, run
from testcluster.images import Images, built, given
from testcluster.volumes import Provisioner

HOME = Path(os.environ.get("KAGENTS_CLUSTER_DIR", "/var/tmp/kagents-cluster"))
BINARIES = Path(os.environ.get("KAGENTS_CLUSTER_BIN", Path.home() / ".cache" / "kagents-cluster" / "bin"))
TOOL = REPOSITORY / "tools" / "cluster" / "main.py"

SYSTEM = "kagents-system"
"""Namespace of the chart."""
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
"""Labels of every namespace here."""


def tool(*arguments: str, seconds: float = 1800.0) -> str:
    """A verb of ``tools/cluster``."""
    return run([sys.executable, str(TOOL), *arguments], seconds=seconds)


@dataclass
class Cluster:
    """A running cluster, the images in it and the programs to speak to it."""

    kubectl: Kubectl
    helm: Helm
    images: Images
    provisioner: Provisioner | None
    own: bool
    """Started here: its components can be killed, its users are known."""

    def as_user(self, user: str) -> Kubectl:
        """kubectl as ``viewer``, ``operator`` or ``member`` of the test cluster."""
        return Kubectl(self.kubectl.program, str(HOME / f"{user}.kubeconfig"))

    def answers(self) -> bool:
        """Whether the API server is ready."""
        try:
            return self.kubectl("get", "--raw", "/readyz") == "ok"
        except AssertionError:
            return False

    def kill(self, component: str) -> None:
        """SIGKILL to a component of the node."""
        tool("kill", component)

    def kill_container(self, pod: Object, container: str) -> None:
        """SIGKILL to what runs in a container of a pod."""
        [found] = [each for each in pod["status"]["containerStatuses"] if each["name"] == container]
        tool("kill-container", found["containerID"].removeprefix("containerd://"))

    def start(self, component: str) -> None:
        """Start a killed component again as it was."""
        tool("start", component)


def obstacle() -> str | None:
    """Why no cluster can be started here; None when one can."""
    named = os.environ.get("KAGENTS_TEST_KUBECONFIG")
    if named:
        return _obstacle_to_a_named_one(Path(named))
    if os.geteuid() != 0:
        return "a cluster on this machine needs root: run as root, or set KAGENTS_TEST_KUBECONFIG"
    missing = run([sys.executable, str(TOOL), "missing"]).split()
    return f"missing: {', '.join(missing)}: run tools/cluster/install-packages" if missing else None


def _obstacle_to_a_named_one(kubeconfig: Path) -> str | None:
    if not kubeconfig.is_file():
        return f"KAGENTS_TEST_KUBECONFIG names {kubeconfig}, and there is no such file"
    if given() is None:
        return "KAGENTS_TEST_KUBECONFIG needs KAGENTS_TEST_IMAGES=<registry prefix>:<tag>, images it can pull"
    absent = [name for name in ("kubectl", "helm") if shutil.which(name) is None]
    return f"KAGENTS_TEST_KUBECONFIG needs {' and '.join(absent)} on PATH" if absent else None


def start(cache: Path) -> Cluster:
    """Up (or as it runs already), with images and volumes."""
    named = os.environ.get("KAGENTS_TEST_KUBECONFIG")
    if named:
        images = given()
        assert images is not None, obstacle()
        kubectl = Kubectl("kubectl", named)
        return Cluster(kubectl, Helm("helm", named, cache), images, None, own=False)
    images, archives = (chosen, []) if (chosen := given()) else built()
    tool("up")
    kubeconfig = str(HOME / "kubeconfig")
    if archives and images.tag not in tool("images"):
        tool("load", *map(str, archives))
    provisioner = Provisioner(kubeconfig, HOME / "volumes")
    provisioner.start()
    kubectl = Kubectl(str(BINARIES / "kubectl"), kubeconfig)
    return Cluster(kubectl, Helm(str(BINARIES / "helm"), kubeconfig, cache), images, provisioner, own=True)


def stop(cluster: Cluster) -> None:
    """End what was started; ``KAGENTS_CLUSTER_KEEP=1`` leaves the cluster up for the next run."""
    if cluster.provisioner is not None:
        cluster.provisioner.close()
    if cluster.own and not os.environ.get("KAGENTS_CLUSTER_KEEP"):
        subprocess.run([sys.executable, str(TOOL), "down"], check=True, timeout=120)
