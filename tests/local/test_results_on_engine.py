"""Results on a whole engine: in the status, in a dependent's prompt, and missed by name."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests

from simulated_team import SPEED, Team, agent, git, make_repository, until

from kagents_core.kube.client import Client

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


async def test_results_reach_the_status_and_a_missing_one_names_itself(
    engine: Any, engine_client: Client, tmp_path: Path
) -> None:
    team = Team(engine_client, engine.data.root, "results")
    first = ("work: {write: {a: x}}", "report: {key: coverage, value: 93%}", "shutdown: done")
    await team.apply(
        agent("Work.", *first, name="backend-api"),
        agent(
            "Test {{ results.backend-api.commit }}, {{ results.backend-api.coverage }}.",
            "shutdown: done",
            name="tests",
            dependsOn=["backend-api"],
        ),
        agent(
            "Draw {{ results.backend-api.picture }}.",
            "shutdown: done",
            name="docs",
            dependsOn=["tests"],
        ),
        lifecycle={"maxRestarts": 0},
        repository=make_repository(tmp_path / "source"),
    )
    status = await team.in_phase("Failed")
    phases = {each["name"]: each["phase"] for each in status["teammates"]}
    assert phases == {"backend-api": "Completed", "tests": "Completed", "docs": "Failed"}
    [said] = [entry["message"] for entry in status["conditions"] if entry["type"] == "Succeeded"]
    assert "names results.backend-api.picture, but backend-api has reported branch, commit, coverage" in said

    async def reported() -> dict[str, str] | None:
        """The recorder's last word comes after the end."""
        found = {each["agent"]: each["values"] for each in (await team.status()).get("results", ())}
        values: dict[str, str] = found.get("backend-api", {})
        return values if "filesChanged" in values else None

    commit = git(team.volume / "work/worktrees/backend-api", "rev-parse", "HEAD")
    assert await until(reported) == {
        "branch": "kagents/results/backend-api",
        "commit": commit,
        "filesChanged": "1",
        "coverage": "93%",
    }


async def test_an_agent_that_left_its_scope_in_a_workspace_is_named(
    engine: Any, engine_client: Client
) -> None:
    team = Team(engine_client, engine.data.root, "scoped")
    await team.apply(
        agent(
            "Write.",
            "work: {write: {reports/a.md: fine, data.csv: not mine}}",
            "shutdown: done",
            name="writer",
            scope={"includePaths": ["reports/"]},
        ),
    )
    await team.in_phase("Completed")

    async def judged() -> dict[str, Any] | None:
        """The recorder's last word, and the condition that follows from it, come after the end."""
        status = await team.status()
        shown = {each["agent"]: each.get("outsideScope") for each in status.get("activity", ())}
        [said] = [entry for entry in status["conditions"] if entry["type"] == "ScopesKept"]
        return said if shown.get("writer") == ["data.csv"] and said["status"] == "False" else None

    said = await until(judged)
    assert said["message"] == "while writer worked, files outside its scope changed: data.csv"
