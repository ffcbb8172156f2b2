"""``kagents-runner hold``: keeps a pod alive in which an export is run, until it is told to end."""

import argparse
import signal
from collections.abc import Mapping


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Waits for SIGTERM or SIGINT; the pod's deadline ends what everybody has forgotten. Returns 0."""
    awaited = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    signal.sigwait(awaited)
    return 0
