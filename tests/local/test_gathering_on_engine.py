"""What the lists over all teams read, from real hubs: one that works, and one whose team has ended."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # simulated_team lies beside these tests

import pytest
from simulated_team import SPEED, Team, agent, until

from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.kube.client import Client
from kagents_tui.gathering import MAIL, TASKS, Gathering
from kagents_tui.rows.teams import project

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


async def test_hubs_that_work_are_followed_and_those_of_ended_teams_read(
    engine: Any, engine_client: Client
) -> None:
    ended = Team(engine_client, engine.data.root, "ended")
    works = Team(engine_client, engine.data.root, "works")
    await ended.apply(
        agent(
            "Work.", "create_task: {subject: Count}", "send: {to: lead, text: all is counted}", name="scout"
        ),
        lead=agent(),
    )
    await works.apply(
        agent("Work.", "send: {to: lead, text: I begin}", "work: 3000", name="scout"), lead=agent()
    )
    await ended.in_phase("Completed")
    await until(lambda: has(works, "I begin"))
    found = {
        kinds: Gathering(engine_client, kinds, lambda: None, lambda: datetime.now(UTC))
        for kinds in (MAIL, TASKS)
    }
    items = (await engine_client.list(AGENT_TEAMS, None)).items
    running = []
    for gathering in found.values():
        gathering.take({team.key: team for team in map(project, items)})
        running.append(asyncio.create_task(gathering.run()))
    try:
        mail, tasks = found[MAIL].sources, found[TASKS].sources
        old, new = ("default", "ended"), ("default", "works")

        async def stand() -> bool:
            return all((each[old].state, each[new].state) == ("ended", "live") for each in (mail, tasks))

        await until(stand)
        assert {entry["id"] for entry in ended.journal("message")} == set(mail[old].view.mail)
        assert "Count" in [each.subject for each in tasks[old].view.tasks.values()]
        assert "I begin" in [each.text for each in mail[new].view.mail.values()]
        assert not mail[new].view.tasks
        await works.send("scout", "how far are you?")

        async def shown() -> bool:
            return "how far are you?" in [each.text for each in mail[new].view.mail.values()]

        await until(shown)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def has(team: Team, text: str) -> bool:
    """Whether a message is in the journal."""
    return text in [entry["text"] for entry in team.journal("message")]
