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


async def test_a_question_is_answered_by_other_keys(terminal, cluster):
    changed = keys(answer_no=("n",), choice_take=("y",), choice_next=("f2",), choice_previous=("f3",))
    async with terminal(**changed) as t:
        await t.shows("q3-report", "api-audit")
        await t.press("a")
        await t.shows("[ Approve ]")
        await t.press("q", "escape", "enter", "space", "left", "h")
        await t.shows("[ Approve ]")
        await t.press("f3")
        await t.shows("[ Cancel ]")
        await t.press("n")
        await t.until(lambda: "Approve spawn" not in t.text())
        assert not any(call[0] == "patch" for call in cluster.calls)
        await t.press("a")
        await t.shows("[ Approve ]")
        await t.press("y")
        await t.shows("spawn-email-drafter of cowork-agents/q3-report approved")


async def test_an_answer_is_chosen_by_other_keys_which_the_hint_names(terminal):
    others = tuple(f"ctrl-f{number}" for number in range(1, 10))
    async with terminal(**keys(choose=others)) as t:
        await t.shows("q3-report", "api-audit")
        await t.do(":attention")
        await t.shows("Attention[4]")
        table = t.app.screen.table()
        question = [item.team.key[1] for item in table.rows].index("auth-refactor")
        table.move_to(question)
        await t.press("space")
        await t.shows("SQLite", "ctrl-f1 ctrl-f2 choose")


async def test_a_message_is_written_and_left_by_other_keys_which_the_hint_names(terminal):
    changed = keys(
        send=("ctrl-o",), give_up=("f4",), receiver_next=("f5",), field_next=("f6",), text_select_line=()
    )
    async with terminal(**changed) as t:
        await t.shows("q3-report", "api-audit")
        await t.press("m")
        await t.shows("ctrl-o send  f4 cancel  f5 ctrl-p receiver  f6 shift-tab field", "[lead]")
        await t.press("escape", "ctrl+s", "ctrl+n", "tab", "f5")
        await t.shows("[researcher]")
        await t.press("ctrl+o")
        await t.shows("the message is empty; write something, or f4")
        await t.press("f4")
        await t.until(lambda: t.app.screen.kind == "teams")


async def test_a_line_is_typed_completed_and_taken_by_other_keys(terminal):
    changed = keys(
        prompt_complete=("ctrl-t",),
        line_done=("f8",),
        give_up=("f4",),
        text_erase_before=("ctrl-k",),
        text_erase_after=(),
    )
    async with terminal(**changed) as t:
        await t.shows("q3-report", "api-audit")
        await t.press("colon", "x", "y", "ctrl+u", "tab", "enter", "escape")
        assert t.app.focused.value == "xy"
        await t.press("ctrl+k", "g", "a", "ctrl+t")
        assert t.app.focused.value == "gates"
        await t.press("f8")
        await t.shows("Gates[1]")
        await t.press("ctrl+p")
        await t.shows("what to do")
        await t.press(*"help", "enter", "f8")
        await t.shows("Keys of this view (gates)")


async def test_ctrl_c_quits_also_where_text_is_typed(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("slash", "ctrl+c")
        await t.shows("press ctrl-c again to quit")
        await t.press("ctrl+c")
        await t.until(lambda: t.app._exit)


async def test_the_buttons_of_a_dialog_are_in_view_on_a_low_terminal(terminal):
    async with terminal(size=(60, 40)) as t:
        await t.shows("q3-report", "api-audit")
        await t.press("a")
        await t.shows("[ Approve ]")
        await t.pilot.resize_terminal(60, 12)
        await t.shows("Approve spawn", "[ Approve ]")
        await t.press("escape", "m")
        await t.shows("[ Send ]", "summary")
        await t.pilot.resize_terminal(60, 10)
        await t.shows("[ Send ]", "summary")
