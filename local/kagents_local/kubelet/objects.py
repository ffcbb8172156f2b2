"""What a pod names and the API server holds: Secrets and ConfigMaps with their data decoded."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from kagents_core.api.resources import CONFIG_MAPS, SECRETS, SERVICE_ACCOUNTS, Resource
from kagents_core.kube.client import Client
from kagents_core.kube.errors import AlreadyExists, NotFound
from kagents_local.kubelet.environment import Sources

Data = Mapping[str, bytes]

PROVIDED_ACCOUNTS = frozenset({"default", "kagents-hub"})
"""Service accounts that are made when a pod names them; a cluster has the one, the chart brings the other."""


class PodObjects:
    """Reads the objects of one namespace, always fresh: they are read when a container starts, and rarely."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    async def secret(self, name: str) -> Data | None:
        return await self._data(SECRETS, name)

    async def config_map(self, name: str) -> Data | None:
        return await self._data(CONFIG_MAPS, name)

    async def sources(self, secrets: Iterable[str], config_maps: Iterable[str]) -> Sources:
        """The named objects that exist."""
        return Sources(
            secrets={name: data for name in secrets if (data := await self.secret(name)) is not None},
            config_maps={
                name: data for name in config_maps if (data := await self.config_map(name)) is not None
            },
        )

    async def has_service_account(self, name: str) -> bool:
        """Whether the account exists; one that every namespace should have is made."""
        try:
            await self._client.get(SERVICE_ACCOUNTS, self._namespace, name)
        except NotFound:
            if name not in PROVIDED_ACCOUNTS:
                return False
            await self._create_account(name)
        return True

    async def _create_account(self, name: str) -> None:
        body = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": self._namespace},
        }
        try:
            await self._client.create(SERVICE_ACCOUNTS, self._namespace, body)
        except AlreadyExists:
            return

    async def _data(self, resource: Resource, name: str) -> Data | None:
        try:
            return decoded(await self._client.get(resource, self._namespace, name))
        except NotFound:
            return None


def decoded(obj: Mapping[str, Any]) -> dict[str, bytes]:
    """The data of a Secret or ConfigMap as bytes."""
    encoded = obj.get("data") or {}
    if obj.get("kind") == "Secret":
        return {key: _bytes(value) for key, value in encoded.items()}
    binary = {key: _bytes(value) for key, value in (obj.get("binaryData") or {}).items()}
    return binary | {key: value.encode() for key, value in encoded.items()}


def _bytes(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""
