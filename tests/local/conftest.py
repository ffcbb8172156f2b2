"""Engines on temporary data directories: whole ones, and the API server alone. And the real kubectl."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from kagents_core.kube.client import Client
from kagents_core.kube.config import ClientConfig
from kagents_core.reconcile.plan import Settings
from kagents_local.certificates import Certificates
from kagents_local.daemon import RUNNER_IMAGE, Engine, EngineSettings, KubeletAccess
from kagents_local.kubeconfig import write_kubeconfig
from kagents_local.kubelet.processes import marked
from kagents_local.kubelet.settings import KubeletSettings
from kagents_local.paths import DataDirectory
from kagents_local.serving import HOST, start_api
from kagents_local.tokens import ensure_tokens

START_LIMIT = 30.0
STOP_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """An engine in this process, and how to reach it."""

    data: DataDirectory
    config: ClientConfig
    image: str
    """The image that its pods must name."""

    @property
    def kubeconfig(self) -> Path:
        return self.data.kubeconfig


@contextlib.asynccontextmanager
async def running_engine(root: Path) -> AsyncIterator[RunningEngine]:
    """An engine with short waits; at the end it is stopped orderly, and no process of it may be left."""
    data = DataDirectory(root.resolve())
    kubelet = KubeletSettings(
        RUNNER_IMAGE, backoff_base=0.2, backoff_limit=2.0, retry_base=0.05, retry_limit=0.5
    )
    controller = Settings(
        RUNNER_IMAGE, image_pull_policy="Never", grace_seconds=5, restart_delay=timedelta(seconds=0.2)
    )
    engine = Engine(EngineSettings(data, kubelet=kubelet, controller=controller))
    ready = asyncio.Event()
    task = asyncio.create_task(engine.run(ready.set))
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({task, waiting}, timeout=START_LIMIT, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        assert ready.is_set(), "the engine is not ready"
        assert engine.client_config is not None
        yield RunningEngine(data, engine.client_config, RUNNER_IMAGE)
    finally:
        waiting.cancel()
        engine.stop()
        async with asyncio.timeout(STOP_LIMIT):
            await task
    assert marked(f"{data.root}:") == [], "processes of the engine are left"


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[RunningEngine]:
    """A whole engine."""
    async with running_engine(tmp_path / "data") as running:
        yield running


@pytest.fixture
async def engine_client(engine: RunningEngine) -> AsyncIterator[Client]:
    """A client of the whole engine, as its administrator."""
    async with Client(engine.config) as client:
        yield client


@dataclass(frozen=True, slots=True)
class RunningApi:
    """An API server in this process without kubelet and controller, and how to reach it."""

    config: ClientConfig
    kubeconfig: Path


@contextlib.asynccontextmanager
async def running_api(root: Path, port: int | None = None) -> AsyncIterator[RunningApi]:
    """An API server on a data directory, which may have been there before; on a port, if one is named."""
    data = DataDirectory(root)
    data.create()
    certificates = Certificates(data.pki)
    certificates.ensure()
    tokens = ensure_tokens(data.pki)
    service = await start_api(data, certificates, tokens, port, KubeletAccess())
    server, authority = f"https://{HOST}:{service.port}", certificates.ca.read_bytes()
    write_kubeconfig(data.kubeconfig, server=server, ca_certificate=authority, token=tokens.admin)
    config = ClientConfig(server, ca_data=authority, token=tokens.admin, context="kagents-local")
    try:
        yield RunningApi(config, data.kubeconfig)
    finally:
        await service.stop()


@pytest.fixture
def api_server():
    """Starts API servers: ``async with api_server(directory, port)``."""
    return running_api


@pytest.fixture
async def engine_api(tmp_path: Path) -> AsyncIterator[RunningApi]:
    """The API server alone: objects stay as they were written."""
    async with running_api(tmp_path / "api") as running:
        yield running


KUBECTL_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Ran:
    """What a kubectl said, and how it ended."""

    code: int
    out: str
    err: str


class Kubectl:
    """The real kubectl on one kubeconfig, with a home of its own."""

    def __init__(self, program: str, kubeconfig: Path, home: Path) -> None:
        self.program = program
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "KUBECONFIG": str(kubeconfig),
            "KUBECTL_EXTERNAL_DIFF": "diff -u",
        }

    def start(
        self, *arguments: str, stdin: int = asyncio.subprocess.DEVNULL
    ) -> contextlib.AbstractAsyncContextManager[asyncio.subprocess.Process]:
        """A kubectl that runs on; it is ended with the block."""
        return self._running(arguments, stdin)

    @contextlib.asynccontextmanager
    async def _running(
        self, arguments: Sequence[str], stdin: int
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            self.program,
            *arguments,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def run(self, *arguments: str, stdin: str | None = None, **extra: str) -> Ran:
        """Run to the end, whatever that is."""
        given = asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE
        self.environment.update(extra)
        async with asyncio.timeout(KUBECTL_LIMIT), self.start(*arguments, stdin=given) as process:
            out, err = await process.communicate(None if stdin is None else stdin.encode())
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())

    async def __call__(self, *arguments: str, stdin: str | None = None, **extra: str) -> str:
        """Run, succeed, and return what was printed."""
        ran = await self.run(*arguments, stdin=stdin, **extra)
        assert ran.code == 0, f"kubectl {' '.join(arguments)}: {ran.code}\n{ran.out}{ran.err}"
        return ran.out


@pytest.fixture(scope="session")
def kubectl_program() -> str:
    """The kubectl to test with: ``KAGENTS_KUBECTL``, the one that tools/get-kubectl built, or that of
    PATH."""
    built = Path(__file__).parents[2] / ".cache" / "kubectl"
    found = os.environ.get("KAGENTS_KUBECTL") or (str(built) if built.exists() else shutil.which("kubectl"))
    if not found:
        assert os.environ.get("CI") != "true", "CI needs kubectl: run tools/get-kubectl"
        pytest.skip("no kubectl: run tools/get-kubectl")
    return found


@pytest.fixture
def kubectl(engine_api: RunningApi, kubectl_program: str, tmp_path: Path) -> Kubectl:
    """kubectl on the API server alone."""
    return Kubectl(kubectl_program, engine_api.kubeconfig, tmp_path)


@pytest.fixture
def engine_kubectl(engine: RunningEngine, kubectl_program: str, tmp_path: Path) -> Kubectl:
    """kubectl on a whole engine."""
    return Kubectl(kubectl_program, engine.kubeconfig, tmp_path)
