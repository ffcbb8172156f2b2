"""Every action of dialogs, of the line for typing and on what is written: its key has its effect."""

from datetime import UTC, datetime

import pytest

from kagents_tui.actions import BY_ID, SURFACES
from kagents_tui.actions.dialogs import IN_DIALOGS
from kagents_tui.actions.writing import WRITING
from kagents_tui.sample.stage.play import StageConnector
from kagents_tui.widgets.document import Document
from kagents_tui.widgets.prompt import Prompt
from kagents_tui.widgets.writing import Area, Field

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


def at(row):
    """The cursor of the palette is on this row."""
    return lambda t: t.app.screen.query_one("Table").cursor == row


def story(line):
    """What is asked is scrolled to this line; None: further than one line."""
    return lambda t: (
        (top := t.app.screen.query_one(Document).scroll_offset.y) == line or (line is None and top > 1)
    )


def typed(text, place=None):
    """The line is this, and the cursor in this place."""
    return lambda t: t.app.focused.value == text and place in (None, t.app.focused.cursor_position)


def selected(text):
    """So much is selected."""
    return lambda t: t.app.focused.selected_text == text


def lines(text, *place):
    """The text is this, and the cursor in this place."""
    return lambda t: t.app.focused.text == text and place in ((), t.app.focused.cursor_location)


def in_the(field):
    """A field of this kind has the focus."""
    return lambda t: isinstance(t.app.focused, field)


def prompt(open_):
    """The line for typing is there, or not."""
    return lambda t: bool(t.app.screen.query("#prompt")) is open_


DIALOGS = [
    (None, "slash", prompt(True)),
    (None, "q3\r", "Teams[1]"),
    (None, "a", "Approve spawn-email-drafter"),
    (None, "", "[ Approve ]"),
    ("story_down", "j", story(1)),
    ("story_up", "k", story(0)),
    ("story_page_down", "ctrl+f", story(None)),
    ("story_page_up", "ctrl+b", story(0)),
    ("choice_previous", "h", "[ Cancel ]"),
    ("choice_next", "l", "[ Approve ]"),
    ("field_previous", "shift+tab", "[ Cancel ]"),
    ("field_next", "tab", "[ Approve ]"),
    ("answer_no", "q", "-Approve spawn"),
    (None, "a", "Approve spawn-email-drafter"),
    ("choice_previous", "left", "[ Cancel ]"),
    ("choice_take", "space", "-Approve spawn"),
    (None, "m", "[lead]"),
    ("receiver_next", "ctrl+n", "[researcher]"),
    ("receiver_previous", "ctrl+p", "[lead]"),
    ("field_previous", "shift+tab", in_the(Field)),
    (None, "x", typed("x", 1)),
    ("line_done", "enter", in_the(Area)),
    ("field_next", "tab", "[ Send ]"),
    ("choice_previous", "h", "[ Cancel ]"),
    ("field_previous", "shift+tab", in_the(Area)),
    ("send", "ctrl+s", "the message is empty; write something, or esc"),
    ("give_up", "escape", "-the message is empty"),
    (None, "ctrl+p", "what to do"),
    ("palette_page_down", "pagedown", lambda t: not at(0)(t)),
    ("palette_page_up", "pageup", at(0)),
    ("palette_down", "down", at(1)),
    ("palette_up", "up", at(0)),
    ("give_up", "escape", "-what to do"),
    (None, "colon", prompt(True)),
    (None, "ga", typed("ga")),
    ("prompt_complete", "tab", typed("gates")),
    ("line_done", "enter", "Gates[1]"),
    (None, "colon", prompt(True)),
    ("prompt_earlier", "up", typed("gates")),
    ("prompt_later", "down", typed("")),
    ("give_up", "escape", prompt(False)),
]
ONE_LINE = [
    (None, "slash", prompt(True)),
    (None, "one two", typed("one two", 7)),
    ("text_word_left", "ctrl+left", typed("one two", 4)),
    ("text_word_right", "ctrl+right", typed("one two", 7)),
    ("text_start", "home", typed("one two", 0)),
    ("text_end", "ctrl+e", typed("one two", 7)),
    ("text_left", "left", typed("one two", 6)),
    ("text_right", "right", typed("one two", 7)),
    ("text_erase_left", "backspace", typed("one tw", 6)),
    ("text_erase_word", "ctrl+w", typed("one ", 4)),
    ("text_start", "ctrl+a", typed("one ", 0)),
    ("text_erase_right", "delete", typed("ne ", 0)),
    ("text_erase_word_right", "alt+delete", typed("", 0)),
    (None, "alpha beta", typed("alpha beta", 10)),
    ("text_select_left", "shift+left", selected("a")),
    ("text_select_right", "shift+right", selected("")),
    ("text_select_word_left", "ctrl+shift+left", selected("beta")),
    ("text_select_word_right", "ctrl+shift+right", selected("")),
    ("text_select_to_start", "shift+home", selected("alpha beta")),
    ("text_copy", "alt+c", lambda t: t.app.clipboard == "alpha beta"),
    ("text_start", "home", typed("alpha beta", 0)),
    ("text_select_to_end", "shift+end", selected("alpha beta")),
    ("text_cut", "ctrl+x", typed("", 0)),
    ("text_paste", "ctrl+v", typed("alpha beta", 10)),
    ("text_select_all", "f7", selected("alpha beta")),
    ("text_end", "end", selected("")),
    ("text_word_left", "ctrl+left", typed("alpha beta", 6)),
    ("text_erase_before", "ctrl+u", typed("beta", 0)),
    ("text_erase_after", "ctrl+k", typed("", 0)),
    ("interrupt", "ctrl+c", "press ctrl-c again to quit"),
]
SEVERAL_LINES = [
    (None, "m", "ctrl-s send"),
    (None, "one two", lines("one two", 0, 7)),
    (None, "enter", lines("one two\n", 1, 0)),
    (None, "three", lines("one two\nthree", 1, 5)),
    ("text_up", "up", lines("one two\nthree", 0, 5)),
    ("text_down", "down", lines("one two\nthree", 1, 5)),
    ("text_page_up", "pageup", lines("one two\nthree", 0, 5)),
    ("text_page_down", "pagedown", lines("one two\nthree", 1, 5)),
    ("text_select_up", "shift+up", selected("wo\nthree")),
    ("text_select_down", "shift+down", selected("")),
    ("text_select_line", "f6", selected("three")),
    ("text_erase_word", "ctrl+w", lines("one two\n", 1, 0)),
    ("text_undo", "ctrl+z", lines("one two\nthree")),
    ("text_redo", "ctrl+y", lines("one two\n")),
    ("text_erase_line", "ctrl+shift+k", lambda t: t.app.focused.text.strip() == "one two"),
    ("interrupt", "ctrl+c", "press ctrl-c again to quit"),
]
TOURS = {"dialogs": DIALOGS, "one line": ONE_LINE, "several lines": SEVERAL_LINES}


def test_every_action_is_done_by_a_key_of_its_own():
    done = {action: pressed for tour in TOURS.values() for action, pressed, _ in tour if action is not None}
    assert all(pressed in BY_ID[action].keys for action, pressed in done.items())
    assert [each.id for each in (*IN_DIALOGS, *WRITING) if each.id not in done] == []


@pytest.mark.parametrize("name", TOURS)
async def test_every_action_has_its_effect(terminal, name):
    stage = StageConnector(now=lambda: NOW, beat_seconds=10_000)
    async with terminal(size=(120, 16), connector=stage) as t:
        await t.shows("Teams[10]", "4 need you")
        for action, pressed, effect in TOURS[name]:
            if action is not None:
                surface = surface_of(t)
                assert set(BY_ID[action].scopes) & set(SURFACES[surface]), f"{action} in {surface}"
            await t.do(pressed)
            await t.comes(effect, f"{action} by {pressed!r}")


def surface_of(t):
    """What has the keys: the line for typing, a part of a dialog, or the screen."""
    focused, kind = t.app.focused, t.app.screen.kind
    if isinstance(focused, Prompt):
        return "prompt"
    if kind == "message" and not isinstance(focused, Area):
        return "summary" if isinstance(focused, Field) else "buttons"
    return kind
