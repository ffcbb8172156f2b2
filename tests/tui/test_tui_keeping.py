"""Copying, saving, themes, notifications: what reaches the terminal and the file system."""

import base64
import csv
import io
import stat

import pytest
from textual import events

from kagents_tui.app import KagentsApp
from kagents_tui.settings import Settings
from kagents_tui.theme import PALETTES, choose


@pytest.fixture
def written(monkeypatch):
    """What is written to the terminal itself."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("STY", raising=False)
    found = []
    monkeypatch.setattr(KagentsApp, "write_to_terminal", lambda self, sequence: found.append(sequence))
    yield found
    choose("dark")


def clipboard(written):
    found = [each for each in written if each.startswith("\x1b]52;c;")]
    return base64.b64decode(found[-1][7:-1]).decode()


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_the_name_under_the_cursor_is_copied(terminal, written):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("j", "c")
        await t.shows("copied dependency-bump")
        assert clipboard(written) == "dependency-bump"


async def test_a_mails_text_and_a_documents_text_are_copied(terminal, written):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("j", "j", "enter")
        await t.shows("Endpoints are in")
        await t.press("2", "G", "c")
        await t.shows("copied ")
        assert "Which database" in clipboard(written) or len(clipboard(written)) > 10
        await t.press("escape", "y")
        await t.shows("kind: AgentTeam")
        await t.press("c")
        await t.until(lambda: "kind: AgentTeam" in clipboard(written))


async def test_a_list_is_saved_as_csv(terminal, written, here):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("slash", *"^dev", "enter")
        await t.shows("Teams[4]")
        await t.press("ctrl+s")
        await t.shows("saved 4 rows in kagents-kind-dev-teams-20261121-141000.csv")
        await t.press("ctrl+s")
        await t.shows("saved 4 rows in kagents-kind-dev-teams-20261121-141000-2.csv")
    path = here / "kagents-kind-dev-teams-20261121-141000.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [row["NAME"] for row in rows] == ["auth-refactor", "billing-fix", "docs-sweep", "api-audit"]
    assert rows[0]["PHASE"] == "Running"


async def test_a_text_is_saved_as_it_is_and_each_as_a_picture(terminal, written, here):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("colon", *"save svg", "enter")
        await t.shows("saved kagents-kind-dev-teams-20261121-141000.svg")
        await t.press("y")
        await t.shows("kind: AgentTeam")
        await t.press("ctrl+s")
        await t.shows("saved kagents-kind-dev-document-20261121-141000.txt")
        await t.press("colon", *"save csv", "enter")
        await t.shows("save: 'csv' is not possible here; it is text or svg")
    assert (here / "kagents-kind-dev-teams-20261121-141000.svg").read_text().startswith("<svg")
    assert "kind: AgentTeam" in (here / "kagents-kind-dev-document-20261121-141000.txt").read_text()


async def test_a_file_that_cannot_be_written_is_said(terminal, written, here, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kagents_tui.taking.write_new", refuse)
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("ctrl+s")
        await t.shows("not saved", "No space left on device")


async def test_the_theme_changes_live(terminal, written):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("colon", *"theme neon", "enter")
        await t.shows("theme: name one of dark, light, high-contrast, deuteranopia, tritanopia")
        for name in ("light", "high-contrast", "deuteranopia", "tritanopia"):
            await t.press("colon", *f"theme {name}", "enter")
            await t.shows(f"theme {name}, for this session")
            assert colour_of(t, "Failed") == PALETTES[name].bad
            assert ground_of(t, "Failed") == PALETTES[name].background


async def test_the_configured_theme_is_there_at_the_start(terminal, written):
    async with terminal(settings=Settings(theme="light")) as t:
        await t.shows("q3-report", "api-audit")
        assert colour_of(t, "Failed") == PALETTES["light"].bad


def segment(t, word):
    strips = t.app.screen._compositor.render_strips()
    return next(part for strip in strips for part in strip if part.text.strip() == word)


def colour_of(t, word):
    return segment(t, word).style.color.name


def ground_of(t, word):
    return segment(t, word).style.bgcolor.name.lower()


async def test_something_new_is_told_while_the_terminal_is_not_focused(terminal, cluster, written):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        t.app._tick()
        t.app.post_message(events.AppBlur())
        await t.until(lambda: not t.app.app_focus)
        waiting = cluster.find("cowork-agents", "q3-report")["status"]["teammates"]

        def ask(team):
            team["spec"]["lifecycle"]["approvalGates"] = [{"event": "spawn-a"}]
            team["status"]["teammates"] = [{**waiting[-1], "name": "a", "pendingApproval": "spawn-a"}]

        cluster.change("dev-agents", "docs-sweep", ask)
        await t.until(lambda: "\x1b]9;dev-agents/docs-sweep: approve spawn-a\x07" in written)
        t.app._tick()
        t.app._tick()
        assert sum("\x1b]9;" in each for each in written) == 1
        assert "\x1b]0;3 need you - kagents\x07" in written
