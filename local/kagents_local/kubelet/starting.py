"""The start of one container: what it needs from the API server, its plan, the request to the keeper."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kagents_core.kube.client import Client
from kagents_local.kubelet.decide import Start
from kagents_local.kubelet.environment import VariableError, named_sources, variables
from kagents_local.kubelet.events import EventRecorder
from kagents_local.kubelet.keeper_client import KeeperClient, KeeperUnreachableError
from kagents_local.kubelet.layout import AttemptLayout, KubeletLayout, PodLayout
from kagents_local.kubelet.objects import PodObjects
from kagents_local.kubelet.process_plan import SYSTEM_TEMPORARY, Places, ProcessPlan, plan_process
from kagents_local.kubelet.runs import PodRuns
from kagents_local.kubelet.settings import KubeletSettings
from kagents_local.kubelet.volumes import MountError, Provision, mount_directories, prepare_volumes

Object = Mapping[str, Any]

DEFAULT_GRACE = 30.0


class ConfigError(Exception):
    """The container's variables cannot be made; the sentence names the object or key that is missing."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every pod of this kubelet shares."""

    client: Client
    layout: KubeletLayout
    settings: KubeletSettings
    keeper: KeeperClient
    provision: Provision
    events: EventRecorder
    inherited: Mapping[str, str]
    """Variables that every process gets."""

    api_host: str
    api_port: int


@dataclass(slots=True)
class Starter:
    """Starts containers of one pod. Its volumes are made once, before the first of them."""

    around: Surroundings
    runs: PodRuns
    volumes: dict[str, Path] | None = field(default=None)

    async def start(self, pod: Object, container: Object, start: Start, allowed: Callable[[], bool]) -> bool:
        """Start a run; False when ``allowed()`` no longer holds once everything it needs is there.

        Raises ConfigError, MountError, KubeError and KeeperUnreachableError; nothing was started
        then.
        """
        plan_for = await self.prepare(pod, container)
        if not allowed():
            return False
        attempt = self.runs.begin(start.container, start.number, start.failures)
        try:
            self._request(pod, plan_for(attempt), start)
        except BaseException:
            self.runs.forget(start.container, start.number)
            raise
        self.runs.began(start.container)
        with contextlib.suppress(KeeperUnreachableError):
            # Without an answer the next connection tells what became of it.
            await self.around.keeper.confirmed(self.runs.identity(start.container, start.number))
        return True

    async def prepare(self, pod: Object, container: Object) -> Callable[[AttemptLayout], ProcessPlan]:
        """Everything a process of this container needs, as a function of the run it belongs to."""
        objects = PodObjects(self.around.client, pod["metadata"]["namespace"])
        pod_layout = self.runs.layout
        for directory in (pod_layout.home, pod_layout.scratch):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.volumes is None:
            self.volumes = await prepare_volumes(pod, pod_layout, objects, self.around.provision)
        sources = await objects.sources(*named_sources(container))
        try:
            own = variables(pod, container, sources)
        except VariableError as error:
            raise ConfigError(str(error)) from error
        mounts = mount_directories(container, self.volumes, own)
        temporary = self._temporary(mounts.get(SYSTEM_TEMPORARY))

        def plan_for(attempt: AttemptLayout) -> ProcessPlan:
            identity = attempt.root.relative_to(self.around.layout.data)
            places = Places(
                mounts=mounts,
                home=pod_layout.home,
                temporary=temporary,
                termination_log=attempt.termination,
                api_host=self.around.api_host,
                api_port=self.around.api_port,
                mark=f"{self.around.layout.data}:{identity}",
            )
            return plan_process(pod, container, own, self.around.inherited, places)

        return plan_for

    def _request(self, pod: Object, plan: ProcessPlan, start: Start) -> None:
        settings = self.around.settings
        self.around.keeper.start(
            self.runs.identity(start.container, start.number),
            plan.argv,
            plan.env,
            plan.cwd,
            niceness=plan.niceness,
            grace=float(pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE)),
            log_bytes=settings.log_file_bytes,
            log_files=settings.log_files,
        )

    def _temporary(self, mounted: str | None) -> Path:
        target = Path(mounted) if mounted else self.runs.layout.scratch
        return short_link(self.around.layout, self.runs.layout, target)


def short_link(layout: KubeletLayout, pod: PodLayout, target: Path) -> Path:
    """A short name of ``target`` in a directory of ours. Raises MountError when someone else has that
    directory."""
    directory = layout.short_links
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if directory.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise MountError(f"{directory} is not a private directory of this user: remove it")
    link = directory / short_name(pod, target)
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return link


def short_name(pod: PodLayout, target: Path) -> str:
    digest = hashlib.sha256(os.fsencode(target)).hexdigest()[:4]
    return f"{pod.root.name[:13]}-{digest}"


def remove_short_links(layout: KubeletLayout, pod: PodLayout) -> None:
    for link in layout.short_links.glob(f"{pod.root.name[:13]}-*"):
        link.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        layout.short_links.rmdir()
