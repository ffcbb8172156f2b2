"""Quality gates on a whole engine: held back, mended, completed; and a team that ends by its gate's name."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests

from simulated_team import SPEED, Team, agent, git, make_repository

from kagents_core.kube.client import Client

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


def manifest(name: str, repository: Path, *mates: dict[str, Any], **gates: Any) -> dict[str, Any]:
    spec = {"repository": {"url": repository.as_uri(), "branch": "main"}, "harness": "simulated"}
    spec |= {"teammates": list(mates), "qualityGates": gates, "lifecycle": {"timeout": "10m"}}
    return {"metadata": {"name": name}, "spec": spec}


def with_tests(path: Path) -> Path:
    """A repository whose Makefile tells how it is tested."""
    make_repository(path)
    (path / "Makefile").write_text("test:\n\t@echo verdict: `cat verdict`; grep -qx good verdict\n")
    git(path, "add", ".")
    git(path, "commit", "-q", "-m", "Add tests")
    return path


async def test_a_failed_check_goes_back_and_the_mended_work_completes(
    engine: Any, engine_client: Client, tmp_path: Path
) -> None:
    team = Team(engine_client, engine.data.root, "gated")
    worker = agent(
        "Work.",
        "create_task: {subject: A}",
        "claim: any",
        "work: {write: {verdict: bad}}",
        "complete: all",
        "work: {write: {verdict: good}}",
        "complete: all",
        "shutdown: done",
        name="worker",
    )
    await team.create(manifest("gated", with_tests(tmp_path / "source"), worker, requireTests=True))
    await team.in_phase("Completed")
    log = await team.log("worker")
    assert log.index("`make test` ended with status 2") < log.index("completed task 1: A")
    assert "verdict: bad" in log
    kept = [path.read_text() for path in sorted(team.volume.glob("home/worker/quality/*-requireTests.log"))]
    assert [text.splitlines()[0] for text in kept] == ["verdict: bad", "verdict: good"]


async def test_rounds_that_are_over_end_the_team_by_the_gates_name(
    engine: Any, engine_client: Client, tmp_path: Path
) -> None:
    team = Team(engine_client, engine.data.root, "stuck")
    worker = agent("Work.", "work: {write: {verdict: bad}}", "shutdown: done", name="worker")
    gates = {"validationScript": "cat verdict; exit 7", "maxRounds": 1}
    await team.create(manifest("stuck", with_tests(tmp_path / "source"), worker, **gates))
    status = await team.in_phase("Failed")
    [said] = [entry for entry in status["conditions"] if entry["type"] == "Succeeded"]
    assert said["reason"] == "QualityGateFailed"
    assert "worker: its work failed validationScript 2 times in a row" in said["message"]
    assert "ended with status 7: bad" in said["message"]
    assert status["teammates"][0]["restartCount"] == 0
