"""The history of views: where ``[``, ``]`` and ``-`` lead, and what of a view is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_tui.places import HISTORY_LIMIT, History, Look, Place, place_of

TEAMS, GATES, TEAM = Place("teams"), Place("gates"), Place("team", ("dev", "auth"))


def been(*places):
    history = History()
    for place in places:
        history.visit(place)
    return history


def test_back_and_ahead():
    history = been(TEAMS, GATES, TEAM)
    assert [history.step(-1), history.step(-1), history.step(-1)] == [GATES, TEAMS, None]
    assert [history.step(+1), history.step(+1), history.step(+1)] == [GATES, TEAM, None]


def test_the_last_view_and_again():
    history = been(TEAMS, GATES)
    assert [history.swap(), history.swap()] == [TEAMS, GATES]
    assert been(TEAMS).swap() is None
    assert History().swap() is None


def test_a_new_place_forgets_what_lay_ahead():
    history = been(TEAMS, GATES)
    history.step(-1)
    history.visit(TEAM)
    assert history.step(+1) is None
    assert history.places == [TEAMS, TEAM]
    assert history.swap() == TEAMS


def test_the_same_view_looked_at_in_another_way_is_no_new_place():
    filtered = Place("teams", look=Look(filter="auth"))
    assert been(TEAMS, filtered).places == [filtered]


def test_the_look_of_the_present_place_is_kept():
    history = been(TEAMS)
    history.look(Look(filter="x", sort="COST"))
    history.visit(GATES)
    assert history.step(-1) == Place("teams", look=Look(filter="x", sort="COST"))


def test_the_history_has_an_end():
    history = been(*(Place("team", ("dev", str(number))) for number in range(HISTORY_LIMIT + 50)))
    assert len(history.places) == HISTORY_LIMIT
    assert history.here == Place("team", ("dev", str(HISTORY_LIMIT + 49)))
    assert history.swap() == Place("team", ("dev", str(HISTORY_LIMIT + 48)))


LOOKS = st.builds(
    Look,
    filter=st.text(max_size=20),
    labels=st.lists(st.text(max_size=9), max_size=3).map(tuple),
    sort=st.none() | st.text(max_size=9),
    reversed=st.booleans(),
    wide=st.booleans(),
    people=st.booleans(),
    other=st.booleans(),
    since=st.none() | st.integers(1, 60),
)


@given(
    st.builds(
        Place, st.text(min_size=1, max_size=9), st.lists(st.text(max_size=9), max_size=3).map(tuple), LOOKS
    )
)
def test_a_place_is_written_and_read(place):
    assert place_of(place.document()) == place


@pytest.mark.parametrize(
    "document", [None, 7, "teams", [], {}, {"kind": ""}, {"kind": 3}, {"kind": None, "filter": "x"}]
)
def test_what_is_no_place_is_none(document):
    assert place_of(document) is None


def test_fields_of_the_wrong_type_read_as_absent():
    assert place_of({"kind": "teams", "about": 3, "filter": None, "sort": 5, "wide": "yes"}) == TEAMS
    for since in (True, 0, -5, 1.5, "5", 10**9):
        assert place_of({"kind": "teams", "since": since}) == TEAMS
