"""The list of artifacts: what stands in it, what is copied from it, what is fetched and never replaced."""

import base64

import pytest

from kagents_tui.app import KagentsApp
from kagents_tui.sample import data, leavings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Files are fetched into the current directory."""
    monkeypatch.chdir(tmp_path)


async def test_what_is_missing_comes_first_and_enter_tells_everything(terminal):
    async with terminal() as t:
        await t.press("colon", *"artifacts", "enter")
        await t.shows("Artifacts[4]", "it is not there: build/coverage.xml", "findings.md")
        names = [(row.artifact.source, row.artifact.state) for row in t.app.screen.table().rows]
        assert names == [
            ("tests/coverage", "missing"),
            ("backend/findings", "kept"),
            ("backend/routes", "kept"),
            ("researcher/findings", "ahead"),
        ]
        await t.press("j", "enter")
        await t.shows(
            leavings.kept("backend", "findings", "")["sha256"], "kagents cp -n dev-agents api-audit:"
        )


async def test_the_command_is_copied(terminal, monkeypatch):
    written = []
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("STY", raising=False)
    monkeypatch.setattr(KagentsApp, "write_to_terminal", lambda self, sequence: written.append(sequence))
    async with terminal() as t:
        await t.press("colon", *"artifacts", "enter")
        await t.shows("Artifacts[4]")
        await t.press("j", "c")
        [copied] = await t.until(lambda: [each for each in written if each.startswith("\x1b]52;c;")])
        assert (
            base64.b64decode(copied[7:-1]).decode() == "kagents cp -n dev-agents api-audit:backend/findings ."
        )


async def test_an_artifact_is_fetched_once(terminal, tmp_path):
    async with terminal() as t:
        await t.press("colon", *"artifacts", "enter")
        await t.shows("Artifacts[4]")
        await t.press("j", "f")
        await t.shows("fetched findings.md, sha256")
        assert (tmp_path / "findings.md").read_bytes() == leavings.CONTENT["findings"][1]
        (tmp_path / "findings.md").write_text("mine")
        await t.press("f")
        await t.shows("findings.md is there already")
        assert (tmp_path / "findings.md").read_text() == "mine"
        await t.press("G", "f")
        await t.shows("researcher/findings is not there yet")
        assert [path.name for path in tmp_path.iterdir() if path.suffix == ".md"] == ["findings.md"]


async def test_what_was_changed_on_the_way_is_not_kept(terminal, tmp_path, monkeypatch):
    changed = leavings.CONTENT | {"findings": ("findings.md", b"forged")}
    async with terminal() as t:
        await t.press("colon", *"artifacts", "enter")
        await t.shows("Artifacts[4]")
        monkeypatch.setattr(leavings, "CONTENT", changed)
        await t.press("j", "f")
        await t.shows("its check sum is not the recorded one")
        assert not list(tmp_path.glob("*.md"))


async def test_the_list_follows_the_teams(terminal, cluster):
    async with terminal() as t:
        await t.press("colon", *"artifacts", "enter")
        await t.shows("Artifacts[4]")
        made = leavings.kept("researcher", "findings", data.stamp(t.app.now()))
        cluster.change("cowork-agents", "q3-report", lambda team: team["status"].update(artifacts=[made]))
        await t.until(lambda: [row.artifact.state for row in t.app.screen.table().rows].count("kept") == 3)
        cluster.change("dev-agents", "api-audit", lambda team: team["status"].pop("artifacts"))
        await t.until(lambda: [row.artifact.state for row in t.app.screen.table().rows].count("ahead") == 3)
