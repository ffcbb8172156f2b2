"""The conformance suite of the embedded engine, against the real API server."""

import os
import subprocess
import sys

from testcluster.commands import REPOSITORY, Kubectl


def test_the_same_suite_passes_on_the_real_api_server(kubectl: Kubectl, chart: None) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/conformance"]
    environment = {**os.environ, "KAGENTS_CONFORMANCE_KUBECONFIG": kubectl.kubeconfig}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=380, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:]
