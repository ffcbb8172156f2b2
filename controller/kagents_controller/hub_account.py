"""The service account that hubs run as, bound to the one role of the chart.

With a list of namespaces the chart makes account and role itself, and the controller may not.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kagents_controller.namespace_setup import Content
from kagents_core.api.resources import ROLE_BINDINGS, SERVICE_ACCOUNTS


def hub_account(namespace: str, account: str, cluster_role: str) -> Iterator[Content]:
    """Account and binding of a namespace; ``cluster_role`` is the only role that is ever bound."""
    yield SERVICE_ACCOUNTS, account, {"automountServiceAccountToken": False}
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    role = {"apiGroup": ROLE_BINDINGS.group, "kind": "ClusterRole", "name": cluster_role}
    yield ROLE_BINDINGS, account, {"roleRef": role, "subjects": [subject]}


def account_of(manifests: Sequence[Mapping[str, Any]]) -> str | None:
    """The namespace in which one of these pods asks for a service account; None when none does."""
    for manifest in manifests:
        if manifest["spec"].get("serviceAccountName"):
            return str(manifest["metadata"]["namespace"])
    return None


def says_missing_account(message: str) -> bool:
    """Whether a refused pod names a service account that is not there (the API server's admission)."""
    return "service account" in message and "not found" in message
