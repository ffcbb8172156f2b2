"""The service account that hubs run as: made before a team's hub, and bound to the one role of the chart.

With a list of namespaces the chart makes account and role itself, and the controller may not.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from kagents_core.api.constants import CONTROLLER_MANAGER
from kagents_core.api.resources import ROLE_BINDINGS, SERVICE_ACCOUNTS, Resource
from kagents_core.kube.client import Client

_log = logging.getLogger(__name__)
_LABELS = {"app.kubernetes.io/name": "kagents", "app.kubernetes.io/managed-by": CONTROLLER_MANAGER}


class HubAccounts:
    """The hubs' service account in every namespace that needs it; one look a namespace and process."""

    def __init__(self, client: Client, account: str, cluster_role: str) -> None:
        """``cluster_role`` is the only role that is ever bound."""
        self._client = client
        self._account = account
        self._role = cluster_role
        self._made: set[str] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ensure(self, namespace: str) -> None:
        """Make account and binding unless this process did. Raises ApiError."""
        if namespace in self._made:
            return
        async with self._locks[namespace]:
            if namespace in self._made:
                return
            await self._apply(SERVICE_ACCOUNTS, namespace, {"automountServiceAccountToken": False})
            await self._apply(ROLE_BINDINGS, namespace, self._binding(namespace))
            self._made.add(namespace)
            _log.info("hubs have their account", extra={"namespace": namespace})

    def forget(self, namespace: str) -> None:
        """The account turned out to be missing: somebody deleted it, or the namespace is a new one."""
        self._made.discard(namespace)

    def _binding(self, namespace: str) -> Mapping[str, Any]:
        subject = {"kind": "ServiceAccount", "name": self._account, "namespace": namespace}
        role = {"apiGroup": ROLE_BINDINGS.group, "kind": "ClusterRole", "name": self._role}
        return {"roleRef": role, "subjects": [subject]}

    async def _apply(self, resource: Resource, namespace: str, content: Mapping[str, Any]) -> None:
        body = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": self._account, "namespace": namespace, "labels": _LABELS},
            **content,
        }
        await self._client.apply(resource, namespace, self._account, body, manager=CONTROLLER_MANAGER)


def account_of(manifests: Sequence[Mapping[str, Any]]) -> str | None:
    """The namespace in which one of these pods asks for a service account; None when none does."""
    for manifest in manifests:
        if manifest["spec"].get("serviceAccountName"):
            return str(manifest["metadata"]["namespace"])
    return None


def says_missing_account(message: str) -> bool:
    """Whether a refused pod names a service account that is not there (the API server's admission)."""
    return "service account" in message and "not found" in message
