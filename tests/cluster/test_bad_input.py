"""What a person got wrong is named by a condition within 60 s, and mended without deleting the team."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from testcluster.cluster import HOME, Cluster, tool
from testcluster.commands import Kubectl, Object
from testcluster.team import Team, simulated
from testcluster.volumes import RUNNER_USER
from testcluster.waiting import until

QUICK = {"lead": [{"finish": "done"}]}


def runs(team: Team) -> None:
    """The mended team goes on to its end."""
    team.wait_phase("Completed", seconds=200)


def with_variable(manifest: Object, variable: Object) -> Object:
    manifest["spec"]["lead"]["env"] = [variable]
    return manifest


def test_missing_secret_and_missing_key(team: Callable[..., Team]) -> None:
    secret = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "mine", "key": "token"}}}
    number = {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "levels", "key": "level"}}}
    one = team(with_variable(simulated("no-secret", QUICK), secret))
    one.kubectl("create", "configmap", "levels", "--from-literal=other=1")
    two = team(with_variable(simulated("no-key", QUICK), number))
    one.wait_condition("AgentsHealthy", "CreateContainerConfigError", "lead", 'secret "mine" not found')
    two.wait_condition("AgentsHealthy", "CreateContainerConfigError", "lead", "level", "levels")
    one.kubectl("create", "secret", "generic", "mine", "--from-literal=token=x")
    two.kubectl("patch", "configmap", "levels", "--type=merge", '--patch={"data":{"level":"2"}}')
    runs(one)
    runs(two)


def test_missing_input(team: Callable[..., Team]) -> None:
    inputs = [{"configMap": "figures", "mountPath": "/workspace/data"}]
    manifest = simulated("no-input", QUICK)
    manifest["spec"]["workspace"]["inputs"] = inputs
    running = team(manifest)
    running.wait_condition("AgentsHealthy", "FailedMount", "lead", 'configmap "figures" not found')
    running.kubectl("create", "configmap", "figures", "--from-literal=a=b")
    runs(running)


def test_a_repository_that_does_not_exist(
    cluster: Cluster, team: Callable[..., Team], tmp_path: Path
) -> None:
    url = "file:///kagents/work/origin.git"
    running = team(simulated("no-repository", QUICK, repository={"url": url, "branch": "main"}))
    said = running.wait_condition("Prepared", "PrepareFailed", "hub", "origin.git")
    assert "Traceback" not in said
    if cluster.provisioner is None:
        pytest.skip("the team's volume is not on this machine")
    work = running.volume(HOME / "volumes") / "work"
    bare_repository(tmp_path / "origin.git")
    shutil.copytree(tmp_path / "origin.git", work / "origin.git")
    for path in (work / "origin.git", *(work / "origin.git").rglob("*")):
        os.chown(path, RUNNER_USER, RUNNER_USER)
    runs(running)


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


def test_a_quota_that_forbids_the_pods(team: Callable[..., Team], kubectl: Kubectl, namespace: str) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}}
    kubectl.within(namespace).apply({**quota, "spec": {"hard": {"pods": "1"}}})
    until(lambda: (kubectl.within(namespace).get("resourcequota", "small") or {}).get("status"), 20)
    running = team(simulated("too-many", QUICK))
    running.wait_condition("AgentsHealthy", "CreationRefused", "exceeded quota: small", "pods=1")
    assert running.status()["phase"] in ("Initializing", "Running")
    kubectl.within(namespace)("delete", "resourcequota", "small")
    runs(running)
    assert running.status()["lead"]["restartCount"] == 0


def test_an_image_that_cannot_be_pulled(cluster: Cluster, team: Callable[..., Team]) -> None:
    image = "registry.invalid/agent:1"
    manifest = simulated("no-image", QUICK)
    manifest["spec"]["lead"]["image"] = image
    running = team(manifest)
    until(
        lambda: "ImagePull" in running.condition("AgentsHealthy").get("reason", ""),
        60,
        explain=running.explain,
    )
    assert image in running.condition("AgentsHealthy")["message"]
    if not cluster.own:
        pytest.skip("the node's images cannot be changed from here")
    tool("tag", f"docker.io/library/{cluster.images.runner}:{cluster.images.tag}", image)
    runs(running)


def test_a_volume_that_stays_unbound(cluster: Cluster, team: Callable[..., Team], namespace: str) -> None:
    if cluster.provisioner is None:
        pytest.skip("volumes of this cluster are not provisioned by the test")
    cluster.provisioner.paused.add(namespace)
    running = team(simulated("no-volume", QUICK))
    running.wait_condition("Prepared", "VolumeNotBound", "no-volume-team-", "ReadWriteMany", "kagents-test")
    cluster.provisioner.paused.discard(namespace)
    runs(running)


def test_one_node_storage(cluster: Cluster, team: Callable[..., Team]) -> None:
    """``accessMode: ReadWriteOnce`` works as it comes, and keeps the pods together."""
    agents = {"lead": [{"dismiss": "a"}, {"finish": "done"}], "a": [{"say": "here"}]}
    running = team(simulated("one-node", agents, storage={"accessMode": "ReadWriteOnce"}))
    until(lambda: len(running.pods()) == 3, 30, explain=running.explain)
    for pod in running.pods():
        [term] = pod["spec"]["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert term["topologyKey"] == "kubernetes.io/hostname"
    runs(running)
