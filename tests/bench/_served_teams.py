"""An API server that holds many teams and runs nothing: ``_served_teams.py COUNT KUBECONFIG``.

Writes the kubeconfig once it answers, and serves until it is terminated.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from kagents_local.apiserver.authentication import ADMIN
from kagents_local.apiserver.server import ApiServer
from kagents_local.apiserver.store import Store
from kagents_local.pod_access import PodAccessError
from kagents_local.tokens import new_signing_key
from kagents_tui.sample import data

STORAGE = "agentteams.claude.amcheste.io"
NAMESPACES = 20
TOKEN = "bench"


class NoPods:
    """Nothing runs here."""

    async def exec(self, *_: Any, **__: Any) -> Any:
        raise PodAccessError(404, "there is no such pod")

    async def logs(self, *_: Any) -> Any:
        raise PodAccessError(404, "there is no such pod")


def team(now: datetime, number: int) -> dict[str, Any]:
    """A team of five agents, all at work."""
    agents = [{"name": f"mate-{mate}", "prompt": "Do your part. " * 20} for mate in range(4)]
    works = {"agent": "lead", "state": "working", "since": data.stamp(now)}
    return data.team(
        now, f"ns-{number % NAMESPACES:02d}", f"team-{number:05d}", "Running", "5/5",
        age=timedelta(minutes=number % 600), tasks=(3, 9), cost="1.00", budget="30.00",
        agents=agents, activity=[works],
    )  # fmt: skip


def fill(store: Store, count: int) -> None:
    """So many teams."""
    now = datetime.now(UTC)
    for number in range(count):
        made = team(now, number)
        made["metadata"]["uid"] = f"uid-{number:05d}"
        store.write(STORAGE, made)


async def main(count: int, kubeconfig: Path) -> None:
    store = Store()
    server = ApiServer(store, tokens={TOKEN: ADMIN}, key=new_signing_key(), pod_access=NoPods())
    fill(store, count)
    runner = web.ServerRunner(web.Server(server.handle, handler_cancellation=True))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    config = {
        "current-context": "bench",
        "clusters": [{"name": "bench", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "bench", "user": {"token": TOKEN}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
    }
    waiting = kubeconfig.with_suffix(".new")
    waiting.write_text(yaml.safe_dump(config))
    os.replace(waiting, kubeconfig)  # noqa: PTH105
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
