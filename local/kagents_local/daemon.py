"""The daemon: API server, kubelet and controller of one data directory in one process."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from kagents_controller.controller import Controller
from kagents_controller.notifications import Notifier
from kagents_controller.webhook_keys import WebhookKeys
from kagents_core.api.resources import NAMESPACES
from kagents_core.kube.addresses import EVERYWHERE, PermittedAddresses
from kagents_core.kube.client import Client
from kagents_core.kube.config import ClientConfig
from kagents_core.kube.errors import AlreadyExists
from kagents_core.reconcile.plan import Settings
from kagents_local.certificates import Certificates
from kagents_local.engine_log import open_log
from kagents_local.engine_record import EngineRecord, new_record, write_record
from kagents_local.kubeconfig import CONTEXT, write_kubeconfig
from kagents_local.kubelet.commands import Command
from kagents_local.kubelet.kubelet import Kubelet
from kagents_local.kubelet.settings import KubeletSettings
from kagents_local.lock import DataLock
from kagents_local.parts import Parts
from kagents_local.paths import DataDirectory, DataDirectoryError
from kagents_local.pod_access import LogQuery, PodAccessError
from kagents_local.serving import HOST, ApiService, PortTakenError, start_api
from kagents_local.tokens import ensure_tokens

log = logging.getLogger(__name__)

RUNNER_IMAGE: Final = "kagents-runner:local"
"""The name under which the installed ``kagents-runner`` passes for an image; nothing is ever pulled."""

WEBHOOK_KEYS: Final = "webhook-keys"
"""Folder in the data directory with the keys that webhooks are signed with."""

PROCESSES_LIMIT: Final = 130.0
"""Seconds that all agents together may take to end when the engine stops."""

READY_LIMIT: Final = 20.0

CONNECTIONS: Final = 32
"""Of kubelet and controller to the API server, their watches included. Both ends lie in this process, and
each costs it about a mebibyte of TLS buffers in a burst."""


def controller_settings() -> Settings:
    """Agents run as the person who runs the engine: registries may be wherever that one reaches."""
    networks = tuple(map(str, EVERYWHERE))
    return Settings(RUNNER_IMAGE, image_pull_policy="Never", registry_networks=networks)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How an engine runs; tests use short waits."""

    data: DataDirectory
    port: int | None = None
    """None: the port of the last time, else a free one."""

    kubelet: KubeletSettings = field(default_factory=lambda: KubeletSettings(RUNNER_IMAGE))
    controller: Settings = field(default_factory=controller_settings)


class Engine:
    """One running engine. ``run`` ends after ``stop`` was called."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._data = settings.data
        self._parts = Parts(self._record_changed)
        self._record: EngineRecord | None = None
        self._stopping = asyncio.Event()
        self._access = KubeletAccess()
        self.client_config: ClientConfig | None = None
        """How to reach the API server; set before ``ready`` is called."""

    def stop(self) -> None:
        """End the agents orderly, then everything else."""
        self._stopping.set()

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until stopped; ``ready`` is called once the API server answers. Needs the directory's
        lock."""
        self._data.create()
        certificates = Certificates(self._data.pki)
        certificates.ensure()
        tokens = ensure_tokens(self._data.pki)
        api = await start_api(self._data, certificates, tokens, self._settings.port, self._access)
        try:
            authority = certificates.ca.read_bytes()
            server = f"https://{HOST}:{api.port}"
            write_kubeconfig(
                self._data.kubeconfig, server=server, ca_certificate=authority, token=tokens.admin
            )
            config = ClientConfig(server, ca_data=authority, token=tokens.admin, context=CONTEXT)
            self.client_config = config
            async with Client(config, connections=CONNECTIONS) as client:
                await self._work(client, api, authority, ready)
        finally:
            self._data.engine.unlink(missing_ok=True)
            await api.stop()

    async def _work(
        self, client: Client, api: ApiService, authority: bytes, ready: Callable[[], None]
    ) -> None:
        async def run_kubelet() -> None:
            kubelet = Kubelet(
                client,
                self._data.root,
                self._settings.kubelet,
                issue_token=api.issue_token,
                ca_certificate=authority,
                api_host=HOST,
                api_port=api.port,
            )
            with self._access.serve(kubelet):
                await kubelet.run()

        async def run_controller() -> None:
            # Agents run as the person who runs the engine: webhooks reach nothing that these do not.
            notifier = Notifier(
                keys=WebhookKeys(self._data.root / WEBHOOK_KEYS), addresses=PermittedAddresses(EVERYWHERE)
            )
            await Controller(client, settings=self._settings.controller, notifier=notifier).run()

        await _ensure_namespace(client, "default")
        async with asyncio.TaskGroup() as group:
            kubelet = group.create_task(self._parts.keep("kubelet", run_kubelet))
            controller = group.create_task(self._parts.keep("controller", run_controller))
            await self._access.wait_ready(READY_LIMIT)
            self._record = new_record(api.port, self._parts.as_json())
            write_record(self._data, self._record)
            # What start-up made stays for good: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            ready()
            log.info("engine ready on port %d, pid %d", api.port, os.getpid())
            await self._stopping.wait()
            log.info("engine stops; agents are asked to end")
            controller.cancel()
            if not await self._access.stop_processes(PROCESSES_LIMIT):
                log.warning("some agents did not end within %.0f s; their keeper goes on", PROCESSES_LIMIT)
            kubelet.cancel()

    def _record_changed(self) -> None:
        if self._record is not None:
            record = self._record
            self._record = EngineRecord(
                record.pid, record.port, record.started_at, record.version, self._parts.as_json()
            )
            write_record(self._data, self._record)


class KubeletAccess:
    """The API server's way to whichever kubelet runs at the moment."""

    def __init__(self) -> None:
        self._kubelet: Kubelet | None = None
        self._served = asyncio.Event()

    @contextlib.contextmanager
    def serve(self, kubelet: Kubelet) -> Iterator[None]:
        self._kubelet = kubelet
        self._served.set()
        try:
            yield
        finally:
            self._kubelet = None
            self._served.clear()

    async def wait_ready(self, limit: float) -> None:
        """Wait until every pod that was there is followed again, but not for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._served.wait()
                if self._kubelet is not None:
                    await self._kubelet.ready.wait()

    async def stop_processes(self, limit: float) -> bool:
        return await self._kubelet.stop_processes(limit) if self._kubelet else True

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
        return await self._current().exec(namespace, pod, container, command, stdin=stdin, tty=tty)

    async def logs(
        self, namespace: str, pod: str, container: str | None, query: LogQuery
    ) -> AsyncIterator[bytes]:
        return await self._current().logs(namespace, pod, container, query)

    def _current(self) -> Kubelet:
        if self._kubelet is None:
            raise PodAccessError(503, "the kubelet is being restarted; try again in a moment")
        return self._kubelet


async def _ensure_namespace(client: Client, name: str) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    with contextlib.suppress(AlreadyExists):
        await client.create(NAMESPACES, None, body)


def serve(data: DataDirectory, *, port: int | None, ready: int | None) -> int:
    """Run an engine in this process until SIGTERM or SIGINT; returns the exit code.

    ``ready`` is a descriptor that hears one line: ``ready``, ``locked`` (another engine has the directory),
    or why the engine could not start.
    """

    def say(word: str) -> None:
        nonlocal ready
        if ready is not None:
            with contextlib.suppress(OSError):
                os.write(ready, word.encode() + b"\n")
                os.close(ready)
            ready = None

    data.create()
    lock = DataLock(data.lock)
    if not lock.take():
        say("locked")
        return 1
    open_log(data.log)
    try:
        data.claim_format()
        asyncio.run(_serve(EngineSettings(data, port), lambda: say("ready")))
    except (PortTakenError, DataDirectoryError) as error:
        log.error("%s", error)
        say(str(error))
        return 1
    except Exception as error:
        log.exception("the engine crashed")
        say(f"the engine crashed at its start ({type(error).__name__}); see {data.log}")
        return 1
    finally:
        lock.release()
    log.info("engine stopped")
    return 0


async def _serve(settings: EngineSettings, ready: Callable[[], None]) -> None:
    engine = Engine(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, engine.stop)
    await engine.run(ready)
