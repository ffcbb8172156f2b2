"""The container of the hub through which agents speak to the model, and what their pods need to reach it.

It alone has the model's credential. Of the team's volume it sees its own folder, which no agent's pod
mounts, and the one where it says where it is reached; nothing of an agent. It keeps the hub's token of the
cluster, to read the keys that agents' tokens are signed with. Agents have a token each for it, and no key.
"""

from collections.abc import Mapping
from typing import Any

from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.children.documents import literal, team_document
from kagents_core.reconcile.children.over import OVER_DIR, OVER_MOUNT
from kagents_core.reconcile.children.pods import TEAM_DIR, VOLUME_DIR, Environment, container
from kagents_core.reconcile.identity import Identity
from kagents_core.reconcile.plan import Settings
from kagents_core.reconcile.roster import Agent, has_gateway

GATEWAY_PORT = 8419
"""Where agents reach the gateway of their team; the network policies name it."""

GATEWAY = "gateway"
GATEWAY_DIR = f"{VOLUME_DIR}/{GATEWAY}"
"""Key, certificate and ledger: for ``prepare``, the gateway, and, to read, the recorder."""
ADDRESS_DIR = f"{TEAM_DIR}/{GATEWAY}"
LIMITS_DIR = "/kagents/limits"
CREDENTIALS_DIR = "/model-credentials"
PRICES_DIR = "/prices"
PRICES_KEY = "prices.yaml"

TOKEN_AUDIENCE = "kagents-hub"  # noqa: S105 - a name
TOKEN_SECONDS = 3600
TOKEN_DIR = "/kagents/token"  # noqa: S105 - a path
_TOKEN_FILE = "hub"  # noqa: S105 - a file's name

_TOKEN = "hub-token"  # noqa: S105 - a volume's name
_CREDENTIALS = "model-credentials"
_PRICES = "prices"
_LIMITS = "limits"

Mounts = list[dict[str, Any]]


def gateway_location(spec: AgentTeamSpec) -> Environment:
    """Where the gateway's folder is, for ``prepare`` and the recorder; nothing without one."""
    return [{"name": "KAGENTS_GATEWAY_DIR", "value": GATEWAY_DIR}] if has_gateway(spec) else []


def recorder_of_gateway(spec: AgentTeamSpec) -> tuple[Environment, Mounts]:
    """What the recorder reads of the gateway, the ledger, and what it tells it: the limits of today."""
    if not has_gateway(spec):
        return [], []
    ledger = {"name": "team", "mountPath": GATEWAY_DIR, "subPath": GATEWAY, "readOnly": True}
    told = [*gateway_location(spec), {"name": "KAGENTS_LIMITS_DIR", "value": LIMITS_DIR}]
    return told, [ledger, {"name": _LIMITS, "mountPath": LIMITS_DIR}]


def gateway_container(identity: Identity, spec: AgentTeamSpec, settings: Settings) -> dict[str, Any]:
    """The container, with the team's Secret and, where it is wanted, a price table."""
    assert spec.auth is not None
    kind = "apiKey" if spec.auth.api_key_secret else "oauth"
    env: Environment = [
        {"name": "KAGENTS_TEAM", "value": literal(team_document(identity, spec))},
        *gateway_location(spec),
        {"name": "KAGENTS_GATEWAY_ADDRESS_DIR", "value": ADDRESS_DIR},
        {"name": "KAGENTS_GATEWAY_ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "KAGENTS_GATEWAY_PORT", "value": str(GATEWAY_PORT)},
        {"name": "KAGENTS_OVER_DIR", "value": OVER_DIR},
        {"name": "KAGENTS_LIMITS_DIR", "value": LIMITS_DIR},
        {"name": "KAGENTS_MODEL_CREDENTIALS_DIR", "value": CREDENTIALS_DIR},
        {"name": "KAGENTS_MODEL_CREDENTIALS_KIND", "value": kind},
    ]
    mounts: Mounts = [
        {"name": "team", "mountPath": GATEWAY_DIR, "subPath": GATEWAY},
        {"name": "team", "mountPath": ADDRESS_DIR, "subPath": f"team/{GATEWAY}"},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - an emptyDir of the pod's own
        OVER_MOUNT,
        {"name": _LIMITS, "mountPath": LIMITS_DIR, "readOnly": True},
        {"name": _CREDENTIALS, "mountPath": CREDENTIALS_DIR, "readOnly": True},
    ]
    if spec.auth.price_table:
        env.append({"name": "KAGENTS_PRICES_FILE", "value": f"{PRICES_DIR}/{PRICES_KEY}"})
        mounts.append({"name": _PRICES, "mountPath": PRICES_DIR, "readOnly": True})
    made = container(GATEWAY, GATEWAY, settings, env=env, mounts=mounts, resources=settings.hub_resources)
    return made | {"ports": [{"name": GATEWAY, "containerPort": GATEWAY_PORT, "protocol": "TCP"}]}


def gateway_volumes(spec: AgentTeamSpec) -> list[dict[str, Any]]:
    """The pod's volumes for it, but the one of the mark with which it ends."""
    assert spec.auth is not None
    secret = spec.auth.api_key_secret or spec.auth.oauth_secret
    volumes: list[dict[str, Any]] = [
        {"name": _LIMITS, "emptyDir": {}},
        {"name": _CREDENTIALS, "secret": {"secretName": secret, "defaultMode": 0o440}},
    ]
    if spec.auth.price_table:
        items = [{"key": PRICES_KEY, "path": PRICES_KEY}]
        volumes.append({"name": _PRICES, "configMap": {"name": spec.auth.price_table, "items": items}})
    return volumes


def caller_part(spec: AgentTeamSpec, agent: Agent) -> tuple[Environment, Mounts, list[dict[str, Any]]]:
    """Variables, mounts and volumes with which an agent's pod proves to the gateway which agent it is."""
    if not has_gateway(spec) or agent.harness != "claude-code":
        return [], [], []
    token = {"path": _TOKEN_FILE, "audience": TOKEN_AUDIENCE, "expirationSeconds": TOKEN_SECONDS}
    volume = {"name": _TOKEN, "projected": {"sources": [{"serviceAccountToken": token}]}}
    env: Environment = [{"name": "KAGENTS_HUB_TOKEN_FILE", "value": f"{TOKEN_DIR}/{_TOKEN_FILE}"}]
    return env, [{"name": _TOKEN, "mountPath": TOKEN_DIR, "readOnly": True}], [volume]


def made_for_gateway(pod: Mapping[str, Any]) -> bool:
    """Whether this hub has a gateway, or this agent the token for one."""
    spec = pod.get("spec") or {}
    parts = (*(spec.get("containers") or ()), *(spec.get("volumes") or ()))
    return any(part.get("name") in (GATEWAY, _TOKEN) for part in parts)
