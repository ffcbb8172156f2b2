"""A delivery that needs a person, from the list of attention to the pushed branch, on a whole engine."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests

from piloted_terminal import terminal
from simulated_team import SPEED, Team, agent, git, make_repository

from kagents_core.kube.client import Client

pytestmark = pytest.mark.long

BRANCH = "kagents/deliver"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


async def test_a_person_mends_the_cause_and_one_key_delivers(
    fast: None, engine: Any, engine_client: Client, tmp_path: Path
) -> None:
    repository = make_repository(tmp_path / "repository")
    stranger = git(repository, "commit-tree", "-m", "Somebody else's", "main^{tree}")
    git(repository, "branch", BRANCH, stranger)
    team = Team(engine_client, engine.data.root, "deliver")
    worker = agent("Write.", "work: {seconds: 1, write: {a.txt: done}}", name="worker")
    await team.apply(worker, repository=repository, lifecycle={"onComplete": "push-branch"})
    async with terminal(engine.data.root) as t:
        await t.shows("deliver", "Teams[1]")
        await t.pilot.press("w")
        await t.shows("Attention[1]", "▲ delivery")
        await t.pilot.press("space")
        await t.shows("lifecycle.consolidatedBranchTemplate", "a retry")
        git(repository, "branch", "-D", BRANCH)
        await t.press_until("a", "delivery of deliver: is tried again")
        await team.in_phase("Completed")
        await t.shows("nothing waits for anybody")
        await t.pilot.press("colon", *"teams", "enter")
        await t.shows("Teams[1]", "Completed")
        await t.pilot.press("enter")
        commit = git(repository, "rev-parse", BRANCH)
        await t.shows(f"pushed  {BRANCH} {commit[:12]}")
    assert git(repository, "show", f"{BRANCH}:a.txt") == "done"
