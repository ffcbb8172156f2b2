"""A delivery that needs a person, from the list of attention to the pushed branch, on a whole engine."""

import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests

from simulated_team import SPEED, Team, agent, git, make_repository, until
from textual.pilot import Pilot

from kagents_core.kube.client import Client
from kagents_tui.app import KagentsApp
from kagents_tui.connection import Choice
from kagents_tui.launch import Connector
from kagents_tui.session import Options

BRANCH = "kagents/deliver"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


class Terminal:
    """A running terminal and what it shows."""

    def __init__(self, app: KagentsApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    def text(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    async def shows(self, *words: str) -> None:
        """Waits until all the words are there; shows the screen when they do not come."""

        async def there() -> bool:
            return all(word in self.text() for word in words)

        try:
            await until(there)
        except TimeoutError:
            raise AssertionError(f"{words} did not appear\n{self.text()}") from None

    async def press_until(self, key: str, *words: str) -> None:
        """Presses a key that is refused for a moment after the list has moved, until it has its effect."""
        deadline = time.monotonic() + 60
        while not all(word in self.text() for word in words):
            assert time.monotonic() < deadline, self.text()
            await self.pilot.press(key)
            await self.pilot.pause(0.2)


@asynccontextmanager
async def terminal(data: Path) -> AsyncIterator[Terminal]:
    app = KagentsApp(Connector(Choice(kubeconfig=str(data / "kubeconfig"))), Options())
    async with app.run_test(size=(140, 30)) as pilot:
        yield Terminal(app, pilot)


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
