"""Which cluster the cluster tests run on: one of this machine, or a named one, and what that needs."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "cluster"))

from testcluster import cluster, images, team


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBECONFIG", "IMAGES", "ACCESS_MODE"):
        monkeypatch.delenv(f"KAGENTS_TEST_{name}", raising=False)


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cluster with everything it needs."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{}")
    for name in ("kubectl", "helm"):
        (tmp_path / name).write_text("#!/bin/true\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("KAGENTS_TEST_KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("KAGENTS_TEST_IMAGES", "registry.test:5000/team/:1.2")
    return kubeconfig


def test_a_named_cluster_is_taken_as_it_is(named: Path, tmp_path: Path) -> None:
    """Nothing is built, started, or stopped, whoever runs it."""
    assert cluster.obstacle() is None
    taken = cluster.start(tmp_path)
    assert not taken.own
    assert taken.provisioner is None
    assert taken.kubectl.kubeconfig == taken.helm.kubeconfig == str(named)
    assert taken.images.runner == "registry.test:5000/team/kagents-runner"
    assert taken.images.controller == "registry.test:5000/team/kagents-controller"
    assert taken.images.tag == "1.2"
    cluster.stop(taken)


def test_what_a_named_cluster_lacks_is_said(named: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (named.parent / "helm").unlink()
    assert "helm on PATH" in str(cluster.obstacle())
    monkeypatch.delenv("KAGENTS_TEST_IMAGES")
    assert "KAGENTS_TEST_IMAGES" in str(cluster.obstacle())
    named.unlink()
    assert "no such file" in str(cluster.obstacle())


def test_without_a_name_only_root_starts_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "needs root" in str(cluster.obstacle())


def test_images_of_no_registry_are_named_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGENTS_TEST_IMAGES", ":dev")
    found = images.given()
    assert found is not None
    assert (found.runner, found.tag) == ("kagents-runner", "dev")


def test_teams_ask_for_the_volumes_that_the_cluster_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "storage" not in team.simulated("a", {"lead": []})["spec"]
    monkeypatch.setenv("KAGENTS_TEST_ACCESS_MODE", "ReadWriteOnce")
    for manifest in (team.simulated("a", {"lead": []}), team.seed("q3-report.yaml")):
        assert manifest["spec"]["storage"] == {"accessMode": "ReadWriteOnce"}
    other = team.simulated("a", {"lead": []}, storage={"size": "1Gi"})
    assert other["spec"]["storage"] == {"size": "1Gi"}
