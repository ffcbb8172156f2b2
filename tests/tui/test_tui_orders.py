"""Lists of a team are sorted by any column and come back as they were; hints name the keys that hold."""

import pytest

from kagents_tui.rows import mail, threads, usage
from kagents_tui.settings import Settings


async def open_view(t, view):
    await t.shows("q3-report", "api-audit")
    await t.press("colon", *f"{view} dev-agents/auth-refactor", "enter")
    await t.shows("● live", "Endpoints are in" if view == "mail" else "#2")


@pytest.mark.parametrize(
    "columns", [mail.COLUMNS, mail.FULL_COLUMNS, usage.COLUMNS], ids=["pane", "mail", "usage"]
)
def test_every_column_has_an_order(columns):
    assert [each.title for each in columns if each.sort is None] == []


def test_threads_are_sorted_by_all_but_their_words():
    assert [each.title for each in threads.COLUMNS if each.sort is None] == ["LAST MESSAGE"]


async def test_mail_is_sorted_by_its_columns_and_what_waits_comes_first(terminal):
    async with terminal() as t:
        await open_view(t, "mail")
        table = t.app.screen.table()
        for title in ("WRITTEN", "FROM, TO", "KIND", "STATE"):
            await t.press(">")
            assert table.sorted_by == title
        await t.shows("sorted: state")
        assert table.rows[0].state() == "waiting"
        values = [mail.by_state(each) for each in table.rows]
        assert values == sorted(values)
        await t.press("O")
        assert [mail.by_state(each) for each in table.rows] == sorted(values, reverse=True)


async def test_the_order_and_what_is_unread_come_back_with_the_view(terminal):
    async with terminal() as t:
        await open_view(t, "mail")
        await t.press(">", ">", "O", "u")
        await t.shows("sorted: from, to", "unread only")
        await t.press("colon", *"pulse", "enter")
        await t.shows("spend an hour")
        await t.press("[")
        await t.shows("sorted: from, to", "unread only", "● live")
        table = t.app.screen.table()
        assert (table.sorted_by, table.reversed) == ("FROM, TO", True)


async def test_a_list_with_one_order_says_so(terminal):
    async with terminal() as t:
        await t.shows("q3-report", "api-audit")
        await t.press("colon", *"pulse", "enter")
        await t.shows("spend an hour")
        await t.press(">")
        await t.shows("this list has an order of its own alone")


async def test_hints_name_the_keys_that_hold(terminal):
    settings = Settings(keys={"sort_next": ("e",), "sort_previous": ("E",), "wide": ("W",)})
    async with terminal(settings=settings) as t:
        await t.shows("q3-report", "api-audit")
        await t.press("O")
        await t.shows("choose a column first: E and e sort by one")
        await t.press("right")
        await t.shows("W shows all")


@pytest.mark.parametrize(("view", "words"), [("mail", "Threads["), ("tasks", "IN STATE")])
async def test_the_other_of_two_views_comes_back(terminal, view, words):
    async with terminal() as t:
        await open_view(t, view)
        await t.press("t")
        await t.shows(words)
        await t.press("colon", *"pulse", "enter")
        await t.shows("spend an hour")
        await t.press("[")
        await t.shows(words, "● live")
        await t.press("j", "t")
        await t.until(lambda: words not in t.text())
