"""A storm of changes: however many come in, the screen is painted at most ten times a second."""

import asyncio
import time

import pytest

CHANGES = 2_000
TOGETHER = 10


@pytest.fixture
def paints(monkeypatch):
    """Times at which the screen was painted."""
    from kagents_tui.app import KagentsApp

    found = []
    display = KagentsApp._display

    def counted(self, screen, renderable):
        found.append(time.monotonic())
        return display(self, screen, renderable)

    monkeypatch.setattr(KagentsApp, "_display", counted)
    return found


async def storm(cluster):
    """A thousand changes a second, as fast as this machine gets them through."""
    names = [(team["metadata"]["namespace"], team["metadata"]["name"]) for team in cluster.teams]
    for number in range(0, CHANGES, TOGETHER):
        for change in range(number, number + TOGETHER):
            cost = f"{change / 1000:.3f}"
            name = names[change % len(names)]
            cluster.change(*name, lambda team, cost=cost: team["status"].update(estimatedCost=cost))
        await asyncio.sleep(0.01)


async def test_a_thousand_changes_a_second_paint_at_most_ten_times_a_second(terminal, cluster, paints):
    async with terminal() as t:
        await t.shows("Teams[8]", "api-audit")
        paints.clear()
        began = time.monotonic()
        await storm(cluster)
        seconds = time.monotonic() - began
        # The first and the last may lie at the ends of the time.
        assert 0 < len(paints) <= 10 * seconds + 2
        await t.shows(f"${(CHANGES - 1) / 1000:.2f}")
