"""Ten teams at once on one engine: all complete, and no message is lost or doubled. Fifty: tests/bench."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kagents_core.kube.client import Client

BENCH = Path(__file__).parents[1] / "bench/fifty_teams.py"
TEAMS = 10


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The measurement of fifty teams, whose agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", "20")
    spec = importlib.util.spec_from_file_location("kagents_bench_fifty_teams", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_ten_teams_at_once_lose_and_double_no_message(
    bench: ModuleType, engine: Any, engine_client: Client
) -> None:
    measured = await bench.play(engine_client, engine.data.root, TEAMS)
    assert measured.phases == {"Completed": TEAMS}
    assert measured.sent == TEAMS * (2 * bench.MESSAGES + 2)
    assert (measured.lost, measured.doubled) == (0, 0)
