"""What a person got wrong is named by a condition within 60 s, and mended without deleting the team.

All teams are applied at once, and later all are mended at once: most of this is waiting for the kubelet.
"""

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from testcluster.cluster import HOME, RESTRICTED, Cluster, tool
from testcluster.commands import Kubectl, Object
from testcluster.team import Team, simulated
from testcluster.volumes import RUNNER_USER
from testcluster.waiting import until

QUICK = {"lead": [{"finish": "done"}]}
IMAGE = "registry.invalid/agent:1"

CAUSES = {
    "no-secret": ("AgentsHealthy", ("CreateContainerConfigError",), ("lead", 'secret "mine" not found')),
    "no-key": ("AgentsHealthy", ("CreateContainerConfigError",), ("lead", "level", "levels")),
    "no-input": ("AgentsHealthy", ("FailedMount",), ("lead", 'configmap "figures" not found')),
    "no-image": ("AgentsHealthy", ("ErrImagePull", "ImagePullBackOff"), ("lead", IMAGE)),
    "no-repository": ("Prepared", ("PrepareFailed",), ("hub", "origin.git")),
    "too-many": ("AgentsHealthy", ("CreationRefused",), ("exceeded quota: small", "pods=1")),
    "no-volume": ("Prepared", ("VolumeNotBound",), ("no-volume-team-", "ReadWriteMany", "kagents-test")),
}
"""Team -> condition, its reasons, words of its message."""
APART = ("too-many", "no-volume")
"""Teams whose trouble is their namespace's: they have one of their own."""
ON_THE_NODE = ("no-image", "no-repository", "no-volume")
"""Mended on the machine that the node is."""


def manifests() -> dict[str, Object]:
    """The broken teams."""
    found = {name: simulated(name, QUICK) for name in CAUSES}
    secret = {"secretKeyRef": {"name": "mine", "key": "token"}}
    key = {"configMapKeyRef": {"name": "levels", "key": "level"}}
    found["no-secret"]["spec"]["lead"]["env"] = [{"name": "TOKEN", "valueFrom": secret}]
    found["no-key"]["spec"]["lead"]["env"] = [{"name": "LEVEL", "valueFrom": key}]
    inputs = [{"configMap": "figures", "mountPath": "/workspace/data"}]
    found["no-input"]["spec"]["workspace"]["inputs"] = inputs
    found["no-image"]["spec"]["lead"]["image"] = IMAGE
    url = "file:///kagents/work/origin.git"
    found["no-repository"] = simulated("no-repository", QUICK, repository={"url": url, "branch": "main"})
    return found


@pytest.fixture(scope="module")
def broken(cluster: Cluster, kubectl: Kubectl, chart: None) -> Iterator[dict[str, Team]]:
    """All broken teams, by name."""
    end = uuid.uuid4().hex[:4]
    places = {name: f"{name if name in APART else 'bad-input'}-{end}" for name in CAUSES}
    for name in sorted(set(places.values())):
        metadata = {"name": name, "labels": RESTRICTED}
        kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    crowded = kubectl.within(places["too-many"])
    crowded("create", "quota", "small", "--hard=pods=1")
    until(lambda: "hard" in ((crowded.get("resourcequota", "small") or {}).get("status") or {}), 20)
    if cluster.provisioner is not None:
        cluster.provisioner.paused.add(places["no-volume"])
    kubectl.within(places["no-key"])("create", "configmap", "levels", "--from-literal=other=1")
    teams = {}
    for name, manifest in manifests().items():
        kubectl.within(places[name]).apply(manifest)
        teams[name] = Team(kubectl.within(places[name]), name)
    try:
        yield teams
    finally:
        kubectl("delete", "namespace", "--wait=false", *sorted(set(places.values())))


def skip_unless_own(cluster: Cluster, name: str) -> None:
    if name in ON_THE_NODE and not cluster.own:
        pytest.skip("this is made on the test's own node")


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_is_named_within_a_minute(cluster: Cluster, broken: dict[str, Team], name: str) -> None:
    skip_unless_own(cluster, name)
    kind, reasons, words = CAUSES[name]
    team = broken[name]

    def said() -> bool:
        found = team.condition(kind)
        return found.get("reason") in reasons and all(word in found["message"] for word in words)

    until(said, 60, explain=team.explain)
    told = team.condition(kind)
    assert "Traceback" not in told["message"]
    made = datetime.fromisoformat(team.object()["metadata"]["creationTimestamp"])
    assert (datetime.fromisoformat(told["lastTransitionTime"]) - made).total_seconds() <= 60
    assert team.phase() in ("Initializing", "Running")


@pytest.fixture(scope="module")
def mended(cluster: Cluster, broken: dict[str, Team], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every cause is removed; no team is touched."""
    here = broken["no-secret"].kubectl
    here("create", "secret", "generic", "mine", "--from-literal=token=x")
    here("patch", "configmap", "levels", "--type=merge", '--patch={"data":{"level":"2"}}')
    here("create", "configmap", "figures", "--from-literal=a=b")
    broken["too-many"].kubectl("delete", "resourcequota", "small")
    if cluster.provisioner is None:
        return
    tool("tag", f"docker.io/library/{cluster.images.runner}:{cluster.images.tag}", IMAGE)
    cluster.provisioner.paused.clear()
    origin = tmp_path_factory.mktemp("origin") / "origin.git"
    bare_repository(origin)
    place = broken["no-repository"].volume(HOME / "volumes") / "work" / "origin.git"
    shutil.copytree(origin, place)
    for path in (place, *place.rglob("*")):
        os.chown(path, RUNNER_USER, RUNNER_USER)


def bare_repository(path: Path) -> None:
    """A repository with one commit on ``main``."""
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.test"]
    seed = path.with_suffix(".seed")
    for command in (
        [*git, "init", "-q", "-b", "main", str(seed)],
        [*git, "-C", str(seed), "commit", "-q", "--allow-empty", "-m", "Begin"],
        [*git, "clone", "-q", "--bare", str(seed), str(path)],
    ):
        subprocess.run(command, check=True, timeout=30)


@pytest.mark.parametrize("name", CAUSES)
def test_a_mended_team_goes_on(cluster: Cluster, broken: dict[str, Team], mended: None, name: str) -> None:
    skip_unless_own(cluster, name)
    broken[name].wait_phase("Completed", seconds=240)
    assert broken[name].status()["lead"]["restartCount"] == 0


def test_a_team_on_one_node(kubectl: Kubectl, broken: dict[str, Team]) -> None:
    """``accessMode: ReadWriteOnce`` works as it comes, and keeps the pods together."""
    agents = {"lead": [{"dismiss": "a"}, {"finish": "done"}], "a": [{"say": "here"}]}
    here = broken["no-secret"].kubectl
    here.apply(simulated("one-node", agents, storage={"accessMode": "ReadWriteOnce"}))
    running = Team(here, "one-node")
    until(lambda: len(running.pods()) == 3, 30, explain=running.explain)
    for pod in running.pods():
        [term] = pod["spec"]["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert term["topologyKey"] == "kubernetes.io/hostname"
    running.wait_phase("Completed", seconds=120)
