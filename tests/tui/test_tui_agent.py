"""One agent on screen: its log, its transcript, its changes, its container's log, and attaching to it."""

import json
import random
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from kagents_core.safetext import clean
from kagents_tui import attaching
from kagents_tui.acts import ActError
from kagents_tui.rows.agentlog import LogLine
from kagents_tui.settings import Settings

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


def kind(t):
    return t.app.screen.kind


async def open_agent(t, downs=0):
    """The team auth-refactor, then the lead or one of the others."""
    await t.shows("auth-refactor", "api-audit")
    await t.press("slash", *"auth", "enter")
    await t.until(lambda: not t.app.screen.query("#prompt"))
    await t.shows("Teams[1]")
    await t.press("enter")
    await t.shows("backend-api", "live")
    for _ in range(downs):
        await t.press("j")
    await t.press("enter")
    await t.until(lambda: kind(t) == "agent")


async def test_one_log_of_turns_mail_and_tasks_in_the_order_of_their_times(terminal):
    async with terminal() as t:
        await open_agent(t)
        await t.shows(
            "prompt   Lead the move to OAuth2. Keep the token table.",
            "said     I will split this into four tasks",
            "tool     Bash: look at the history",
            "result   9be0771 Release 4.2",
            "(1 more lines: in the transcript)",
            "mail out to backend-api:",
            "mail in  from backend-api:",
            "task     #4 in progress: Write the migration note",
            "team     lead starts",
            "follow on",
        )
        book = t.app.screen.book()
        times = [each.at for each in book.entries if each.at]
        assert times == sorted(times)


async def test_the_log_shows_an_hour_or_minutes_times_or_none_and_marks(terminal):
    async with terminal() as t:
        await open_agent(t)
        await t.shows("said     I will split", "tool     Bash")
        await t.press("1")
        await t.shows("last 1m")
        assert "I will split" not in t.text()
        await t.press("0")
        await t.shows("I will split")
        assert ":" in t.line("I will split")[:4]
        await t.press("t")
        await t.until(lambda: t.line("I will split").startswith(" said"))
        await t.press("M")
        await t.shows("mark 14:10:00")


async def test_searching_goes_from_match_to_match_and_ends_with_escape(terminal):
    async with terminal(size=(80, 24)) as t:
        await open_agent(t)
        await t.shows("mail out")
        await t.press("slash", *"endpoints", "enter")
        await t.shows("/endpoints", "lines")
        before = t.app.screen.book().position
        await t.press("n")
        await t.until(lambda: t.app.screen.book().position != before)
        await t.press("N")
        await t.until(lambda: t.app.screen.book().position == before)
        await t.press("escape")
        await t.until(lambda: "/endpoints" not in t.text())
        assert kind(t) == "agent"
        await t.press("escape")
        await t.until(lambda: kind(t) == "team")


async def test_what_comes_later_is_shown_without_a_second_telling(terminal, cluster):
    async with terminal() as t:
        await open_agent(t)
        await t.shows("task     #4 in progress")
        assert t.text().count("team     lead starts") == 1
        t.app.screen.following.tail.view.apply(
            {"kind": "message", "seq": 900, "id": "late", "from": "lead", "to": "backend-api",
             "type": "message", "text": "The last word.", "written": "2026-11-21T14:09:59Z"}
        )  # fmt: skip
        t.app.screen.journal_changed()
        await t.shows("mail out to backend-api: The last word.")


async def test_an_agent_whose_transcript_may_not_be_read_shows_its_containers_log(
    terminal, cluster, monkeypatch
):
    from kagents_core.kube.errors import Forbidden

    original = type(cluster).exec

    async def refuse(self, namespace, pod, command, **more):
        if "transcript" in command:
            raise Forbidden(403, "Forbidden", "you may not create pods/exec")
        return await original(self, namespace, pod, command, **more)

    monkeypatch.setattr(type(cluster), "exec", refuse)
    async with terminal() as t:
        await open_agent(t)
        await t.shows("log      14:03:09 12 passed in 4.1s", "what follows is the log of its container")


async def test_the_transcript_has_every_turn_in_full(terminal):
    async with terminal() as t:
        await open_agent(t)
        await t.press("enter")
        await t.shows(
            "Transcript of lead",
            "-- calls Bash",
            "command: git log --oneline -5",
            "f00dfee Begin",
            "-- result",
        )
        await t.press("g", "J", "J")
        first = t.app.screen.book()
        await t.until(lambda: first.entries[first.position].text.startswith("-- calls"))
        await t.press("K")
        await t.until(lambda: first.entries[first.position].text.startswith("-- said"))
        await t.press("O")
        await t.shows("this is the beginning")


async def test_older_pages_of_a_transcript_come_when_one_goes_up(terminal, monkeypatch):
    monkeypatch.setattr("kagents_tui.screens.transcript.PAGE_TURNS", 3)
    async with terminal(size=(80, 16)) as t:
        await open_agent(t)
        await t.press("enter")
        await t.shows("Transcript of lead", "class TokenTable")
        assert "Lead the move" not in t.text()
        await t.press("g")
        await t.until(lambda: t.app.screen.begin == 100)
        await t.press("g")
        await t.until(lambda: int(t.app.screen.book().scroll_offset.y) == 0)
        await t.press("k")
        await t.until(lambda: t.app.screen.begin == 0)
        texts = [str(each.text) for each in t.app.screen.book().entries]
        assert sum(each.startswith("-- ") for each in texts) == 7
        assert texts.index("Lead the move to OAuth2. Keep the token table.") == 1


async def test_the_changes_with_files_hunks_and_numbers(terminal, cluster):
    async with terminal() as t:
        await open_agent(t, downs=1)
        await t.press("D")
        await t.shows(
            "Changes of backend-api",
            "4 files +7 -4, 2 with uncommitted changes",
            "+5 -2   src/auth/oauth.py (modified, in part uncommitted)",
            "binary  static/logo.png (added)",
            "docs/migration.md (untracked)",
            "@@ -12,6 +12,8 @@ class TokenTable:",
        )
        assert ["kagents-runner", "diff", "--agent", "backend-api"] in [call[2] for call in cluster.calls]


async def test_going_from_file_to_file_and_hunk_to_hunk(terminal):
    async with terminal(size=(80, 16)) as t:
        await open_agent(t)
        await t.press("D")
        await t.shows("Changes of lead", "4 files")
        book = t.app.screen.book()

        def first() -> str:
            return str(book.entries[book.position].text)

        await t.press("tab")
        await t.until(lambda: first().startswith("docs/migration.md"))
        await t.press("tab", "tab")
        await t.until(lambda: first().startswith("src/auth/oauth.py"))
        await t.shows("3/4 src/auth/oauth.py")
        await t.press("J")
        await t.until(lambda: first().startswith("@@ -12,6"))
        await t.press("J")
        await t.until(lambda: first().startswith("@@ -40,3"))
        await t.press("K")
        await t.until(lambda: first().startswith("@@ -12,6"))
        await t.press("shift+tab", "shift+tab")
        await t.until(lambda: first().startswith("src/auth/middleware.py"))
        await t.press("slash", *"callback", "enter")
        await t.until(lambda: "callback" in first())


async def test_changes_that_cannot_be_computed_are_one_sentence(terminal, cluster, monkeypatch):
    async def refuse(*_, **__):
        raise ActError(
            "auth-refactor works on documents, not on a repository: there is nothing to compare with"
        )

    monkeypatch.setattr("kagents_tui.screens.diff.fetch", refuse)
    async with terminal() as t:
        await open_agent(t)
        await t.press("D")
        await t.shows("not known", "works on documents, not on a repository")
        await t.press("ctrl+r")
        await t.shows("works on documents")


async def test_of_an_ended_team_it_is_said_where_the_work_is(terminal, cluster):
    def end(team):
        team["status"]["phase"] = "Completed"

    async with terminal() as t:
        await open_agent(t)
        cluster.change("dev-agents", "auth-refactor", end)
        await t.until(lambda: t.app.teams["dev-agents", "auth-refactor"].phase == "Completed")
        await t.press("D")
        await t.shows("has ended (Completed)", "the work of lead is on the", "kagents/auth-refactor/lead")


async def test_the_containers_log_and_the_one_before_its_restart(terminal, cluster, monkeypatch):
    asked = []
    original = type(cluster).logs

    def logs(self, namespace, pod, **options):
        asked.append(options)
        return original(self, namespace, pod, **options)

    monkeypatch.setattr(type(cluster), "logs", logs)
    async with terminal() as t:
        await open_agent(t)
        await t.press("l")
        await t.shows("Log of lead", "12 passed in 4.1s", "follow on")
        await t.press("p")
        await t.shows("Log of lead before its restart", "12 passed")
        assert [each["previous"] for each in asked] == [False, True]
        await t.press("p")
        await t.until(lambda: len(asked) == 3)


@pytest.mark.long
async def test_a_hundred_thousand_lines_are_bounded_and_the_last_is_shown(terminal):
    async with terminal() as t:
        await open_agent(t)
        await t.press("l")
        await t.shows("Log of lead", "12 passed")
        book = t.app.screen.book()
        for start in range(0, 100_000, 5_000):
            book.add([LogLine(None, clean(""), clean(f"line {start + each}")) for each in range(5_000)])
        await t.shows("line 99999", "older lines dropped")
        assert len(book.entries) <= book.limit
        assert len(book._painted) <= book.limit
        assert book.dropped + len(book.entries) == 100_008


async def test_lines_that_come_late_stand_where_they_belong(terminal):
    async with terminal() as t:
        await open_agent(t)
        await t.press("l")
        await t.shows("12 passed")
        book = t.app.screen.book()
        book.clear()
        numbers = list(range(300))
        random.Random(7).shuffle(numbers)
        for each in numbers:
            book.add(
                [LogLine(NOW + timedelta(seconds=each), clean(""), clean(f"n{each} " + "x" * (each % 200)))]
            )
        assert [entry.text.split(" ")[0] for entry in book.entries] == [f"n{each}" for each in range(300)]
        painted = [number for number, _, _ in book._painted]
        assert painted == sorted(painted)


def attached(monkeypatch, result):
    """Attaching without a terminal: what was wanted, and what came of it."""
    wanted = []

    async def attach(client, what, *_):
        wanted.append(what)
        if isinstance(result, Exception):
            raise result
        return clean(result)

    @asynccontextmanager
    async def given_away(self):
        yield

    monkeypatch.setattr(attaching, "attach", attach)
    monkeypatch.setattr("kagents_tui.app.KagentsApp.terminal_given_away", given_away)
    return wanted


async def test_attaching_names_the_pod_and_says_how_it_ended(terminal, monkeypatch):
    wanted = attached(monkeypatch, "detached from lead, which goes on")
    async with terminal() as t:
        await open_agent(t)
        await t.press("x")
        await t.shows("detached from lead, which goes on")
        assert wanted == [attaching.Wanted("dev-agents", "auth-refactor-lead-1a2b3", "lead")]


async def test_the_configured_key_detaches(terminal, monkeypatch):
    wanted = attached(monkeypatch, "detached from lead, which goes on")
    async with terminal(settings=Settings(detach_key="ctrl-x")) as t:
        await open_agent(t)
        await t.press("x")
        await t.shows("detached from lead, which goes on")
        assert wanted[0].key == "ctrl-x"


async def test_a_read_only_session_looks_only(terminal, monkeypatch):
    wanted = attached(monkeypatch, "lead has ended")
    async with terminal(read_only=True) as t:
        await open_agent(t)
        await t.press("x")
        await t.shows("lead has ended")
        assert wanted[0].read_only


async def test_who_may_not_exec_is_told_so(terminal, cluster, monkeypatch):
    wanted = attached(monkeypatch, "never")
    cluster.denied = {"create pods"}
    async with terminal() as t:
        await t.shows("auth-refactor", "api-audit")
        await t.press("x")
        await t.shows("attach is off: you may not create pods/exec")
        assert wanted == []


async def test_an_agent_without_a_pod_has_no_terminal(terminal, cluster, monkeypatch):
    attached(monkeypatch, "never")

    def unstarted(team):
        team["status"]["lead"] = {}

    cluster.change("dev-agents", "auth-refactor", unstarted)
    async with terminal() as t:
        await open_agent(t)
        await t.press("x")
        await t.shows("lead of auth-refactor has no pod yet, so it has no terminal")


async def test_a_terminal_that_cannot_be_given_away_keeps_the_view(terminal):
    async with terminal() as t:
        await open_agent(t)
        await t.press("x")
        await t.shows("this terminal cannot be given to an agent")
        assert kind(t) == "agent"


async def test_the_log_is_copied_as_text(terminal, monkeypatch):
    async with terminal() as t:
        await open_agent(t)
        await t.shows("said     I will split")
        text = "\n".join(t.app.screen.document().lines)
        assert "said     I will split this into four tasks" in text
        assert text.count("\n") + 1 == len(t.app.screen.book().entries)
        json.dumps(text)
