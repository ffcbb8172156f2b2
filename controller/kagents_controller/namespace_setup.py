"""What a namespace needs before a team's pods: applied once a namespace and process, by whoever may."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kagents_core.api.constants import CONTROLLER_MANAGER
from kagents_core.api.resources import Resource
from kagents_core.kube.client import Client

_log = logging.getLogger(__name__)
_LABELS = {"app.kubernetes.io/name": "kagents", "app.kubernetes.io/managed-by": CONTROLLER_MANAGER}

Content = tuple[Resource, str, Mapping[str, Any]]
"""Kind and name of an object, and its fields beside ``metadata``."""


class NamespaceSetup:
    """Objects that every namespace with teams has one of: made before a hub's first pod there."""

    def __init__(self, client: Client, contents: Callable[[str], Iterable[Content]]) -> None:
        """``contents`` gives the objects of a namespace, in the order they are made in."""
        self._client = client
        self._contents = contents
        self._made: set[str] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ensure(self, namespace: str) -> None:
        """Make the objects unless this process did. Raises ApiError."""
        if namespace in self._made:
            return
        async with self._locks[namespace]:
            if namespace in self._made:
                return
            for resource, name, content in self._contents(namespace):
                await self._apply(resource, namespace, name, content)
            self._made.add(namespace)
            _log.info("the namespace is ready for teams", extra={"namespace": namespace})

    def forget(self, namespace: str) -> None:
        """Something turned out to be missing: somebody deleted it, or the namespace is a new one."""
        self._made.discard(namespace)

    async def _apply(self, resource: Resource, namespace: str, name: str, content: Mapping[str, Any]) -> None:
        body = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name, "namespace": namespace, "labels": _LABELS},
            **content,
        }
        await self._client.apply(resource, namespace, name, body, manager=CONTROLLER_MANAGER)
