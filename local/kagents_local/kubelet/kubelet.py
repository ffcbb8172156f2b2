"""The kubelet: follows the pods of the engine's one node and gives each a worker."""

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from kagents_core.api.resources import PODS
from kagents_core.kube.client import Client
from kagents_core.kube.reflector import Reflector
from kagents_core.kube.store import Change, Store
from kagents_local.kubelet.claims import ClaimDirectories
from kagents_local.kubelet.commands import Command, CommandError, run_command
from kagents_local.kubelet.events import EventRecorder
from kagents_local.kubelet.keeper_client import KeeperClient, KeeperUnreachableError
from kagents_local.kubelet.layout import KubeletLayout
from kagents_local.kubelet.logs import read_log
from kagents_local.kubelet.pod_worker import TERMINAL, PodWorker
from kagents_local.kubelet.process_plan import inherited_environment, runner_command
from kagents_local.kubelet.records import known_uids, read_record
from kagents_local.kubelet.rotation import TokenRotation
from kagents_local.kubelet.runs import pod_containers
from kagents_local.kubelet.settings import KubeletSettings
from kagents_local.kubelet.starting import Surroundings
from kagents_local.kubelet.volumes import IssueToken, Provision
from kagents_local.pod_access import LogQuery, PodAccessError

log = logging.getLogger(__name__)

Pod = dict[str, Any]

WORKER_RETRY_SECONDS: Final = 5.0
"""Pause before the work on a pod goes on after a fault of ours or of the disk."""

RECONNECT_SECONDS: Final = 0.2
"""Pause before another keeper is started when one has gone."""


class Kubelet:
    """Runs every pod of the API server behind ``client`` as processes. Also the API server's
    ``PodAccess``."""

    def __init__(
        self,
        client: Client,
        data: Path,
        settings: KubeletSettings,
        *,
        issue_token: IssueToken,
        ca_certificate: bytes,
        api_host: str,
        api_port: int,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """``data`` is the engine's data directory; ``environ`` is what the daemon was started with."""
        self._layout = KubeletLayout(data.resolve())
        self._store: Store[Pod] = Store(project)
        self._reflector = Reflector(client, PODS, self._store)
        self._keeper = KeeperClient(self._layout.data, self._run_ended)
        self._claims = ClaimDirectories(client, self._layout, self._directories_in_use, self._poke_all)
        self._around = Surroundings(
            client=client,
            layout=self._layout,
            settings=settings,
            keeper=self._keeper,
            provision=Provision(self._claims.directory, issue_token, ca_certificate),
            events=EventRecorder(client),
            inherited=inherited_environment(os.environ if environ is None else environ),
            api_host=api_host,
            api_port=api_port,
        )
        self._rotation = TokenRotation(self._layout, issue_token, settings.rotation_seconds)
        self._workers: dict[str, PodWorker] = {}
        self._running: set[str] = set()
        self._group: asyncio.TaskGroup | None = None
        self._suspended = False
        self.ready = asyncio.Event()
        """Set once every pod that was there has its worker."""

    @property
    def pods(self) -> int:
        """Pods that have a worker."""
        return len(self._workers)

    # ---- life

    async def run(self) -> None:
        """Work until cancelled. Processes go on when this ends: the next kubelet adopts them."""
        for directory in (self._layout.pods, self._layout.volumes):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._reflector.run())
                group.create_task(self._claims.run())
                group.create_task(self._around.events.run())
                group.create_task(self._keep_connected())
                group.create_task(self._rotation.run(self.ready, self._store.values))
                await self._reflector.synced.wait()
                await self._claims.synced.wait()
        finally:
            self._group = None
            self._workers.clear()
            self.ready.clear()
            await self._keeper.close()

    async def stop_processes(self, limit: float) -> bool:
        """Ask every process to end, to be resumed by the next kubelet; False when some did not within
        ``limit``."""
        self._suspended = True
        try:
            self._keeper.shutdown()
        except KeeperUnreachableError:
            return True
        try:
            await asyncio.wait_for(self._keeper.gone.wait(), limit)
        except TimeoutError:
            return False
        # They are made again when a container starts.
        shutil.rmtree(self._layout.short_links, ignore_errors=True)
        return True

    async def _keep_connected(self) -> None:
        """Hold a connection to a keeper; after each connect every pod learns what really runs."""
        await self._reflector.synced.wait()
        await self._claims.synced.wait()
        while True:
            try:
                running = await self._keeper.connect()
                self._adopt(set(running))
                await self._keeper.listen()
            except KeeperUnreachableError as error:
                if self._suspended:
                    return
                log.warning("%s; another one is started", error)
            await asyncio.sleep(RECONNECT_SECONDS)

    def _adopt(self, running: set[str]) -> None:
        self._running = running
        for worker in self._workers.values():
            worker.adopt(running)
        if not self.ready.is_set():
            for pod in list(self._store.values()):
                self._employ(pod)
            self._clear_remains()
            self._store.subscribe(self._take)
            self.ready.set()
            log.info("kubelet ready: %d pods, %d processes still run", len(self._workers), len(running))

    def _clear_remains(self) -> None:
        """Pods whose object went while no kubelet ran."""
        for uid in known_uids(self._layout.pods):
            if uid not in self._workers:
                pod = read_record(self._layout.pod(uid).pod)
                self._employ(pod or _unknown(uid), gone=True)

    # ---- pods

    def _take(self, changes: Sequence[Change[Pod]]) -> None:
        for change in changes:
            old_uid = change.old["metadata"]["uid"] if change.old else None
            new_uid = change.new["metadata"]["uid"] if change.new else None
            if old_uid is not None and old_uid != new_uid and old_uid in self._workers:
                self._workers[old_uid].remove()
            if change.new is None or new_uid is None:
                continue
            if new_uid in self._workers:
                self._workers[new_uid].update(change.new)
            else:
                self._employ(change.new)

    def _employ(self, pod: Pod, *, gone: bool = False) -> None:
        assert self._group is not None
        worker = PodWorker(pod, self._around, self._running, gone=gone)
        self._workers[worker.uid] = worker
        self._group.create_task(self._work(worker))

    async def _work(self, worker: PodWorker) -> None:
        try:
            await worker.run()
        except Exception:
            # One pod's fault must not end the others; its processes stay with the keeper.
            log.exception("the worker of pod %s failed; another one goes on shortly", worker.uid)
            await asyncio.sleep(WORKER_RETRY_SECONDS)
            worker = self._replacement(worker)
            self._workers[worker.uid] = worker
            assert self._group is not None
            self._group.create_task(self._work(worker))
            return
        self._workers.pop(worker.uid, None)
        self._claims.look_for_unused()

    def _replacement(self, worker: PodWorker) -> PodWorker:
        return PodWorker(worker.pod, self._around, self._running, gone=worker.gone)

    def _run_ended(self, identity: str) -> None:
        self._running.discard(identity)
        _, uid, _, container, number = identity.split("/")
        worker = self._workers.get(uid)
        if worker is not None and not self._suspended:
            worker.ended(container, int(number))
            self._claims.look_for_unused()

    def _directories_in_use(self) -> set[Path]:
        return {path for worker in self._workers.values() for path in worker.used_directories()}

    def _poke_all(self) -> None:
        for worker in self._workers.values():
            worker.poke()

    # ---- access for the API server

    async def logs(
        self, namespace: str, pod: str, container: str | None, query: LogQuery
    ) -> AsyncIterator[bytes]:
        """The log in chunks. Raises PodAccessError before the first one; ends by itself unless it follows."""
        worker, name = self._container(namespace, pod, container)
        runs = worker.runs.previous if query.previous else worker.runs.latest
        attempt = runs.get(name)
        if attempt is None:
            previous = "previous terminated " if query.previous else ""
            state = "not found" if query.previous else "is waiting to start"
            raise PodAccessError(400, f'{previous}container "{name}" in pod "{pod}" {state}')
        number = attempt.number

        def ended() -> bool:
            latest = worker.runs.latest.get(name)
            return latest is None or latest.number != number or latest.ending is not None

        return read_log(worker.runs.layout.attempt(name, number).log, query, ended)

    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str | None,
        command: Sequence[str],
        *,
        stdin: bool,
        tty: bool,
    ) -> Command:
        """Start a command beside a container's process. Raises PodAccessError before anything runs."""
        worker, name = self._container(namespace, pod, container)
        attempt = worker.runs.latest.get(name)
        if not command:
            raise PodAccessError(400, "you must specify at least one command for the container")
        if attempt is None or attempt.ending is not None:
            raise PodAccessError(400, f'container "{name}" in pod "{pod}" is not running')
        try:
            plan_for = await worker.starter.prepare(worker.pod, pod_containers(worker.pod)[name])
        except Exception as error:
            raise PodAccessError(500, f'cannot prepare container "{name}": {error}') from error
        plan = plan_for(worker.runs.layout.attempt(name, attempt.number))
        try:
            return run_command(plan, runner_command(list(command)), stdin=stdin, tty=tty)
        except CommandError as error:
            raise PodAccessError(500, str(error)) from error

    def _container(self, namespace: str, pod: str, container: str | None) -> tuple[PodWorker, str]:
        found = self._store.get((namespace, pod))
        worker = self._workers.get(found["metadata"]["uid"]) if found else None
        if worker is None:
            raise PodAccessError(404, f'pods "{pod}" not found')
        names = list(pod_containers(worker.pod))
        mains = [entry["name"] for entry in worker.pod["spec"]["containers"]]
        if container is None and len(mains) > 1:
            known = ", ".join(mains)
            raise PodAccessError(
                400, f"a container name must be specified for pod {pod}, choose one of: [{known}]"
            )
        name = container or mains[0]
        if name not in names:
            raise PodAccessError(400, f"container {name} is not valid for pod {pod}")
        return worker, name


def project(pod: Pod) -> Pod:
    """What is kept of a pod: all of one that may still run, the names alone of one that has ended."""
    if (pod.get("status") or {}).get("phase") not in TERMINAL:
        return pod
    spec = {key: _names(pod["spec"].get(key)) for key in ("initContainers", "containers")}
    status = {"phase": pod["status"]["phase"], "startTime": pod["status"].get("startTime")}
    return {"metadata": pod["metadata"], "spec": spec, "status": status}


def _names(containers: Sequence[Mapping[str, Any]] | None) -> list[Pod]:
    return [{"name": entry["name"], "image": entry.get("image", "")} for entry in containers or ()]


def _unknown(uid: str) -> Pod:
    """A directory that says nothing of its pod."""
    return {"metadata": {"namespace": "", "name": "", "uid": uid}, "spec": {"containers": []}}
