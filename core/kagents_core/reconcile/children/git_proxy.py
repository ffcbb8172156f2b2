"""The container of the hub through which agents reach the team's repository, where the team wants that.

Of the team's volume it sees what no agent's pod mounts, and the folder where it says where it is reached;
nothing of an agent, and no token of the cluster. Of the hub only it has the credential while agents work.
"""

from typing import Any

from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.children.documents import literal, team_document
from kagents_core.reconcile.children.over import OVER_DIR, OVER_MOUNT
from kagents_core.reconcile.children.pods import FINISH_DIR, TEAM_DIR, Environment, container
from kagents_core.reconcile.identity import Identity
from kagents_core.reconcile.plan import Settings

GIT_PORT = 8418
"""Where agents reach the proxy of their team; the network policies name it."""

PROXY = "git"
PROXY_DIR = f"{TEAM_DIR}/git"
PROXY_CREDENTIALS_DIR = "/proxy-credentials"
TOKEN_DIR = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
NO_TOKEN = {"name": "no-token", "mountPath": TOKEN_DIR, "readOnly": True}
"""An empty folder where the token of the hub would be."""

_CREDENTIALS = "proxy-credentials"


def wants_proxy(spec: AgentTeamSpec) -> bool:
    """Whether agents of this team reach the repository while they work."""
    return spec.repository is not None and spec.repository.agent_access != "none"


def proxy_container(identity: Identity, spec: AgentTeamSpec, settings: Settings) -> dict[str, Any]:
    """The container; it has the Secret that ``finish`` would push with, or the one of the clone."""
    env: Environment = [
        {"name": "KAGENTS_TEAM", "value": literal(team_document(identity, spec))},
        {"name": "KAGENTS_FINISH_DIR", "value": FINISH_DIR},
        {"name": "KAGENTS_OVER_DIR", "value": OVER_DIR},
        {"name": "KAGENTS_GIT_PROXY_DIR", "value": PROXY_DIR},
        {"name": "KAGENTS_GIT_PROXY_ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "KAGENTS_GIT_PROXY_PORT", "value": str(GIT_PORT)},
    ]
    mounts: list[dict[str, Any]] = [
        {"name": "team", "mountPath": FINISH_DIR, "subPath": "finish"},
        {"name": "team", "mountPath": PROXY_DIR, "subPath": "team/git"},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - an emptyDir of the pod's own
        OVER_MOUNT,
        NO_TOKEN,
    ]
    if _secret(spec):
        env.append({"name": "KAGENTS_GIT_CREDENTIALS_DIR", "value": PROXY_CREDENTIALS_DIR})
        mounts.append({"name": _CREDENTIALS, "mountPath": PROXY_CREDENTIALS_DIR, "readOnly": True})
    made = container(PROXY, "git-proxy", settings, env=env, mounts=mounts, resources=settings.hub_resources)
    return made | {"ports": [{"name": PROXY, "containerPort": GIT_PORT, "protocol": "TCP"}]}


def proxy_volumes(spec: AgentTeamSpec) -> list[dict[str, Any]]:
    """The volume of its Secret."""
    if (secret := _secret(spec)) is None:
        return []
    return [{"name": _CREDENTIALS, "secret": {"secretName": secret, "defaultMode": 0o440}}]


def _secret(spec: AgentTeamSpec) -> str | None:
    assert spec.repository is not None
    own = spec.lifecycle.git_credentials_secret if spec.repository.agent_access == "push" else None
    return own or spec.repository.credentials_secret
