"""Small servers in pods of the runner's image, admitted under Pod Security ``restricted``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testcluster.cluster import Cluster
from testcluster.commands import REPOSITORY, Kubectl, Object
from testcluster.waiting import until

PORT = 8080

_REPOSITORY = """
set -e
git init -q -b main /tmp/seed
git -C /tmp/seed -c user.name=t -c user.email=t@example.test commit -q --allow-empty -m Begin
git clone -q --bare /tmp/seed /tmp/served/shop.git
git -C /tmp/served/shop.git update-server-info
exec python3 -m http.server --directory /tmp/served 8080
"""


def serve(
    cluster: Cluster, kubectl: Kubectl, name: str, command: Sequence[str], files: Mapping[str, str]
) -> str:
    """Start a server on port 8080 with ``files`` (path below /model -> text); its URL within the cluster."""
    keys = {f"file-{number}": path for number, path in enumerate(files)}
    data = dict(zip(keys, files.values(), strict=True))
    items = [{"key": key, "path": path} for key, path in keys.items()]
    container: Object = {
        "name": "server",
        "image": f"{cluster.images.runner}:{cluster.images.tag}",
        "command": list(command),
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "volumeMounts": [{"name": "files", "mountPath": "/model"}, {"name": "tmp", "mountPath": "/tmp"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    spec: Object = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [
            {"name": "files", "configMap": {"name": name, "items": items}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    labels = {"server": name}
    kubectl.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"selector": labels, "ports": [{"port": PORT}]},
        },
    )
    ready = ("get", "pod", name, "-o", "jsonpath={.status.containerStatuses[0].ready}")
    until(lambda: kubectl(*ready) == "true", 60, explain=lambda: kubectl("describe", "pod", name))
    address = kubectl("get", "service", name, "-o", "jsonpath={.spec.clusterIP}")
    return f"http://{address}:{PORT}"


def serve_repository(cluster: Cluster, kubectl: Kubectl) -> str:
    """Start a server of a git repository with one commit on ``main``; the repository's URL."""
    return serve(cluster, kubectl, "git", ["sh", "-c", _REPOSITORY], {"unused": ""}) + "/shop.git"


@dataclass(frozen=True)
class Forge:
    """A forge with the repository acme/backend, in a pod."""

    kubectl: Kubectl
    url: str

    @property
    def repository(self) -> str:
        """Where the repository is cloned from and pushed to, with the forge's token."""
        return f"{self.url}/acme/backend.git"

    def report(self) -> Object:
        """``requests``, ``complaints`` and ``calls`` so far."""
        told: Object = json.loads(self.kubectl("exec", "forge", "--", "cat", "/tmp/forge.json"))
        return told

    def subjects(self, branch: str) -> list[str]:
        """Subjects of a branch that was pushed, with their authors."""
        bare = ("git", "-c", "safe.directory=*", "--git-dir=/tmp/forge/acme/backend.git")
        command = (*bare, "log", "--format=%an: %s", branch)
        return self.kubectl("exec", "forge", "--", *command).splitlines()


def serve_forge(cluster: Cluster, kubectl: Kubectl) -> Forge:
    """Start the checking forge of the tests of finishing."""
    tests = REPOSITORY / "tests"
    program = Path(__file__).parent / "forge_in_a_pod.py"
    sources = ("unit/finish/forge_server.py", "fixtures/forge/github.json")
    files = {"serve.py": program.read_text()} | {path: (tests / path).read_text() for path in sources}
    return Forge(kubectl, serve(cluster, kubectl, "forge", ["python3", "/model/serve.py"], files))
