"""A provisioner for the test cluster: a directory of the node for each claim of its storage class.

By hand, beside a cluster of ``make cluster-up``: ``python volumes.py KUBECONFIG DIRECTORY`` until a signal.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from kagents_core.api.resources import CLAIMS, Resource
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig
from kagents_core.kube.errors import KubeError

CLASS = "kagents-test"
RUNNER_USER = 10001
VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)


class Provisioner:
    """Binds pending claims until it is closed; volumes of claims that are gone are removed."""

    def __init__(self, kubeconfig: str, root: Path) -> None:
        self._kubeconfig = kubeconfig
        self._root = root
        self._stop = threading.Event()
        self._mounted: set[Path] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.paused: set[str] = set()
        """Namespaces whose claims stay unbound."""
        self.roots: dict[str, tuple[int, int]] = {}
        """Namespace -> owner and mode of the roots of its volumes, instead of what fsGroup gives."""
        self.sizes: dict[str, int] = {}
        """Namespace -> MiB that its volumes have, instead of the room of the disk."""

    def start(self) -> None:
        """Begin."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def close(self) -> None:
        """End; the directories go with the cluster."""
        self._stop.set()
        self._thread.join(20)
        for path in list(self._mounted):
            self._unmount(path)

    def directory(self, namespace: str, claim: str) -> Path:
        """Where a claim's files lie."""
        return self._root / f"{namespace}--{claim}"

    def _mount(self, path: Path, size: int) -> None:
        if path not in self._mounted:
            command = ["mount", "-t", "tmpfs", "-o", f"size={size}M", "tmpfs", path]
            subprocess.run(command, check=True, timeout=20)
            self._mounted.add(path)

    def _unmount(self, path: Path) -> None:
        if path in self._mounted:
            subprocess.run(["umount", "--lazy", path], check=False, timeout=20)
            self._mounted.discard(path)

    async def _run(self) -> None:
        async with Client(load_kubeconfig(self._kubeconfig)) as client:
            while not self._stop.is_set():
                with contextlib.suppress(KubeError):  # the API server is restarted by tests
                    await self._round(client)
                await asyncio.sleep(0.2)

    async def _round(self, client: Client) -> None:
        for claim in (await client.list(CLAIMS)).items:
            waiting = (claim.get("status") or {}).get("phase") == "Pending"
            ours = claim["spec"].get("storageClassName") == CLASS and not claim["spec"].get("volumeName")
            if waiting and ours and claim["metadata"]["namespace"] not in self.paused:
                await self._provision(client, claim)
        for volume in (await client.list(VOLUMES)).items:
            if (volume.get("status") or {}).get("phase") == "Released":
                await client.delete(VOLUMES, None, volume["metadata"]["name"])
                path = Path(volume["spec"]["hostPath"]["path"])
                self._unmount(path)
                shutil.rmtree(path, ignore_errors=True)

    async def _provision(self, client: Client, claim: dict[str, Any]) -> None:
        metadata = claim["metadata"]
        path = self.directory(metadata["namespace"], metadata["name"])
        path.mkdir(parents=True, exist_ok=True)
        if metadata["namespace"] in self.sizes:
            self._mount(path, self.sizes[metadata["namespace"]])
        # By default what the kubelet makes of a volume that honours fsGroup.
        owner, mode = self.roots.get(metadata["namespace"], (RUNNER_USER, 0o2770))
        os.chown(path, owner, owner)
        path.chmod(mode)
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"test-{metadata['uid']}"},
            "spec": {
                "capacity": claim["spec"]["resources"]["requests"],
                "accessModes": claim["spec"]["accessModes"],
                "storageClassName": CLASS,
                "persistentVolumeReclaimPolicy": "Retain",
                "hostPath": {"path": str(path)},
                "claimRef": {
                    "namespace": metadata["namespace"],
                    "name": metadata["name"],
                    "uid": metadata["uid"],
                },
            },
        }
        with contextlib.suppress(KubeError):  # made in an earlier round
            await client.create(VOLUMES, None, volume)


if __name__ == "__main__":
    by_hand = Provisioner(sys.argv[1], Path(sys.argv[2]))
    by_hand.start()
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    by_hand.close()
