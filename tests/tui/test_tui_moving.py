"""Moving around: cursor, filter, sorting, drilling down, the command line, quitting."""

import copy
from datetime import timedelta

from kagents_tui.sample import data


def cursor(t):
    return t.app.screen.table().current.name


async def start_with_rows(t):
    await t.shows("q3-report", "api-audit")


async def test_teams_are_listed_with_what_needs_a_person_first(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        assert "2 need you" in t.lines()[0]
        assert "q3-report" in t.lines()[3]
        assert "approve spawn-email-drafter" in t.lines()[3]


async def test_the_cursor_follows_its_object_when_rows_move(terminal, cluster):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("j", "j", "j", "j")
        assert cursor(t) == "docs-sweep"
        late = copy.deepcopy(cluster.find("cowork-agents", "q3-report"))
        late["metadata"] |= {"name": "a-new-one", "uid": "new"}
        cluster.add(late)
        await t.shows("a-new-one")
        cluster.remove("ops-agents", "dependency-bump")
        await t.until(lambda: "dependency-bump" not in t.text())
        assert cursor(t) == "docs-sweep"


async def test_the_cursor_keeps_its_line_on_the_screen_when_rows_come_above(terminal, cluster):
    cluster.teams += [
        data.team(data_now(), "bulk", f"team-{number:03d}", "Running", "1/1", age=timedelta(hours=1))
        for number in range(200)
    ]
    async with terminal(size=(100, 24)) as t:
        await t.shows("team-000")
        await t.press("G", "ctrl+b", "ctrl+b")
        name = cursor(t)
        line = next(index for index, each in enumerate(t.lines()) if name in each)
        first = data.team(data_now(), "aaa", "comes-first", "Failed", "0/1", age=timedelta(hours=1))
        cluster.add(first)
        await t.until(lambda: ("aaa", "comes-first") in t.app.teams)
        await t.until(lambda: name in t.lines()[line])
        assert cursor(t) == name


async def test_the_neighbour_takes_the_cursor_of_an_object_that_is_gone(terminal, cluster):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("j")
        cluster.remove("ops-agents", "dependency-bump")
        await t.until(lambda: cursor(t) == "auth-refactor")


async def test_keys_of_the_fingers(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        seen = []
        for key in ("G", "g", "j", "down", "k", "ctrl+f", "ctrl+b", "end", "home"):
            await t.press(key)
            seen.append(cursor(t))
        assert seen == [
            "api-audit",
            "q3-report",
            "dependency-bump",
            "auth-refactor",
            "dependency-bump",
            "api-audit",
            "q3-report",
            "api-audit",
            "q3-report",
        ]


async def test_a_filter_follows_the_typing_and_escape_clears_it(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("slash", *"^ops")
        await t.until(lambda: "Teams[3]" in t.text())
        await t.press("enter")
        assert "/^ops" in t.text()
        await t.press("escape")
        await t.until(lambda: "Teams[8]" in t.text())


async def test_an_inverse_filter_and_a_broken_expression(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("slash", *"!Running", "enter")
        await t.until(lambda: "Teams[3]" in t.text())
        await t.press("escape", "slash", *"a[")
        await t.shows("/a[ is no regular expression", "the last good one stays")
        assert t.app.screen.table().filter_text == "a"


async def test_sorting_by_a_column_and_back(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("N")
        await t.until(lambda: "api-audit" in t.lines()[3])
        await t.press("N")
        await t.until(lambda: "rehearsal" in t.lines()[3])
        await t.press("C")
        await t.until(lambda: "api-audit" in t.lines()[3])
        await t.press("U")
        await t.until(lambda: "q3-report" in t.lines()[3])


async def test_enter_drills_and_escape_goes_back(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("j", "j", "enter")
        await t.shows("dev-agents / auth-refactor", "Endpoints are in 3f2c1a", "OAuth2 endpoints", "● live")
        await t.press("escape")
        await t.shows("Teams[8]")
        assert cursor(t) == "auth-refactor"


async def test_q_never_quits(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("q", "q", "q")
        await t.shows(":quit or ctrl-q quits")
        assert t.app.is_running


async def test_commands_complete_and_move(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("colon", "g", "a", "tab")
        assert t.app.screen.query_one("#prompt").value == "gates"
        await t.press("enter")
        await t.shows("Gates[1]", "spawn-email-drafter")
        await t.press("colon", *"teams", "enter")
        await t.shows("Teams[8]")


async def test_a_colon_and_a_slash_can_be_typed_into_the_line(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("slash", *"a/b:c")
        assert t.app.screen.query_one("#prompt").value == "a/b:c"


async def test_a_wrong_command_is_one_sentence(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("colon", *"fly", "enter")
        await t.shows("there is no command 'fly'")


async def test_namespaces_are_chosen_and_given_back(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("colon", *"ns ops-agents cowork-agents", "enter")
        await t.shows("Teams[4]", "ops-agents cowork-agents")
        await t.press("colon", *"ns all", "enter")
        await t.shows("Teams[8]", "all namespaces")


async def test_another_context(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("colon", *"ctx nowhere", "enter")
        await t.shows("name one of kind-dev, kind-other")
        await t.press("colon", *"ctx kind-other", "enter")
        await t.until(lambda: "kind-other" in t.lines()[0] and "Teams[8]" in t.text())


async def test_help_lists_keys_and_closes_with_the_same_key(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("question_mark")
        await t.shows("Keys of this view (teams)", "Approve the waiting gate")
        await t.press("question_mark")
        await t.shows("Teams[8]")


async def test_two_presses_of_ctrl_c_quit(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("ctrl+c")
        await t.shows("press ctrl-c again to quit")
        await t.press("ctrl+c")
        await t.until(lambda: not t.app.is_running)


async def test_quit_is_immediate_while_a_stream_hangs(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("j", "j", "enter")
        await t.shows("● live")
        await t.press("colon", *"quit", "enter")
        await t.until(lambda: not t.app.is_running, seconds=3)


async def test_panes_of_a_team_on_a_small_terminal(terminal):
    async with terminal(size=(80, 24)) as t:
        await start_with_rows(t)
        await t.press("j", "j", "enter")
        await t.shows("[1 agents", "test-coverage")
        assert "Endpoints" not in t.text()
        await t.press("tab")
        await t.shows("[2 mail", "Endpoints are in 3f2c1a. Which database do the integration tests use?")
        await t.press("3")
        await t.shows("[3 tasks", "after #2")
        await t.press("shift+tab", "shift+tab", "shift+tab", "shift+tab")
        await t.shows("[4 timeline", "task 1 completed by backend-api")


async def test_mail_is_searched_and_opened(terminal):
    async with terminal() as t:
        await start_with_rows(t)
        await t.press("j", "j", "enter")
        await t.shows("● live")
        await t.press("2", "slash", *"database", "enter")
        await t.until(lambda: "Task 2" not in t.text())
        await t.press("enter")
        await t.shows(
            "from       backend-api", "delivered", "not yet", "Which database do the integration tests use?"
        )


async def test_fifty_columns_are_usable(terminal):
    async with terminal(size=(50, 15)) as t:
        await t.shows("q3-report", "Running")


def data_now():
    from datetime import UTC, datetime

    return datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


async def test_a_row_that_changed_shows_it_for_a_moment(terminal, cluster, monkeypatch):
    monkeypatch.setattr("kagents_tui.widgets.cues.CUE_SECONDS", 3600)
    async with terminal() as t:
        await start_with_rows(t)
        assert not t.line("docs-sweep").startswith("•")
        cluster.change("dev-agents", "docs-sweep", lambda team: team["status"].update(ready="3/4"))
        await t.until(lambda: t.line("docs-sweep").startswith("•"))
        assert [line for line in t.lines() if line.startswith("•")] == [t.line("docs-sweep")]
        monkeypatch.setattr("kagents_tui.widgets.cues.CUE_SECONDS", 0)
        await t.until(lambda: not t.line("docs-sweep").startswith("•"))
