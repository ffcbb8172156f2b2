"""The command line about one team: its filter, its agents, and no word that is passed over."""


async def run(t, text):
    await t.press("colon", *text, "enter")


async def test_mail_and_tasks_open_filtered_and_take_another_filter(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await run(t, "mail auth-refactor /endpoints")
        await t.shows("Mail[2/5]", "live /endpoints", "Endpoints are in")
        await t.press("t")
        await t.shows("Threads[")
        await run(t, "mail auth-refactor /from:lead")
        await t.shows("/from:lead")
        assert [each.sender for each in t.app.screen.table().rows] == ["lead"] * len(
            t.app.screen.table().rows
        )
        await run(t, "tasks auth-refactor /jwt")
        await t.shows("/jwt", "Remove the JWT")
        assert "OAuth2 endpoints" not in t.text()


async def test_an_agent_is_named_behind_its_team(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("colon", *"log auth-refactor b", "tab")
        assert t.app.screen.query_one("#prompt").value == "log auth-refactor backend-api"
        await t.press("enter")
        await t.shows("auth-refactor / backend-api")
        await run(t, "message auth-refactor test-coverage")
        await t.shows("[test-coverage]", "ctrl-s send")


async def test_an_agent_that_a_team_has_not_is_told_with_those_it_has(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await run(t, "attach auth-refactor nobody")
        await t.shows("auth-refactor has no agent 'nobody'; it has lead, backend-api, test-coverage")


async def test_a_word_too_many_is_told_and_nothing_is_done(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await run(t, "kill auth-refactor now")
        await t.shows("kill takes [TEAM], but 'now' was given too")
        assert "[ Kill ]" not in t.text()
