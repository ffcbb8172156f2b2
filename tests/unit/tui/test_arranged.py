"""The rows behind a table: after every change they are as if sorted and filtered anew."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_tui.filters import read_filter, selector
from kagents_tui.widgets.arranged import Arranged, keyed
from kagents_tui.widgets.marks import Marks

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Thing:
    key: str
    rank: int
    words: str = ""


def arranged(things=(), **settings):
    made = Arranged(
        lambda thing: thing.key,
        lambda thing: f"{thing.key} {thing.words}",
        lambda thing, now: thing.rank,
        lambda thing: {"rank": str(thing.rank)},
    )
    for name, value in settings.items():
        setattr(made, name, value)
    made.replace(keyed(made.key_of, things), NOW)
    return made


def anew(made):
    """The same items, sorted and filtered from nothing."""
    items = [item for item in made.items.values() if made.passes(item, NOW)]
    value = made.sort or (lambda item: item.rank)
    return sorted(items, key=value, reverse=made.reversed and made.sort is not None)


KEYS = st.sampled_from([f"k{number}" for number in range(30)])
THINGS = st.builds(Thing, KEYS, st.integers(0, 4), st.sampled_from(["", "blue", "red blue"]))
BATCHES = st.lists(st.dictionaries(KEYS, st.none() | THINGS, max_size=4), max_size=12)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "filter": st.sampled_from([read_filter("blue"), read_filter("!red"), read_filter("-l rank=1")]),
        "selectors": st.just([selector("rank!=2")]),
        "people": st.just(lambda thing, now: thing.rank > 1),
        "sort": st.sampled_from([lambda thing: thing.words, lambda thing: -thing.rank]),
        "reversed": st.booleans(),
    },
)


@given(st.lists(THINGS, max_size=30), BATCHES, SETTINGS)
def test_changes_one_by_one_are_as_sorting_anew(things, batches, settings):
    made = arranged(things, **settings)
    assert made.rows == anew(made)
    for batch in batches:
        made.apply({key: thing and Thing(key, thing.rank, thing.words) for key, thing in batch.items()}, NOW)
        assert made.rows == anew(made)
        assert [made.index(item.key) for item in made.rows] == list(range(len(made.rows)))


@given(st.lists(THINGS, min_size=20, max_size=30), BATCHES, SETTINGS)
def test_rows_that_were_not_touched_are_the_same_as_before(things, batches, settings):
    made = arranged(things, **settings)
    for batch in batches:
        before = list(made.rows)
        touched = made.apply(
            {key: thing and Thing(key, thing.rank, thing.words) for key, thing in batch.items()}, NOW
        )
        for index in range(max(len(before), len(made.rows))):
            if not touched.within(index, index + 1):
                assert before[index] == made.rows[index]


def test_one_change_of_many_sorts_nothing_anew():
    values = []

    def order(thing, now):
        values.append(thing.key)
        return thing.rank

    made = arranged([Thing(f"t{number:05d}", number) for number in range(10_000)], order=order)
    values.clear()
    touched = made.apply({"t05000": Thing("t05000", 3)}, NOW)
    assert values == ["t05000"]
    assert made.rows[4].key == "t05000"
    assert touched.within(4, 5)
    assert not touched.within(0, 4)


def test_a_change_that_moves_nothing_touches_its_row_alone():
    made = arranged([Thing(f"t{number}", number) for number in range(100)])
    touched = made.apply({"t50": Thing("t50", 50, "other words")}, NOW)
    assert (touched.changed, touched.moved) == ({50}, None)


def test_equal_rows_keep_the_order_in_which_they_came_also_reversed():
    things = [Thing("b", 1), Thing("a", 1), Thing("c", 0)]
    made = arranged(things, sort=lambda thing: thing.rank, reversed=True)
    assert [thing.key for thing in made.rows] == ["b", "a", "c"]
    made.apply({"d": Thing("d", 1)}, NOW)
    assert [thing.key for thing in made.rows] == ["b", "a", "d", "c"]


def test_time_alone_can_make_the_order_due():
    made = Arranged(lambda t: t.key, lambda t: "", lambda t, now: t.rank if now > NOW else 0)
    made.replace(keyed(made.key_of, [Thing("a", 0), Thing("b", 1)]), NOW)
    assert not made.overdue(NOW)
    assert made.overdue(NOW.replace(year=2027))


def test_items_that_do_not_age_are_not_looked_at_again():
    looked = []

    def order(thing, now):
        looked.append(thing.key)
        return thing.rank

    made = Arranged(lambda t: t.key, lambda t: "", order, ages=lambda t: t.key == "b")
    made.replace(keyed(made.key_of, [Thing("a", 0), Thing("b", 1)]), NOW)
    looked.clear()
    assert not made.overdue(NOW)
    assert looked == ["b"]


def test_a_filter_looks_at_the_newest_text():
    made = arranged([Thing("a", 0, "red"), Thing("b", 0, "blue")], filter=read_filter("red"))
    made.apply({"b": Thing("b", 0, "red")}, NOW)
    assert [thing.key for thing in made.rows] == ["a", "b"]
    made.apply({"a": Thing("a", 0, "green")}, NOW)
    assert [thing.key for thing in made.rows] == ["b"]


ROWS = [Thing(each, 0) for each in "abcdef"]


def marks(*toggled):
    found = Marks(lambda thing: thing.key)
    for index in toggled:
        found.toggle(ROWS[index])
    return found


def test_marks_are_toggled():
    assert [thing.key for thing in marks(1, 3, 1).items] == ["d"]


@pytest.mark.parametrize(("anchor", "to", "keys"), [(1, 3, "bcd"), (3, 1, "bcd"), (2, 2, "c")])
def test_a_range_goes_from_the_last_mark_to_the_cursor(anchor, to, keys):
    found = marks(anchor)
    found.extend(ROWS, to)
    assert sorted(found.keys) == list(keys)


def test_a_range_without_any_mark_is_the_row_itself():
    found = marks()
    found.extend(ROWS, 4)
    assert found.keys == ["e"]


def test_a_mark_holds_the_object_as_it_was_when_it_was_marked():
    found = marks(0)
    found.extend([Thing("a", 99), Thing("b", 99)], 1)
    assert found.items == [Thing("a", 0), Thing("b", 99)]
