"""Starting again: the last view, its filter and order, the namespaces, the command lines."""

import pytest

from kagents_tui.actions import ACTIONS
from kagents_tui.navigation import DRILLED, ROOT, show
from kagents_tui.places import Place
from kagents_tui.returning import write_down
from kagents_tui.sample.cluster import SampleConnector
from kagents_tui.settings import Settings
from kagents_tui.theme import PALETTES, choose


@pytest.fixture
def state(tmp_path):
    return tmp_path / "kagents" / "terminal.json"


async def test_the_last_view_comes_back_as_it_was_left(terminal, state):
    async with terminal(state=state) as t:
        await t.shows("q3-report", "api-audit")
        await t.press("slash", *"dev-a|cowork", "enter")
        await t.shows("Teams[5]")
        await t.press("N")
        await t.press("colon", *"gates", "enter")
        await t.shows("Gates[1]")
        await t.press("ctrl+q")
    async with terminal(state=state) as t:
        await t.shows("Gates[1]")
        await t.press("escape")
        await t.shows("Teams[5]", "sorted: name", "/dev-a|cowork")
        await t.press("colon", "up")
        await t.until(lambda: t.app.screen.query_one("#prompt").value == "gates")


async def test_a_team_comes_back_and_one_that_is_gone_does_not(terminal, state, cluster):
    async with terminal(state=state) as t:
        await t.shows("q3-report", "api-audit")
        await t.press("j", "j", "enter")
        await t.shows("dev-agents / auth-refactor", "live")
        await t.press("ctrl+q")
    async with terminal(state=state) as t:
        await t.shows("dev-agents / auth-refactor", "live")
        await t.press("ctrl+q")
    cluster.remove("dev-agents", "auth-refactor")
    async with terminal(state=state) as t:
        await t.shows("Teams[7]")
        await t.pilot.pause()
        assert type(t.app.screen).__name__ == "TeamsScreen"


async def test_namespaces_come_back_for_their_context_alone(terminal, state, cluster):
    async with terminal(state=state) as t:
        await t.shows("Teams[8]")
        await t.press("colon", *"ns dev-agents", "enter")
        await t.shows("Teams[4]")
        await t.press("colon", *"ctx kind-other", "enter")
        await t.shows("Teams[8]", "kind-other")
        await t.press("ctrl+q")
    async with terminal(state=state) as t:
        await t.shows("Teams[4]", "kind-dev", "dev-agents")
    async with terminal(state=state, namespaces=("ops-agents",)) as t:
        await t.shows("Teams[3]", "ops-agents")
    async with terminal(state=state, all_namespaces=True) as t:
        await t.shows("Teams[8]", "all namespaces")


async def test_how_logs_are_read_comes_back(terminal, state):
    async with terminal(state=state) as t:
        await t.shows("q3-report", "api-audit")
        await t.do(":log auth-refactor")
        await t.shows("auth-refactor / lead", "follow on")
        await t.press("w", "t", "2")
        await t.shows("last 5m")
        await t.press("ctrl+q")
    async with terminal(state=state) as t:
        await t.shows("auth-refactor / lead", "last 5m")
        book = t.app.screen.book()
        assert (book.wrap, book.stamps) == (False, False)
        await t.press("escape")
        await t.shows("Teams[8]")
        await t.do(":log q3-report")
        await t.shows("q3-report / lead", "follow")
        book = t.app.screen.book()
        assert (book.wrap, book.stamps, t.app.screen.minutes) == (False, False, None)
        await t.press("w", "t", "left_square_bracket", "left_square_bracket")
        await t.shows("auth-refactor / lead", "last 5m")
        book = t.app.screen.book()
        assert (book.wrap, book.stamps) == (True, True)


async def test_a_chosen_theme_comes_back_until_the_configured_one_is_changed(terminal, state):
    async with terminal(state=state, settings=Settings(theme="light")) as t:
        await t.shows("q3-report", "api-audit")
        assert t.app.theme == "kagents-light"
        await t.do(":theme tritanopia")
        await t.shows("theme tritanopia, remembered")
        await t.press("ctrl+q")
    async with terminal(state=state, settings=Settings(theme="light")) as t:
        assert t.app.theme == "kagents-tritanopia"
        await t.shows("q3-report", "api-audit")
        assert ground(t) == PALETTES["tritanopia"].background
    async with terminal(state=state, settings=Settings(theme="high-contrast")) as t:
        await t.shows("q3-report", "api-audit")
        assert t.app.theme == "kagents-high-contrast"
    choose("dark")


def ground(t):
    """The colour behind the first line."""
    strip = t.app.screen._compositor.render_strips()[0]
    return next(iter(strip)).style.bgcolor.get_truecolor().hex


async def test_another_context_does_not_get_the_view(terminal, state, cluster):
    async with terminal(state=state) as t:
        await t.shows("q3-report", "api-audit")
        await t.press("colon", *"gates", "enter")
        await t.shows("Gates[1]")
        await t.press("ctrl+q")
    async with terminal(state=state, connector=SampleConnector(cluster, name="kind-third")) as t:
        await t.shows("Teams[8]", "kind-third")


async def test_a_broken_file_is_said_and_nothing_else(terminal, state):
    state.parent.mkdir()
    state.write_text("{broken")
    async with terminal(state=state) as t:
        await t.shows("Teams[8]", "could not be used and is now terminal.unusable")


async def test_where_a_killed_terminal_was_is_known_too(terminal, state):
    async with terminal(state=state) as t:
        await t.shows("q3-report", "api-audit")
        await t.press("colon", *"gates", "enter")
        await t.shows("Gates[1]")
        await t.until(lambda: state.exists() and '"gates"' in state.read_text())


@pytest.mark.parametrize("kind", sorted({each.id for each in ACTIONS if each.opens} - {ROOT} | set(DRILLED)))
async def test_where_a_person_is_can_be_written_down_before_the_view_is_drawn(terminal, state, kind):
    async with terminal(state=state) as t:
        await t.shows("q3-report", "api-audit")
        about = ("cowork-agents", "q3-report", "lead")
        show(t.app, Place(kind, about))
        assert not t.app.screen.is_mounted
        write_down(t.app)
        await t.until(lambda: t.app.screen.is_mounted)
