"""Persistent volume claims as directories: bound when they are made, removed when nothing can need them any
more."""

import asyncio
import logging
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kagents_core.api.resources import CLAIMS
from kagents_core.kube.client import Client
from kagents_core.kube.errors import KubeError, NotFound
from kagents_core.kube.reflector import Reflector
from kagents_core.kube.store import Change, Store
from kagents_local.kubelet.layout import KubeletLayout

log = logging.getLogger(__name__)

UID_LENGTH = 36
RELEASED = ".released"
"""Suffix of a mark beside a directory whose claim was seen to go."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What binding and mounting need of a claim."""

    uid: str
    bound: bool
    access_modes: tuple[str, ...]
    size: str


def project(obj: Mapping[str, Any]) -> Claim:
    spec = obj.get("spec") or {}
    size = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "")
    bound = (obj.get("status") or {}).get("phase") == "Bound"
    return Claim(obj["metadata"]["uid"], bound, tuple(spec.get("accessModes") or ()), str(size))


class ClaimDirectories:
    """Binds claims, answers where their files are, and removes directories whose claim is gone."""

    def __init__(
        self,
        client: Client,
        layout: KubeletLayout,
        in_use: Callable[[], Collection[Path]],
        changed: Callable[[], None],
    ) -> None:
        """``in_use`` tells the directories of pods that still run; ``changed`` hears of new claims."""
        self._client = client
        self._layout = layout
        self._in_use = in_use
        self._changed = changed
        self._store: Store[Claim] = Store(project)
        self._reflector = Reflector(client, CLAIMS, self._store)
        self._due = asyncio.Event()
        self._store.subscribe(self._take)

    @property
    def synced(self) -> asyncio.Event:
        return self._reflector.synced

    def directory(self, namespace: str, name: str) -> Path | None:
        """The claim's directory; None while there is no such claim."""
        claim = self._store.get((namespace, name))
        return self._layout.claim(namespace, name, claim.uid) if claim else None

    def look_for_unused(self) -> None:
        """A pod has ended: its volumes may be the last thing that held a directory."""
        self._due.set()

    async def run(self) -> None:
        """Follow the claims until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reflector.run())
            group.create_task(self._work())

    def _take(self, changes: Sequence[Change[Claim]]) -> None:
        for change in changes:
            if change.old is not None and (change.new is None or change.new.uid != change.old.uid):
                self._release(self._layout.claim(*change.key, change.old.uid))
        self._due.set()
        if any(change.new is not None for change in changes):
            self._changed()

    def _release(self, directory: Path) -> None:
        if directory.is_dir():
            directory.with_name(directory.name + RELEASED).touch(mode=0o600)

    async def _work(self) -> None:
        await self._reflector.synced.wait()
        while True:
            self._due.clear()
            for (namespace, name), claim in list(self._store.items()):
                if not claim.bound:
                    await self._bind(namespace, name, claim)
            await self._remove_unused()
            await self._due.wait()

    async def _bind(self, namespace: str, name: str, claim: Claim) -> None:
        status: dict[str, Any] = {"phase": "Bound", "accessModes": list(claim.access_modes)}
        if claim.size:
            status["capacity"] = {"storage": claim.size}
        patch = {"metadata": {"uid": claim.uid}, "status": status}
        try:
            await self._client.patch_merge(CLAIMS, namespace, name, patch, subresource="status")
        except NotFound:
            return
        except KubeError as error:
            log.warning("claim %s/%s is not marked as bound: %s", namespace, name, error)

    async def _remove_unused(self) -> None:
        """Remove what was released. A directory that was not is left: it may be all that is left of a lost
        store."""
        known = {claim.uid for claim in self._store.values()}
        used = self._in_use()
        for mark in self._layout.volumes.glob(f"*/*{RELEASED}"):
            directory = mark.with_name(mark.name.removesuffix(RELEASED))
            if directory.name[-UID_LENGTH:] in known or directory in used:
                continue
            await asyncio.to_thread(shutil.rmtree, directory, True)
            mark.unlink(missing_ok=True)
            log.info("volume removed, its claim is gone: %s", directory.relative_to(self._layout.volumes))
