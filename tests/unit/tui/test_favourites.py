"""Namespaces on digits, and the lists to choose namespaces and contexts from."""

from datetime import UTC, datetime

from kagents_tui.favourites import PLACES, Favourites
from kagents_tui.rows import choices, teams
from kagents_tui.rows.cells import Scene
from kagents_tui.rows.symbols import ASCII
from kagents_tui.sample import data

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
TEAMS = [teams.project(each) for each in data.teams(NOW)]


def test_the_fullest_namespaces_come_first_and_keep_their_digits():
    found = Favourites()
    found.see(["ops", "dev", "dev", "ci"])
    assert found.names == ["dev", "ci", "ops"]
    found.see(["new", "new", "new", "dev"])
    assert found.names == ["dev", "ci", "ops", "new"]


def test_a_namespace_that_was_chosen_takes_the_digit_of_one_that_never_was():
    found = Favourites()
    found.see(f"ns-{number}" for number in range(20))
    assert len(found.names) == PLACES
    last = found.names[-1]
    found.use(last)
    found.use("mine")
    assert found.names[-1] == last
    assert found.names[-2] == "mine"
    assert "ns-19" in found.known


def test_when_all_were_chosen_the_one_longest_ago_gives_way():
    found = Favourites()
    for number in range(PLACES):
        found.use(f"ns-{number}")
    found.use("ns-0")
    found.use("late")
    assert "ns-1" not in found.names
    assert {"ns-0", "late"} <= set(found.names)


def spaces(**settings):
    known = {"names": ["empty"], "here": (), "digits": ["dev-agents"], "created": {}}
    return choices.spaces_of(teams=TEAMS, **(known | settings))


def test_namespaces_have_the_sums_of_their_teams():
    by_name = {space.name: space for space in spaces()}
    assert by_name[choices.ALL].teams == len(TEAMS)
    assert by_name["empty"].teams == 0
    assert sum(space.teams for name, space in by_name.items() if name != choices.ALL) == len(TEAMS)
    assert next(space.name for space in spaces()) == choices.ALL
    assert by_name["dev-agents"].digit == 1


def test_what_is_shown_now_is_marked():
    assert [space.name for space in spaces() if space.here] == [choices.ALL]
    assert [space.name for space in spaces(here=("empty",)) if space.here] == ["empty"]


def test_a_hostile_name_is_shown_harmless_and_kept_as_it_is():
    (context,) = choices.contexts_of(["evil\x1b[2J"], None)
    assert context.name == "evil\x1b[2J"
    shown = choices.CONTEXTS[1].cell(context, Scene(NOW, ASCII)).text
    assert "\x1b" not in shown
