"""The model server, a client for it, and waiting for a condition without sleeping blindly."""

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kagents_core.kube.client import Client


def _load() -> ModuleType:
    name = "kagents_model_server"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("model_server.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


model_server = _load()


@pytest.fixture
def model() -> ModuleType:
    return model_server


@pytest.fixture
async def server() -> AsyncIterator[Any]:
    async with model_server.ModelServer() as running:
        yield running


@pytest.fixture
async def client(server: Any) -> AsyncIterator[Client]:
    async with Client(server.config) as opened:
        yield opened


@pytest.fixture
def until() -> Callable[..., Any]:
    async def wait(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
        async with asyncio.timeout(seconds):
            while not (found := condition()):  # noqa: ASYNC110  (any condition, not one event)
                await asyncio.sleep(0.002)
        return found

    return wait
