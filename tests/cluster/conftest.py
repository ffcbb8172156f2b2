"""A real cluster with the chart installed, and a namespace of its own for each test."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testcluster.cluster import Cluster
    from testcluster.commands import Helm, Kubectl
    from testcluster.services import Forge
    from testcluster.team import Team

SMALL = ("cpu=5m", "memory=16Mi")
"""Requests of every pod: many teams at once must fit on a node of two processors."""

sys.path.insert(0, str(Path(__file__).parent))  # what these tests share is a package beside them


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a cluster: skipped loudly without one on a laptop, failed in CI."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.xdist_group("cluster"))
            item.add_marker(pytest.mark.timeout(400, func_only=True))


@pytest.fixture(scope="session")
def machine() -> None:
    """A cluster can be started here, or one is named."""
    from testcluster.cluster import obstacle

    if (found := obstacle()) is not None:
        if os.environ.get("CI"):
            pytest.fail(found)
        pytest.skip(f"no cluster: {found}")


@pytest.fixture(scope="session")
def cluster(machine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster, with images and volumes; without the chart."""
    from testcluster.cluster import start, stop

    running = start(tmp_path_factory.mktemp("helm"))
    try:
        yield running
    finally:
        stop(running)


@pytest.fixture(scope="session")
def kubectl(cluster: Cluster) -> Kubectl:
    """kubectl as the cluster's administrator."""
    return cluster.kubectl


@pytest.fixture(scope="session")
def helm(cluster: Cluster) -> Helm:
    """helm as the cluster's administrator."""
    return cluster.helm


@pytest.fixture(scope="session")
def install(cluster: Cluster) -> Callable[..., None]:
    """Installs or upgrades the chart of this checkout, or another one."""
    from testcluster.cluster import RESTRICTED, SYSTEM
    from testcluster.commands import CHART
    from testcluster.waiting import until

    def installed(*values: str, chart: Path = CHART) -> None:
        kubectl = cluster.kubectl
        if kubectl.get("namespace", SYSTEM) is None:
            kubectl.apply(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM, "labels": RESTRICTED}}
            )
        sets = [f"--set={value}" for value in (*cluster.images.values, *values)]
        if chart == CHART:  # an older one may not know these values
            sets += [f"--set={who}.resources.requests.{what}" for who in ("agents", "hub") for what in SMALL]
        cluster.helm("upgrade", "--install", "kagents", str(chart), "--namespace", SYSTEM, *sets)
        system = kubectl.within(SYSTEM)
        until(
            lambda: "successfully rolled out" in system("rollout", "status", "deployment", "--timeout=90s"),
            120,
            explain=lambda: system("get", "pods,events"),
        )

    return installed


@pytest.fixture(scope="session")
def chart(install: Callable[..., None]) -> None:
    """The chart is installed."""
    install()


@pytest.fixture
def namespace(kubectl: Kubectl, chart: None, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace that enforces Pod Security ``restricted``, gone afterwards."""
    from testcluster.cluster import RESTRICTED

    words = request.node.name.removeprefix("test_").split("[")[0].replace("_", "-")[:40].strip("-")
    name = f"{words}-{uuid.uuid4().hex[:4]}"
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}})
    try:
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def repository(cluster: Cluster, kubectl: Kubectl, namespace: str) -> str:
    """URL of a repository with one commit, served in the test's namespace."""
    from testcluster.services import serve_repository

    return serve_repository(cluster, kubectl.within(namespace))


@pytest.fixture
def forge(cluster: Cluster, kubectl: Kubectl, namespace: str) -> Forge:
    """A forge with one repository, served in the test's namespace."""
    from testcluster.services import serve_forge

    return serve_forge(cluster, kubectl.within(namespace))


@pytest.fixture
def team(kubectl: Kubectl, namespace: str) -> Callable[..., Team]:
    """Applies a team and gives a handle to it."""
    from testcluster.team import Team

    def applied(manifest: dict[str, object]) -> Team:
        metadata = manifest["metadata"]
        assert isinstance(metadata, dict)
        metadata["namespace"] = namespace
        kubectl.apply(manifest)
        return Team(kubectl.within(namespace), str(metadata["name"]))

    return applied
