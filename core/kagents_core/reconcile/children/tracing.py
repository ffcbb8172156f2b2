"""Where the recorder sends a team's trace: the team's own word, or the installation's."""

from typing import Any

from kagents_core.api.team import AgentTeamSpec
from kagents_core.reconcile.children.pods import Environment
from kagents_core.reconcile.plan import Settings

HEADERS_DIR = "/tracing-headers"
_HEADERS = "tracing-headers"


def tracing_part(
    spec: AgentTeamSpec, settings: Settings
) -> tuple[Environment, list[dict[str, Any]], list[dict[str, Any]]]:
    """The recorder's variables and mounts, and the pod's volumes; nothing where no trace is told.

    The Secret may be missing: for want of a trace no team waits.
    """
    endpoint, secret = _wanted(spec, settings)
    if not endpoint:
        return [], [], []
    told: Environment = [{"name": "KAGENTS_TRACING_ENDPOINT", "value": endpoint}]
    if not secret:
        return told, [], []
    told.append({"name": "KAGENTS_TRACING_HEADERS_DIR", "value": HEADERS_DIR})
    source = {"secretName": secret, "defaultMode": 0o440, "optional": True}
    mount = {"name": _HEADERS, "mountPath": HEADERS_DIR, "readOnly": True}
    return told, [mount], [{"name": _HEADERS, "secret": source}]


def _wanted(spec: AgentTeamSpec, settings: Settings) -> tuple[str, str]:
    """Endpoint and Secret. A team's own endpoint goes without the installation's headers."""
    own = spec.observability.tracing if spec.observability else None
    if own is None:
        return settings.tracing_endpoint, settings.tracing_headers_secret
    if not own.enabled:
        return "", ""
    if own.endpoint:
        return own.endpoint, own.headers_secret or ""
    return settings.tracing_endpoint, own.headers_secret or settings.tracing_headers_secret
