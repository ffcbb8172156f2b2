"""Configured keys: they do what they say, the old ones do nothing, and the whole screen shows them."""

from kagents_tui.settings import Settings


def keys(**changed):
    return {"settings": Settings(keys=changed)}


async def test_a_configured_key_acts_and_the_old_one_does_not(terminal):
    async with terminal(**keys(describe=("ctrl-x",), command=("f2",))) as t:
        await t.shows("q3-report", "api-audit", "f2 command")
        await t.press("d")
        assert "Describe" not in t.text()
        await t.press("ctrl+x")
        await t.shows("Describe")
        await t.press("escape", "colon")
        assert not t.app.screen.query("#prompt")
        await t.press("f2")
        assert t.app.screen.query("#prompt")


async def test_two_keys_swapped_act_as_they_are_shown(terminal):
    async with terminal(**keys(approve=("r",), deny=("a",))) as t:
        await t.shows("q3-report", "r approve", "a deny")
        await t.press("a")
        await t.shows("Deny spawn-email-drafter")
        await t.press("escape", "r")
        await t.shows("Approve spawn-email-drafter")


async def test_an_action_gets_more_keys_and_another_none(terminal):
    async with terminal(**keys(down=("X", "f9", "f10"), suspend=())) as t:
        await t.shows("q3-report", "api-audit", ":suspend suspend")
        await t.press("X", "f9", "f10")
        assert t.app.screen.table().cursor == 3
        await t.press("j", "down", "s")
        assert t.app.screen.table().cursor == 3
        assert type(t.app.screen).__name__ == "TeamsScreen"


async def test_a_printable_key_is_typed_where_one_types(terminal):
    async with terminal(**keys(describe=("X",), filter=("z",))) as t:
        await t.shows("q3-report", "api-audit")
        await t.press("z", "X", "z")
        await t.shows("Teams[0]", "/Xz")


async def test_help_shows_the_keys_that_hold(terminal):
    async with terminal(**keys(kill=("ctrl-x",), help=("f1",))) as t:
        await t.shows("q3-report", "f1 help")
        await t.press("f1")
        await t.shows("Keys of this view", "ctrl-x")
        assert "ctrl-k " not in t.text()


async def test_quitting_by_another_key_and_the_hint_that_names_it(terminal):
    async with terminal(**keys(quit=("f12",), interrupt=("f11",))) as t:
        await t.shows("q3-report")
        await t.press("f11")
        await t.shows("press f11 again to quit")
        await t.press("ctrl+q")
        assert t.app.is_running
        await t.press("f12")
        await t.until(lambda: t.app._exit)
