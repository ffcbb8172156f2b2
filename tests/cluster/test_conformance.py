"""The suite that holds the embedded engine to a real API server, run against the real one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from testcluster.commands import REPOSITORY

if TYPE_CHECKING:
    from testcluster.cluster import Cluster

LIMIT = 360.0


@pytest.mark.timeout(LIMIT + 30)
def test_the_real_api_server_passes_the_suite_of_the_engine(cluster: Cluster, chart: None) -> None:
    environment = os.environ | {"KAGENTS_CONFORMANCE_KUBECONFIG": cluster.kubectl.kubeconfig}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(REPOSITORY / "tests" / "conformance"),
    ]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=LIMIT
    )
    assert done.returncode == 0, done.stdout[-4000:]
