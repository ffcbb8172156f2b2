"""Runs the terminal on a sample cluster in trouble: ``pty_trouble.py lost|silent|asking|plain [no-mouse]``.

SIGUSR1 brings the trouble (the connection is lost; a gate waits), SIGUSR2 ends it. ``silent`` is a server
that never answers.
"""

import asyncio
import signal
import sys
from datetime import UTC, datetime

from kagents_tui.app import KagentsApp
from kagents_tui.ending import run
from kagents_tui.sample import data
from kagents_tui.sample.cluster import SampleCluster, SampleConnector
from kagents_tui.session import Options

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


class SilentCluster(SampleCluster):
    """Takes every request and answers none."""

    async def pages(self, resource, namespace=None, **options):
        await asyncio.Event().wait()
        yield None


def ask(team):
    """A gate of the team waits."""
    team["spec"]["lifecycle"]["approvalGates"] = [{"event": "spawn-a"}]
    team["status"]["teammates"] = [{"name": "a", "phase": "Waiting", "pendingApproval": "spawn-a"}]


def main():
    """Runs until the person quits."""
    kind = SilentCluster if "silent" in sys.argv else SampleCluster
    cluster = kind(data.teams(NOW), {"auth-refactor": data.journal(NOW)}, data.LOG.encode())

    def trouble(*_):
        if "asking" in sys.argv:
            cluster.change("dev-agents", "docs-sweep", ask)
        else:
            cluster.broken = True
            cluster.cut()

    def ended(*_):
        cluster.broken = False

    signal.signal(signal.SIGUSR1, trouble)
    signal.signal(signal.SIGUSR2, ended)
    app = KagentsApp(SampleConnector(cluster), Options(), now=lambda: NOW)
    sys.exit(run(app, mouse="no-mouse" not in sys.argv))


if __name__ == "__main__":
    main()
