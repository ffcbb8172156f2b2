"""Whole engines (API server, kubelet, controller) on temporary data directories, for this folder's tests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from kagents_core.kube.client import Client
from kagents_core.kube.config import ClientConfig
from kagents_core.reconcile.plan import Settings
from kagents_local.daemon import RUNNER_IMAGE, Engine, EngineSettings
from kagents_local.kubelet.processes import marked
from kagents_local.kubelet.settings import KubeletSettings
from kagents_local.paths import DataDirectory

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
