"""The chart's alerts, judged by Prometheus' own engine: when each fires, when not, and what it says."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # prometheus_queries lies beside these tests

from prometheus_queries import STEP, Series, alerts, firing

pytestmark = pytest.mark.long

NOW = 3600.0


def rule(name: str) -> dict[str, Any]:
    [found] = [each for each in alerts() if each["alert"] == name]
    return found


def series(name: str, *spans: tuple[float, float], **labels: str) -> Series:
    """A series with a value from each moment on: (seconds before now, value)."""
    begins = sorted(((NOW - before, value) for before, value in spans), key=lambda each: each[0])
    samples = []
    for step in range(int(NOW // STEP) + 1):
        at = step * STEP
        values = [value for begin, value in begins if begin <= at]
        if values:
            samples.append((at, values[-1]))
    return {"__name__": name, **labels}, samples


LEADER, WATCHES = "kagents_leader", "kagents_watches_broken"
SHARE, OLDEST = "kagents_budget_share_highest", "kagents_waiting_for_person_oldest_seconds"


@pytest.mark.parametrize(
    ("found", "fires"),
    [
        ([series(LEADER, (3600, 1), pod="a"), series(LEADER, (3600, 0), pod="b")], False),
        ([series(LEADER, (3600, 1), (600, 0), pod="a"), series(LEADER, (3600, 0), pod="b")], True),
        ([series(LEADER, (3600, 1), (180, 0), pod="a")], False),
        ([series(LEADER, (3600, 1), (600, 0), pod="a"), series(LEADER, (3600, 0), (560, 1), pod="b")], False),
        ([], True),
    ],
    ids=["one leads", "none leads", "none leads for a moment", "another took over", "none is there"],
)
def test_no_controller_works(found: Sequence[Series], fires: bool) -> None:
    assert bool(firing(rule("KagentsControllerAway"), found, NOW)) is fires


def test_a_watch_is_broken() -> None:
    broken = rule("KagentsWatchBroken")
    found = [
        series(WATCHES, (900, 1), pod="a"),
        series(WATCHES, (420, 2), pod="b"),
        series(WATCHES, (900, 0), pod="c"),
    ]
    assert firing(broken, found, NOW) == {"pod=a": "a does not see what changes; its log says why."}
    assert firing(broken, found, NOW - 600) == {}


def test_a_budget_is_nearly_spent() -> None:
    found = [
        series(SHARE, (600, 0.79), namespace="thrifty"),
        series(SHARE, (600, 0.79), (60, 0.85), namespace="busy", pod="a"),
        series(SHARE, (600, 0.85), namespace="busy", pod="b"),
    ]
    said = firing(rule("KagentsBudgetNearlySpent"), found, NOW)
    expected = "A team in busy has spent 85% of lifecycle.budgetLimit; kagents cost tells which."
    assert said == {"namespace=busy": expected}


def test_a_team_waits_for_a_person() -> None:
    found = [
        series(OLDEST, (600, 1799), namespace="a", kind="gate"),
        series(OLDEST, (600, 7200), namespace="a", kind="question"),
    ]
    said = firing(rule("KagentsPersonNeeded"), found, NOW)
    assert said == {
        "kind=question,namespace=a": "A question in a has waited 2h 0m 0s; kagents attention lists it."
    }


def test_every_alert_is_judged_here() -> None:
    text = Path(__file__).read_text()
    assert all(f'rule("{each["alert"]}")' in text for each in alerts())
