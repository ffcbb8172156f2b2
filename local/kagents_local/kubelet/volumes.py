"""A pod's volumes as directories, and the directories that its containers' mounts mean.

Nothing isolates a directory from another process of the same user: read-only mounts and file modes for a
group have no effect here, which docs say. Files of Secrets, ConfigMaps and tokens are readable by the owner
alone.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from kagents_local.kubelet.environment import VariableError, field_value, service_account
from kagents_local.kubelet.expand import expand
from kagents_local.kubelet.layout import PodLayout
from kagents_local.kubelet.objects import Data, PodObjects

Object = Mapping[str, Any]

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  (a path)
TOKEN_VOLUME = "kube-api-access"  # noqa: S105  (a name)
TOKEN_SOURCE = {"path": "token", "expirationSeconds": 3607}
"""The token that every pod has unless it says no; its life is the one that a cluster gives it."""


class MountError(Exception):
    """A volume cannot be had yet; the sentence is that of the FailedMount event. Trying again may help."""


class IssueToken(Protocol):
    """Makes a token of a service account, bound to a pod; without an audience it is for the API server."""

    def __call__(
        self, namespace: str, service_account: str, pod_uid: str, audience: str | None, seconds: int | None
    ) -> str: ...


@dataclass(frozen=True, slots=True)
class Provision:
    """What volumes need of the engine around the kubelet."""

    claim_directory: Callable[[str, str], Path | None]
    """Where the claim of that namespace and name keeps its files; None while there is no such claim."""

    issue_token: IssueToken
    ca_certificate: bytes
    """PEM, for ``ca.crt`` beside a token."""


async def prepare_volumes(
    pod: Object, layout: PodLayout, objects: PodObjects, provision: Provision
) -> dict[str, Path]:
    """Make every volume of a pod and return its directory by name. Raises MountError for one that is not
    there."""
    setup = _Setup(pod, layout, objects, provision)
    result = {volume["name"]: await setup.volume(volume) for volume in pod["spec"].get("volumes") or ()}
    if mounts_token(pod):
        result[TOKEN_VOLUME] = await setup.token_volume()
    return result


def mounts_token(pod: Object) -> bool:
    """Whether containers get the service account's token, as they do unless the pod says no."""
    return pod["spec"].get("automountServiceAccountToken") is not False


def mount_directories(
    container: Object, volumes: Mapping[str, Path], variables: Mapping[str, str]
) -> dict[str, str]:
    """The real directory (or file) of each mount path of a container; missing subdirectories are made."""
    result: dict[str, str] = {}
    for mount in container.get("volumeMounts") or ():
        path = str(PurePosixPath(mount["mountPath"]))
        if path in ("/", "."):
            raise MountError(
                f"volume {mount['name']} cannot be mounted at /: there is no file system to replace"
            )
        if mount["name"] not in volumes:
            raise MountError(f'container {container["name"]} mounts the unknown volume "{mount["name"]}"')
        inner = mount.get("subPath") or expand(mount.get("subPathExpr") or "", variables)
        result[path] = str(_within(volumes[mount["name"]], inner))
    if TOKEN_VOLUME in volumes and TOKEN_PATH not in result:
        result[TOKEN_PATH] = str(volumes[TOKEN_VOLUME])
    return result


def issued(issue_token: IssueToken, pod: Object, source: Object) -> str:
    """A token as a source ``serviceAccountToken`` of the pod's volumes wants it."""
    metadata, seconds = pod["metadata"], source.get("expirationSeconds")
    account = service_account(pod)
    return issue_token(metadata["namespace"], account, metadata["uid"], source.get("audience"), seconds)


class _Setup:
    """The volumes of one pod in the making."""

    def __init__(self, pod: Object, layout: PodLayout, objects: PodObjects, provision: Provision) -> None:
        self._pod = pod
        self._layout = layout
        self._objects = objects
        self._provision = provision
        self._namespace: str = pod["metadata"]["namespace"]

    async def volume(self, volume: Object) -> Path:
        name = volume["name"]
        kinds = [key for key in volume if key != "name"]
        kind = kinds[0] if kinds else "emptyDir"
        try:
            if kind == "emptyDir":
                return _directory(self._layout.volume(name))
            if kind == "persistentVolumeClaim":
                return self._claim(volume[kind]["claimName"])
            if kind not in ("secret", "configMap", "projected", "downwardAPI"):
                raise MountError(f'the embedded engine has no volumes of kind "{kind}"')
            return self._write(name, await self._files(kind, volume[kind] or {}))
        except (MountError, VariableError) as error:
            raise MountError(f'MountVolume.SetUp failed for volume "{name}" : {error}') from error

    async def token_volume(self) -> Path:
        sources = [
            {"serviceAccountToken": TOKEN_SOURCE},
            {
                "downwardAPI": {
                    "items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]
                }
            },
        ]
        try:
            files = await self._projected({"sources": sources})
        except MountError as error:
            raise MountError(f'MountVolume.SetUp failed for volume "{TOKEN_VOLUME}" : {error}') from error
        return self._write(TOKEN_VOLUME, {**files, "ca.crt": (self._provision.ca_certificate, 0o600)})

    def _claim(self, name: str) -> Path:
        directory = self._provision.claim_directory(self._namespace, name)
        if directory is None:
            raise MountError(f'persistentvolumeclaim "{name}" not found')
        return _directory(directory)

    async def _files(self, kind: str, source: Object) -> "Files":
        if kind == "projected":
            return await self._projected(source)
        mode = int(source.get("defaultMode") or 0o644)
        if kind == "downwardAPI":
            return _downward(self._pod, source, mode)
        name = source.get("secretName" if kind == "secret" else "name", "")
        return await self._object_files(kind, name, source, mode)

    async def _projected(self, volume: Object) -> "Files":
        mode = int(volume.get("defaultMode") or 0o644)
        files: Files = {}
        for source in volume.get("sources") or ():
            kind = next(iter(source))
            if kind == "serviceAccountToken":
                files[source[kind]["path"]] = ((await self._token(source[kind])).encode(), 0o600)
            elif kind in ("secret", "configMap"):
                files |= await self._object_files(kind, source[kind]["name"], source[kind], mode)
            elif kind == "downwardAPI":
                files |= _downward(self._pod, source[kind], mode)
            else:
                raise MountError(f'the embedded engine cannot project "{kind}"')
        return files

    async def _token(self, source: Object) -> str:
        account = service_account(self._pod)
        if not await self._objects.has_service_account(account):
            raise MountError(f'failed to fetch token: serviceaccounts "{account}" not found')
        return issued(self._provision.issue_token, self._pod, source)

    async def _object_files(self, kind: str, name: str, source: Object, mode: int) -> "Files":
        read: Callable[[str], Any] = self._objects.secret if kind == "secret" else self._objects.config_map
        data: Data | None = await read(name)
        if data is None:
            if source.get("optional"):
                return {}
            raise MountError(f'{kind.lower()} "{name}" not found')
        items = source.get("items")
        if not items:
            return {key: (value, mode) for key, value in data.items()}
        files: Files = {}
        for item in items:
            if item["key"] in data:
                files[item["path"]] = (data[item["key"]], int(item.get("mode") or mode))
            elif not source.get("optional"):
                raise MountError(f"references non-existent {kind.lower()} key: {item['key']}")
        return files

    def _write(self, name: str, files: "Files") -> Path:
        """Fill a fresh directory; a restart of a container sees the objects as they are then."""
        directory = self._layout.volume(name)
        fresh = directory.with_name(f"{directory.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        _directory(fresh)
        for path, (data, mode) in files.items():
            target = _contained(fresh, path)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            target.chmod((mode | 0o400) & 0o700)
        shutil.rmtree(directory, ignore_errors=True)
        fresh.rename(directory)
        return directory


Files = dict[str, tuple[bytes, int]]
"""Content and mode by path in a volume."""


def _downward(pod: Object, source: Object, mode: int) -> Files:
    files: Files = {}
    for item in source.get("items") or ():
        if "fieldRef" not in item:
            raise MountError(
                "the embedded engine projects only fields of the pod, not resources of a container"
            )
        files[item["path"]] = (
            field_value(pod, item["fieldRef"]["fieldPath"]).encode(),
            int(item.get("mode") or mode),
        )
    return files


def _directory(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _contained(root: Path, path: str) -> Path:
    """``root/path`` for a relative path without ``..``; raises MountError for any other."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts:
        raise MountError(f'path "{path}" leaves its volume')
    return root / parts


def _within(volume: Path, inner: str) -> Path:
    """A subPath that really lies in its volume, whatever links an agent has put there."""
    target = _contained(volume, inner)
    real = Path(os.path.realpath(target))
    if not real.is_relative_to(os.path.realpath(volume)):
        raise MountError(f'subPath "{inner}" leads out of its volume through a link')
    if not target.exists():
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    return target
