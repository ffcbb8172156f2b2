"""The palette: every action of a view by its words."""

from kagents_tui.settings import Settings


async def test_an_action_is_found_by_its_words_and_done(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("ctrl+p")
        await t.shows("what to do")
        await t.press(*"sort cost")
        await t.shows("sort: cost")
        await t.press("enter")
        await t.until(lambda: t.app.screen.table().sorted_by == "COST")


async def test_what_is_dangerous_still_asks_and_escape_does_nothing(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("ctrl+p", *"cancel", "enter")
        await t.shows("Kill cowork-agents/q3-report?", "[ Cancel ]")
        await t.press("escape", "ctrl+p", "down", "up", "escape")
        await t.until(lambda: t.app.screen.kind == "teams")


async def test_a_line_for_typing_opens_from_the_palette(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("ctrl+p", *"regular", "enter", *"api-audit", "enter")
        await t.shows("Teams[1] /api-audit")


async def test_it_has_the_keys_that_hold_and_nothing_that_a_read_only_session_may_not(terminal):
    settings = Settings(keys={"palette": ("f2",), "wide": ("W",)})
    async with terminal(settings=settings, read_only=True, ascii=True, size=(50, 20)) as t:
        await t.shows("q3-report", "api-audit")
        await t.press("f2", *"all columns")
        await t.shows("wide", "W")
        assert t.text().isascii()
        await t.press(*["backspace"] * 11, *"kill")
        await t.shows("no row matches the filter")
        await t.press("enter")
        await t.shows("no row matches the filter")
