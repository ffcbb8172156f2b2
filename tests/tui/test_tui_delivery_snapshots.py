"""A delivery in pictures: what needs a person in the list, the dialog of a retry, what was delivered.

``pytest tests/tui/test_tui_delivery_snapshots.py --snapshot-update`` draws the pictures anew.
"""

from datetime import UTC, datetime

import pytest

from kagents_tui.app import KagentsApp
from kagents_tui.sample import data
from kagents_tui.sample.cluster import SampleCluster, SampleConnector
from kagents_tui.session import Options

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
LINK = "https://github.com/acme/backend/pull/7"
CONFLICT = (
    "kagents/docs-sweep/backend conflicts with kagents/docs-sweep/tests in docs/index.md, docs/api.md. Every "
    "branch is kept in the team's volume (work/repo): resolve it on one of them, then retry."
)
CHECKS = {"state": "failing", "passing": 11, "failing": 1, "pending": 0}
OUTSIDE = f"pull request {LINK}; backend changed files outside its scope (kept): README.md, docs/api.md"
VIEWS = {
    "attention": (("w", "WAIT:docs-sweep", "j", "space"), "only src/api"),
    "retry": (("colon", *"retry docs-sweep", "enter"), "[ Retry ]"),
    "undelivered": (("WAIT:docs-sweep", "j", "enter"), "not delivered"),
    "delivered": (("slash", *"api-audit", "enter", "enter"), "pull request open"),
    "describe": (("slash", *"api-audit", "enter", "d"), "Delivery:"),
}


def said(reason: str, status: str, message: str) -> list[dict[str, str]]:
    told = {"type": "Delivered", "status": status, "reason": reason, "message": message}
    return [told | {"lastTransitionTime": "2026-11-21T14:04:00Z"}]


def application() -> KagentsApp:
    """docs-sweep cannot be delivered, api-audit was."""
    teams = {each["metadata"]["name"]: each for each in data.teams(NOW)}
    for team in (teams["docs-sweep"], teams["api-audit"]):
        team["spec"]["repository"] = {
            "url": "https://github.com/acme/backend.git",
            "credentialsSecret": "git-credentials",
        }
        team["spec"]["lifecycle"] |= {"onComplete": "create-pr", "githubTokenSecret": "github-token"}
        team["spec"]["teammates"][0]["scope"] = {"includePaths": ["src/api", "tests/api"]}
    teams["docs-sweep"]["status"]["conditions"] = said("NeedsAttention", "False", CONFLICT)
    teams["api-audit"]["status"] |= {
        "conditions": said("Delivered", "True", OUTSIDE),
        "branch": "kagents/api-audit",
        "commit": "3f2c1a9d0b8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a",
        "pullRequest": {"url": LINK, "state": "open", "checks": CHECKS},
    }
    cluster = SampleCluster(list(teams.values()))
    return KagentsApp(SampleConnector(cluster), Options(), now=lambda: NOW)


def text(pilot) -> str:
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def shows(pilot, word: str) -> None:
    for _ in range(3000):
        if word in text(pilot):
            return
        await pilot.pause(0.01)
    raise AssertionError(f"{word!r} is not there:\n{text(pilot)}")


async def go(pilot, view: str) -> None:
    """Brings the terminal to a view, and waits until it is there and at rest."""
    keys, word = VIEWS[view]
    await shows(pilot, "api-audit")
    for key in keys:
        if key.startswith("WAIT:"):
            await shows(pilot, key.removeprefix("WAIT:"))
        else:
            await pilot.press(key)
            await pilot.pause()
    await shows(pilot, word)
    if view in ("undelivered", "delivered"):
        await shows(pilot, "● live" if view == "undelivered" else "■ ended")
    while pilot.app.screen.focused is None:
        await pilot.pause(0.01)
    await pilot.wait_for_scheduled_animations()
    await pilot.pause()


@pytest.fixture(autouse=True)
def no_cue(monkeypatch):
    """The mark of a row that just changed depends on the moment of the picture."""
    monkeypatch.setattr("kagents_tui.widgets.cues.CUE_SECONDS", 0)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", SIZES)
def test_pictures(snap_compare, size, view):
    assert snap_compare(application(), terminal_size=SIZES[size], run_before=lambda pilot: go(pilot, view))
