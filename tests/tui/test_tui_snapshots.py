"""Every screen at 80x24 and 120x40 against its picture, the main ones in other themes; ASCII; without colour.

``pytest tests/tui/test_tui_snapshots.py --snapshot-update`` draws the pictures anew.
"""

from datetime import UTC, datetime

import pytest

from kagents_tui.actions import SCREENS
from kagents_tui.app import KagentsApp
from kagents_tui.sample import data, others
from kagents_tui.sample.cluster import SampleCluster, SampleConnector
from kagents_tui.session import Options
from kagents_tui.settings import Settings

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
VIEWS = {
    "teams": ((), "api-audit"),
    "filter": (("slash", *"^dev", "enter"), "Teams[4]"),
    "command": (("colon", "g"), "Teams[8]"),
    "gates": (("v",), "Gates[1]"),
    "agents": (("colon", *"agents", "enter"), "Agents[24]"),
    "artifacts": (("colon", *"artifacts", "enter"), "Artifacts[4]"),
    "runs": (("colon", *"runs", "enter"), "Runs[3]"),
    "templates": (("colon", *"templates", "enter"), "Templates[3]"),
    "budgets": (("colon", *"budgets", "enter"), "Budgets[4]"),
    "cost": (("colon", *"cost", "enter"), "incident-41"),
    "events": (("colon", *"events", "enter"), "Events[3]"),
    "namespaces": (("colon", *"ns", "enter"), "Namespaces[4]"),
    "contexts": (("colon", *"ctx", "enter"), "Contexts[2]"),
    "attention": (("w",), "Attention[4]"),
    "own-words": (("w", "j", "j", "space", "WAIT:SQLite", "o"), "[ Answer ]"),
    "attention-gate": (("w", "space"), "waits on"),
    "attention-question": (("w", "j", "j", "space"), "SQLite"),
    "team": (("j", "j", "enter"), "reviewing ta"),
    "mail": (("j", "j", "enter", "2"), "Endpoints are in"),
    "tasks": (("j", "j", "enter", "3"), "after #2"),
    "timeline": (("j", "j", "enter", "4"), "task 1 completed"),
    "usage": (("j", "j", "enter", "WAIT:reviewing", "5"), "$1.42 of $30.00"),
    "mail-full": (("j", "j", "enter", "2", "WAIT", "f"), "not yet: it waits in the mailbox"),
    "threads": (("j", "j", "enter", "2", "WAIT", "f", "WAIT", "t"), "Threads[2]"),
    "board": (("j", "j", "enter", "3", "WAIT:after #2", "f"), "also le"),
    "task-list": (("j", "j", "enter", "3", "WAIT:after #2", "f", "WAIT:#2", "t"), "IN STATE"),
    "task": (("j", "j", "enter", "3", "WAIT:after #2", "f", "WAIT:#4", "j", "enter"), "while lead had it"),
    "all-mail": (("colon", *"mail", "enter", "WAIT:6 live"), "PostgreSQL 16, the one"),
    "all-tasks": (("colon", *"tasks", "enter", "WAIT:6 live"), "OAuth2 endpoints"),
    "pulse": (("colon", *"pulse", "enter"), "waits for a person"),
    "message": (("j", "j", "enter", "2", "WAIT", "k", "enter"), "written"),
    "log": (("j", "j", "l"), "12 passed"),
    "agent": (("j", "j", "enter", "WAIT:reviewing", "enter"), "mail out to backend-api: Postgre"),
    "transcript": (
        ("j", "j", "enter", "WAIT:reviewing", "enter", "WAIT:mail out", "enter"),
        "The endpoints look right",
    ),
    "diff": (("j", "j", "D"), "+The token table stays."),
    "describe": (("d",), "Describe"),
    "yaml": (("y",), "kind: AgentTeam"),
    "help": (("question_mark",), "Keys of this view"),
    "palette": (("ctrl+p",), "what to do"),
    "approve": (("a",), "[ Approve ]"),
    "deny": (("r",), "[ Cancel ]"),
    "kill": (("ctrl+k",), "[ Cancel ]"),
    "kill-marked": (("j", "j", "space", "j", "space", "ctrl+k"), "[ Cancel ]"),
    "compose": (("m",), "ctrl-s send"),
}


SHOWN_AS = {"namespace": "namespaces", "context": "contexts", "document": "describe"}
"""Screens whose picture has another name."""

THEMES = ("light", "high-contrast", "deuteranopia")
MAIN = ("teams", "team", "attention-question", "mail-full", "agent")


def application(**options) -> KagentsApp:
    cluster = SampleCluster(data.teams(NOW), {"auth-refactor": data.journal(NOW)}, data.LOG.encode())
    cluster.events = others.events(NOW)
    cluster.others = {
        "agentteamruns": others.runs(NOW),
        "agentteamtemplates": others.templates(NOW),
        "agentbudgets": others.budgets(NOW),
        "agentusages": others.usages(NOW),
    }
    return KagentsApp(SampleConnector(cluster), Options(**options), now=lambda: NOW)


def text(pilot) -> str:
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def shows(pilot, word: str) -> None:
    for _ in range(3000):
        if word in text(pilot):
            return
        await pilot.pause(0.01)
    raise AssertionError(f"{word!r} is not there:\n{text(pilot)}")


def at_rest(screen, *, typing: bool) -> bool:
    """Whether the line for typing is there or gone as it should be, and something has the focus."""
    return bool(screen.query("#prompt")) is typing and screen.focused is not None


async def go(pilot, view: str) -> None:
    """Brings the terminal to a view, and waits until it is there and at rest."""
    keys, word = VIEWS[view]
    await shows(pilot, "api-audit")
    for key in keys:
        if key.startswith("WAIT"):
            await shows(pilot, key.partition(":")[2] or "Endpoints are in")
        else:
            await pilot.press(key)
            await pilot.pause()
    await shows(pilot, word)
    while not at_rest(pilot.app.screen, typing=view == "command"):
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


@pytest.mark.long
@pytest.mark.parametrize("view", MAIN)
@pytest.mark.parametrize("theme", THEMES)
def test_pictures_in_other_themes(snap_compare, theme, view):
    app = application(settings=Settings(theme=theme))
    assert snap_compare(app, terminal_size=SIZES["120x40"], run_before=lambda pilot: go(pilot, view))


def test_there_is_a_picture_of_every_screen():
    assert set(SCREENS) - SHOWN_AS.keys() <= VIEWS.keys()
    assert set(SHOWN_AS.values()) <= VIEWS.keys()


@pytest.mark.long
@pytest.mark.parametrize("view", VIEWS)
async def test_ascii_mode_shows_ascii_alone(view):
    app = application(ascii=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await go(pilot, view)
        assert {each for each in text(pilot) if not each.isascii()} == set()


async def test_states_are_told_in_glyphs_and_words_without_colour(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = application()
    async with app.run_test(size=(120, 24)) as pilot:
        await shows(pilot, "api-audit")
        for words in (
            "▲ cowork-agents q3-report",
            "✗ ops-agents    dependency-bump Failed",
            "‖ ops-agents    log-triage      Suspended",
        ):
            assert words in text(pilot)
        strips = pilot.app.screen._compositor.render_strips()
        reversed_lines = [
            strip for strip in strips if any(part.style and part.style.reverse for part in strip)
        ]
        assert len(reversed_lines) == 1
