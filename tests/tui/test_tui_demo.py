"""``kagents-tui --demo``: teams that are only played, which react to every answer and go on by themselves."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from kagents_core.api.quantities import format_money
from kagents_tui import launch
from kagents_tui.sample.stage.play import StageConnector, beat
from kagents_tui.sample.stage.stage import stage

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


@pytest.fixture
def played():
    """A connector whose teams stand still: nothing happens but what a person does."""
    return StageConnector(now=lambda: NOW, beat_seconds=10_000)


async def opened(t, team):
    await t.shows("Teams[10]", "api-audit")
    await t.press("slash", *team, "enter")
    await t.until(lambda: not t.app.screen.query("#prompt"))
    await t.shows("Teams[1]")
    await t.press("enter")
    await t.shows("live")


async def peeked(t, kind):
    """Attention, with what is asked in full."""
    await t.shows("Teams[10]", "4 need you")
    await t.press("w")
    await t.shows("Attention[9]")
    await t.press("slash", *kind, "enter")
    await t.until(lambda: not t.app.screen.query("#prompt"))
    await t.shows("Attention[1]")
    await t.press("space")
    await t.until(lambda: t.app.screen.shown is not None)


@pytest.mark.parametrize(
    ("kind", "words", "key", "journal", "answer"),
    [
        ("question", "SQLite - in memory", "2", "auth-refactor", ("answer", "allow")),
        ("permission", "command: kubectl rollout restart", "a", "incident-42", ("answer", "allow")),
        ("plan", "Write changed documents to an outbox", "1", "search-index", ("answer", "allow")),
        ("gate", "Do not send any of them", "a", "q3-report", ("state", "approved")),
    ],
)
async def test_what_waits_is_read_answered_and_the_team_goes_on(
    terminal, played, kind, words, key, journal, answer
):
    async with terminal(connector=played) as t:
        await peeked(t, kind)
        await t.shows(words)
        await t.press(key)
        await t.shows("3 need you")
        stage = t.app.connection.client
        field, value = answer
        assert value in [each.get(field) for each in stage.journals[journal]]
        assert stage.journals[journal][-1]["kind"] == "activity"


async def test_an_agent_opens_with_log_transcript_diff_and_container_log(terminal, played):
    async with terminal(connector=played) as t:
        await opened(t, "auth")
        await t.press("j", "enter")
        await t.shows("auth-refactor / backend-api", "tool     Edit: src/auth/oauth.py", "mail in  from lead")
        assert "TaskUpdate" not in t.text()
        assert "sent to lead" not in t.text()
        await t.press("enter")
        await t.shows(
            "Transcript of backend-api",
            "-- calls Edit",
            "-- mail from lead",
            "-- calls TaskUpdate",
            "sent to lead",
        )
        t.app.connection.client.tell(
            "auth-refactor", "activity", agent="backend-api", state="working", detail="Bash: make lint"
        )
        await t.shows("command: make lint")
        await t.press("escape", "D")
        await t.shows("Changes of backend-api", "class TokenTable")
        await t.press("escape", "l")
        await t.shows("Log of backend-api", "The file has been updated.")


async def test_a_message_is_taken_and_looked_at(terminal, played):
    async with terminal(connector=played) as t:
        await opened(t, "q3-report")
        await t.press("m")
        await t.shows("ctrl-s send")
        await t.press(*"Shorter", "ctrl+s")
        await t.shows("team-lead → lead", "waiting 0s")
        beat(t.app.connection.client, 0)
        await t.until(lambda: "read 0" in t.line("team-lead → lead"))


async def test_suspended_resumed_and_killed_teams_show_it(terminal, played):
    async with terminal(connector=played) as t:
        await opened(t, "billing-fix")
        await t.press("s")
        await t.shows("[ Cancel ]")
        await t.press("tab", "enter")
        await t.shows("Suspended  0/1 ready")
        await t.press("s")
        await t.shows("Running  1/1 ready")
        await t.press("ctrl+k")
        await t.shows("[ Cancel ]")
        await t.press("tab", "enter")
        await t.shows("Cancelled")


def test_it_goes_on_without_contradiction():
    cluster = stage(lambda: NOW)
    for number in range(400):
        beat(cluster, number)
    for team in cluster.teams:
        name, status = team["metadata"]["name"], team["status"]
        journal = cluster.journals[name]
        assert [each["seq"] for each in journal] == list(range(1, len(journal) + 1))
        tasks = {each["id"]: each["task"]["status"] for each in journal if each["kind"] == "task"}
        assert Counter(tasks.values())["completed"] == status["tasks"]["completed"]
        spent = sum(each["costMicros"] for each in journal if each["kind"] == "usage")
        assert abs(float(format_money(spent)) - float(status["estimatedCost"])) < 0.02
        assert status["usage"]["requests"] == sum(each["kind"] == "usage" for each in journal)
        wrote = [each["from"] for each in journal if each["kind"] == "message"]
        assert status["messages"] == sum(sender != "team-lead" for sender in wrote)
    before = stage(lambda: NOW).teams
    assert sum(team["status"]["messages"] for team in cluster.teams) > sum(
        team["status"]["messages"] for team in before
    )
    tasks_done = sum(team["status"]["tasks"]["completed"] for team in cluster.teams)
    assert tasks_done > sum(team["status"]["tasks"]["completed"] for team in before)


@pytest.mark.parametrize("other", [["--local"], ["--context", "x"], ["--demo-team"], ["--data", "/tmp/x"]])
def test_it_is_no_other_place_to_look_at(other, capsys):
    with pytest.raises(SystemExit):
        launch.main(["--demo", *other])
    assert "--demo shows teams that are only played" in capsys.readouterr().err


def test_it_needs_nothing_and_remembers_nothing(pseudo_terminal, tmp_path):
    home = {
        "HOME": str(tmp_path),
        "KUBECONFIG": str(tmp_path / "none"),
        "KAGENTS_DATA": str(tmp_path / "data"),
    }
    screen = pseudo_terminal("-m", "kagents_tui.launch", "--demo", size=(120, 40), **home)
    screen.until("demonstration", "Teams[10]", "4 need you", "auth-refactor")
    screen.keys("\x11")
    assert screen.ended(20) == 0
    assert list(tmp_path.iterdir()) == []
