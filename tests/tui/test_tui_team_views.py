"""The views of one team and of the cluster, key by key: mail, threads, board, list, usage, pulse."""

import pytest

from kagents_tui.rows import team_agents as agents
from kagents_tui.sample import data
from kagents_tui.settings import Settings, Thresholds


async def open_team(t):
    await t.shows("q3-report", "api-audit")
    await t.press("colon", *"teams /auth", "enter")
    await t.shows("Teams[1]")
    await t.press("enter")
    await t.shows("● live")


async def open_view(t, view):
    await t.shows("q3-report", "api-audit")
    await t.press("colon", *f"{view} dev-agents/auth-refactor", "enter")
    await t.until(lambda: t.app.screen.kind == view)
    await t.shows("● live")


def kind(t):
    return t.app.screen.kind


def sent(cluster):
    return [call[2] for call in cluster.calls if call[0] == "exec" and "send" in call[2]]


def tails(cluster):
    return [call for call in cluster.calls if call[0] == "exec" and "tail" in call[2]]


# The team


async def test_the_agents_are_a_tree_with_gates(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("enter")
        await t.shows("└ researcher", "  └ email-drafter", "approve? spawn-email")


async def test_usage_shows_agents_models_and_the_pace(terminal):
    async with terminal() as t:
        await open_team(t)
        await t.press("5")
        await t.shows("[Usage 4]", "claude-op", "$1.42 of $30.00 4%")
        await t.press("f")
        await t.shows("[5 usage 4]", "lasts 4h35m", "claude-opus-4-1", "355.0k")
        await t.press("f")
        await t.shows("─ Agents 3")


@pytest.mark.parametrize(("pane", "view"), [("2", "mail"), ("3", "tasks")])
async def test_f_opens_mail_and_tasks_in_full_on_the_same_stream(terminal, cluster, pane, view):
    async with terminal() as t:
        await open_team(t)
        await t.press(pane, "f")
        await t.until(lambda: kind(t) == view)
        await t.shows("● live")
        assert len(tails(cluster)) == 1
        await t.press("escape")
        await t.until(lambda: kind(t) == "team")


async def test_the_stream_ends_with_the_last_view_of_the_team(terminal):
    async with terminal() as t:
        await open_team(t)
        await t.press("2", "f")
        await t.until(lambda: kind(t) == "mail")
        following = t.app.screen.following
        assert len(following.readers) == 2
        await t.press("escape", "escape")
        await t.until(lambda: kind(t) == "teams")
        await t.until(lambda: following.readers == [])
        await t.until(lambda: not [each for each in t.app.workers if each.group.startswith("journal-")])


async def test_another_team_of_the_same_name_starts_anew(terminal, cluster):
    async with terminal() as t:
        await open_view(t, "mail")
        await t.shows("Mail[5]")
        cluster.journals["auth-refactor"] = data.journal(t.app.now())[:1]
        cluster.change("dev-agents", "auth-refactor", lambda team: team["metadata"].update(uid="another"))
        await t.shows("deleted and made again", "no mail yet")


# Mail


async def test_mail_is_filtered_and_what_comes_passes_the_filter_too(terminal, cluster):
    async with terminal() as t:
        await open_view(t, "mail")
        await t.press("slash", *"from:lead is:unread", "enter")
        await t.shows("Mail[1/5]", "/from:lead is:unread", "PostgreSQL 16")
        view = t.app.screen.following.tail.view
        late = {"kind": "message", "to": "x", "text": "late"}
        for number, sender in ((900, "lead"), (901, "backend-api")):
            view.apply(late | {"seq": number, "id": f"n{number}", "from": sender})
        t.app.screen.journal_changed()
        await t.shows("Mail[2/7]")
        view.apply({"kind": "seen", "seq": 902, "id": "n900", "seen": "2026-11-21T14:09:59Z"})
        t.app.screen.journal_changed()
        await t.shows("Mail[1/7]")
        await t.press("escape")
        await t.shows("Mail[7]")


async def test_a_bad_filter_is_told_and_changes_nothing(terminal):
    async with terminal() as t:
        await open_view(t, "mail")
        await t.press("slash", "[")
        await t.shows("is no regular expression", "Mail[5]")


async def test_unread_alone_and_back(terminal):
    async with terminal() as t:
        await open_view(t, "mail")
        await t.press("u")
        await t.shows("Mail[2/5]", "unread only")
        await t.press("u")
        await t.shows("Mail[5]")


async def test_threads_open_into_their_messages_and_back(terminal):
    async with terminal() as t:
        await open_view(t, "mail")
        await t.press("t")
        await t.shows("Threads[2]", "lead ↔ backend-api")
        await t.press("j", "enter")
        await t.shows("Mail[1/5]", "backend-api ↔ team-lead", "idle: task 1 is done")
        await t.press("escape")
        await t.shows("Threads[2]")
        await t.press("t")
        await t.shows("Mail[5]")


async def test_the_preview_follows_the_cursor_and_can_go(terminal):
    async with terminal() as t:
        await open_view(t, "mail")
        await t.shows("delivered not yet: it waits in the mailbox")
        await t.press("g")
        await t.shows("written 13:59:19, delivered 13:59:19, seen 13:59:19")
        await t.press("p")
        await t.until(lambda: "written 13:59:19, delivered 13:59:19, seen 13:59:19" not in t.text())
        await t.press("enter")
        await t.until(lambda: kind(t) == "document")
        await t.shows("assigned task 2: OAuth2 endpoints")


async def test_reply_fills_in_who_and_what(terminal, cluster):
    async with terminal() as t:
        await open_view(t, "mail")
        await t.press("g", "j", "r")
        await t.until(lambda: type(t.app.screen).__name__ == "Compose")
        await t.shows("[lead]", "Re: Task 2")
        await t.press(*"fine", "ctrl+s")
        await t.shows("message to lead is on its way")
        (command,) = sent(cluster)
        assert command[command.index("--to") + 1] == "lead"
        assert "--summary=Re: Task 2" in command
        assert bytes(cluster.streams[-1].received) == b"fine"


async def test_compose_from_the_mail(terminal, cluster):
    async with terminal() as t:
        await open_view(t, "mail")
        await t.press("m")
        await t.until(lambda: type(t.app.screen).__name__ == "Compose")
        await t.press(*"hello", "ctrl+s")
        await t.until(lambda: sent(cluster))


async def test_read_only_mail_has_no_reply(terminal, cluster):
    async with terminal(read_only=True) as t:
        await open_view(t, "mail")
        await t.press("r", "m")
        assert kind(t) == "mail"
        assert sent(cluster) == []


async def test_from_a_message_to_its_task_and_its_agent(terminal):
    async with terminal() as t:
        await open_view(t, "mail")
        await t.press("g", "number_sign")
        await t.until(lambda: kind(t) == "tasks")
        await t.until(lambda: t.app.screen.table().current and t.app.screen.table().current.task.key == "2")
        await t.press("escape", "o")
        await t.until(lambda: kind(t) == "team")
        await t.until(lambda: t.app.screen.selected_agent() == "lead")


async def test_a_message_without_a_task_says_so(terminal):
    async with terminal() as t:
        await open_view(t, "mail")
        await t.press("number_sign")
        await t.shows("this message names no task of the list")


async def test_a_long_journal_is_filtered_in_slices(terminal, monkeypatch):
    monkeypatch.setattr("kagents_tui.screens.narrowing.SLICE", 3)
    async with terminal() as t:
        await open_view(t, "mail")
        await t.press("slash", *"from:lead", "enter")
        await t.shows("Mail[3/5]")
        await t.press("escape")
        await t.shows("Mail[5]")


# Tasks


async def test_the_board_has_four_columns_and_tells_double_claims(terminal):
    async with terminal() as t:
        await open_view(t, "tasks")
        await t.shows("Pending 0", "[In progress 2]", "Completed 1", "Blocked 1")
        await t.shows("◆ also lead", "1 claimed twice")
        await t.press("l", "l")
        await t.shows("[Blocked 1]")
        await t.press("l", "h", "h")
        await t.shows("[Completed 1]")
        await t.press("enter")
        await t.shows("history", "doing claimed by backend-api")


async def test_the_list_keeps_the_cursor_and_the_filter(terminal):
    async with terminal() as t:
        await open_view(t, "tasks")
        await t.shows("[In progress 2]")
        await t.press("j")
        await t.press("t")
        await t.shows("BLOCKED BY", "‖ blocked")
        await t.until(lambda: t.app.screen.table().current.task.key == "4")
        await t.press("l")
        await t.shows("t shows the board")
        await t.press("slash", *"integration", "enter", "t")
        await t.shows("Blocked 1 /integration", "In progress 0")
        await t.press("escape")
        await t.shows("In progress 2")


async def test_from_a_task_to_its_owner(terminal):
    async with terminal() as t:
        await open_team(t)
        await t.press("3", "f")
        await t.until(lambda: kind(t) == "tasks")
        await t.shows("● live")
        await t.press("o")
        await t.until(lambda: kind(t) == "team")
        assert t.app.screen.selected_agent() == "backend-api"
        assert len(t.app.screen_stack) == 3


async def test_a_narrow_board_shows_one_column(terminal):
    async with terminal(size=(50, 20)) as t:
        await open_view(t, "tasks")
        await t.shows("[doing 2]", "#4 Write the migration note")
        await t.press("right")
        await t.shows("[done 1]", "#1 Remove the JWT middleware")


# Command line and pulse


@pytest.mark.parametrize("line", ["mail nowhere/none", "tasks none"])
async def test_a_team_that_is_not_there_is_named(terminal, line):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("colon", *line, "enter")
        await t.shows("there is no team")


async def test_mail_of_the_team_that_is_named(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("colon", *"mail q3-report", "enter")
        await t.shows("cowork-agents / q3-report / Mail[0]")


async def test_the_pulse_counts_the_cluster_and_leads_to_it(terminal, cluster):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("colon", *"pulse", "enter")
        await t.shows("Pulse", "Running", "$12.61 in all", "oldest 9m in dev-agents/billing-fix")
        assert cluster.calls == [], "it asks no team anything"
        await t.press("j", "enter")
        await t.shows("Teams[5]")
        await t.press("colon", *"pulse", "enter")
        await t.shows("Pulse")
        await t.press("G", "enter")
        await t.shows("dev-agents / auth-refactor")


async def test_a_line_of_the_pulse_that_leads_nowhere_says_so(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("colon", *"pulse", "enter")
        await t.shows("spend an hour")
        await t.press("slash", *"spend an", "enter", "enter")
        await t.shows("this line leads nowhere")


@pytest.mark.parametrize(("minutes", "stale"), [(5, True), (60, False)])
async def test_mail_is_stale_from_the_configured_minutes_on(terminal, minutes, stale):
    settings = Settings(attention=Thresholds(stale_mail_minutes=minutes))
    async with terminal(settings=settings) as t:
        await open_view(t, "mail")
        await t.shows("unread 6m")
        assert ("unread 6m ◆" in t.text()) is stale
        await t.press("colon", *"agents all", "enter")
        await t.shows("Agents[")
        assert any(agents.stale(each, t.app.now()) for each in t.app.screen.table().items.values()) is stale
