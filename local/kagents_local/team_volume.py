"""Where the files of a team lie on this machine: the directory behind its volume claim."""

from pathlib import Path

from kagents_core.api.constants import LABEL_AGENT, LABEL_TEAM
from kagents_core.api.resources import AGENT_TEAMS, CLAIMS
from kagents_core.kube.client import Client
from kagents_core.kube.config import load_kubeconfig
from kagents_core.kube.errors import NotFound
from kagents_core.reconcile.children.claims import TEAM_VOLUME
from kagents_core.reconcile.views import owner_uid
from kagents_local.kubelet.layout import KubeletLayout
from kagents_local.launch import EngineError
from kagents_local.paths import DataDirectory


async def team_volume(data: DataDirectory, namespace: str, team: str) -> Path:
    """The directory with ``team/``, ``home/`` and ``work/``. Raises EngineError when there is none."""
    async with Client(load_kubeconfig(str(data.kubeconfig))) as client:
        try:
            uid = (await client.get(AGENT_TEAMS, namespace, team))["metadata"]["uid"]
        except NotFound:
            raise EngineError(f"there is no team {team} in namespace {namespace}") from None
        selector = f"{LABEL_TEAM}={team},{LABEL_AGENT}={TEAM_VOLUME}"
        claims = (await client.list(CLAIMS, namespace, labels=selector)).items
    for claim in claims:
        if owner_uid(claim) == uid:
            metadata = claim["metadata"]
            return KubeletLayout(data.root).claim(namespace, metadata["name"], metadata["uid"])
    raise EngineError(f"team {team} has no volume yet")
